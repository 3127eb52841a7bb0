"""Suites as genuine GX JSON: what `gx.ExpectationSuite(**json)` and an expectations store load."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

from nbprod.errors import SuiteError, did_you_mean
from nbprod.model import Expectation, Importance, OnBroken, Suite

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbprod.model import Json

# A name of its own, so that ids depend on the content alone and stay when a suite is written again.
_NAMESPACE = uuid.UUID("6f1c6d0e-7d0b-5b0a-9a39-0d9b0a4f6f53")
_OURS = "nbprod"


def gx_json(suite: Suite) -> dict[str, Json]:
    """The suite as GX stores it; spans stay out, so that moving a cell changes nothing."""
    expectations = []
    seen: dict[str, int] = {}
    for one in suite.expectations:
        content = _content(one)
        key = json.dumps(content, sort_keys=True)
        seen[key] = seen.get(key, 0) + 1
        expectations.append({**content, "id": _id(suite_name(suite), key, seen[key])})
    ours: dict[str, Json] = {"value": suite.value}
    if suite.stage:
        ours["stage"] = suite.stage
    if suite.on_broken is not OnBroken.STOP:
        ours["on_broken"] = str(suite.on_broken)
    return {
        "name": suite_name(suite),
        "id": _id(suite_name(suite)),
        "expectations": list(expectations),
        "meta": {_OURS: ours},
        "notes": None,
    }


def suite_name(suite: Suite) -> str:
    """What GX calls the suite: the value's name, after its stage's where the suite names one.

    No dot: GX's store would make folders of it.
    """
    return f"{suite.stage}-{suite.value}" if suite.stage else suite.value


def suite_from_gx(data: Mapping[str, Any], *, value: str | None = None) -> Suite:
    """The suite that a GX JSON holds, on the value that it names itself unless `value` is given.

    Expectations that aren't GX's own are kept as they are. Raises SuiteError for what is no suite.
    """
    if not isinstance(data.get("expectations"), list):
        raise SuiteError(
            "This JSON is no suite of Great Expectations: it has no list of expectations.",
            where=str(data.get("name", "")),
            remedy="A suite looks like `gx.ExpectationSuite(...).to_json_dict()`.",
        )
    ours = (data.get("meta") or {}).get(_OURS) or {}
    name = value or ours.get("value") or data.get("name")
    if not name:
        raise SuiteError("The suite names no value.", remedy="Give the value that it is about.")
    return Suite(
        value=str(name),
        stage=ours.get("stage"),
        expectations=tuple(_expectation(one, str(name)) for one in data["expectations"]),
        on_broken=OnBroken(ours.get("on_broken", OnBroken.STOP)),
    )


def _content(one: Expectation) -> dict[str, Json]:
    content: dict[str, Json] = {
        "type": one.type,
        "kwargs": dict(one.arguments),
        "meta": dict(one.meta),
        "severity": str(one.importance),
    }
    if one.notes:
        content["notes"] = one.notes
    if one.description:
        content["description"] = one.description
    return content


def _expectation(data: Mapping[str, Any], suite: str) -> Expectation:
    # Before GX 1.0 the type stood under another name.
    kind = data.get("type") or data.get("expectation_type")
    if not kind:
        raise SuiteError(f"An expectation of '{suite}' names no type: {json.dumps(data, default=str)[:80]}.")
    severity = data.get("severity") or Importance.CRITICAL
    try:
        importance = Importance(severity)
    except ValueError as error:
        raise SuiteError(
            f"'{severity}' is no severity.", where=suite, remedy=did_you_mean(str(severity), list(Importance))
        ) from error
    notes = data.get("notes") or ""
    return Expectation(
        type=str(kind),
        arguments=dict(data.get("kwargs") or {}),
        importance=importance,
        notes=notes if isinstance(notes, str) else "\n".join(map(str, notes)),
        description=str(data.get("description") or ""),
        meta=dict(data.get("meta") or {}),
    )


def _id(*parts: object) -> str:
    return str(uuid.uuid5(_NAMESPACE, "\x1f".join(map(str, parts))))
