import * as React from 'react';
import type { Proposal } from '../client';
import type { PipelineModel } from '../model';
import { fitting, STEP, zoomed } from '../zoom';

/** The flow as the server draws it, so that the panel, the magics and the command line show one picture. */
export function FlowView({ model }: { model: PipelineModel }): JSX.Element {
  return model.stageNames.length ? <Picture model={model} /> : <NoStages model={model} />;
}

function Picture({ model }: { model: PipelineModel }): JSX.Element {
  const frame = React.useRef<HTMLDivElement>(null);
  const paper = React.useRef<HTMLDivElement>(null);
  // Null is "as the frame is wide"
  const [scale, setScale] = React.useState<number | null>(null);
  const [frameWidth, setFrameWidth] = React.useState(0);
  const natural = React.useMemo(() => Number(/ width="([\d.]+)"/.exec(model.picture)?.[1] ?? 320), [model.picture]);
  const shown = scale ?? fitting(natural, frameWidth);

  React.useEffect(() => {
    const watch = new ResizeObserver(([entry]) => setFrameWidth(entry.contentRect.width));
    watch.observe(frame.current!);
    return () => watch.disconnect();
  }, []);
  React.useLayoutEffect(() => draw(paper.current!, model.picture), [model.picture]);

  const zoom = (factor: number, x?: number, y?: number) => {
    const node = frame.current!;
    const look = { scale: shown, left: node.scrollLeft, top: node.scrollTop };
    const next = zoomed(look, factor, x ?? node.clientWidth / 2, y ?? node.clientHeight / 2);
    setScale(next.scale);
    requestAnimationFrame(() => node.scrollTo(next.left, next.top));
  };
  React.useEffect(() => {
    const node = frame.current!;
    const turned = (event: WheelEvent) => {
      if (event.ctrlKey || event.metaKey) {
        event.preventDefault();
        const { left, top } = node.getBoundingClientRect();
        zoom(event.deltaY < 0 ? STEP : 1 / STEP, event.clientX - left, event.clientY - top);
      }
    };
    // React's own listeners are passive: they can't keep the page from zooming
    node.addEventListener('wheel', turned, { passive: false });
    return () => node.removeEventListener('wheel', turned);
  });

  const goTo = (target: EventTarget) => {
    const name = (target as Element).closest<SVGGElement>('[data-stage]')?.dataset.stage;
    const stage = model.study?.flow.stages.find(one => one.name === name);
    if (stage) {
      model.goTo(stage.cells[0]);
    }
  };
  const pressed = (event: React.KeyboardEvent) => {
    const keys: { [key: string]: () => void } = {
      '+': () => zoom(STEP),
      '=': () => zoom(STEP),
      '-': () => zoom(1 / STEP),
      '0': () => setScale(null),
      Enter: () => goTo(event.target),
      ' ': () => goTo(event.target)
    };
    const act = event.ctrlKey || event.metaKey || event.altKey ? undefined : keys[event.key];
    if (act) {
      event.preventDefault();
      act();
    }
  };

  return (
    <>
      <div className="jp-nbprod-zoom" role="toolbar" aria-label="Zoom">
        <button className="jp-Button jp-mod-minimal" aria-label="Zoom out" title="Zoom out (−)" onClick={() => zoom(1 / STEP)}>
          −
        </button>
        <button className="jp-Button jp-mod-minimal" title="Fit the width (0)" onClick={() => setScale(null)}>
          Fit
        </button>
        <button className="jp-Button jp-mod-minimal" aria-label="Zoom in" title="Zoom in (+)" onClick={() => zoom(STEP)}>
          +
        </button>
      </div>
      <div
        className="jp-nbprod-picture"
        data-test="picture"
        ref={frame}
        role="group"
        aria-label="The flow: stages and what passes between them"
        tabIndex={0}
        onClick={event => goTo(event.target)}
        onKeyDown={pressed}
        onPointerDown={dragged}
      >
        <div style={{ width: natural * shown }} ref={paper} />
      </div>
    </>
  );
}

