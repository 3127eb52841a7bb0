import { ILabShell, ILayoutRestorer, type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Dialog, ICommandPalette, IToolbarWidgetRegistry, showDialog } from '@jupyterlab/apputils';
import type { Cell } from '@jupyterlab/cells';
import { EditorExtensionRegistry, IEditorExtensionRegistry } from '@jupyterlab/codemirror';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { Token } from '@lumino/coreutils';
import { Client, type Progress } from './client';
import { keepCellsMarked } from './marks/cells';
import { findingMarks } from './marks/editors';
import { StagePicker } from './marks/picker';
import { PipelineModel } from './model';
import { icon, PipelinePanel } from './views/panel';

const RUN_EVENT = 'https://events.nbprod.dev/run/v1';
/** What this front end speaks; the server says its own number. */
const WIRE = 1;

const IPipelineModel = new Token<PipelineModel>('nbprod:IPipelineModel', 'The pipeline of the notebook in front.');

namespace Command {
  export const show = 'nbprod:show';
  export const check = 'nbprod:check';
  export const run = 'nbprod:run';
  export const tag = 'nbprod:tag';
}

const model: JupyterFrontEndPlugin<PipelineModel> = {
  id: 'nbprod:model',
  description: 'The pipeline of the notebook in front.',
  autoStart: true,
  provides: IPipelineModel,
  requires: [INotebookTracker],
  activate: (app: JupyterFrontEnd, tracker: INotebookTracker) => {
    const client = new Client(app.serviceManager.serverSettings);
    const pipeline = new PipelineModel(tracker, client);
    app.serviceManager.events.stream.connect((_, event) => {
      if (event.schema_id === RUN_EVENT) {
        pipeline.follow((event as unknown as { run: Progress }).run);
      }
    });
    void client.version().then(({ wire, version }) => {
      if (wire !== WIRE) {
        void showDialog({
          title: 'nbprod was updated',
          body: `The server runs nbprod ${version}; this page is from another version. Reload it.`,
          buttons: [Dialog.okButton()]
        });
      }
    });
    return pipeline;
  }
};

const panel: JupyterFrontEndPlugin<void> = {
  id: 'nbprod:panel',
  description: 'The pipeline sidebar and its commands.',
  autoStart: true,
  requires: [IPipelineModel, INotebookTracker],
  optional: [ILayoutRestorer, ILabShell, ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    pipeline: PipelineModel,
    tracker: INotebookTracker,
    restorer: ILayoutRestorer | null,
    _shell: ILabShell | null,
    palette: ICommandPalette | null
  ) => {
    const sidebar = new PipelinePanel(pipeline);
    app.shell.add(sidebar, 'right', { rank: 700, type: 'nbprod' });
    restorer?.add(sidebar, sidebar.id);
    const show = () => app.shell.activateById(sidebar.id);
    const isOpen = () => tracker.currentWidget !== null;
    app.commands.addCommand(Command.show, { label: 'Show the Pipeline', icon, execute: show });
    app.commands.addCommand(Command.check, {
      label: args => (args.toolbar ? 'Check' : 'Check the Notebook for Leaks'),
      caption: 'Study the notebook and list what nbprod found',
      isEnabled: isOpen,
      execute: async () => {
        await pipeline.refresh();
        show();
      }
    });
    app.commands.addCommand(Command.run, {
      label: 'Run as Pipeline',
      caption: 'Extract the stages and run them as papermill notebooks',
      isEnabled: () => isOpen() && !pipeline.isRunning,
      execute: async () => {
        show();
        await pipeline.run({});
      }
    });
    app.commands.addCommand(Command.tag, {
      label: args => (args.stage ? `Move the Cell to Stage '${args.stage}'` : 'Take the Cell out of Its Stage'),
      isEnabled: isOpen,
      execute: args => {
        const cell = tracker.activeCell;
        if (cell) {
          pipeline.tag(cell.model, (args.stage as string | undefined) ?? null);
        }
      }
    });
    for (const command of [Command.show, Command.check, Command.run, Command.tag]) {
      palette?.addItem({ command, category: 'Pipeline' });
    }
  }
};

const cells: JupyterFrontEndPlugin<void> = {
  id: 'nbprod:plugin',
  description: "The stage picker in each cell's toolbar, and the bars beside staged cells.",
  autoStart: true,
  requires: [IPipelineModel, INotebookTracker, IToolbarWidgetRegistry, ISettingRegistry],
  activate: async (
    _app: JupyterFrontEnd,
    pipeline: PipelineModel,
    tracker: INotebookTracker,
    registry: IToolbarWidgetRegistry,
    settings: ISettingRegistry
  ) => {
    let offered: string[] = [];
    registry.addFactory<Cell>('Cell', 'nbprod-stage', cell => new StagePicker(cell, pipeline, () => offered));
    keepCellsMarked(tracker, pipeline);
    const own = await settings.load(cells.id);
    const take = () => {
      offered = own.get('stages').composite as string[];
      document.body.dataset.nbprodBars = String(own.get('bars').composite);
    };
    own.changed.connect(take);
    take();
  }
};

const editors: JupyterFrontEndPlugin<void> = {
  id: 'nbprod:editors',
  description: 'Findings as squiggles in the cell editors.',
  autoStart: true,
  requires: [IPipelineModel, IEditorExtensionRegistry],
  activate: (_app: JupyterFrontEnd, pipeline: PipelineModel, registry: IEditorExtensionRegistry) => {
    registry.addExtension({
      name: 'nbprod:findings',
      factory: ({ model: edited }) => {
        const cell = edited as { type?: string; id?: string };
        if (cell.type !== 'code' || !cell.id) {
          return null;
        }
        return EditorExtensionRegistry.createImmutableExtension(findingMarks(pipeline, cell.id));
      }
    });
  }
};

export default [model, panel, cells, editors];
