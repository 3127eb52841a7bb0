import * as React from 'react';
import type { PipelineModel } from '../model';
import { canBeStaged, taggingOf } from '../tags';

/** The stages with their cells; a cell is dragged to another stage, or moved there with its picker. */
export function StagesView({ model }: { model: PipelineModel }): JSX.Element {
  const cells = model.panel?.content.widgets.filter(cell => canBeStaged(cell.model)) ?? [];
  const groups = [...model.stageNames, ''];
  const move = (id: string, stage: string) => {
    const cell = cells.find(one => one.model.id === id);
    if (cell) {
      model.tag(cell.model, stage || null);
    }
  };
  return (
    <>
      {groups.map(stage => {
        const members = cells.filter(cell => (taggingOf(cell.model).stage ?? '') === stage);
        return (
          <div
            key={stage}
            className="jp-nbprod-group"
            onDragOver={event => event.preventDefault()}
            onDrop={event => move(event.dataTransfer.getData('text/plain'), stage)}
          >
            <h4>{stage || 'In no stage'}</h4>
            {members.length === 0 && <p className="jp-nbprod-hint">No cells.</p>}
            <ul className="jp-nbprod-list">
              {members.map(cell => (
                <li
                  key={cell.model.id}
                  draggable
                  onDragStart={event => event.dataTransfer.setData('text/plain', cell.model.id)}
                >
                  <code className="jp-nbprod-line">{firstLine(cell.model.sharedModel.getSource())}</code>
                  <select
                    aria-label="Move to stage"
                    value={stage}
                    onChange={event => move(cell.model.id, event.target.value)}
                  >
                    {groups.map(one => (
                      <option key={one} value={one}>
                        {one || '(none)'}
                      </option>
                    ))}
                  </select>
                </li>
              ))}
            </ul>
          </div>
        );
      })}
    </>
  );
}

function firstLine(source: string): string {
  const lines = source.split('\n').filter(line => line.trim() && !line.startsWith('%%stage'));
  return lines[0] ?? '(empty)';
}
