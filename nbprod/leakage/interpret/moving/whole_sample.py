"""One value out of all rows of a table, a group, a period or a frame."""

from __future__ import annotations

import ast
from datetime import timedelta
from math import inf
from typing import TYPE_CHECKING

from msgspec.structs import replace

from nbprod.leakage.horizon import Reach
from nbprod.leakage.interpret.facts import WHOLE_REACH, Ahead, Bound, Facts
from nbprod.leakage.interpret.moving.arguments import place_of, step_count
from nbprod.leakage.interpret.moving.sequence import crossing, disorder
from nbprod.leakage.interpret.values import Cells, Key, Picks, Value
from nbprod.model import Step

if TYPE_CHECKING:
    from nbprod.leakage.interpret.context import Args, Run
    from nbprod.libraries.moves import (
        Ranks,
        Reduces,
    )


MONTH = timedelta(days=30)
OF_GROUPS = "of groups"


def statistic(
    run: Run, cells: Cells, node: ast.AST, *, says: str, rule: str = "whole-sample-statistic"
) -> Facts:
    """The facts of one value out of all rows of the group, window or table that the cells stand in."""
    facts = cells.facts
    if cells.frame is not None:
        return _framed(run, cells, node, says=says)
    keyed = over_keys(run, cells, cells.within, node, says=says)
    if keyed is not None:
        return keyed
    if not facts.reads and facts.clock is not None and not facts.clock.cyclic:
        # an index of times is data as its column would be
        facts = replace(facts, reads={f"{table}.{cells.name}": 0.0 for table in cells.rows.tables})
    if not facts.reads:
        return replace(facts, derived=True)
    over = cells.rows
    ahead = Ahead(
        rule="fitted-on-test" if over.side == "test" else rule,
        reach=WHOLE_REACH,
        span=run.span(node),
        says=says,
        over=over,
        sources=facts.sources,
        detail=OF_GROUPS if cells.within else "",
    )
    if over.settled:
        # known from the end of those rows on, or some rows after it: of later rows it reads nothing
        kept = facts.without(lambda a: not a.reach.whole)
        return replace(kept, reads={}, clock=None, derived=True).with_ahead(ahead)
    return facts.whole().with_ahead(ahead)


def over_keys(run: Run, cells: Cells, keys: tuple[Key, ...], node: ast.AST, *, says: str) -> Facts | None:
    """A statistic within groups: of the same time it knows the present, of a period its end; None otherwise."""
    facts = cells.facts
    for key in keys:
        facts = facts | replace(key.facts, reads={})
    if any(key.facts.runs_of and key.facts.runs_of >= cells.facts.sources for key in keys):
        # each group is one known value and the gaps after it
        return replace(facts, derived=True)
    clocks = [key for key in keys if key.is_time]
    if any(key.facts.clock is None or key.facts.clock.period is None for key in clocks):
        return replace(facts, derived=True)
    periods = [key.facts.clock for key in clocks if key.facts.clock is not None]
    calendar = [key for key in keys if key.facts.clock is not None and key.facts.clock.cyclic]
    if not periods:
        if not any(_is_year(key) for key in calendar) or len(calendar) < 2:
            return None
        length, offset = MONTH, timedelta(0)
    else:
        length = max((clock.period or timedelta(0)) for clock in periods)
        # a year's month, week or hour is shorter than the year
        length = min(length, MONTH) if calendar else length
        offset = max(clock.offset for clock in periods)
    if offset >= length or not facts.reads or cells.rows.settled:
        return replace(facts, derived=True)
    ahead = Ahead(
        rule="period-aggregate",
        reach=Reach(time=length),
        span=run.span(node),
        says=f"{says} over the whole period of {', '.join(k.name for k in keys)}",
        steps=(Step(span=run.span(node), says=f"{says} over each {', '.join(k.name for k in keys)}"),),
        sources=facts.sources,
        period=True,
    )
    return facts.with_ahead(ahead)


def _is_year(key: Key) -> bool:
    return "year" in key.name.lower()


def _framed(run: Run, cells: Cells, node: ast.AST, *, says: str) -> Facts:
    frame, facts = cells.frame, cells.facts
    assert frame is not None  # noqa: S101 - asked just before
    for key in cells.within:
        facts = facts | replace(key.facts, reads={})
    problem = disorder(run, cells, node)
    if cells.library in ("ibis", "pyspark"):
        problem = problem or crossing(run, cells, node)
    if problem is not None and (frame.low is not None or frame.high is not None):
        return facts.whole().with_ahead(problem)
    low, high = frame.low, frame.high
    if cells.order.newest_first:
        low, high = (None if high is None else -high), (None if low is None else -low)
    if high is not None and high <= 0:
        lagged = facts.moved(int(high)) if high > -inf else facts
        return replace(lagged, derived=True)
    if not facts.reads or cells.rows.settled:
        return replace(facts, derived=True)
    if high is None:
        both = low is None
        rule = "whole-sample-statistic" if both else "forward-window"
        ahead = Ahead(
            rule=rule,
            reach=WHOLE_REACH,
            span=run.span(node),
            says=f"{says} over a window that is open towards the future",
            steps=(Step(span=run.span(node), says=f"{says} over an open window"),),
            over=cells.rows,
            sources=facts.sources,
            detail="frame",
        )
        return facts.whole().with_ahead(ahead)
    centred = low is not None and low < 0
    reach = Reach(time=timedelta(seconds=high)) if frame.in_time else Reach(rows=int(high))
    ahead = Ahead(
        rule="centred-window" if centred else "forward-window",
        reach=reach,
        span=run.span(node),
        says=f"{says} over a window that ends {reach}",
        steps=(Step(span=run.span(node), says=f"the window ends {reach}"),),
        sources=facts.sources,
    )
    return replace(facts.moved(0 if frame.in_time else int(high)), derived=True).with_ahead(ahead)


