import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';
import type { Glance } from './glance';
import type { Progress } from './progress';
import { EventReader } from './stream';
import type { Json, Study, SuggestedParameter } from './wire';

/** What the server makes of a notebook: its study, and its flow as a picture. */
export interface Studied {
  study: Study;
  picture: string;
}

/** Suggested stages cell by cell, and what to write to accept them: tags by position, and the notebook's metadata. */
export interface Proposal {
  stages: { cell: number; stage: string; kind: string; time: string | null; reason: string }[];
  parameters: SuggestedParameter[];
  tags: { [position: string]: string[] };
  options: Json;
}

export interface Difference {
  name: string;
  before: Json;
  after: Json;
}

/** How a run differs from an earlier one. */
export interface Comparison {
  before: string;
  after: string;
  parameters: Difference[];
  metrics: Difference[];
  verdicts: Difference[];
  values: Difference[];
  data: Difference[];
  environment: Difference[];
  states: Difference[];
  code: { stage: string; change: string; says: string[] }[];
  cells: { stage: string; cell: string; diff: string }[];
  unknown: string[];
}

/** What is known of a model in production, whether the monitor is at work on it, and why it came to nothing before. */
export interface Watching {
  glance: Glance;
  is_looking: boolean;
  problem: string;
}

export interface RunRequest {
  path: string;
  parameters?: { [name: string]: Json };
  from?: string;
  force?: boolean;
}

const FIRST_PAUSE_MILLISECONDS = 300;
const LONGEST_PAUSE_MILLISECONDS = 5_000;

/** The one door to the server. Every answer that is no success rejects with the server's own words. */
export class Client {
  constructor(readonly settings: ServerConnection.ISettings) {}

  version(): Promise<{ version: string; wire: number }> {
    return this._get('version');
  }

  /** An answer that is the one before to the letter is the same object. */
  async study(path: string, notebook: unknown, run?: string): Promise<Studied> {
    const response = await this._answer('study', { method: 'POST', body: JSON.stringify({ path, notebook, run }) });
    const text = await response.text();
    if (this._studied?.text !== text) {
      this._studied = { text, said: JSON.parse(text) as Studied };
    }
    return this._studied.said;
  }

  picture(path: string, run: string): Promise<{ picture: string }> {
    return this._get(`picture?${query({ path, run })}`);
  }

  suggest(path: string, notebook: unknown): Promise<Proposal> {
    return this._post('suggest', { path, notebook });
  }

  infer(path: string, value: string): Promise<{ cell: string }> {
    return this._post('infer', { path, value });
  }

  extract(path: string): Promise<{ folder: string; stages: string[] }> {
    return this._post('extract', { path });
  }

  /** The runs of a notebook, and the pages of MLflow that show those that were mirrored, by record. */
  runs(path: string): Promise<{ runs: Progress[]; mlflow: { [record: string]: string } }> {
    return this._get(`runs?${query({ path })}`);
  }

  start(request: RunRequest): Promise<Progress> {
    return this._post('runs', request);
  }

  progress(id: string): Promise<Progress> {
    return this._get(`runs/${encodeURIComponent(id)}`);
  }

  cancel(id: string): Promise<Progress> {
    return this._send(`runs/${encodeURIComponent(id)}`, { method: 'DELETE' });
  }

  compare(path: string, before: string, after: string): Promise<Comparison> {
    return this._get(`runs/${encodeURIComponent(after)}/since/${encodeURIComponent(before)}?${query({ path })}`);
  }

  monitor(path: string): Promise<Watching> {
    return this._get(`monitor?${query({ path })}`);
  }

  /** Let the monitor look; the answer comes before it has. */
  look(request: { path: string; labels: string; served: string }): Promise<Watching> {
    return this._post('monitor', request);
  }

  monitorPageUrl(path: string, theme: 'light' | 'dark'): string {
    return this._url(`monitor/page?${query({ path, theme })}`);
  }

  /**
   * Hear every state of a run after its `turn`, until it is settled or `until` says so. A stream that breaks is taken up
   * where it broke. Rejects where the server doesn't know the run: it was started anew.
   */
  async follow(id: string, turn: number, hear: (run: Progress) => void, until: AbortSignal): Promise<void> {
    let pause = FIRST_PAUSE_MILLISECONDS;
    while (!until.aborted) {
      try {
        for await (const run of this._states(id, turn, until)) {
          hear(run);
          turn = run.turn;
          pause = FIRST_PAUSE_MILLISECONDS;
          if (run.is_settled) {
            return;
          }
        }
      } catch (error) {
        if (until.aborted) {
          return;
        }
        if (error instanceof ServerConnection.ResponseError && error.response.status === 404) {
          throw error;
        }
      }
      await new Promise(resolve => setTimeout(resolve, pause));
      pause = Math.min(pause * 2, LONGEST_PAUSE_MILLISECONDS);
    }
  }

  /** Where a file that a run left can be opened: an executed notebook as a page. */
  fileUrl(path: string, id: string, file: string): string {
    return this._url(`runs/${encodeURIComponent(id)}/files/${URLExt.encodeParts(file)}?${query({ path })}`);
  }

  docsUrl(path: string, id: string): string {
    return this._url(`runs/${encodeURIComponent(id)}/docs?${query({ path })}`);
  }

  private async *_states(id: string, turn: number, until: AbortSignal): AsyncGenerator<Progress> {
    const response = await ServerConnection.makeRequest(
      this._url(`runs/${encodeURIComponent(id)}/events`),
      { headers: { 'Last-Event-ID': String(turn), Accept: 'text/event-stream' }, signal: until },
      this.settings
    );
    if (!response.ok || !response.body) {
      throw await problemOf(response);
    }
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    const events = new EventReader();
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) {
          return;
        }
        for (const { data } of events.read(value)) {
          yield JSON.parse(data) as Progress;
        }
      }
    } finally {
      await reader.cancel().catch(() => undefined);
    }
  }

  private _get<T>(path: string): Promise<T> {
    return this._send(path, {});
  }

  private _post<T>(path: string, body: unknown): Promise<T> {
    return this._send(path, { method: 'POST', body: JSON.stringify(body) });
  }

  private async _send<T>(path: string, init: RequestInit): Promise<T> {
    return (await (await this._answer(path, init)).json()) as T;
  }

  private async _answer(path: string, init: RequestInit): Promise<Response> {
    const response = await ServerConnection.makeRequest(this._url(path), init, this.settings);
    if (!response.ok) {
      throw await problemOf(response);
    }
    return response;
  }

  private _url(path: string): string {
    // `URLExt.join` would encode a query's question mark
    return URLExt.join(this.settings.baseUrl, 'nbprod/api/v1') + '/' + path;
  }

  private _studied: { text: string; said: Studied } | null = null;
}

async function problemOf(response: Response): Promise<ServerConnection.ResponseError> {
  const text = await response.text();
  let said: string | undefined;
  try {
    said = (JSON.parse(text) as { message?: string }).message;
  } catch {
    // Jupyter answers for a route that nobody serves with a page
    said =
      response.status === 404
        ? 'The Jupyter server runs without nbprod. Enable it with `jupyter server extension enable nbprod`.'
        : undefined;
  }
  return new ServerConnection.ResponseError(response, said || response.statusText);
}

function query(given: { [name: string]: string }): string {
  return new URLSearchParams(given).toString();
}
