import type { Cell } from '@jupyterlab/cells';
import { HTMLSelect, ReactWidget } from '@jupyterlab/ui-components';
import * as React from 'react';
import type { PipelineModel } from '../model';
import { canBeStaged, taggingOf } from '../tags';

/** The stage picker in each code cell's own toolbar. */
export class StagePicker extends ReactWidget {
  constructor(
    readonly cell: Cell,
    readonly model: PipelineModel,
    readonly offered: () => string[]
  ) {
    super();
    this.addClass('jp-nbprod-picker');
    cell.model.metadataChanged.connect(this._refresh, this);
    model.studied.connect(this._onStudied, this);
  }

  dispose(): void {
    if (this.isDisposed) {
      return;
    }
    this.cell.model?.metadataChanged.disconnect(this._refresh, this);
    this.model.studied.disconnect(this._onStudied, this);
    waiting.delete(this);
    super.dispose();
  }

  render(): JSX.Element {
    if (this.cell.isDisposed || !canBeStaged(this.cell.model)) {
      return <></>;
    }
    const { stage } = taggingOf(this.cell.model);
    const names = this._names(stage);
    return (
      <HTMLSelect
        value={stage ?? ''}
        aria-label="Pipeline stage of this cell"
        title="Pipeline stage of this cell"
        onChange={event => this.model.tag(this.cell.model, event.currentTarget.value || null)}
      >
        <option value="">no stage</option>
        {names.map(name => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </HTMLSelect>
    );
  }

  private _names(stage: string | null): string[] {
    return [...new Set([...this.model.stageNames, ...this.offered(), ...(stage ? [stage] : [])])];
  }

  private _refresh(): void {
    if (this._looksOtherwise()) {
      this.update();
    }
  }

  private _onStudied(): void {
    if (this._looksOtherwise()) {
      whenIdle(this);
    }
  }

  /** A notebook has hundreds of these: each is drawn again only where it would look different. */
  private _looksOtherwise(): boolean {
    if (this.cell.isDisposed) {
      return false;
    }
    const { stage } = taggingOf(this.cell.model);
    const look = [stage, canBeStaged(this.cell.model), this.model.stageNames, this.offered()];
    const before = this._look;
    this._look = look;
    return look.some((part, place) => part !== before[place]);
  }

  private _look: unknown[] = [];
}

/** How many are drawn at a time: a key that is typed meanwhile waits for no more than these. */
const AT_ONCE = 8;
const waiting = new Set<StagePicker>();
let isAsked = false;

/** A new stage is offered in every picker: they follow once the page has nothing else to do. */
function whenIdle(picker: StagePicker): void {
  waiting.add(picker);
  if (!isAsked) {
    isAsked = true;
    idle(drawSome);
  }
}

function drawSome(): void {
  isAsked = false;
  const some = [...waiting].slice(0, AT_ONCE);
  for (const picker of some) {
    waiting.delete(picker);
    picker.update();
  }
  if (waiting.size) {
    isAsked = true;
    idle(drawSome);
  }
}

function idle(work: () => void): void {
  // Safari has no idle callbacks
  if (typeof requestIdleCallback === 'function') {
    requestIdleCallback(work, { timeout: 500 });
  } else {
    setTimeout(work, 50);
  }
}
