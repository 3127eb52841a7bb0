"""Leaks of the protocol: how rows were divided, what the test rows were used for."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from nbprod.leakage.evidence import Evidence, is_forward_name, is_label_name
from nbprod.leakage.interpret.clocks import is_calendar_name, words
from nbprod.leakage.interpret.values import Cells, Const, Table, Value
from nbprod.leakage.leaks import Leak
from nbprod.leakage.reuse import test_uses
from nbprod.model import Span, Step

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nbprod.leakage.interpret.context import Run, Sink, Split
    from nbprod.leakage.interpret.facts import Bound, Facts, Rows


def split_leaks(run: Run, evidence: Evidence) -> Iterator[Leak]:
    """Every leak in how rows are divided into those that train and those that test."""
    for split in run.record.splits.values():
        yield from _of_split(run, evidence, split)
    yield from _positional(run, evidence)
    yield from _overlaps(run)
    yield from _filled_at_once(run)
    yield from test_uses(run)


def _of_split(run: Run, evidence: Evidence, split: Split) -> Iterator[Leak]:
    tables = set(split.rows.tables) or evidence.tables_of(split.facts)
    match split.how:
        case "shuffled" | "folds" if (
            not split.grouped and evidence.is_sequence(tables) and not _is_one_a_thing(run, split)
        ):
            yield _shuffled(split)
        case "shuffled" | "folds" if (
            run.entity is not None and not split.grouped and not all(evidence.is_static(t) for t in tables)
        ):
            yield _on_both_sides(split, run.entity)
        case "shuffled" | "folds" if not split.grouped and (entity := _entity_within(run, split)):
            yield _on_both_sides(split, entity, besides=", and it has several")
        case "sample" if evidence.is_sequence(tables) and _is_divided(run, split):
            yield _shuffled(split)
        case "time-folds":
            yield from _gap(run, split)
        case _:
            pass


def _is_one_a_thing(run: Run, split: Split) -> bool:
    """Whether each row stands for one customer or shop, of no certain time, as in a table of aggregates."""
    return bool(split.one_a_row) and not any(
        run.is_time(name) or is_calendar_name(name) for name in split.one_a_row
    )


def _on_both_sides(split: Split, entity: str, *, besides: str = "") -> Leak:
    says = f"`{split.what}` puts rows of one {entity!r} on both sides{besides}"
    return Leak(rule="same-entity-both-sides", span=split.span, says=says, reach="the same entity",
                steps=(Step(span=split.span, says=says),), detail=entity)  # fmt: skip


# whom a model would recognise: those of whom there are several rows, each like the others
_ENTITY_WORDS = frozenset(
    {"patient", "subject", "participant", "speaker", "person", "user", "customer", "client", "member", "student", "driver",
     "player", "household", "author", "animal", "donor", "worker", "employee", "individual", "engine", "machine", "device",
     "vehicle", "battery", "holder", "policyholder"}
)  # fmt: skip


def _entity_within(run: Run, split: Split) -> str:
    """The column of persons or machines by which the notebook groups the very rows that are split, or nothing."""
    if len(split.rows.tables) != 1:
        return ""
    grouped = (column for table, column in sorted(run.record.grouped) if table in split.rows.tables)
    named = (column for column in grouped if set(words(column)) & _ENTITY_WORDS)
    return next((column for column in named if column not in split.one_a_row), "")


def _shuffled(split: Split) -> Leak:
    verb = (
        "mixes later rows into the training rows"
        if split.how != "folds"
        else "trains on rows after those it tests"
    )
    return Leak(
        rule="shuffled-temporal-split",
        span=split.span,
        says=f"`{split.what}` {verb}",
        reach="the whole sample",
        steps=(Step(span=split.span, says=f"`{split.what}` divides rows without regard to time"),),
        edits=split.edits,
        detail=split.what,
    )


def _is_divided(run: Run, split: Split) -> bool:
    """Whether a sample's rows train while the others test."""
    for value in _finals(run):
        for bound in run.rows(value).bounds:
            if bound.subject == split.id and (bound.kind == "without" or bound.side):
                return True
    return any(
        split.id in {b.subject for b in sink.rows.bounds} and sink.role == "model"
        for sink in run.record.sinks
    )


def _finals(run: Run) -> list[Value]:
    return [*run.env.values(), *(value for _, value, _ in run.record.bound)]


def _gap(run: Run, split: Split) -> Iterator[Leak]:
    span_rows = _label_rows(run, split)
    if span_rows < 2:
        return
    gap = run.at(split.gap) if split.gap is not None else None
    if isinstance(gap, Const) and isinstance(gap.value, int) and gap.value >= span_rows - 1:
        return
    if gap is not None and not isinstance(gap, Const):
        return
    says = f"labels take {span_rows} rows, and the folds leave no gap of that length before the test rows"
    yield Leak(
        rule="no-gap",
        span=split.span,
        says=says,
        reach=f"{span_rows} rows ahead",
        steps=(Step(span=split.span, says=says),),
        detail=str(span_rows),
    )


