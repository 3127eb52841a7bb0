import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import type { PipelineModel } from '../model';
import { taggingOf } from '../tags';

const HUES = 8;

/** A coloured bar at each staged cell, and the stage's name where a stage begins. */
export function keepCellsMarked(tracker: INotebookTracker, model: PipelineModel): void {
  const mark = () => tracker.currentWidget && markCells(tracker.currentWidget, model);
  model.changed.connect(mark);
  tracker.currentChanged.connect(mark);
}

function markCells(panel: NotebookPanel, model: PipelineModel): void {
  const places = new Map(model.stageNames.map((name, place) => [name, place]));
  let before: string | null = null;
  for (const cell of panel.content.widgets) {
    if (cell.model.type !== 'code') {
      continue;
    }
    const { stage } = taggingOf(cell.model);
    const place = (stage && places.get(stage)) || 0;
    put(cell.node, 'nbprodStage', stage);
    put(cell.node, 'nbprodHue', stage ? String(place % HUES) : null);
    put(cell.node, 'nbprodBegins', stage && stage !== before ? 'true' : null);
    before = stage;
  }
}

/** Even an equal write to an attribute makes the browser lay the cell out again. */
function put(node: HTMLElement, key: string, value: string | null): void {
  if ((node.dataset[key] ?? null) === value) {
    return;
  }
  if (value === null) {
    delete node.dataset[key];
  } else {
    node.dataset[key] = value;
  }
}
