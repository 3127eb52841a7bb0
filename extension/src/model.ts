import type { Cell, ICellModel } from '@jupyterlab/cells';
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import type { IDisposable } from '@lumino/disposable';
import { Debouncer } from '@lumino/polling';
import { ISignal, Signal } from '@lumino/signaling';
import type { Client, Edit, Finding, Json, Progress, Proposal, Record, Study } from './client';
import { spliced } from './text';
import { setStage, taggingOf } from './tags';

/** Long enough to join the keystrokes of a word, short enough to feel immediate. */
const SETTLE_MILLISECONDS = 80;
const POLL_MILLISECONDS = 700;

export type Loading = 'idle' | 'loading' | 'failed';

/** What the panel, the cell toolbars and the editors all look at: the pipeline of the notebook in front. */
export class PipelineModel implements IDisposable {
  study: Study | null = null;
  picture = '';
  loading: Loading = 'idle';
  problem = '';
  runs: Progress[] = [];

  constructor(
    readonly tracker: INotebookTracker,
    readonly client: Client
  ) {
    tracker.currentChanged.connect(this._onNotebook, this);
    tracker.activeCellChanged.connect(this._onActiveCell, this);
    this._onNotebook();
  }

  /** Anything changed: redraw. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** The study differs from the one before: marks in editors are out of date. */
  get studied(): ISignal<this, void> {
    return this._studied;
  }

  get panel(): NotebookPanel | null {
    return this.tracker.currentWidget;
  }