def _label_rows(run: Run, split: Split) -> int:
    """How many rows a label takes to be known."""
    found = [split.labels] if split.labels is not None else []
    for value in (*run.env.values(), *run.frees.values()):
        held = run.at(value)
        if isinstance(held, Table):
            found += [f for n, f in held.columns.items() if is_label_name(n) or is_forward_name(n)]
    for name, value, _span in run.record.bound:
        held = run.at(value)
        if is_label_name(name) and isinstance(held, Cells):
            found.append(held.facts)
    rows = [_finite(facts) for facts in found]
    return max(rows, default=0)


def _finite(facts: Facts) -> int:
    return max(
        (a.reach.rows for a in facts.aheads if not a.reach.whole and a.rule == "shift-into-future"), default=0
    )


def _filled_at_once(run: Run) -> Iterator[Leak]:
    """Positions that earn the bar that decided them."""
    for span, says, _tables in dict.fromkeys(run.record.fills):
        yield Leak(rule="same-bar-fill", span=span, says=says, reach="the same bar",
                   steps=(Step(span=span, says=says),))  # fmt: skip


# Splits by position


def _sided(run: Run) -> list[tuple[str, Rows, tuple[Table | Cells, Span]]]:
    """Named parts of rows: the name, the rows, the value."""
    found = []
    for name, value, span in run.record.bound:
        rows, held = run.rows(value), run.at(value)
        if rows.side and isinstance(held, Table | Cells):
            found.append((name, rows, (held, span)))
    return found


def _shuffled_before(shuffled: Span, span: Span) -> Leak:
    return Leak(
        rule="shuffled-temporal-split",
        span=shuffled,
        says="rows are shuffled before they are divided by position",
        reach="the whole sample",
        steps=(
            Step(span=shuffled, says="rows are shuffled"),
            Step(span=span, says="and divided by position"),
        ),
        detail="sample",
    )


def _positional(run: Run, evidence: Evidence) -> Iterator[Leak]:
    seen = set()
    for _name, rows, pair in _sided(run):
        value, span = pair
        last = rows.bounds[-1]
        if last.kind != "slice" or not (evidence.is_temporal(rows.tables) or value.order.shuffled):
            continue
        shuffled = value.order.shuffled
        if shuffled is None or shuffled in seen or not evidence.is_temporal(rows.tables):
            continue
        if last.span is not None and _is_before(last.span, shuffled):
            # the training rows alone, after they had been parted
            continue
        seen.add(shuffled)
        yield _shuffled_before(shuffled, span)
    yield from _fitted_on_shuffled(run, evidence, seen)
    yield from _test_first(run, evidence)
    yield from _tested_before(run, evidence)


def _is_before(inner: Span, outer: Span) -> bool:
    """Whether something happens before something else: above it, or among its arguments."""
    starts, ends = (inner.line, inner.column), (inner.end_line, inner.end_column)
    last = (outer.end_line, outer.end_column)
    within = inner.cell == outer.cell and (outer.line, outer.column) <= starts and ends <= last
    return inner < outer or within


def _fitted_on_shuffled(run: Run, evidence: Evidence, seen: set[Span]) -> Iterator[Leak]:
    """Models fitted on a stretch of rows that were shuffled before, whatever the stretch is called."""
    for sink in run.record.sinks:
        value, last = run.at(sink.features), sink.rows.bounds[-1:]
        if sink.kind != "fit" or sink.role != "model" or not isinstance(value, Table | Cells) or not last:
            continue
        shuffled = value.order.shuffled
        if shuffled is None or shuffled in seen or last[0].kind != "slice" or last[0].span is None:
            continue
        if not _is_before(last[0].span, shuffled) and evidence.is_temporal(sink.rows.tables):
            seen.add(shuffled)
            yield _shuffled_before(shuffled, last[0].span)


def _tested_before(run: Run, evidence: Evidence) -> Iterator[Leak]:
    """A model that is scored on the rows before those it is fitted on, whatever they are called."""
    fits = [s for s in run.record.sinks if s.kind == "fit" and s.role == "model" and s.rows.bounds]
    tests = [s for s in run.record.scored if s.rows.bounds]
    for test, fit in product(tests, fits):
        if (
            fit.rows.side
            or not _same_model(fit, test)
            or not _is_after(fit.rows.bounds[-1], test.rows.bounds[-1])
        ):
            continue
        if evidence.is_temporal(fit.rows.tables):
            says = f"`{fit.model}` is scored on the rows before those it is fitted on"
            yield Leak(
                rule="test-before-train",
                span=fit.span,
                says=says,
                reach="the whole sample",
                steps=(
                    Step(span=fit.span, says="fitted"),
                    Step(span=test.span, says="scored on rows before"),
                ),
            )


def _is_after(train: Bound, test: Bound) -> bool:
    """Whether one stretch of time begins where the other ends, or later."""
    in_time = train.in_time or (train.kind == "slice" and test.in_time)
    same = train.kind == test.kind and train.subject == test.subject
    return same and in_time and train.low is not None and _ends_where(test.high, train.low)


