// Written by `python -m nbprod.wire`; the nouns stand in nbprod/model.py.

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export interface Artifact {
  name: string;
  digest: string;
  format: string;
  type: string;
  bytes: number;
  rows: number | null;
  columns: string[];
  bundle: string[];
}

export interface CellFailure {
  cell: number | null;
  source: string;
  error: string;
  message: string;
  traceback: string;
}

export interface Edit {
  span: Span;
  replacement: string;
}

export interface Expectation {
  type: string;
  arguments: { [key: string]: Json };
  importance: Importance;
  notes: string;
  span: Span | null;
  description: string;
  meta: { [key: string]: Json };
}

export interface Finding {
  rule: string;
  severity: Severity;
  message: string;
  span: Span | null;
  verdict: Proof | null;
  column_names: string[];
  horizon: string | null;
  path: Step[];
  remedy: string;
  edits: Edit[];
  witness: Witness | null;
  stage: string | null;
}

export interface Flow {
  stages: Stage[];
  links: Link[];
  parameters: Parameter[];
  left_out: LeftOut[];
}

export type Importance = 'critical' | 'warning' | 'info';

export type Kind = 'load' | 'clean' | 'features' | 'split' | 'train' | 'evaluate' | 'score' | 'other';

export interface LeftOut {
  cell: number;
  reason: string;
}

export interface Link {
  giver: string;
  taker: string;
  reason: LinkReason;
  carries: string[];
}

export type LinkReason = 'values' | 'file' | 'state';

export interface Need {
  name: string;
  giver: string;
}

export type OnBroken = 'stop' | 'quarantine' | 'warn';

export interface Parameter {
  name: string;
  type: string;
  default: Json;
  description: string;
  span: Span | null;
  secret: boolean;
}

export type Proof = 'proved clean' | 'confirmed' | 'suspected' | 'not reproduced' | 'unproved';

export interface Quarantine {
  rows_kept: number;
  rows_taken: number;
  broke: { [key: string]: number };
  kept: Artifact | null;
  taken: Artifact | null;
}

export interface Record {
  id: string;
  pipeline: string;
  source: string;
  folder: string;
  state: State;
  started: string;
  seconds: number | null;
  parameters: { [key: string]: Json };
  digests: { [key: string]: string };
  versions: { [key: string]: string };
  stages: StageRun[];
  findings: Finding[];
}

export type Severity = 'error' | 'warning' | 'note';

export interface Snippet {
  code: string;
  span: Span;
  defines: string[];
}

export interface Span {
  cell: number;
  line: number;
  column: number;
  end_line: number;
  end_column: number;
}

export interface Stage {
  name: string;
  kind: Kind;
  cells: number[];
  options: StageOptions;
  needs: Need[];
  gives: string[];
  reads: string[];
  preamble: Snippet[];
}

export interface StageOptions {
  kind: Kind | null;
  time: string | null;
  entity: string | null;
  known: ([string, string])[];
  retries: number;
  timeout_seconds: number | null;
  cell_timeout_seconds: number | null;
}

export interface StageRun {
  stage: string;
  state: State;
  started: string | null;
  seconds: number | null;
  notebook: string | null;
  attempt: number;
  key: string;
  artifacts: Artifact[];
  verdicts: Verdict[];
  failure: CellFailure | null;
  reason: string;
  peak_bytes: number | null;
}

export type State = 'waiting' | 'running' | 'done' | 'cached' | 'failed' | 'broken' | 'skipped' | 'cancelled';

export interface Step {
  span: Span;
  says: string;
}

export interface Study {
  notebook: string;
  flow: Flow;
  suites: Suite[];
  findings: Finding[];
}

export interface SuggestedParameter {
  parameter: Parameter;
  reason: string;
}

export interface Suite {
  value: string;
  expectations: Expectation[];
  stage: string | null;
  span: Span | null;
  on_broken: OnBroken;
}

export interface Verdict {
  expectation: Expectation;
  success: boolean;
  value: string;
  stage: string | null;
  digest: string | null;
  observed: Json;
  element_count: number | null;
  broken_count: number | null;
  samples: Json[];
  rows: ({ [key: string]: Json })[];
  error: string;
  measured_by: string;
  quarantine: Quarantine | null;
}

export interface Witness {
  stage: string;
  column: string;
  row: string;
  cut: string;
  probe: string;
  value_with_future: string;
  value_without_future: string;
  output: string;
}
