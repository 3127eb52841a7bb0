import * as React from 'react';
import type { PipelineModel } from '../model';

const STEP = 1.25;

/** The flow as the server draws it, so that the panel, the magics and the command line show one picture. */
export function FlowView({ model }: { model: PipelineModel }): JSX.Element {
  const [scale, setScale] = React.useState(0);
  const frame = React.useRef<HTMLDivElement>(null);
  const { study } = model;

  const goTo = (event: React.SyntheticEvent) => {
    const name = (event.target as Element).closest<SVGGElement>('[data-stage]')?.dataset.stage;
    const stage = study?.flow.stages.find(one => one.name === name);
    if (stage) {
      model.goTo(stage.cells[0]);
    }
  };

  React.useEffect(() => {
    frame.current?.querySelectorAll<SVGGElement>('[data-stage]').forEach(node => {
      node.setAttribute('tabindex', '0');
      node.setAttribute('role', 'button');
      node.setAttribute('aria-label', node.querySelector('title')?.textContent ?? '');
    });
    // What can be pressed is no part of one picture
    frame.current?.querySelector('svg')?.setAttribute('role', 'group');
  }, [model.picture]);

  if (!study?.flow.stages.length) {
    return <NoStages model={model} />;
  }
  const width = scale ? { width: `${scale * 100}%`, maxWidth: 'none' } : undefined;
  return (
    <>
      <div className="jp-nbprod-zoom" role="toolbar" aria-label="Zoom">
        <button className="jp-Button jp-mod-minimal" title="Zoom out" onClick={() => setScale((scale || 1) / STEP)}>
          −
        </button>
        <button className="jp-Button jp-mod-minimal" title="Fit the width" onClick={() => setScale(0)}>
          Fit
        </button>
        <button className="jp-Button jp-mod-minimal" title="Zoom in" onClick={() => setScale((scale || 1) * STEP)}>
          +
        </button>
      </div>
      <div
        className="jp-nbprod-picture"
        data-zoomed={scale !== 0}
        ref={frame}
        tabIndex={scale ? 0 : undefined}
        onClick={goTo}
        onKeyDown={event => (event.key === 'Enter' || event.key === ' ') && (event.preventDefault(), goTo(event))}
      >
        {/* The server escapes every text in it. */}
        <div style={width} dangerouslySetInnerHTML={{ __html: model.picture }} />
      </div>
    </>
  );
}

function NoStages({ model }: { model: PipelineModel }): JSX.Element {
  const [problem, setProblem] = React.useState('');
  const [reasons, setReasons] = React.useState<{ cell: number; stage: string; reason: string }[] | null>(null);
  const propose = () =>
    model.suggest().then(
      proposal => setReasons(proposal.stages),
      error => setProblem(String(error.message ?? error))
    );
  if (!reasons) {
    return (
      <>
        <p className="jp-nbprod-hint">No cell has a stage yet. Pick one in a cell's toolbar, or let nbprod propose.</p>
        <button className="jp-mod-styled" data-test="suggest" onClick={() => void propose()}>
          Suggest stages
        </button>
        {problem && <p role="alert" className="jp-nbprod-problem">{problem}</p>}
      </>
    );
  }
  return (
    <>
      <ul className="jp-nbprod-list">
        {reasons.map(({ cell, stage, reason }) => (
          <li key={cell}>
            <button className="jp-nbprod-link" onClick={() => model.goTo(cell)}>
              Cell {cell + 1} → <b>{stage}</b>
            </button>
            <div className="jp-nbprod-hint">{reason}</div>
          </li>
        ))}
      </ul>
      <button
        className="jp-mod-styled jp-mod-accept"
        data-test="accept"
        disabled={!reasons.length}
        onClick={() => model.accept({ stages: reasons })}
      >
        Accept all
      </button>
      <button className="jp-mod-styled" onClick={() => setReasons(null)}>
        Dismiss
      </button>
    </>
  );
}
