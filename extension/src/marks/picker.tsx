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
    model.studied.connect(this._refresh, this);
  }

  dispose(): void {
    if (this.isDisposed) {
      return;
    }
    this.cell.model?.metadataChanged.disconnect(this._refresh, this);
    this.model.studied.disconnect(this._refresh, this);
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

  /** A notebook has hundreds of these: each is drawn again only where it would look different. */
  private _refresh(): void {
    if (this.cell.isDisposed) {
      return;
    }
    const { stage } = taggingOf(this.cell.model);
    const look = JSON.stringify([stage, canBeStaged(this.cell.model), this._names(stage)]);
    if (look !== this._look) {
      this._look = look;
      this.update();
    }
  }

  private _look = '';
}