def reduced_to_one(run: Run, move: Reduces, cells: Cells, args: Args, node: ast.AST, *, called: str) -> Value:
    # PyTorch says `dim`
    along = args.constant(None, "dim", args.constant(*place_of(move.parameters, "axis"), default=0))
    if along in (1, -1, "columns") and cells.shape in ("matrix", "element"):
        return replace(cells, shape="column", facts=replace(cells.facts, derived=True))
    if cells.shape == "element":
        return replace(cells, facts=replace(cells.facts, derived=True))
    if move.first or (move.least and _is_ascending_time(run, cells)):
        facts = replace(cells.facts, reads={}, clock=None, derived=True)
        if cells.order.newest_first and not cells.within:
            facts = statistic(run, cells, node, says=f"`{called}` of newest-first rows")
        return replace(cells, shape=_shape_after(cells), facts=facts, conditions=())
    for value in args.every:
        held = run.at(value)
        if isinstance(held, Cells) and held.shape in ("column", "matrix") and held.facts.reads:
            rows = cells.rows if cells.facts.reads else held.rows
            cells = replace(cells, facts=cells.facts | held.facts, rows=rows)
    # `((times > start) & (times <= own)).sum()`: only rows that meet the conditions are counted
    cells = replace(cells, rows=cells.rows.narrowed(*cells.conditions))
    facts = statistic(run, cells, node, says=f"`{called}` is taken")
    for value in args.every:
        facts = facts | run.facts(value)
    return replace(cells, shape=_shape_after(cells), facts=facts, conditions=(), name=cells.name)


def _shape_after(cells: Cells) -> str:
    return "column" if cells.frame is not None or cells.library in ("polars", "ibis", "pyspark") else "scalar"


def _is_ascending_time(run: Run, cells: Cells) -> bool:
    return run.is_time(cells.name, cells.facts) and cells.frame is None


def ranked(run: Run, move: Ranks, cells: Cells, args: Args, node: ast.AST, *, called: str) -> Value:
    if (
        called.endswith("cut")
        and args.get(*place_of(move.parameters, "bins")) is not None
        and step_count(run.at(args.get(*place_of(move.parameters, "bins")))) is None
    ):
        bins = args.get(*place_of(move.parameters, "bins"))
        return replace(cells, facts=cells.facts | run.facts(bins), conditions=())
    if move.codes and (cells.facts.kinds or _in_given_bins(node)):
        return replace(cells, facts=replace(cells.facts, clock=None), conditions=())
    if move.given and args.get(*place_of(move.parameters, move.given)) is not None:
        return replace(cells, facts=replace(cells.facts, clock=None, derived=True), conditions=())
    if called.endswith("factorize") and _numbers_as_they_come(cells, args):
        return replace(cells, facts=replace(cells.facts, clock=None, derived=True), conditions=())
    if called.endswith("argsort") and run.is_time(cells.name, cells.facts):
        # the order of rows in time, by which rows are picked
        return Picks(Bound(kind="all"), rows=cells.rows)
    if called.rpartition(".")[2] in ("rank", "dense_rank") and _counts_in_time(run, cells, args):
        return replace(cells, facts=replace(cells.facts, clock=None, derived=True), conditions=())
    if cells.frame is not None or cells.within or not move.codes:
        facts = statistic(run, cells, node, says=f"`{called}` compares each row with all rows")
    else:
        facts = statistic(run, cells, node, says=f"`{called}` numbers the values of all rows", rule="codes")
    return replace(cells, facts=replace(facts, clock=None), conditions=())


def _numbers_as_they_come(cells: Cells, args: Args) -> bool:
    """Whether values are numbered as they first appear, in rows that come in time's order."""
    order = cells.order
    in_time = not (order.newest_first or order.entity_first or order.other or order.shuffled)
    return in_time and args.constant(0, "sort", default=False) is False


def _counts_in_time(run: Run, cells: Cells, args: Args) -> bool:
    """Whether a rank is that of times from the first on: the number of rows so far."""
    shares = args.constant(None, "pct", default=False) or args.constant(None, "descending", default=False)
    first_on = args.constant(None, "ascending", default=True)
    return bool(first_on) and not shares and run.is_time(cells.name, cells.facts)


def _in_given_bins(node: ast.AST) -> bool:
    """Whether codes are those of bins that the call before gives: `x.cut([0, 10]).to_physical()`."""
    if isinstance(node, ast.Call):
        node = node.func
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "cut"
