"""Rows that meet rows of another table: lookups, equality joins, as-of joins."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from msgspec.structs import replace

from nbprod.leakage.horizon import Reach
from nbprod.leakage.interpret import edits, frames
from nbprod.leakage.interpret.clocks import is_calendar_name, words
from nbprod.leakage.interpret.facts import NOTHING, WHOLE_REACH, Ahead, Clock, Facts

if TYPE_CHECKING:
    import ast

    from nbprod.leakage.interpret.context import Run
    from nbprod.leakage.interpret.values import Table

_NO_TIME = timedelta(0)
_EVENT_WORDS = frozenset(
    ["ets", "event", "occurred", "happened", "effective", "fiscal", "ended", "end", "eventtime"]
)
PUBLICATION_WORDS = frozenset(
    [
        "pub",
        "published",
        "publication",
        "release",
        "released",
        "available",
        "filed",
        "filing",
        "announced",
        "announcement",
        "reported",
        "ingested",
        "knowledge",
        "known",
        "received",
        "arrival",
        "landed",
    ]
)


def looked_up_at(run: Run, key: Facts, values: Facts, node: ast.AST, *, right: Facts = NOTHING) -> Facts:
    """The facts of values found under keys that are times: ahead by as much as the keys were moved forward."""
    left_clock, right_clock = key.clock or Clock(), right.clock or Clock()
    ahead_by = left_clock.offset - right_clock.offset
    facts = values | replace(key, reads={}, clock=None)
    if ahead_by > _NO_TIME and values.reads:
        says = f"`{run.text(node)}` looks up the value stamped {Reach(time=ahead_by)}"
        ahead = Ahead(
            rule="shift-into-future",
            reach=Reach(time=ahead_by),
            span=run.span(node),
            says=says,
            sources=values.sources,
        )
        facts = facts.with_ahead(ahead)
    elif ahead_by < _NO_TIME:
        facts = facts.without(lambda a: a.period and a.reach.time <= -ahead_by)
        facts = replace(facts, reads={source: min(at, -1.0) for source, at in facts.reads.items()})
    return replace(facts, derived=True)


def merged(  # noqa: C901
    run: Run,
    left: Table,
    right: Table,
    *,
    left_keys: tuple[str, ...],
    right_keys: tuple[str, ...],
    node: ast.AST,
    suffixes: tuple[str, str] = ("_x", "_y"),
) -> Table:
    """An equality join: the left table's columns, and the right one's as found under the keys."""
    pairs = list(zip(left_keys, right_keys, strict=False))
    left_facts = [frames.column(run, left, a).facts if a else NOTHING for a, _ in pairs]
    right_facts = [frames.column(run, right, b).facts if b else NOTHING for _, b in pairs]
    timed = [
        (a, b)
        for (name, _), a, b in zip(pairs, left_facts, right_facts, strict=True)
        if run.is_time(name, a) or run.is_time(name, b) or (a.clock is not None and not a.clock.cyclic)
    ]
    steps = [
        a.numbers - b.numbers
        for a, b in zip(left_facts, right_facts, strict=True)
        if a.numbers is not None and b.numbers is not None
    ]
    plain = pairs and not timed and not steps and not right.keyed
    unbounded = _unbounded(run, left, right, node) if plain else None

    def under_keys(facts: Facts) -> Facts:
        for a, b in timed:
            facts = looked_up_at(run, a, facts, node, right=b)
            facts = within_bars(facts) if a.clock is not None and a.clock.period and not left.keyed else facts
        for step in steps:
            facts = _numbered_apart(run, facts, step, node)
        return facts

    columns = dict(left.columns)
    for name, facts in right.columns.items():
        if name in right_keys and name in left_keys:
            continue
        found = under_keys(facts)
        if unbounded is not None:
            found = replace(found.whole().with_ahead(unbounded), clock=found.clock)
        # an open frame has the columns that a part of it has
        is_same = not facts.derived and f"{left.root}.{name}" in facts.reads
        own = columns.get(name, left.facts(name) if is_same else None)
        if own is not None and name not in left_keys:
            columns.pop(name, None)
            columns[f"{name}{suffixes[1]}"] = found
            columns[f"{name}{suffixes[0]}"] = own
        else:
            columns[name] = found
    rest = left.rest
    if right.rest is not None:
        extra = under_keys(right.rest)
        if unbounded is not None:
            extra = extra.with_ahead(unbounded)
        if extra.aheads:
            rest = (rest or NOTHING) | extra
        elif rest is None:
            rest = Facts(reads={f"{right.root}.*": 0.0})
    presence = (*left.presence, *right.presence)
    rows = replace(left.rows, tables=left.rows.tables | right.rows.tables)
    in_periods = any(is_calendar_name(name) for pair in pairs for name in pair)
    joins_static = pairs and not timed and not unbounded and not in_periods
    if joins_static and right.root and right.root not in run.record.times:
        run.record.static.add(right.root)
    return replace(left, columns=columns, rest=rest, presence=presence, rows=rows, keyed=left.keyed)


def within_bars(facts: Facts) -> Facts:
    """What a bar holds, beside rows that lie within it: no longer the bar's own."""
    return replace(
        facts,
        aheads=tuple(replace(a, detail="") if a.detail in ("bar", "period") else a for a in facts.aheads),
    )


