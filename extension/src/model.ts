import type { Cell, ICellModel } from '@jupyterlab/cells';
import type { INotebookModel, INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import type { IDisposable } from '@lumino/disposable';
import { ISignal, Signal } from '@lumino/signaling';
import type { Client, Proposal } from './client';
import { judge, NO_VERDICTS, type LiveVerdicts } from './live';
import { nextFinding } from './order';
import { goesOn, statesOf, type Progress } from './progress';
import { changedLines, spliced, type DiffLine } from './text';
import { setStage } from './tags';
import { Watch } from './watch';
import type { Edit, Finding, Json, Record, Study, Suite, Verdict } from './wire';

export type Loading = 'idle' | 'loading' | 'failed';

/** What the panel, the cell toolbars and the editors all look at: the pipeline of the notebook in front. */
export class PipelineModel implements IDisposable {
  study: Study | null = null;
  picture = '';
  loading: Loading = 'idle';
  problem = '';
  runs: Progress[] = [];
  /** Where MLflow shows a run, by the id of its record. */
  mlflow: { [record: string]: string } = {};
  /** Stages proposed and neither accepted nor dismissed yet. */
  proposal: Proposal | null = null;
  /** What the running kernel's values were found to be, by value; null where a cell ran since they were judged. */
  live = new Map<string, readonly Verdict[] | null>();

  /** The notebook's model in production. */
  readonly watch: Watch;

  constructor(
    readonly tracker: INotebookTracker,
    readonly client: Client
  ) {
    this.watch = new Watch(client, () => this.path);
    this.watch.changed.connect(() => this._changed.emit());
    tracker.currentChanged.connect(this._onNotebook, this);
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

  /** In the flow's order; the same array until a name changes. */
  get stageNames(): readonly string[] {
    return this._stageNames;
  }

  get lastRun(): Progress | null {
    return this.runs[0] ?? null;
  }

  get isRunning(): boolean {
    return this.runs.some(goesOn);
  }

  get hasKernel(): boolean {
    return Boolean(this.panel?.sessionContext.session?.kernel);
  }

  get findings(): readonly Finding[] {
    return this.study?.findings ?? [];
  }

  /** The verdicts on a value: those on the live value if the kernel was asked, else those of the last run. */
  verdictsOn(value: string): readonly Verdict[] {
    const live = this.live.get(value);
    if (live !== undefined) {
      return live ?? [];
    }
    const stages = this.lastRecord?.stages ?? [];
    return stages.flatMap(stage => stage.verdicts).filter(verdict => verdict.value === value);
  }

  /** The record of the latest run that has left one. */
  get lastRecord(): Record | null {
    return this.runs.find(run => run.record)?.record ?? null;
  }

  findingsOf(cellId: string): Finding[] {
    return this._findings.get(cellId) ?? [];
  }

  stageOf(cellId: string): string | null {
    return this._stages.get(cellId) ?? null;
  }

  /** The cell at a position among the code cells, as it stood when the notebook was studied. */
  cellAt(position: number): Cell | null {
    return this._cellOf(this._ids[position]);
  }

  private _cellOf(id: string | undefined): Cell | null {
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

  /** Write what a proposal says: the tags of its cells, and the options of its stages. */
  accept(proposal: Proposal): void {
    const shared = this.panel?.content.model?.sharedModel;
    shared?.transact(() => {
      for (const [position, tags] of Object.entries(proposal.tags)) {
        this._cellOf(this._proposedFor[Number(position)])?.model.setMetadata('tags', tags);
      }
      if (proposal.options) {
        shared.setMetadata('nbprod', proposal.options);
      }
    });
    this.proposal = null;
    void this.refresh();
  }

  /** What a finding's edits would do, cell by cell. */
  diffOf(finding: Finding): { cell: number; lines: DiffLine[] }[] {
    return [...editsByCell(finding)].map(([cell, edits]) => ({
      cell,
      lines: changedLines(this.cellAt(cell)?.model.sharedModel.getSource() ?? '', edits)
    }));
  }

  /** Make a finding's edits in the cells, and go to the last of them, where undo takes it back. */
  fix(finding: Finding): void {
    // No transaction around them: a cell undoes only what it began itself
    editsByCell(finding).forEach((edits, position) => {
      const shared = this.cellAt(position)?.model.sharedModel;
      shared?.setSource(spliced(shared.getSource(), edits));
      this.goTo(position, edits[0].span.line, edits[0].span.column);
    });
    void this.refresh();
  }

  /** Put other text in the place of an expectation, or take its line out. */
  rewrite(edit: Edit): void {
    const shared = this.cellAt(edit.span.cell)?.model.sharedModel;
    const source = shared?.getSource();
    if (shared && source !== undefined) {
      const { replacement } = edit;
      const rewritten = spliced(source, [edit]);
      shared.setSource(replacement ? rewritten : withoutEmptyLine(rewritten, edit.span.line));
      void this.refresh();
    }
  }

  /** Go to the finding after the cursor, or before it. */
  goToFinding(step: 1 | -1): void {
    const cell = this.panel?.content.activeCell;
    const position = cell ? this._ids.indexOf(cell.model.id) : -1;
    const line = (cell?.editor?.getCursorPosition().line ?? 0) + 1;
    const found = nextFinding(this.findings, { cell: position, line }, step);
    if (found?.span) {
      this.goTo(found.span.cell, found.span.line, found.span.column);
    }
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

  /**
   * Study the notebook as it stands. One study is under way at a time: what changes meanwhile is studied after it, so
   * that typing never piles up work. Resolves once what was there at the call has been studied.
   */
  refresh(): Promise<void> {
    this._isDirty = true;
    this._going ??= this._studyUntilClean().finally(() => (this._going = null));
    return this._going;
  }

  private async _studyUntilClean(): Promise<void> {
    while (this._isDirty && !this._isDisposed) {
      this._isDirty = false;
      await this._study();
    }
  }

  private async _study(): Promise<void> {
    const panel = this.panel;
    const model = panel?.content.model;
    if (!panel || !model) {
      this._forget();
      return;
    }
    const cells = Array.from(model.cells);
    const ids = cells.filter(cell => cell.type === 'code').map(cell => cell.id);
    if (!this.study) {
      this.loading = 'loading';
      this._changed.emit();
    }
    try {
      const run = this.lastRun?.id;
      const { study, picture } = await this.client.study(panel.context.path, sent(model, cells), run);
      // Meanwhile another notebook may be in front, or a keystroke have moved what the findings point at
      if (this.panel === panel && !this._isDirty) {
        this._take(study, picture, ids);
        if (run !== this.lastRun?.id) {
          void this._redraw();
        }
      }
    } catch (error) {
      if (this.panel === panel) {
        this.loading = 'failed';
        this.problem = error instanceof Error ? error.message : String(error);
        this._changed.emit();
      }
    }
  }

  /** Ask for stages that the notebook might have; they stand in `proposal` until accepted or dismissed. */
  async suggest(): Promise<void> {
    const panel = this.panel;
    const model = panel?.content.model;
    if (panel && model) {
      const cells = Array.from(model.cells);
      const proposal = await this.client.suggest(this.path, sent(model, cells));
      if (panel === this.panel) {
        this._proposedFor = cells.filter(cell => cell.type === 'code').map(cell => cell.id);
        this.proposal = proposal;
        this._changed.emit();
      }
    }
  }

  dismiss(): void {
    this.proposal = null;
    this._changed.emit();
  }

  async run(parameters: { [name: string]: Json }, from?: string, force = false): Promise<void> {
    const panel = this.panel;
    if (!panel) {
      return;
    }
    await panel.context.save();
    this.follow(await this.client.start({ path: panel.context.path, parameters, from, force }));
  }

  /** Write the plan beside the saved notebook; gives its folder's name. */
  async extract(): Promise<string> {
    await this.panel?.context.save();
    return (await this.client.extract(this.path)).folder;
  }

  async cancel(id: string): Promise<void> {
    this.follow(await this.client.cancel(id));
  }

  async cancelRunning(): Promise<void> {
    const running = this.runs.find(goesOn);
    if (running) {
      await this.cancel(running.id);
    }
  }

  /** A run that was queued, here or from another page on the same notebook. */
  async hearOf(id: string, path: string): Promise<void> {
    if (path === this.path && !this.runs.some(run => run.id === id)) {
      this.follow(await this.client.progress(id));
    }
  }

  /** Take a run's state in, and listen to it while it goes on. */
  follow(run: Progress): void {
    if (run.path !== this.path) {
      return;
    }
    const known = this.runs.find(one => one.id === run.id);
    if (known && known.turn > run.turn) {
      return;
    }
    const wentOn = known ? goesOn(known) : true;
    this.runs = known ? this.runs.map(one => (one.id === run.id ? run : one)) : [run, ...this.runs];
    if (!goesOn(run) && wentOn) {
      // What the run judged is newer than what the kernel's values were found to be
      this.live.clear();
    }
    if (run.is_settled && !known?.is_settled) {
      void this._seekMirror();
    }
    this._changed.emit();
    if (statesOf(known) !== statesOf(run)) {
      void this._redraw();
    }
    this._listen();
  }

  // The running kernel

  /** A cell has run in the kernel: what was judged of its stage's values is out of date. */
  async cellRan(cellId: string): Promise<void> {
    const position = this._ids.indexOf(cellId);
    const suites = this.study?.suites ?? [];
    const stage = this.study?.flow.stages.find(one => one.cells.includes(position));
    const touched = suites.filter(suite => suite.span?.cell === position || stage?.gives.includes(suite.value));
    if (!touched.length) {
      return;
    }
    touched.forEach(suite => this.live.set(suite.value, null));
    this._changed.emit();
    await this.judgeLive(touched, false);
  }

  /**
   * Judge the kernel's values. Great Expectations takes seconds to load: unless `loads`, only a kernel that has it
   * already is asked, so that running a cell never costs more than it did.
   */
  async judgeLive(suites: readonly Suite[], loads: boolean): Promise<void> {
    const kernel = this.panel?.sessionContext.session?.kernel;
    const found: LiveVerdicts = kernel ? await judge(kernel, suites, loads) : NO_VERDICTS;
    if (found.size) {
      found.forEach((verdicts, value) => this.live.set(value, verdicts));
      this._changed.emit();
    }
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    this._stop.abort();
    this.watch.forget();
    clearTimeout(this._soon ?? undefined);
    Signal.clearData(this);
  }

  private _take(study: Study, picture: string, ids: string[]): void {
    const isNew = study !== this.study || ids.join() !== this._ids.join();
    this.loading = 'idle';
    this.problem = '';
    this.study = study;
    this.picture = picture;
    if (isNew) {
      this._ids = ids;
      this._findings = new Map();
      for (const finding of study.findings) {
        const id = finding.span ? ids[finding.span.cell] : undefined;
        if (id !== undefined) {
          this._findings.set(id, [...(this._findings.get(id) ?? []), finding]);
        }
      }
      const { stages } = study.flow;
      this._name(stages.map(stage => stage.name));
      this._stages = new Map(stages.flatMap(stage => stage.cells.map(cell => [ids[cell], stage.name] as [string, string])));
      this._studied.emit();
    }
    this._changed.emit();
  }

  private _name(stages: string[]): void {
    if (stages.join() !== this._stageNames.join()) {
      this._stageNames = stages;
    }
  }

  private _forget(): void {
    this.study = null;
    this.picture = '';
    this.loading = 'idle';
    this.problem = '';
    this._name([]);
    this._findings.clear();
    this._stages.clear();
    this._studied.emit();
    this._changed.emit();
  }

  private _onNotebook(): void {
    const panel = this.panel;
    this._watched?.contentChanged.disconnect(this._onContent, this);
    this._watched = null;
    this._session?.kernelChanged.disconnect(this._onKernel, this);
    this._session = panel?.sessionContext ?? null;
    this._session?.kernelChanged.connect(this._onKernel, this);
    this._stop.abort();
    this._heard = null;
    this.runs = [];
    this.mlflow = {};
    this.live.clear();
    this.proposal = null;
    this.watch.forget();
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

  private _onKernel(): void {
    this.live.clear();
    this._changed.emit();
  }

  /** What changes together is studied together, and never within the handler of a key. */
  private _onContent(): void {
    this._soon ??= setTimeout(() => {
      this._soon = null;
      void this.refresh();
    });
  }

  /** The runs of this notebook that the server knows: a page that was closed finds them again. */
  private async _recall(): Promise<void> {
    const path = this.path;
    try {
      const { runs, mlflow } = await this.client.runs(path);
      if (path === this.path) {
        this.runs = runs;
        this.mlflow = mlflow;
        this._changed.emit();
        if (runs.length) {
          void this._redraw();
        }
        this._listen();
      }
    } catch {
      // The study, asked for at the same time, says what is wrong with the server.
    }
  }

  /** A run is mirrored, where it is, between its record and its process' end. */
  private async _seekMirror(): Promise<void> {
    const path = this.path;
    const { mlflow } = await this.client.runs(path).catch(() => ({ mlflow: this.mlflow }));
    if (path === this.path) {
      this.mlflow = mlflow;
      this._changed.emit();
    }
  }

  /** Listen to the earliest run of which more will be told, if there is one and nobody listens to it yet. */
  private _listen(): void {
    const running = [...this.runs].reverse().find(run => !run.is_settled);
    if (!running || this._isDisposed || this._heard === running.id) {
      return;
    }
    this._stop = new AbortController();
    this._heard = running.id;
    const { signal } = this._stop;
    this.client
      .follow(running.id, 0, run => !signal.aborted && this.follow(run), signal)
      // The server was started anew and knows of the run only what it left
      .catch(() => this._recall())
      .finally(() => {
        if (!signal.aborted) {
          this._heard = null;
          this._listen();
        }
      });
  }

  /** The picture again, with the states of the latest run. */
  private async _redraw(): Promise<void> {
    const { path, lastRun, study } = this;
    if (!lastRun || !study) {
      return;
    }
    try {
      const { picture } = await this.client.picture(path, lastRun.id);
      if (path === this.path && study === this.study && lastRun.id === this.lastRun?.id) {
        this.picture = picture;
        this._changed.emit();
      }
    } catch {
      // The picture without states stays.
    }
  }

  private _isDirty = false;
  private _going: Promise<void> | null = null;
  private _stageNames: readonly string[] = [];
  private _soon: ReturnType<typeof setTimeout> | null = null;
  private _ids: string[] = [];
  private _proposedFor: string[] = [];
  private _findings = new Map<string, Finding[]>();
  private _stages = new Map<string, string>();
  private _stop = new AbortController();
  private _heard: string | null = null;
  private _isDisposed = false;
  private _session: NotebookPanel['sessionContext'] | null = null;
  private _watched: NonNullable<NotebookPanel['content']['model']> | null = null;
  private _changed = new Signal<this, void>(this);
  private _studied = new Signal<this, void>(this);
}

function editsByCell(finding: Finding): Map<number, Edit[]> {
  const byCell = new Map<number, Edit[]>();
  for (const edit of finding.edits) {
    byCell.set(edit.span.cell, [...(byCell.get(edit.span.cell) ?? []), edit]);
  }
  return byCell;
}

function withoutEmptyLine(source: string, line: number): string {
  const lines = source.split('\n');
  return lines[line - 1]?.trim() ? source : lines.filter((_, index) => index !== line - 1).join('\n');
}

/** The notebook as the server needs it: outputs can be megabytes and tell the study nothing. */
function sent(model: INotebookModel, cells: readonly ICellModel[]): unknown {
  return {
    nbformat: model.nbformat,
    nbformat_minor: model.nbformatMinor,
    metadata: model.metadata,
    cells: cells.map(cell => ({
      cell_type: cell.type,
      id: cell.id,
      metadata: cell.metadata,
      source: cell.sharedModel.getSource(),
      ...(cell.type === 'code' ? { outputs: [], execution_count: null } : {})
    }))
  };
}
