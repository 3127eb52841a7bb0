"""The verbs of nbprod: what every face calls. Nouns in, nouns out; bad input raises `NbprodError`.

A notebook or plan may be given as a path. What runs leave stands under `ROOT/.nbprod`, where ROOT is the nearest
folder above the notebook that holds a `pyproject.toml` or a `.git`, else the notebook's own folder.
"""

from nbprod.api.continuous import Watching, decisions, glance, monitor, monitor_page_at, retrain, seconds_of
from nbprod.api.exports import export, export_targets
from nbprod.api.models import ModelState, Promotion, models, promote, registry_of, rollback
from nbprod.api.plans import PLAN_SUFFIX, accepted, diff, extract, plan, read_plan, tag
from nbprod.api.project import STATE_FOLDER, Check, doctor, init, root_of, settings_for
from nbprod.api.replays import Replayed, Taken, replay, replay_taken, take
from nbprod.api.runs import (
    backfill,
    collect,
    docs,
    record,
    record_within,
    records,
    run,
    stored,
    verify,
    why,
)
from nbprod.api.scoring import load, score, skew
from nbprod.api.studying import Source, StudyMemory, read, study, study_in_writing, suggest
from nbprod.api.tracking import diff_runs, mirror, mirrored_at, reproduce
from nbprod.api.values import (
    given_last,
    infer,
    infer_from_last_run,
    prediction_proposal,
    proposal,
    review,
    served_as_trained,
    validate,
    value,
)

__all__ = [
    "PLAN_SUFFIX",
    "STATE_FOLDER",
    "Check",
    "ModelState",
    "Promotion",
    "Replayed",
    "Source",
    "StudyMemory",
    "Taken",
    "Watching",
    "accepted",
    "backfill",
    "collect",
    "decisions",
    "diff",
    "diff_runs",
    "docs",
    "doctor",
    "export",
    "export_targets",
    "extract",
    "given_last",
    "glance",
    "infer",
    "infer_from_last_run",
    "init",
    "load",
    "mirror",
    "mirrored_at",
    "models",
    "monitor",
    "monitor_page_at",
    "plan",
    "prediction_proposal",
    "promote",
    "proposal",
    "read",
    "read_plan",
    "record",
    "record_within",
    "records",
    "registry_of",
    "replay",
    "replay_taken",
    "reproduce",
    "retrain",
    "review",
    "rollback",
    "root_of",
    "run",
    "score",
    "seconds_of",
    "served_as_trained",
    "settings_for",
    "skew",
    "stored",
    "study",
    "study_in_writing",
    "suggest",
    "tag",
    "take",
    "validate",
    "value",
    "verify",
    "why",
]
