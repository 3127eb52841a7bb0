// Written by `python -m nbprod.continuous.glance`; the nouns stand in nbprod/continuous/glance.py.

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export type Action = 'under way' | 'nothing' | 'stopped' | 'failed' | 'kept' | 'promoted' | 'abandoned';

export interface BatchSeen {
  batch: number;
  version: number;
  rows: number;
  said: string;
  at: string;
  drifted: string[];
  worst_psi: number | null;
  metric: string;
  promised: number | null;
  live: number | null;
  labelled: number;
}

export interface ChampionNow {
  version: number;
  since: string;
  who: string;
  why: string;
  kind: Moved;
  run: string;
  trained_from: string | null;
  trained_to: string | null;
  metrics: { [key: string]: number };
}

export interface DecisionTold {
  started: string;
  action: Action;
  reason: string;
  triggers: string[];
  challenger: number | null;
  times: number;
}

export interface Glance {
  model: string;
  champion: ChampionNow | null;
  challenger: number | null;
  decisions: DecisionTold[];
  seen: Seen | null;
  unseen: number;
}

export type Moved = 'promotion' | 'rollback';

export interface Seen {
  at: string;
  last_batch: number;
  alarms: string[];
  batches: BatchSeen[];
  labels: string;
  served: string;
  skew: string;
  has_skew: boolean;
  large_psi: number;
}
