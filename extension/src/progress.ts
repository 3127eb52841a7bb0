import type { Record, State } from './wire';

export interface StageProgress {
  stage: string;
  state: State;
  cell: number;
  cells: number;
  seconds: number | null;
}

/** A run as the server follows it; `record` is there once the run has written one. */
export interface Progress {
  id: string;
  path: string;
  state: State;
  started: string;
  stages: StageProgress[];
  error: string;
  record_id: string;
  record: Record | null;
  turn: number;
  /** Its process is gone: nothing more will be told of it. */
  is_settled: boolean;
}

/** Whether the server follows the run: one that left a record only is over, or goes on elsewhere. */
export function goesOn(run: Progress): boolean {
  return run.record === null && (run.state === 'running' || run.state === 'waiting');
}

/** The states of a run's stages, as what its picture depends on. */
export function statesOf(run: Progress | undefined): string {
  return run ? run.stages.map(stage => stage.state).join() : '';
}
