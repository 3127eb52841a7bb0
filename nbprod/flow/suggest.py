"""Stages proposed for a notebook that has none: by its headings and by what its cells do."""

from __future__ import annotations

import ast
import re
from collections import Counter
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from nbprod.flow.graph import flow_with, kind_from_roles, reading_of
from nbprod.flow.stages import Tagging, kind_from_name, parameters_of, tagging_of
from nbprod.libraries.calls import Role
from nbprod.model import (
    CellKind,
    Kind,
    Notebook,
    Severity,
    StageOptions,
    SuggestedParameter,
    SuggestedStage,
    Suggestion,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from nbprod.flow.effects import Step
    from nbprod.flow.steps import Reading

_HEADING = re.compile(r"^#{1,3}\s+(.+)$", re.MULTILINE)
_TIME_NAME = re.compile(r"(^|_)(date|time|datetime|timestamp|ts|day|dt)($|_)|_at$|Date|Time", re.IGNORECASE)
_PARAMETER_NAME = re.compile(
    r"(seed|path|dir|folder|file|url|date|start|end|month|year|threshold|size|alpha|rate)", re.IGNORECASE
)
_SHOWING = {Role.SHOW, Role.PLOT}
_NUMBERING = re.compile(r"^[\W\d]*(?:step|part|section|chapter)?[\W\d]*", re.IGNORECASE)


class _Part(Struct, frozen=True):
    """Neighbouring code cells proposed as one stage."""

    cells: tuple[int, ...]
    heading: str
    kind: Kind
    is_first: bool = True


def suggest(notebook: Notebook) -> Suggestion:
    """Stages, parameters and time columns that the notebook might have, with the reasons.

    Each stage is a run of neighbouring cells, so that accepting the suggestion never closes a circle; stages
    between which something would have to pass that can't are proposed as one.
    """
    told = tagging_of(notebook, overrides={})
    reading = reading_of(notebook, told)
    steps: dict[int, list[Step]] = {}
    for step in reading.steps:
        steps.setdefault(step.cell, []).append(step)
    parameters = tuple(_parameters(notebook, reading.steps))
    parameter_cells = _parameter_cells(notebook, parameters, steps) | told.parameters
    apart = told.apart | told.skipped | parameter_cells
    working = {at for at in steps if at not in apart and not _only_defines(steps[at])}
    parts = _merged(list(_parts(notebook, steps, working)))
    parts = [_filled(part, steps.keys() - apart) for part in parts]
    parts = _crossable(notebook, parts, parameter_cells, reading)
    times = _time_columns(reading.steps)
    stages = tuple(_stages(parts, times, steps))
    flow, _ = flow_with(notebook, _tagging(notebook, _named(parts), parameter_cells), reading=reading)
    return Suggestion(
        stages=stages,
        parameters=parameters,
        parameter_cells=tuple(sorted(parameter_cells)),
        time_columns=times,
        left_out=flow.left_out,
    )


# Stages


def _parts(notebook: Notebook, steps: Mapping[int, Sequence[Step]], working: set[int]) -> Iterator[_Part]:
    """Runs of working cells: a heading or another kind of work starts the next one."""
    heading, pending, kind, is_first = "", list[int](), Kind.OTHER, True
    for cell in notebook.cells:
        if cell.kind is CellKind.MARKDOWN:
            found = _HEADING.findall(cell.source)
            if found and pending:
                yield _Part(tuple(pending), heading, kind, is_first)
                pending, kind = [], Kind.OTHER
            if found:
                heading, is_first = found[-1].strip(), True
            continue
        at = cell.position
        if at is None or at not in working or (not pending and _only_shows(steps[at])):
            continue
        does = kind_from_roles(steps[at])
        if pending and _starts_anew(kind, does):
            yield _Part(tuple(pending), heading, kind, is_first)
            pending, kind, is_first = [], Kind.OTHER, False
        pending.append(at)
        kind = kind if does is Kind.OTHER else does
    if pending:
        yield _Part(tuple(pending), heading, kind, is_first)


_ORDER = (Kind.LOAD, Kind.CLEAN, Kind.FEATURES, Kind.SPLIT, Kind.TRAIN, Kind.SCORE, Kind.EVALUATE)


def _starts_anew(kind: Kind, does: Kind) -> bool:
    return does is not Kind.OTHER and kind not in (Kind.OTHER, does)


def _merged(parts: list[_Part]) -> list[_Part]:
    """Neighbours of one kind under one heading are one part."""
    merged: list[_Part] = []
    for part in parts:
        if merged and merged[-1].heading == part.heading and part.kind in (merged[-1].kind, Kind.OTHER):
            merged[-1] = replace(merged[-1], cells=merged[-1].cells + part.cells)
        else:
            merged.append(part)
    return merged


def _filled(part: _Part, free: Iterable[int]) -> _Part:
    """The part with the definitions that lie between its cells: they run where they stand."""
    first, last = min(part.cells), max(part.cells)
    between = {at for at in free if first < at < last}
    return replace(part, cells=tuple(sorted({*part.cells, *between})))


def _crossable(
    notebook: Notebook, parts: list[_Part], parameter_cells: set[int], reading: Reading
) -> list[_Part]:
    """Join parts until nothing has to pass between them that can't."""
    skipped = tagging_of(notebook, overrides={}).skipped
    while len(parts) > 1:
        names = _named(parts)
        _, findings = flow_with(notebook, _tagging(notebook, names, parameter_cells), reading=reading)
        blocked = [one for one in findings if one.severity is Severity.ERROR]
        at = next(
            (
                i
                for one in blocked
                if (i := _blocked_part(one.stage, one.span.cell if one.span else None, names)) is not None
            ),
            None,
        )
        if at is None:
            return parts
        at = max(at, 1)
        joined = replace(parts[at - 1], cells=parts[at - 1].cells + parts[at].cells)
        joined = _filled(joined, {step.cell for step in reading.steps} - parameter_cells - skipped)
        parts = [*parts[: at - 1], joined, *parts[at + 1 :]]
    return parts


def _blocked_part(stage: str | None, cell: int | None, names: Mapping[str, _Part]) -> int | None:
    for at, (name, part) in enumerate(names.items()):
        if name == stage or (cell is not None and cell in part.cells):
            return at
    return None


def _named(parts: Sequence[_Part]) -> dict[str, _Part]:
    names: dict[str, _Part] = {}
    for part in parts:
        wanted = _name(part)
        name, number = wanted, 2
        while name in names:
            name, number = f"{wanted}-{number}", number + 1
        names[name] = part
    return names


def _name(part: _Part) -> str:
    words = re.findall(r"[A-Za-z][A-Za-z0-9]*", _NUMBERING.sub("", part.heading).lower())
    if words and len(words) <= 4 and part.is_first:
        return "-".join(words)
    if part.kind is not Kind.OTHER:
        return part.kind.value
    return "-".join(words[:3]) if words else "work"


def _tagging(notebook: Notebook, names: Mapping[str, _Part], parameter_cells: set[int]) -> Tagging:
    told = tagging_of(notebook, overrides={})
    tagging = Tagging(parameters=parameter_cells, apart=told.apart, skipped=told.skipped)
    for name, part in names.items():
        tagging.cells[name] = list(part.cells)
        tagging.stage_of.update(dict.fromkeys(part.cells, name))
        tagging.options[name] = StageOptions(kind=_kind(name, part))
    return tagging


def _kind(name: str, part: _Part) -> Kind:
    return kind_from_name(name) or part.kind


def _stages(
    parts: Sequence[_Part], times: Sequence[str], steps: Mapping[int, Sequence[Step]]
) -> Iterator[SuggestedStage]:
    for name, part in _named(parts).items():
        kind = _kind(name, part)
        roles = Counter(
            role.value
            for at in part.cells
            for step in steps[at]
            for role in step.effects.roles
            if role not in _SHOWING
        )
        does = f"its cells mostly {roles.most_common(1)[0][0]}" if roles else ""
        under = f"it stands under '{part.heading}'" if part.heading else ""
        reason = " and ".join(one for one in (under, does) if one) or "its cells follow one another"
        yield SuggestedStage(
            name=name,
            kind=kind,
            cells=part.cells,
            time=times[0] if times and kind is Kind.FEATURES else None,
            reason=f"{reason[0].upper()}{reason[1:]}.",
        )


def _only_defines(steps: Sequence[Step]) -> bool:
    return all(step.is_definition or (step.effects.sets and step.effects.is_copyable) for step in steps)


def _only_shows(steps: Sequence[Step]) -> bool:
    return all(
        step.shows
        and not step.effects.changed
        and not step.effects.may
        and set(step.effects.roles) <= _SHOWING
        for step in steps
    )


# Parameters and time columns


def _parameters(notebook: Notebook, steps: Sequence[Step]) -> Iterator[SuggestedParameter]:
    bound = Counter(name for step in steps for name in step.effects.may)
    readers: dict[str, set[int]] = {}
    for step in steps:
        for name in step.effects.uses:
            readers.setdefault(name, set()).add(step.cell)
    for cell in notebook.code:
        for parameter in parameters_of(cell):
            if bound[parameter.name] != 1:
                continue
            reason = _parameter_reason(parameter.name, readers.get(parameter.name, set()))
            if reason:
                yield SuggestedParameter(parameter=parameter, reason=reason)


def _parameter_reason(name: str, cells: set[int]) -> str:
    if len(cells) > 1:
        return f"A constant that {len(cells)} cells read."
    if cells and (name.isupper() or _PARAMETER_NAME.search(name)):
        return "A constant with a name that speaks of a setting."
    return ""


def _parameter_cells(
    notebook: Notebook, parameters: Sequence[SuggestedParameter], steps: Mapping[int, Sequence[Step]]
) -> set[int]:
    lines = {(one.parameter.span.cell, one.parameter.span.line) for one in parameters if one.parameter.span}
    return {
        at
        for at in range(len(notebook.code))
        if steps.get(at) and all((at, step.span.line) in lines for step in steps[at])
    }


def _time_columns(steps: Sequence[Step]) -> tuple[str, ...]:
    """Columns that the notebook treats as times: turned into dates, parsed as such, sorted by."""
    found: Counter[str] = Counter()
    for step in steps:
        for node in ast.walk(step.node):
            if isinstance(node, ast.Call):
                found.update(_columns_of_time(node))
    return tuple(name for name, _ in found.most_common())


def _columns_of_time(call: ast.Call) -> Iterator[str]:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if name in ("to_datetime", "strptime", "str_to_date"):
        yield from (text for one in call.args for text in _texts(one) if text.isidentifier())
    for keyword in call.keywords:
        if keyword.arg in ("parse_dates", "on", "key", "index_column"):
            yield from (
                text
                for text in _texts(keyword.value)
                if keyword.arg == "parse_dates" or _TIME_NAME.search(text)
            )
    if name in ("sort_values", "set_index", "order_by", "sort", "resample"):
        yield from (text for one in call.args for text in _texts(one) if _TIME_NAME.search(text))


def _texts(node: ast.expr) -> Iterator[str]:
    for one in ast.walk(node):
        if isinstance(one, ast.Constant) and isinstance(one.value, str):
            yield one.value
