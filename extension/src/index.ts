import { ILayoutRestorer, type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Dialog, ICommandPalette, IThemeManager, IToolbarWidgetRegistry, Notification, showDialog } from '@jupyterlab/apputils';
import type { Cell } from '@jupyterlab/cells';
import { EditorExtensionRegistry, IEditorExtensionRegistry } from '@jupyterlab/codemirror';
import { INotebookTracker, NotebookActions } from '@jupyterlab/notebook';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { Token } from '@lumino/coreutils';
import type { IDisposable } from '@lumino/disposable';
import { Client } from './client';
import { keepCellsMarked } from './marks/cells';
import { findingMarks } from './marks/editors';
import { StagePicker } from './marks/picker';
import { keepStageSaid } from './marks/where';
import { PipelineModel } from './model';
import { Reports } from './report';
import { icon, PipelinePanel } from './views/panel';

const RUN_EVENT = 'https://events.nbprod.dev/run/v1';
/** What this front end speaks; the server says its own number. */
const WIRE = 3;

const IPipelineModel = new Token<PipelineModel>('nbprod:IPipelineModel', 'The pipeline of the notebook in front.');

namespace Command {
  export const show = 'nbprod:show';
  export const check = 'nbprod:check';
  export const run = 'nbprod:run';
  export const tag = 'nbprod:tag';
  export const suggest = 'nbprod:suggest';
  export const extract = 'nbprod:extract';
  export const cancel = 'nbprod:cancel';
  export const report = 'nbprod:report';
  export const nextFinding = 'nbprod:next-finding';
  export const previousFinding = 'nbprod:previous-finding';
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
        const { id, path } = event as unknown as { id: string; path: string };
        void pipeline.hearOf(id, path);
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
    NotebookActions.executed.connect((_, { cell }) => void pipeline.cellRan(cell.model.id));
    return pipeline;
  }
};

const panel: JupyterFrontEndPlugin<void> = {
  id: 'nbprod:panel',
  description: 'The pipeline sidebar and its commands.',
  autoStart: true,
  requires: [IPipelineModel, INotebookTracker],
  optional: [ILayoutRestorer, ICommandPalette, IThemeManager],
  activate: (
    app: JupyterFrontEnd,
    pipeline: PipelineModel,
    tracker: INotebookTracker,
    restorer: ILayoutRestorer | null,
    palette: ICommandPalette | null,
    themes: IThemeManager | null
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
    app.commands.addCommand(Command.suggest, {
      label: 'Suggest Stages',
      caption: 'Propose stages for the untagged notebook',
      isEnabled: () => isOpen() && !pipeline.stageNames.length,
      execute: async () => {
        show();
        await pipeline.suggest();
      }
    });
    app.commands.addCommand(Command.extract, {
      label: 'Extract the Plan',
      caption: 'Write the stages as papermill notebooks beside this one',
      isEnabled: () => isOpen() && pipeline.stageNames.length > 0,
      execute: () =>
        pipeline.extract().then(
          folder => void Notification.success(`The plan stands in ${folder}.`, { autoClose: 5000 }),
          error => void Notification.error(String(error.message ?? error))
        )
    });
    app.commands.addCommand(Command.cancel, {
      label: 'Cancel the Pipeline Run',
      isEnabled: () => pipeline.isRunning,
      execute: () => pipeline.cancelRunning()
    });
    const reports = new Reports(app, pipeline);
    themes?.themeChanged.connect(() => reports.repaint());
    app.commands.addCommand(Command.report, {
      label: 'Open the Report of the Model in Production',
      isEnabled: isOpen,
      execute: async () => {
        await pipeline.watch.load();
        if (pipeline.watch.known?.glance.seen) {
          reports.open();
        } else {
          show();
          sidebar.open('Monitor');
        }
      }
    });
    app.commands.addCommand(Command.nextFinding, {
      label: 'Go to the Next Finding',
      isEnabled: () => pipeline.findings.length > 0,
      execute: () => pipeline.goToFinding(1)
    });
    app.commands.addCommand(Command.previousFinding, {
      label: 'Go to the Previous Finding',
      isEnabled: () => pipeline.findings.length > 0,
      execute: () => pipeline.goToFinding(-1)
    });
    const states = () => Object.values(Command).forEach(command => app.commands.notifyCommandChanged(command));
    pipeline.changed.connect(states);
    for (const command of Object.values(Command)) {
      palette?.addItem({ command, category: 'Pipeline' });
    }
  }
};

const cells: JupyterFrontEndPlugin<void> = {
  id: 'nbprod:plugin',
  description: "The stage picker in each cell's toolbar, and the bars beside staged cells.",
  autoStart: true,
  requires: [IPipelineModel, INotebookTracker, IToolbarWidgetRegistry, ISettingRegistry],
  optional: [ICommandPalette],
  activate: async (
    _app: JupyterFrontEnd,
    pipeline: PipelineModel,
    tracker: INotebookTracker,
    registry: IToolbarWidgetRegistry,
    settings: ISettingRegistry,
    palette: ICommandPalette | null
  ) => {
    let offered: string[] = [];
    let entries: IDisposable[] = [];
    registry.addFactory<Cell>('Cell', 'nbprod-stage', cell => new StagePicker(cell, pipeline, () => offered));
    keepCellsMarked(tracker, pipeline);
    keepStageSaid(tracker, pipeline);
    const own = await settings.load(cells.id);
    const take = () => {
      offered = own.get('stages').composite as string[];
      entries.forEach(entry => entry.dispose());
      entries = offered.flatMap(stage => palette?.addItem({ command: Command.tag, category: 'Pipeline', args: { stage } }) ?? []);
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