def _test_first(run: Run, evidence: Evidence) -> Iterator[Leak]:
    """Training rows by position or time of which the rows before are the test."""
    parts, seen = _sided(run), set()
    for name, train, pair in parts:
        value, span = pair
        bound = train.bounds[-1]
        if (
            bound.kind not in ("slice", "where")
            or bound.side != "train"
            or bound.low is None
            or bound.high is not None
        ):
            continue
        if bound.kind == "where" and not bound.in_time:
            continue
        for other, test, _ in parts:
            against = test.bounds[-1]
            same = against.kind == bound.kind and against.side == "test" and test.tables == train.tables
            if (
                same
                and _ends_where(against.high, bound.low)
                and against.low is None
                and not value.order.newest_first
            ):
                if span in seen or not evidence.is_temporal(train.tables):
                    continue
                seen.add(span)
                says = f"`{other}` holds the rows before those of `{name}`: the model trains on what comes after the test"
                yield Leak(
                    rule="test-before-train",
                    span=span,
                    says=says,
                    reach="the whole sample",
                    steps=(Step(span=span, says=says),),
                )


def _ends_where(high: object, low: object) -> bool:
    """Whether one stretch of rows ends before the other begins: at the same place, or at an earlier label of time."""
    if isinstance(high, str) and isinstance(low, str) and high[:4].isdigit() and low[:4].isdigit():
        return high <= low
    return high == low


# Rows on both sides


def _overlaps(run: Run) -> Iterator[Leak]:
    parts = [(name, rows, pair) for name, rows, pair in _sided(run) if rows.bounds]
    fits = [s for s in run.record.sinks if s.kind in ("fit", "search") and s.role == "model"]
    tests = [*run.record.scored, *(s for s in run.record.sinks if s.kind == "predict")]
    trained = [rows for _, rows, _ in parts if rows.side == "train"]
    tested = [(rows, span) for _, rows, (_, span) in parts if rows.side == "test"]
    pairs = [(train, test, span) for train in trained for test, span in tested]
    pairs += [(fit.rows, test.rows, test.span) for fit in fits for test in tests if _same_model(fit, test)]
    yield from _tested_on_trained(fits, tests)
    seen = set()
    for train, test, span in pairs:
        why = _shared(train, test)
        if why and why not in seen:
            seen.add(why)
            yield Leak(
                rule="overlap-of-train-and-test",
                span=span,
                says=why,
                reach="the same rows",
                steps=(Step(span=span, says=why),),
            )


def _tested_on_trained(fits: list[Sink], tests: list[Sink]) -> Iterator[Leak]:
    """A model whose last fit before the test took in all rows, those of the test among them."""
    seen = set()
    for test in tests:
        before = [fit for fit in fits if _same_model(fit, test) and fit.span <= test.span]
        fit = max(before, key=lambda each: each.span, default=None)
        if fit is None or test.rows.side != "test" or not fit.rows.tables or fit.span in seen:
            continue
        if fit.rows.tables == test.rows.tables and fit.rows.holds_more_than(test.rows):
            seen.add(fit.span)
            says = f"`{fit.model}` is fitted on all rows, and the rows that test it are among them"
            yield Leak(
                rule="overlap-of-train-and-test",
                span=test.span,
                says=says,
                reach="the same rows",
                steps=(
                    Step(span=fit.span, says="fitted on all rows"),
                    Step(span=test.span, says="tested here"),
                ),
            )


def _same_model(fit: Sink, test: Sink) -> bool:
    return fit.model_id is not None and fit.model_id == test.model_id


def _shared(train: Rows, test: Rows) -> str:
    """Why two parts share rows for certain, or nothing."""
    if train.tables != test.tables or not train.bounds or not test.bounds:
        return ""
    mine = [b for b in train.bounds if b not in test.bounds]
    theirs = [b for b in test.bounds if b not in train.bounds]
    if len(mine) != 1 or len(theirs) != 1:
        return ""
    a, b = mine[0], theirs[0]
    if a.kind == b.kind == "sample" and a.subject != b.subject:
        return "both parts are drawn from all rows, so some rows are in both"
    if a.kind == b.kind and a.kind in ("slice", "where") and a.subject == b.subject:
        return _overlapping(a, b)
    return ""


def _overlapping(a: Bound, b: Bound) -> str:
    def number(value: object, default: float) -> float | None:
        if value is None:
            return default
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None

    ends = [
        number(a.low, float("-inf")),
        number(a.high, float("inf")),
        number(b.low, float("-inf")),
        number(b.high, float("inf")),
    ]
    if any(end is None for end in ends):
        return ""
    low_a, high_a, low_b, high_b = (float(end) for end in ends if end is not None)
    if a.kind == "slice" and any(end < 0 for end in (low_a, high_a, low_b, high_b) if end != float("-inf")):
        return ""
    low, high = max(low_a, low_b), min(high_a, high_b)
    if low < high and (a.low, a.high) != (b.low, b.high):
        what = "rows" if a.kind == "slice" else a.subject
        return f"training and test rows overlap where {what} lies between {low:g} and {high:g}"
    return ""


__all__ = ["split_leaks"]