def _numbered_apart(run: Run, facts: Facts, steps: int, node: ast.AST) -> Facts:
    """The facts of values found in the row that is numbered so many higher."""
    moved = facts.moved(steps)
    if steps <= 0 or not facts.reads:
        return moved
    reach = Reach(rows=steps)
    says = f"`{run.text(node)}` meets the row that is numbered {steps} higher"
    return moved.with_ahead(
        Ahead(rule="shift-into-future", reach=reach, span=run.span(node), says=says, sources=facts.sources)
    )


def _unbounded(run: Run, left: Table, right: Table, node: ast.AST) -> Ahead | None:
    """A join of a table of events to itself, or of rows to events, on the entity alone."""
    same = left.root and left.root == right.root and not right.keyed
    if not same or left.rows.bounds != right.rows.bounds or right.presence:
        return None
    if right.rest is None and not any(run.is_time(name, facts) for name, facts in right.columns.items()):
        # a table of features that is joined back to its rows by their key
        return None
    says = "every row meets all rows of its key, later ones too"
    return Ahead(
        rule="unbounded-join",
        reach=WHOLE_REACH,
        span=run.span(node),
        says=says,
        sources=right.all_facts.sources,
    )


def as_of(
    run: Run,
    left: Table,
    right: Table,
    *,
    left_on: str,
    right_on: str,
    direction: str,
    node: ast.AST,
    suffixes: tuple[str, str] = ("_x", "_y"),
) -> Table:
    """An as-of join: each row meets the last row of the right table at or before its time, or a later one."""
    span = run.span(node)
    if left.root:
        run.record.times.setdefault(left.root, set()).add(left_on)
    if right.root:
        run.record.times.setdefault(right.root, set()).add(right_on)
    aheads: list[Ahead] = []
    if direction in ("forward", "nearest"):
        says = f"each row meets the {'next' if direction == 'forward' else 'nearest'} record, which may be dated after it"
        fix = edits.keyword_value(run, node, "direction", "'backward'")
        fix = fix or edits.keyword_value(run, node, "strategy", "'backward'")
        aheads.append(
            Ahead(
                rule="forward-asof-join",
                reach=Reach(rows=1),
                span=span,
                says=says,
                sources=right.all_facts.sources,
                edits=fix,
                detail=direction,
            )
        )
    else:
        aheads.extend(_event_time(run, right, right_on, span))
    left_time = frames.column(run, left, left_on).facts
    right_time = frames.column(run, right, right_on).facts
    columns = dict(left.columns)
    for name, facts in right.columns.items():
        found = looked_up_at(run, left_time, facts, node, right=right_time).with_ahead(*aheads)
        found = _come_in(found, at=right_on)
        if name == right_on or name in columns:
            continue
        columns[name] = found
    rest = left.rest
    if right.rest is not None:
        found = right.rest.with_ahead(*aheads) if aheads else right.rest
        found = _come_in(found, at=right_on)
        rest = (
            (rest or NOTHING) | found
            if aheads
            else (rest if rest is not None else Facts(reads={f"{right.root}.*": 0.0}))
        )
    _ = suffixes
    rows = replace(left.rows, tables=left.rows.tables | right.rows.tables)
    return replace(left, columns=columns, rest=rest, rows=rows)


def _come_in(facts: Facts, *, at: str) -> Facts:
    """The facts of values looked up as of the time `at` that they are known from: never the row's own values."""
    settled = facts.without(lambda a: a.rule == "not-yet-known" and a.detail == at)
    if settled.aheads == facts.aheads:
        return facts
    return replace(settled, reads={source: min(back, -1.0) for source, back in settled.reads.items()})


def _event_time(run: Run, right: Table, right_on: str, span: object) -> list[Ahead]:
    """A backward join on the time of the event, where the table also says when the event was published."""
    published = {
        known for column, known in run.known.items() if known != right_on and right.facts(column) is not None
    }
    named = set(words(right_on))
    seen = run.record.times.get(right.root, set()) | set(right.columns)
    if not published:
        if named & PUBLICATION_WORDS:
            return []
        published = {name for name in seen if name != right_on and set(words(name)) & PUBLICATION_WORDS}
        if not published and not named & _EVENT_WORDS:
            return []
    if right_on in run.known.values():
        return []
    later = min(published) if published else "the time of publication"
    says = (
        f"rows meet records by {right_on!r}, the time of the event, before {later!r}, from which it is known"
    )
    where = run.span(run.node) if run.node is not None else span
    return [
        Ahead(
            rule="event-time-join",
            reach=Reach(awaits=later),
            span=where,  # type: ignore[arg-type]
            says=says,
            sources=right.all_facts.sources,
            detail=later,
            remedy=right_on,
        )
    ]
