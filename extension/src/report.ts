import type { JupyterFrontEnd } from '@jupyterlab/application';
import { IFrame, MainAreaWidget } from '@jupyterlab/apputils';
import type { PipelineModel } from './model';
import { icon } from './views/panel';

/** The monitor's reports that are open, one a notebook: each in a tab, or where there are no tabs in the browser's. */
export class Reports {
  constructor(
    readonly app: JupyterFrontEnd,
    readonly model: PipelineModel
  ) {
    model.watch.reportAsked.connect(() => this.open());
    model.watch.seenAnew.connect(() => this._tabs.get(model.path)?.load(this._url(model.path)));
  }

  /** Show the report on the notebook in front, as it is now. */
  open(): void {
    const { app, model } = this;
    const { path } = model;
    const tab = this._tabs.get(path) ?? new Report(path, model.watch.known?.glance.model ?? path);
    if (!tab.isAttached) {
      app.shell.add(tab, 'main');
    }
    if (!tab.isAttached) {
      // Notebook 7 shows one document a page
      tab.dispose();
      window.open(this._url(path), '_blank', 'noreferrer');
      return;
    }
    this._tabs.set(path, tab);
    tab.disposed.connect(() => this._tabs.delete(path));
    tab.load(this._url(path));
    app.shell.activateById(tab.id);
  }

  /** The theme has changed: so do the reports. */
  repaint(): void {
    this._tabs.forEach((tab, path) => tab.load(this._url(path)));
  }

  private _url(path: string): string {
    const theme = document.body.dataset.jpThemeLight === 'false' ? 'dark' : 'light';
    return this.model.client.monitorPageUrl(path, theme);
  }

  private _tabs = new Map<string, Report>();
}

class Report extends MainAreaWidget<IFrame> {
  constructor(path: string, name: string) {
    // No powers at all: no scripts, and an origin of its own
    super({ content: new IFrame({ sandbox: [] }) });
    this.id = `nbprod-report-${path}`;
    this.title.label = `Monitor of ${name}`;
    this.title.icon = icon;
    this.title.closable = true;
    this.toolbar.hide();
    this.content.node.querySelector('iframe')!.title = this.title.label;
  }

  load(url: string): void {
    this.content.url = url;
  }
}
