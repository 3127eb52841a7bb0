import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import type { PipelineModel } from '../model';
import { cellsSaid } from '../order';

/** Says at the notebook's upper edge which stage the cell there belongs to, once its beginning is scrolled away. */
export function keepStageSaid(tracker: INotebookTracker, model: PipelineModel): void {
  tracker.widgetAdded.connect((_, panel) => {
    const sign = new StageSign(panel, model);
    panel.disposed.connect(() => sign.dispose());
  });
}

class StageSign {
  constructor(
    readonly panel: NotebookPanel,
    readonly model: PipelineModel
  ) {
    this._node.className = 'jp-nbprod-where';
    // The panel's views say the same to those who don't see it
    this._node.setAttribute('aria-hidden', 'true');
    panel.node.append(this._node);
    // Scrolling doesn't bubble, and which node scrolls depends on the notebook's windowing
    panel.content.node.addEventListener('scroll', this._later, { capture: true, passive: true });
    model.changed.connect(this._later);
    this._later();
  }

  dispose(): void {
    cancelAnimationFrame(this._frame);
    this.model.changed.disconnect(this._later);
    this.panel.content.node.removeEventListener('scroll', this._later, { capture: true });
    this._node.remove();
  }

  private _later = () => {
    cancelAnimationFrame(this._frame);
    this._frame = requestAnimationFrame(() => this._say());
  };

  private _say(): void {
    const { panel, model } = this;
    if (model.panel !== panel || !panel.isVisible) {
      return;
    }
    const edge = panel.content.node.getBoundingClientRect();
    const top = document.elementFromPoint(edge.left + edge.width / 2, edge.top + 2)?.closest<HTMLElement>('.jp-Cell');
    const name = top?.dataset.nbprodStage;
    const stage = model.study?.flow.stages.find(one => one.name === name);
    const isBeginning = top?.dataset.nbprodBegins && top.getBoundingClientRect().top >= edge.top - 4;
    if (!stage || !top || isBeginning) {
      this._node.hidden = true;
      return;
    }
    this._node.hidden = false;
    this._node.dataset.nbprodHue = top.dataset.nbprodHue;
    this._node.textContent = `${stage.name} · ${cellsSaid(stage.cells)}`;
    this._node.style.top = `${edge.top - panel.node.getBoundingClientRect().top}px`;
  }

  private _frame = 0;
  private _node = document.createElement('div');
}
