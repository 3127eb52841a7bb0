import { LabIcon, ReactWidget, SidePanel, UseSignal } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import type { AccordionPanel } from '@lumino/widgets';
import * as React from 'react';
import type { PipelineModel } from '../model';
import { ExpectationsView } from './expectations';
import { FindingsView } from './findings';
import { FlowView } from './flow';
import { MonitorView } from './monitor';
import { RunsView } from './runs';
import { StagesView } from './stages';

export const icon = new LabIcon({
  name: 'nbprod:pipeline',
  svgstr:
    '<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24"><g class="jp-icon3" fill="#616161">' +
    '<rect x="3" y="3" width="7" height="6" rx="1.5"/><rect x="14" y="9" width="7" height="6" rx="1.5"/>' +
    '<rect x="3" y="15" width="7" height="6" rx="1.5"/><path d="M10 5.4h3.2v4.8h-1.4V6.8H10zM10 17.2h1.8v-3.4h1.4v4.8H10z"/></g></svg>'
});

type View = (props: { model: PipelineModel }) => JSX.Element;

/** Each view, and what is asked for when its section is unfolded. */
const VIEWS: [string, View, ((model: PipelineModel) => void)?][] = [
  ['Flow', FlowView],
  ['Findings', FindingsView],
  ['Expectations', ExpectationsView],
  ['Runs', RunsView],
  ['Stages', StagesView],
  ['Monitor', MonitorView, model => void (model.panel && model.watch.load())]
];

const FOLDED = ['Expectations', 'Stages', 'Monitor'];

/** The sidebar: one section a view, as JupyterLab's own debugger has it. */
export class PipelinePanel extends SidePanel {
  constructor(readonly model: PipelineModel) {
    super();
    this.id = 'nbprod-panel';
    this.title.icon = icon;
    this.title.caption = 'Pipeline';
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', 'Pipeline');
    for (const [title, view, shown] of VIEWS) {
      const section = new Section(model, view, shown);
      section.title.label = title;
      this.addWidget(section);
    }
    // Room first for what most people look at first
    VIEWS.forEach(([title], index) => FOLDED.includes(title) && (this.content as AccordionPanel).collapse(index));
  }

  /** Unfold the section of that title. */
  open(title: string): void {
    (this.content as AccordionPanel).expand(VIEWS.findIndex(([name]) => name === title));
  }
}

class Section extends ReactWidget {
  constructor(
    readonly model: PipelineModel,
    readonly view: View,
    readonly shown: (model: PipelineModel) => void = () => undefined
  ) {
    super();
    this.addClass('jp-nbprod-section');
  }

  render(): JSX.Element {
    return <UseSignal signal={this.model.changed}>{() => this._body()}</UseSignal>;
  }

  protected onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this.shown(this.model);
    this.update();
  }

  /** A section that nobody sees stays as it was: an equal element costs React nothing. */
  private _body(): JSX.Element {
    if (this.isVisible || !this._last) {
      this._last = <Body model={this.model} view={this.view} />;
    }
    return this._last;
  }

  private _last: JSX.Element | null = null;
}

function Body({ model, view: Shown }: { model: PipelineModel; view: View }): JSX.Element {
  if (!model.panel) {
    return <p className="jp-nbprod-hint">Open a notebook to see its pipeline.</p>;
  }
  if (model.loading !== 'failed' && !model.study) {
    return (
      <p className="jp-nbprod-hint" role="status">
        Studying the notebook…
      </p>
    );
  }
  const problem = model.loading === 'failed' && (
    <div role="alert" className="jp-nbprod-problem">
      <p>{model.problem}</p>
      {model.study && <p>What is shown is from before.</p>}
      <button className="jp-mod-styled" onClick={() => void model.refresh()}>
        Try again
      </button>
    </div>
  );
  return (
    <>
      {problem}
      {model.study && <Shown model={model} />}
    </>
  );
}