  get path(): string {
    return this.panel?.context.path ?? '';
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  get stageNames(): string[] {
    return this.study?.flow.stages.map(stage => stage.name) ?? [];
  }

  get lastRun(): Progress | null {
    return this.runs[0] ?? null;
  }

  get isRunning(): boolean {
    return this.runs.some(goesOn);
  }

  findingsOf(cellId: string): Finding[] {
    return this._findings.get(cellId) ?? [];
  }

  stageOf(cellId: string): string | null {
    return this._stages.get(cellId) ?? null;
  }

  /** The cell at a position among the code cells, as it stood when the notebook was studied. */
  cellAt(position: number): Cell | null {
    const id = this._ids[position];
    return this.panel?.content.widgets.find(cell => cell.model.id === id) ?? null;
  }

  goTo(position: number, line?: number, column = 0): void {
    const notebook = this.panel?.content;
    const cell = this.cellAt(position);
    if (!notebook || !cell) {
      return;
    }
    notebook.activeCellIndex = notebook.widgets.indexOf(cell);
    void notebook.scrollToItem(notebook.activeCellIndex, 'center').then(() => {
      if (line !== undefined && cell.editor) {
        cell.editor.setCursorPosition({ line: line - 1, column });
        cell.editor.focus();
      }
    });
  }

  tag(cell: ICellModel, stage: string | null): void {
    setStage(cell, stage);
    void this.refresh();
  }

  accept(proposal: Proposal): void {
    this._transact(() => {
      for (const { cell, stage } of proposal.stages) {
        const model = this.cellAt(cell)?.model;
        if (model && !taggingOf(model).stage) {
          setStage(model, stage);
        }
      }
    });
    void this.refresh();
  }

  /** Make a finding's edits in the cells, and go to the last of them, where undo takes it back. */
  fix(finding: Finding): void {
    const byCell = new Map<number, Edit[]>();
    for (const edit of finding.edits) {
      byCell.set(edit.span.cell, [...(byCell.get(edit.span.cell) ?? []), edit]);
    }
    // No transaction around them: a cell undoes only what it began itself
    byCell.forEach((edits, position) => {
      const shared = this.cellAt(position)?.model.sharedModel;
      shared?.setSource(spliced(shared.getSource(), edits));
      this.goTo(position, edits[0].span.line, edits[0].span.column);
    });
    void this.refresh();
  }

  /** Put a code cell below the one at `position` (at the end where there is none). */
  insert(source: string, position?: number): void {
    const notebook = this.panel?.content;
    if (!notebook?.model) {
      return;
    }
    const after = position === undefined ? null : this.cellAt(position);
    const index = after ? notebook.widgets.indexOf(after) + 1 : notebook.widgets.length;
    notebook.model.sharedModel.insertCell(index, { cell_type: 'code', source });
    notebook.activeCellIndex = index;
    void notebook.scrollToItem(index);
    void this.refresh();
  }

  async refresh(): Promise<void> {
    const model = this.panel?.content.model;
    const asked = ++this._asked;
    if (!model) {
      this._forget();
      return;
    }
    const ids = Array.from(model.cells)
      .filter(cell => cell.type === 'code')
      .map(cell => cell.id);
    if (!this.study) {
      this.loading = 'loading';
      this._changed.emit();
    }
    try {
      const { study, picture } = await this.client.study(this.path, withoutOutputs(model.toJSON()));
      if (asked === this._asked) {
        this._take(study, picture, ids);
      }
    } catch (error) {
      if (asked === this._asked) {
        this.loading = 'failed';
        this.problem = error instanceof Error ? error.message : String(error);
        this._changed.emit();
      }
    }
  }

  suggest(): Promise<Proposal> {
    return this.client.suggest(this.path, withoutOutputs(this.panel?.content.model?.toJSON()));
  }

  async run(parameters: { [name: string]: Json }, from?: string): Promise<void> {
    const panel = this.panel;
    if (!panel) {
      return;
    }
    await panel.context.save();
    this.follow(await this.client.start({ path: panel.context.path, parameters, from }));
  }

  async cancel(id: string): Promise<void> {
    this.follow(await this.client.cancel(id));
  }

  /** Take a run's state in; the events of a server stream and the answers of polls both end here. */
  follow(run: Progress): void {
    if (run.path !== this.path) {
      return;
    }
    const known = this.runs.some(one => one.id === run.id);
    this.runs = known ? this.runs.map(one => (one.id === run.id ? run : one)) : [run, ...this.runs];
    this._changed.emit();
    this._watch();
    if (run.record && !this.isRunning) {
      void this.refresh();
    }
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    window.clearTimeout(this._timer);
    this._settled.dispose();
    Signal.clearData(this);
  }

  private _take(study: Study, picture: string, ids: string[]): void {
    const key = JSON.stringify([study, ids]);
    const isNew = key !== this._key;
    this.loading = 'idle';
    this.problem = '';
    this.study = study;
    this.picture = picture;
    if (isNew) {
      this._key = key;
      this._ids = ids;
      this._findings = new Map();
      for (const finding of study.findings) {
        const id = finding.span ? ids[finding.span.cell] : undefined;
        if (id !== undefined) {
          this._findings.set(id, [...(this._findings.get(id) ?? []), finding]);
        }
      }
      this._stages = new Map(
        study.flow.stages.flatMap(stage => stage.cells.map(cell => [ids[cell], stage.name] as [string, string]))
      );
      this._studied.emit();
    }
    this._changed.emit();
  }

  private _forget(): void {
    this.study = null;
    this.picture = '';
    this.loading = 'idle';
    this.problem = '';
    this._key = '';
    this._findings.clear();
    this._stages.clear();
    this._studied.emit();
    this._changed.emit();
  }

  private _transact(change: () => void): void {
    this.panel?.content.model?.sharedModel.transact(change);
  }

  private _onNotebook(): void {
    const panel = this.panel;
    this._watched?.contentChanged.disconnect(this._onContent, this);
    this._watched = null;
    this.runs = [];
    this._forget();
    void panel?.context.ready.then(() => {
      if (this.panel !== panel || !panel.content.model) {
        return;
      }
      this._watched = panel.content.model;
      this._watched.contentChanged.connect(this._onContent, this);
      void this.refresh();
      void this._recall();
    });
  }

  private _onContent(): void {
    void this._settled.invoke();
  }

  private _onActiveCell(): void {
    this._changed.emit();
  }

  /** The runs of this notebook that the server knows: a page that was closed finds them again. */
  private async _recall(): Promise<void> {
    const path = this.path;
    try {
      const { runs } = await this.client.runs(path);
      if (path === this.path) {
        this.runs = runs;
        this._changed.emit();
        this._watch();
      }
    } catch {
      // The study, asked for at the same time, says what is wrong with the server.
    }
  }

  private _watch(): void {
    window.clearTimeout(this._timer);
    const running = this.runs.find(goesOn);
    if (!running || this._isDisposed) {
      return;
    }
    this._timer = window.setTimeout(() => {
      this.client.progress(running.id).then(
        run => this.follow(run),
        () => this._watch()
      );
    }, POLL_MILLISECONDS);
  }

  private _asked = 0;
  private _key = '';
  private _ids: string[] = [];
  private _findings = new Map<string, Finding[]>();
  private _stages = new Map<string, string>();
  private _timer = 0;
  private _isDisposed = false;
  private _watched: NonNullable<NotebookPanel['content']['model']> | null = null;
  private _settled = new Debouncer(() => this.refresh(), SETTLE_MILLISECONDS);
  private _changed = new Signal<this, void>(this);
  private _studied = new Signal<this, void>(this);
}

/** Whether the server follows the run: one that left a record only is over, or goes on elsewhere. */
function goesOn(run: Progress): boolean {
  return run.record === null && (run.state === 'running' || run.state === 'waiting');
}

/** The notebook as the server needs it: outputs can be megabytes and tell the study nothing. */
function withoutOutputs(notebook: unknown): unknown {
  const { cells, ...rest } = notebook as { cells: { outputs?: unknown }[] };
  return { ...rest, cells: cells.map(cell => (cell.outputs ? { ...cell, outputs: [] } : cell)) };
}

export type { Finding, Progress, Proposal, Record, Study };
