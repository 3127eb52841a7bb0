import { type ISignal, Signal } from '@lumino/signaling';
import type { Client, Watching } from './client';

const PAUSE_MILLISECONDS = 1_000;

/** What is known of the notebook's model in production; while the monitor looks, it is asked for until that is done. */
export class Watch {
  known: Watching | null = null;
  /** Why nothing more is known; empty where the server answered. */
  problem = '';

  constructor(
    readonly client: Client,
    readonly path: () => string
  ) {}

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** The whole report is wanted: whoever has room for it shows it. */
  get reportAsked(): ISignal<this, void> {
    return this._reportAsked;
  }

  /** The monitor has looked since this was last asked. */
  get seenAnew(): ISignal<this, void> {
    return this._seenAnew;
  }

  /** Ask what is known. */
  load(): Promise<void> {
    return this._take(this.client.monitor(this.path()));
  }

  /** Let the monitor look, at labels that have arrived and features that were served where files of them are named. */
  look(labels: string, served: string): Promise<void> {
    return this._take(this.client.look({ path: this.path(), labels, served }));
  }

  openReport(): void {
    this._reportAsked.emit();
  }

  /** Another notebook is in front. */
  forget(): void {
    this._turn++;
    this.known = null;
    this.problem = '';
  }

  /** The latest answer counts: those to what was asked before are dropped. */
  private async _take(asked: Promise<Watching>): Promise<void> {
    const turn = ++this._turn;
    try {
      const known = await asked;
      if (turn !== this._turn) {
        return;
      }
      const before = this.known?.glance.seen?.at;
      this.known = known;
      this.problem = '';
      if (before && before !== known.glance.seen?.at) {
        this._seenAnew.emit();
      }
    } catch (error) {
      if (turn !== this._turn) {
        return;
      }
      this.problem = error instanceof Error ? error.message : String(error);
    }
    this._changed.emit();
    if (this.known?.is_looking && !this.problem) {
      setTimeout(() => turn === this._turn && void this.load(), PAUSE_MILLISECONDS);
    }
  }

  private _turn = 0;
  private _changed = new Signal<this, void>(this);
  private _seenAnew = new Signal<this, void>(this);
  private _reportAsked = new Signal<this, void>(this);
}
