import type { ICellModel } from '@jupyterlab/cells';

/**
 * Where a cell's stage is kept: in its magic line if it has one, else in its tags. The grammar is that of
 * nbprod/notebook/lines.py. All edits go through the shared model, so that undo and collaboration work.
 */
const PREFIX = 'stage:';
const STAGE_LINE = /^(\s*%%stage[ \t]+)([^\s-]\S*)/;
const OWN_LINE = /^\s*%%(expect|parameters)\b/;

export type Tagging = { stage: string | null; by: 'magic' | 'tag' | null };

function tagsOf(cell: ICellModel): string[] {
  const tags = cell.getMetadata('tags');
  return Array.isArray(tags) ? tags.filter(tag => typeof tag === 'string') : [];
}

/** Whether the cell can belong to a stage: code that isn't nbprod's own. */
export function canBeStaged(cell: ICellModel): boolean {
  return cell.type === 'code' && !OWN_LINE.test(cell.sharedModel.getSource());
}

export function taggingOf(cell: ICellModel): Tagging {
  const line = STAGE_LINE.exec(cell.sharedModel.getSource());
  if (line) {
    return { stage: line[2], by: 'magic' };
  }
  const tag = tagsOf(cell).find(one => one.startsWith(PREFIX));
  return tag ? { stage: tag.slice(PREFIX.length), by: 'tag' } : { stage: null, by: null };
}

/** The source with its magic line naming `stage`, or without that line. */
function withStageLine(source: string, stage: string | null): string {
  return stage
    ? source.replace(STAGE_LINE, (_, head: string) => head + stage)
    : source.replace(/^\s*%%stage[^\n]*\n?/, '');
}

export function setStage(cell: ICellModel, stage: string | null): void {
  const shared = cell.sharedModel;
  shared.transact(() => {
    if (taggingOf(cell).by === 'magic') {
      shared.setSource(withStageLine(shared.getSource(), stage));
      return;
    }
    const kept = tagsOf(cell).filter(tag => !tag.startsWith(PREFIX));
    const tags = stage ? [...kept, PREFIX + stage] : kept;
    if (tags.length) {
      cell.setMetadata('tags', tags);
    } else {
      cell.deleteMetadata('tags');
    }
  });
}
