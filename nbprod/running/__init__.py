"""Running a plan: papermill's home. Warm kernels, cache, schedule, records."""

from nbprod.running.backfill import Filled, backfill, states_of
from nbprod.running.budget import Budget, bytes_from
from nbprod.running.collecting import Collected, Stored, collect, stored
from nbprod.running.looking import Why, why, whys
from nbprod.running.parameters import typed
from nbprod.running.records import read_record, run_folders
from nbprod.running.run import run

__all__ = [
    "Budget",
    "Collected",
    "Filled",
    "Stored",
    "Why",
    "backfill",
    "bytes_from",
    "collect",
    "read_record",
    "run",
    "run_folders",
    "states_of",
    "stored",
    "typed",
    "why",
    "whys",
]
