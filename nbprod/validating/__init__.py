"""Suites judged against artifacts: Ibis measures, Great Expectations judges. GX is imported when a suite is judged."""

from nbprod.validating.docs import write_docs
from nbprod.validating.judging import judge_genuine
from nbprod.validating.pairing import paired
from nbprod.validating.parting import Parted, parted
from nbprod.validating.profiling import Proposing, profile_of, propose
from nbprod.validating.quarantine import Quarantined, quarantine
from nbprod.validating.recorded import record_docs
from nbprod.validating.tables import Limits
from nbprod.validating.verdicts import judge

__all__ = [
    "Limits",
    "Parted",
    "Proposing",
    "Quarantined",
    "judge",
    "judge_genuine",
    "paired",
    "parted",
    "profile_of",
    "propose",
    "quarantine",
    "record_docs",
    "write_docs",
]
