import * as React from 'react';
import type { PipelineModel } from '../model';
import { canBeStaged, taggingOf } from '../tags';

/** The stages with their cells; a cell is dragged to another stage, or moved there with its list. */
export function StagesView({ model }: { model: PipelineModel }): JSX.Element {
  const [target, setTarget] = React.useState<string | null>(null);
  const cells = model.panel?.content.widgets.filter(cell => canBeStaged(cell.model)) ?? [];
  const groups = [...model.stageNames, ''];
  const stageOf = new Map(cells.map(cell => [cell, taggingOf(cell.model).stage ?? '']));
  const move = (id: string, stage: string) => {
    const cell = cells.find(one => one.model.id === id);
    if (cell) {
      model.tag(cell.model, stage || null);
    }
  };
  if (!cells.length) {
    return <p className="jp-nbprod-hint">The notebook has no code cells yet.</p>;
  }
  return (
    <>
      {groups.map(stage => {
        const members = cells.filter(cell => stageOf.get(cell) === stage);
        return (
          <section
            key={stage}
            className="jp-nbprod-group"
            data-test-group={stage || 'none'}
            data-target={target === stage}
            onDragOver={event => {
              event.preventDefault();
              setTarget(stage);
            }}
            onDragLeave={() => setTarget(null)}
            onDrop={event => {
              event.preventDefault();
              setTarget(null);
              move(event.dataTransfer.getData('text/plain'), stage);
            }}
          >
            <h4>{stage || 'In no stage'}</h4>
            {members.length === 0 && <p className="jp-nbprod-hint">No cells. Drag one here.</p>}
            <ul className="jp-nbprod-list">
              {members.map(cell => {
                const line = firstLine(cell.model.sharedModel.getSource());
                return (
                  <li
                    key={cell.model.id}
                    draggable
                    onDragStart={event => event.dataTransfer.setData('text/plain', cell.model.id)}
                  >
                    <code className="jp-nbprod-line" title={line}>
                      {line}
                    </code>
                    <select
                      aria-label={`Stage of the cell ${line}`}
                      value={stage}
                      onChange={event => move(cell.model.id, event.target.value)}
                    >
                      {groups.map(one => (
                        <option key={one} value={one}>
                          {one || 'no stage'}
                        </option>
                      ))}
                    </select>
                  </li>
                );
              })}
            </ul>
          </section>
        );
      })}
    </>
  );
}

function firstLine(source: string): string {
  const lines = source.split('\n').filter(line => line.trim() && !line.startsWith('%%stage'));
  return lines[0] ?? '(empty)';
}
