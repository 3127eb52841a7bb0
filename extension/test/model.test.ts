import { deepEqual, equal } from 'node:assert/strict';
import { test } from 'node:test';
import type { INotebookTracker } from '@jupyterlab/notebook';
import { Signal } from '@lumino/signaling';
import type { Client, Studied } from '../src/client';
import { PipelineModel } from '../src/model';
import type { Progress } from '../src/progress';
import type { Record, State, Study } from '../src/wire';

/** A notebook of one cell in front, as far as the model looks at it. */
class Front {
  source = 'x = 1';
  readonly contentChanged = new Signal<this, void>(this);

  readonly cell = {
    type: 'code',
    id: 'c0',
    metadata: {},
    sharedModel: { getSource: () => this.source, setSource: (source: string) => (this.source = source) }
  };

  readonly panel = {
    context: { path: 'a.ipynb', ready: Promise.resolve() },
    sessionContext: { session: null, kernelChanged: new Signal<this, void>(this) },
    content: {
      widgets: [{ model: this.cell }],
      model: { cells: [this.cell], nbformat: 4, nbformatMinor: 5, metadata: {}, contentChanged: this.contentChanged }
    }
  };

  readonly tracker = {
    currentWidget: this.panel,
    currentChanged: new Signal<this, null>(this)
  } as unknown as INotebookTracker;
}

/** A server whose answers come when the test lets them. */
class Server {
  asked: string[] = [];
  runsKnown: Progress[] = [];
  pictures = 0;

  study(_path: string, notebook: unknown): Promise<Studied> {
    this.asked.push((notebook as { cells: { source: string }[] }).cells[0].source);
    return new Promise(resolve => this._answers.push(resolve));
  }

  runs(): Promise<{ runs: Progress[] }> {
    return Promise.resolve({ runs: this.runsKnown });
  }

  picture(): Promise<{ picture: string }> {
    this.pictures++;
    return Promise.resolve({ picture: '<svg/>' });
  }

  follow(): Promise<void> {
    return new Promise(() => undefined);
  }

  async answer(stage: string, known?: Study): Promise<Study> {
    const flow = { stages: [{ name: stage, cells: [0], gives: ['x'] }], links: [], parameters: [], left_out: [] };
    const study = known ?? ({ notebook: 'a.ipynb', flow, suites: [], findings: [] } as unknown as Study);
    this._answers.shift()!({ study, picture: `<svg>${stage}</svg>` });
    await settled();
    return study;
  }

  private _answers: ((studied: Studied) => void)[] = [];
}

async function settled(): Promise<void> {
  await new Promise(resolve => setTimeout(resolve, 5));
}

async function opened(): Promise<{ front: Front; server: Server; model: PipelineModel }> {
  const front = new Front();
  const server = new Server();
  const model = new PipelineModel(front.tracker, server as unknown as Client);
  await settled();
  return { front, server, model };
}

function progress(turn: number, state: State, record: Record | null = null): Progress {
  const stages = [{ stage: 'load', state, cell: 0, cells: 1, seconds: null }];
  return { id: 'r', path: 'a.ipynb', state, started: '', stages, error: '', record_id: '', record, turn, is_settled: record !== null };
}

test('a notebook is studied when it is opened', async () => {
  const { server, model } = await opened();
  deepEqual(server.asked, ['x = 1']);
  equal(model.loading, 'loading');
  await server.answer('load');
  deepEqual(model.stageNames, ['load']);
  equal(model.loading, 'idle');
});

test('while a study is under way, whatever is typed asks for one more only, of the latest text', async () => {
  const { front, server, model } = await opened();
  for (const source of ['x = 2', 'x = 22', 'x = 222']) {
    front.source = source;
    void model.refresh();
  }
  await settled();
  deepEqual(server.asked, ['x = 1']);
  await server.answer('old');
  deepEqual(server.asked, ['x = 1', 'x = 222']);
  deepEqual(model.stageNames, [], 'findings of a text that has moved on are not shown');
  await server.answer('new');
  deepEqual(model.stageNames, ['new']);
});

test('an answer that is the one before marks nothing anew, and its stages are the same array', async () => {
  const { server, model } = await opened();
  const study = await server.answer('load');
  const names = model.stageNames;
  let marked = 0;
  model.studied.connect(() => marked++);
  void model.refresh();
  await server.answer('load', study);
  equal(marked, 0);
  void model.refresh();
  await server.answer('load');
  equal(marked, 1);
  equal(model.stageNames, names);
});

test('changes that come together are studied together, once their handlers are done', async () => {
  const { front, server, model } = await opened();
  await server.answer('load');
  front.source = 'x = 2';
  front.contentChanged.emit();
  front.contentChanged.emit();
  deepEqual(server.asked, ['x = 1']);
  await settled();
  deepEqual(server.asked, ['x = 1', 'x = 2']);
  model.dispose();
});

test('a state that comes late does not undo a later one', async () => {
  const { server, model } = await opened();
  await server.answer('load');
  model.follow(progress(2, 'running'));
  model.follow(progress(1, 'waiting'));
  equal(model.runs[0].state, 'running');
  equal(model.isRunning, true);
});

test('the picture is asked for anew only where a state changed', async () => {
  const { server, model } = await opened();
  await server.answer('load');
  model.follow(progress(1, 'waiting'));
  model.follow(progress(2, 'running'));
  model.follow(progress(3, 'running'));
  await settled();
  equal(server.pictures, 2);
});

test('a run of another notebook is no concern of this one', async () => {
  const { model } = await opened();
  model.follow({ ...progress(1, 'running'), path: 'b.ipynb' });
  deepEqual(model.runs, []);
});

test('verdicts are those of the last record, until a cell runs that makes the value anew', async () => {
  const { server, model } = await opened();
  await server.answer('load');
  const verdict = { value: 'x', success: true };
  const record = { stages: [{ stage: 'load', verdicts: [verdict] }] } as unknown as Record;
  model.follow(progress(1, 'done', record));
  deepEqual(model.verdictsOn('x'), [verdict]);
  model.study!.suites = [{ value: 'x', expectations: [], stage: null, span: null, on_broken: 'stop' }];
  await model.cellRan('c0');
  deepEqual(model.verdictsOn('x'), []);
});

test('an expectation taken out leaves no empty line', async () => {
  const { front, server, model } = await opened();
  await server.answer('load');
  front.source = '%%expect x\nOne()\nTwo()';
  const span = { cell: 0, line: 2, column: 0, end_line: 2, end_column: 5 };
  model.rewrite({ span, replacement: '' });
  equal(front.source, '%%expect x\nTwo()');
});