/** Show the picture; parts of it that are as they were stay the same nodes, and keep their focus. */
function draw(paper: HTMLElement, picture: string): void {
  const template = document.createElement('template');
  // The server escapes every text in it.
  template.innerHTML = picture;
  const next = template.content.querySelector('svg');
  const shown = paper.querySelector('svg');
  if (next) {
    makeReachable(next);
  }
  if (!next || shown?.childElementCount !== next.childElementCount) {
    paper.replaceChildren(...(next ? [next] : []));
    return;
  }
  for (const { name, value } of next.attributes) {
    shown.setAttribute(name, value);
  }
  const parts = [...next.children];
  [...shown.children].forEach((part, place) => part.isEqualNode(parts[place]) || part.replaceWith(parts[place]));
}

/** Stages can be focused and pressed. */
function makeReachable(picture: SVGSVGElement): void {
  picture.querySelectorAll<SVGGElement>('[data-stage]').forEach(node => {
    node.setAttribute('tabindex', '0');
    node.setAttribute('role', 'button');
    node.setAttribute('aria-label', node.querySelector('title')?.textContent ?? '');
  });
  // What can be pressed is no part of one picture
  picture.setAttribute('role', 'group');
}

/** The picture moves with the pointer while it is pressed. */
function dragged(start: React.PointerEvent<HTMLElement>): void {
  const node = start.currentTarget;
  const from = { x: start.clientX, y: start.clientY, left: node.scrollLeft, top: node.scrollTop };
  const move = (event: PointerEvent) =>
    node.scrollTo(from.left + from.x - event.clientX, from.top + from.y - event.clientY);
  const end = () => {
    window.removeEventListener('pointermove', move);
    window.removeEventListener('pointerup', end);
    window.removeEventListener('pointercancel', end);
  };
  window.addEventListener('pointermove', move);
  window.addEventListener('pointerup', end);
  window.addEventListener('pointercancel', end);
}

function NoStages({ model }: { model: PipelineModel }): JSX.Element {
  const [problem, setProblem] = React.useState('');
  const [isAsking, setIsAsking] = React.useState(false);
  const { proposal } = model;
  const propose = () => {
    setIsAsking(true);
    setProblem('');
    model
      .suggest()
      .catch(error => setProblem(String(error.message ?? error)))
      .finally(() => setIsAsking(false));
  };
  if (!proposal) {
    return (
      <>
        <p className="jp-nbprod-hint">No cell has a stage yet. Pick one in a cell's toolbar, or let nbprod propose.</p>
        <button className="jp-mod-styled" data-test="suggest" disabled={isAsking} onClick={propose}>
          {isAsking ? 'Reading the notebook…' : 'Suggest stages'}
        </button>
        {problem && <p role="alert" className="jp-nbprod-problem">{problem}</p>}
      </>
    );
  }
  return <ProposalView model={model} proposal={proposal} />;
}

function ProposalView({ model, proposal }: { model: PipelineModel; proposal: Proposal }): JSX.Element {
  return (
    <>
      {!proposal.stages.length && <p className="jp-nbprod-hint">No cell looks like a part of a pipeline.</p>}
      <ul className="jp-nbprod-list" aria-label="Proposed stages">
        {proposal.stages.map(({ cell, stage, kind, time, reason }) => (
          <li key={cell}>
            <button className="jp-nbprod-link" onClick={() => model.goTo(cell)}>
              Cell {cell + 1} → <b>{stage}</b> <small>{time ? `${kind}, time ${time}` : kind}</small>
            </button>
            <div className="jp-nbprod-hint">{reason}</div>
          </li>
        ))}
        {proposal.parameters.map(({ parameter, reason }) => (
          <li key={parameter.name}>
            Parameter <code>{parameter.name}</code>
            <div className="jp-nbprod-hint">{reason}</div>
          </li>
        ))}
      </ul>
      <div className="jp-nbprod-buttons">
        <button
          className="jp-mod-styled jp-mod-accept"
          data-test="accept"
          disabled={!proposal.stages.length}
          onClick={() => model.accept(proposal)}
        >
          Accept all
        </button>
        <button className="jp-mod-styled" onClick={() => model.dismiss()}>
          Dismiss
        </button>
      </div>
    </>
  );
}
