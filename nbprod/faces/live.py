"""What the sidebar asks of a running kernel: verdicts on the values that it holds."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from nbprod import api, wire
from nbprod.errors import NbprodError
from nbprod.model import Suite

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbprod.model import Verdict

MIME = "application/vnd.nbprod.verdicts+json"


class Judged(Struct, frozen=True, kw_only=True):
    """Verdicts by value, as an answer that a front end can read."""

    verdicts: Mapping[str, tuple[Verdict, ...]]

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return {
            MIME: wire.plain(self.verdicts),
            "text/plain": f"verdicts on {', '.join(self.verdicts) or 'nothing'}",
        }


def judged(names: Mapping[str, object], suites: str, *, loads: bool) -> Judged:
    """The verdicts of suites (as JSON) on those of their values that are among the names.

    Great Expectations takes seconds to load: unless `loads`, nothing is judged where it isn't loaded yet.
    """
    if not loads and "great_expectations" not in sys.modules:
        return Judged(verdicts={})
    found: dict[str, tuple[Verdict, ...]] = {}
    for raw in json.loads(suites):
        suite = wire.noun(Suite, raw, where="the sidebar")
        if suite.value in names:
            try:
                found[suite.value] = (*found.get(suite.value, ()), *api.validate(names[suite.value], suite))
            except NbprodError:
                continue  # a value of a kind that can't be judged: the suite's own cell says so
    return Judged(verdicts=found)
