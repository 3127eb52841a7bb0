import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';
import type { Edit, Finding, Json, Record, Study } from './wire';

/** What the server makes of a notebook: its study, and its flow as a picture. */
export interface Studied {
  study: Study;
  picture: string;
}

export interface StageProgress {
  stage: string;
  state: string;
  cell: number;
  cells: number;
}

/** A run as the server follows it; `record` is there once the run has written one. */
export interface Progress {
  id: string;
  path: string;
  state: string;
  started: string;
  stages: StageProgress[];
  error: string;
  record: Record | null;
}

export interface Proposal {
  stages: { cell: number; stage: string; reason: string }[];
}

export interface RunRequest {
  path: string;
  parameters?: { [name: string]: Json };
  from?: string;
  force?: boolean;
}

/** The one door to the server. Every answer that is no success rejects with the server's own words. */
export class Client {
  constructor(readonly settings: ServerConnection.ISettings) {}

  version(): Promise<{ version: string; wire: number }> {
    return this._get('version');
  }

  study(path: string, notebook: unknown): Promise<Studied> {
    return this._post('study', { path, notebook });
  }

  suggest(path: string, notebook: unknown): Promise<Proposal> {
    return this._post('suggest', { path, notebook });
  }

  infer(path: string, value: string): Promise<{ cell: string }> {
    return this._post('infer', { path, value });
  }

  extract(path: string): Promise<{ folder: string }> {
    return this._post('extract', { path });
  }

  runs(path: string): Promise<{ runs: Progress[] }> {
    return this._get(`runs?path=${encodeURIComponent(path)}`);
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

  /** Where a file that a run left can be opened: an executed notebook as a page, Data Docs. */
  fileUrl(id: string, file: string): string {
    return this._url(`runs/${encodeURIComponent(id)}/files/${URLExt.encodeParts(file)}`);
  }

  private _get<T>(path: string): Promise<T> {
    return this._send(path, {});
  }

  private _post<T>(path: string, body: unknown): Promise<T> {
    return this._send(path, { method: 'POST', body: JSON.stringify(body) });
  }

  private async _send<T>(path: string, init: RequestInit): Promise<T> {
    const response = await ServerConnection.makeRequest(this._url(path), init, this.settings);
    const text = await response.text();
    let data: unknown = null;
    try {
      data = text ? JSON.parse(text) : null;
    } catch {
      data = { message: text };
    }
    if (!response.ok) {
      const message = (data as { message?: string } | null)?.message ?? response.statusText;
      throw new ServerConnection.ResponseError(response, message);
    }
    return data as T;
  }

  private _url(path: string): string {
    // `URLExt.join` would encode a query's question mark
    return URLExt.join(this.settings.baseUrl, 'nbprod/api/v1') + '/' + path;
  }
}

export type { Edit, Finding, Json, Record, Study };
