"""How a call moves what a column knows of the future: the entries of `MOVES` applied to cells."""

from __future__ import annotations

import ast
from dataclasses import replace
from datetime import timedelta
from math import inf
from typing import TYPE_CHECKING

from nbprod.leakage.horizon import Reach
from nbprod.leakage.interpret import edits
from nbprod.leakage.interpret.values import (
    NOTHING,
    WHOLE_REACH,
    Ahead,
    Cells,
    Const,
    Facts,
    Key,
    Opaque,
    Position,
    Seq,
    Table,
    Value,
    Windowed,
    joined,
)
from nbprod.libraries.moves import (
    Accumulates,
    Fills,
    Fresh,
    Lags,
    Loads,
    Move,
    Ranks,
    Reduces,
    Rolls,
    RowWise,
    Shows,
    Smooths,
)
from nbprod.model import Step

if TYPE_CHECKING:
    from nbprod.leakage.interpret.context import Args, Run

MONTH = timedelta(days=30)


def moved(run: Run, move: Move, cells: Cells, args: Args, node: ast.AST, *, called: str) -> Value:
    """The result of a call that moves the horizon as `move` says, on one column, matrix or scalar."""
    match move:
        case RowWise() | Fresh() | Loads():
            return _row_wise(run, cells, args)
        case Lags():
            return _lagged(run, move, cells, args, node)
        case Reduces():
            return _reduced(run, move, cells, args, node, called=called)
        case Ranks():
            return _ranked(run, move, cells, args, node, called=called)
        case Accumulates():
            return _accumulated(run, move, cells, args, node)
        case Fills():
            return _filled(run, move, cells, args, node, called=called)
        case Rolls():
            window = windowed(run, move, cells, args, node)
            return finished(run, window) if move.finished else window
        case Smooths():
            return _smoothed(run, move, cells, args, node, called=called)
        case Shows():
            return Opaque()
        case _:
            pass
    return _row_wise(run, cells, args)


def _row_wise(run: Run, cells: Cells, args: Args) -> Cells:
    facts = cells.facts
    clock = facts.clock
    for value in args.every:
        facts = facts | run.facts(value)
    return replace(cells, facts=replace(facts, clock=clock, derived=True), conditions=())


# Statistics


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
    if not facts.reads:
        return replace(facts, derived=True)
    over = cells.rows
    ahead = Ahead(
        rule="fitted-on-test" if over.side == "test" else rule,
        reach=WHOLE_REACH,
        span=run.span(node),
        says=says,
        steps=(Step(span=run.span(node), says=says),),
        over=over,
        sources=facts.sources,
    )
    if over.settled:
        # known from the end of those rows on: of later rows it reads nothing
        return replace(facts, reads={}, clock=None, derived=True).with_ahead(ahead)
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
    if not periods:
        calendar = [key for key in keys if key.facts.clock is not None and key.facts.clock.cyclic]
        if not any(_is_year(key) for key in calendar) or len(calendar) < 2:
            return None
        length, offset = MONTH, timedelta(0)
    else:
        length = max((clock.period or timedelta(0)) for clock in periods)
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


def _reduced(run: Run, move: Reduces, cells: Cells, args: Args, node: ast.AST, *, called: str) -> Value:
    along = args.constant(*_place(move.parameters, "axis"), default=0)
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
    return "column" if cells.frame is not None or cells.library in ("polars", "ibis") else "scalar"


def _is_ascending_time(run: Run, cells: Cells) -> bool:
    return run.is_time(cells.name, cells.facts) and cells.frame is None


def _place(parameters: tuple[str, ...], name: str) -> tuple[int | None, str]:
    return (parameters.index(name) if name in parameters else None), name


def _ranked(run: Run, move: Ranks, cells: Cells, args: Args, node: ast.AST, *, called: str) -> Value:
    if (
        called.endswith("cut")
        and args.get(*_place(move.parameters, "bins")) is not None
        and step_count(run.at(args.get(*_place(move.parameters, "bins")))) is None
    ):
        bins = args.get(*_place(move.parameters, "bins"))
        return replace(cells, facts=cells.facts | run.facts(bins), conditions=())
    if cells.frame is not None or cells.within or not move.codes:
        facts = statistic(run, cells, node, says=f"`{called}` compares each row with all rows")
    else:
        facts = statistic(run, cells, node, says=f"`{called}` numbers the values of all rows", rule="codes")
    return replace(cells, facts=replace(facts, clock=None), conditions=())


# Rows before and after


def disorder(run: Run, cells: Cells, node: ast.AST) -> Ahead | None:
    """Why the row before is not the one just before in time, if it isn't."""
    order = cells.order
    names = tuple(key.name for key in cells.within)
    if order.other and not (set(order.other) <= set(names)):
        return Ahead(
            rule="unsorted-shift",
            reach=WHOLE_REACH,
            span=run.span(node),
            says=f"the rows are ordered by {', '.join(order.other)}, not by time",
            steps=(Step(span=run.span(node), says=f"rows ordered by {', '.join(order.other)}"),),
            sources=cells.facts.sources,
        )
    if order.shuffled is not None:
        return Ahead(
            rule="unsorted-shift",
            reach=WHOLE_REACH,
            span=run.span(node),
            says="the rows were shuffled before",
            steps=(Step(span=order.shuffled, says="rows shuffled"),),
            sources=cells.facts.sources,
        )
    return None


def crossing(run: Run, cells: Cells, node: ast.AST) -> Ahead | None:
    """What a neighbour in rows sorted by entity, then time, may be: another entity's."""
    if not cells.order.entity_first or cells.within:
        return None
    entity = ", ".join(cells.order.entity_first)
    return Ahead(
        rule="cross-entity-shift",
        reach=WHOLE_REACH,
        span=run.span(node),
        says=f"rows are sorted by {entity} first, and the neighbours are not grouped by it",
        steps=(Step(span=run.span(node), says=f"the row before may be another {entity}'s last one"),),
        sources=cells.facts.sources,
        remedy=f"groupby({entity!r})",
        detail=entity,
    )


def neighbours(run: Run, cells: Cells, node: ast.AST) -> tuple[Ahead, ...]:
    """What is wrong with reading the rows around, whatever the direction."""
    if not cells.facts.reads or cells.rows.side == "train":
        return ()
    found = (disorder(run, cells, node), crossing(run, cells, node))
    return tuple(ahead for ahead in found if ahead is not None)


def shifted(
    run: Run,
    cells: Cells,
    rows: int,
    node: ast.AST,
    *,
    says: str,
    args_node: ast.expr | None = None,
    keeps: bool,
) -> Facts:
    """The facts of the value that stands `rows` after its own, as `shift(-rows)` gives it."""
    in_sequence(run, cells)
    if cells.order.newest_first:
        rows = -rows
    along = frozenset(key.name for key in cells.within)
    problems = neighbours(run, cells, node)
    facts = cells.facts.moved(rows, along=along)
    if rows < 0:
        facts = facts.without(lambda ahead: ahead.period)
    was_ahead = cells.facts.ahead_rows
    furthest = max(cells.facts.reads.values(), default=-inf)
    now = furthest + rows
    if rows > 0 and now > 0 and furthest < inf and was_ahead < inf:
        ahead = Ahead(
            rule="shift-into-future",
            reach=Reach(rows=int(now), along=along),
            span=run.span(node),
            says=says,
            steps=(Step(span=run.span(node), says=says),),
            sources=facts.sources,
            edits=edits.negated(run, args_node, node),
        )
        facts = facts.without(lambda a: a.rule == "shift-into-future" and a.span == ahead.span).with_ahead(
            ahead
        )
    facts = facts.with_ahead(*problems) if problems else facts
    return facts | cells.facts if keeps else replace(facts, derived=True)


def placed(run: Run, cells: Cells, at: int, node: ast.AST) -> Facts:
    """The facts of an array whose first value is put at the row `at`: by place, whatever row it is of."""
    rows = cells.offset - at
    if rows == 0 or not cells.array or cells.shape == "scalar" or not cells.facts.reads:
        return cells.facts
    says = (
        f"each value stands {_rows_text(abs(rows))} {'before' if rows > 0 else 'after'} the row that it is of"
    )
    return shifted(run, cells, rows, node, says=says, keeps=False)


def _lagged(run: Run, move: Lags, cells: Cells, args: Args, node: ast.AST) -> Value:
    if args.constant(*_place(move.parameters, "axis"), default=0) in (1, "columns"):
        return replace(cells, facts=replace(cells.facts, derived=True))
    place, by = _place(move.parameters, move.by)
    given = run.at(args.get(place, by))
    freq = args.constant(*_place(move.parameters, "freq"))
    several = _several_steps(run, given)
    if several:
        each = [replace(args, places=(), names={by: Const(step)}) for step in several]
        facts = joined(run.facts(_lagged(run, move, cells, one, node)) for one in each)
        return replace(cells, facts=facts, conditions=())
    steps = step_count(given if args.get(place, by) is not None else Const(move.default))
    if steps is None:
        return _unknown_lag(run, cells, given, node)
    if freq is not None:
        # the time stamps move with the values: each value keeps its own time, shifted
        pass
    ahead = steps if move.leads else -steps
    if move.wraps and steps:
        return _rolled(run, cells, steps, node)
    says = f"`{run.text(node)}` reads {_rows_text(-ahead if ahead < 0 else ahead)} {'ahead' if ahead > 0 else 'back'}"
    facts = shifted(
        run, cells, ahead, node, says=says, args_node=args.node_of(place, by), keeps=move.keeps_own
    )
    offset = cells.offset
    if move.shortens:
        offset += abs(steps) - (1 if "prepend" in args.names else 0)
    array = cells.array or move.shortens
    return replace(cells, facts=replace(facts, clock=None), conditions=(), offset=offset, array=array)


def _several_steps(run: Run, given: Value) -> tuple[int, ...]:
    """The numbers of rows in a list of them, as `shift([1, 2])` takes."""
    match given:
        case Const(list() | tuple() | range() as steps):
            values: tuple[Value, ...] = tuple(Const(step) for step in steps)
        case Seq(items=tuple(items)):
            values = tuple(run.at(item) for item in items)
        case _:
            return ()
    found = [step_count(value) for value in values]
    return tuple(step for step in found if step is not None) if None not in found else ()


def in_sequence(run: Run, cells: Cells) -> None:
    """Note that the rows of these cells are treated as a sequence."""
    run.record.sequences |= {source.partition(".")[0] for source in cells.facts.reads}


def _rows_text(rows: int) -> str:
    return f"{rows} row" + ("" if rows == 1 else "s")


def step_count(value: Value) -> int | None:
    """The whole number of rows that a value stands for."""
    match value:
        case Const(bool()):
            return None
        case Const(int(steps)):
            return steps
        case Const(float(steps)) if steps.is_integer():
            return int(steps)
        case Const(None):
            return 1
        case _:
            pass
    return None


def _starts_negated(argument: ast.expr | None) -> bool:
    """`-n`, `-n + 1`, `-1 * n`: an unknown number of rows turned round."""
    if isinstance(argument, ast.BinOp):
        return _starts_negated(argument.left) and isinstance(argument.op, ast.Add | ast.Sub | ast.Mult)
    return isinstance(argument, ast.UnaryOp) and isinstance(argument.op, ast.USub)


def _unknown_lag(run: Run, cells: Cells, given: Value, node: ast.AST) -> Value:
    """A lag of unknown size is taken for one into the past, unless a minus stands before it."""
    argument = node.args[0] if isinstance(node, ast.Call) and node.args else None
    if argument is None and isinstance(node, ast.Call) and node.keywords:
        argument = node.keywords[0].value
    if _starts_negated(argument):
        says = f"`{run.text(node)}` reads rows ahead"
        facts = shifted(run, cells, 1, node, says=says, args_node=argument, keeps=False)
        return replace(cells, facts=facts, conditions=())
    if isinstance(given, Position):
        return replace(cells, facts=replace(cells.facts, proved=False, derived=True))
    facts = shifted(run, cells, -1, node, says="", keeps=False)
    return replace(cells, facts=replace(facts, proved=False), conditions=())


def _rolled(run: Run, cells: Cells, steps: int, node: ast.AST) -> Cells:
    facts = shifted(run, cells, -steps, node, says=f"`{run.text(node)}` reads {steps} rows away", keeps=False)
    if cells.facts.reads and not cells.rows.settled:
        wrapped = Ahead(
            rule="shift-into-future",
            reach=WHOLE_REACH,
            span=run.span(node),
            says=f"`{run.text(node)}` wraps: the first rows receive the last ones' values",
            steps=(Step(span=run.span(node), says="the newest rows wrap round to the front"),),
            sources=facts.sources,
            head=abs(steps) if steps > 0 else -abs(steps),
            detail="wraps",
        )
        facts = facts.with_ahead(wrapped)
    return replace(cells, facts=facts, conditions=())


def _accumulated(run: Run, move: Accumulates, cells: Cells, args: Args, node: ast.AST) -> Value:
    reverse = move.reverse == "always" or bool(
        move.reverse and args.constant(*_place(move.parameters, move.reverse), default=False)
    )
    if move.ascending and args.constant(*_place(move.parameters, move.ascending), default=True) is False:
        reverse = True
    return replace(cells, facts=running(run, cells, node, reverse=reverse, whole=True), conditions=())


def running(run: Run, cells: Cells, node: ast.AST, *, reverse: bool, whole: bool, rows: int = 0) -> Facts:
    """The facts of a value made of all rows up to its own, or `rows` of them; `reverse` runs the other way."""
    facts = cells.facts
    if not facts.reads or cells.rows.side == "train":
        return replace(facts, derived=True)
    if reverse != cells.order.newest_first:
        reach = WHOLE_REACH if whole else Reach(rows=rows)
        ahead = Ahead(
            rule="forward-window",
            reach=reach,
            span=run.span(node),
            says=f"`{run.text(node)}` runs from the newest row back",
            steps=(Step(span=run.span(node), says="runs from the newest row back"),),
            sources=facts.sources,
        )
        return replace(facts.whole() if whole else facts.moved(rows), derived=True).with_ahead(ahead)
    problems = neighbours(run, cells, node)
    return replace(facts, derived=True, clock=None).with_ahead(*problems)


# Gaps


def _filled(run: Run, move: Fills, cells: Cells, args: Args, node: ast.AST, *, called: str) -> Value:
    how = move.how
    chosen = args.constant(*_place(move.parameters, move.method)) if move.method else None
    if how in ("given", "between") and isinstance(chosen, str):
        how = _direction(chosen, how)
    direction = args.constant(None, "limit_direction")
    if args.constant(*_place(move.parameters, "axis"), default=0) in (1, "columns"):
        return replace(cells, facts=replace(cells.facts, derived=True))
    if how == "statistic":
        facts = statistic(run, cells, node, says=f"`{chosen}` of all rows fills the gaps")
        return replace(cells, facts=facts, conditions=())
    if how == "given" or (how == "between" and direction is None and chosen == "pad"):
        facts = cells.facts
        for value in args.every:
            facts = facts | filling(run, cells, value)
        return replace(cells, facts=replace(facts, clock=cells.facts.clock), conditions=())
    if how == "forward" and not cells.order.newest_first:
        problems = neighbours(run, cells, node)
        return replace(
            cells, facts=cells.facts.with_ahead(*problems) if problems else cells.facts, conditions=()
        )
    if how == "backward" and cells.order.newest_first:
        return cells
    if not cells.facts.reads or cells.rows.side == "train" or _varies_by_key_only(cells):
        return cells
    rule = "interpolation-reads-ahead" if how == "between" else "backward-fill"
    says = (
        f"`{called}` draws a line to the next known value"
        if how == "between"
        else f"`{run.text(node)}` fills gaps from later rows"
    )
    ahead = Ahead(
        rule=rule,
        reach=Reach(rows=1),
        span=run.span(node),
        says=says,
        steps=(Step(span=run.span(node), says=says),),
        sources=cells.facts.sources,
        edits=edits.forward_fill(run, node, how=move.how),
        detail="until the next known value",
    )
    return replace(cells, facts=replace(cells.facts, derived=True).with_ahead(ahead), conditions=())


def _varies_by_key_only(cells: Cells) -> bool:
    names = {key.name for key in cells.within}
    return bool(names) and all(source.partition(".")[2] in names for source in cells.facts.reads)


def filling(run: Run, cells: Cells, value: Value) -> Facts:
    """The facts of what fills gaps: of a statistic a column, each column meets its own."""
    value = run.at(value)
    facts = run.facts(value)
    if isinstance(value, Table) and cells.name is not None:
        return value.facts(cells.name) or facts
    return facts


def _direction(chosen: str, how: str) -> str:
    if chosen in ("bfill", "backfill", "backward"):
        return "backward"
    if chosen in ("ffill", "pad", "forward"):
        return "forward"
    if chosen in ("mean", "min", "max"):
        return "statistic"
    return how if how == "between" else "given"


# Windows


def windowed(run: Run, move: Rolls, base: Cells, args: Args, node: ast.AST) -> Windowed:
    """A column under a moving window, with what the window will look ahead."""
    size = run.at(args.get(*_place(move.parameters, move.window)))
    centre = bool(args.constant(*_place(move.parameters, move.centre), default=False))
    rows = step_count(size) if args.get(*_place(move.parameters, move.window)) is not None else None
    return Windowed(
        base=base, kind="rolling", aheads=window_aheads(run, base, size, rows, centre=centre, node=node)
    )


def window_aheads(
    run: Run, cells: Cells, size: Value, rows: int | None, *, centre: bool, node: ast.AST
) -> tuple[Ahead, ...]:
    """The ways in which a window over these cells looks ahead."""
    in_sequence(run, cells)
    if not cells.facts.reads or cells.rows.side == "train":
        return ()
    problems = neighbours(run, cells, node)
    span = run.span(node)
    if isinstance(size, Opaque) and size.hint.startswith("forward-window"):
        reach = Reach(rows=max(int(size.hint.partition(":")[2] or 2) - 1, 1))
        says = f"the window starts at the row and runs {reach}"
        ahead = Ahead(
            rule="forward-window", reach=reach, span=span, says=says, steps=(Step(span=span, says=says),),
            sources=cells.facts.sources,
        )  # fmt: skip
        return (*problems, ahead)
    if centre:
        reach = Reach(rows=max((rows or 3) // 2, 1))
        says = (
            "the window lies around the row, half of it after" if rows is None else f"the window ends {reach}"
        )
        ahead = Ahead(
            rule="centred-window",
            reach=reach,
            span=span,
            says=says,
            steps=(Step(span=span, says=says),),
            sources=cells.facts.sources,
            edits=edits.without_keyword(run, node, "center"),
        )
        return (*problems, ahead)
    if cells.order.newest_first:
        reach = Reach(rows=max((rows or 2) - 1, 1))
        says = f"the rows run from the newest back, so the window ends {reach}"
        ahead = Ahead(
            rule="forward-window", reach=reach, span=span, says=says, steps=(Step(span=span, says=says),),
            sources=cells.facts.sources,
        )  # fmt: skip
        return (*problems, ahead)
    return problems


def finished(run: Run, window: Windowed) -> Cells:
    """The column that a function over each window gives."""
    base = run.at(window.base)
    assert isinstance(base, Cells)  # noqa: S101 - asked just before
    facts = replace(base.facts, clock=None, derived=True)
    ahead_rows = max(
        (a.reach.rows for a in window.aheads if not a.reach.whole and not a.reach.time), default=0
    )
    if ahead_rows:
        facts = facts.moved(ahead_rows)
    return replace(base, facts=facts.with_ahead(*window.aheads), conditions=(), shape=_column_shape(base))


def _column_shape(cells: Cells) -> str:
    return cells.shape if cells.shape in ("column", "matrix") else "column"


def _smoothed(run: Run, move: Smooths, cells: Cells, args: Args, node: ast.AST, *, called: str) -> Value:
    rest = NOTHING
    for value in args.every:
        rest = rest | run.facts(value)
    facts = cells.facts | rest
    if args.constant(None, "axis") in (1, -1):
        return replace(cells, facts=replace(facts, derived=True), conditions=())
    if move.mode:
        mode = args.constant(
            *_place(move.parameters, move.mode), default=move.causal_modes[0] if move.causal_modes else ""
        )
        if mode in move.causal_modes and mode != "same":
            return replace(cells, facts=replace(facts, derived=True), conditions=())
    if not cells.facts.reads or cells.rows.settled or cells.shape in ("scalar", "element"):
        return replace(cells, facts=replace(facts, derived=True), conditions=())
    reach, rows = WHOLE_REACH, move.rows_ahead
    if rows is None and move.window:
        size = run.at(args.get(*_place(move.parameters, move.window)))
        number = size.value if isinstance(size, Const) and isinstance(size.value, int | float) else None
        if number is None and isinstance(size, Cells) and size.width:
            number = size.width
        rows = max(int(number * move.factor), 1) if number is not None else 1
    if rows is not None:
        reach = Reach(rows=rows)
    rule = "centred-window" if rows is not None else "whole-sample-statistic"
    says = f"`{called}` reads rows on both sides" if rows is not None else f"`{called}` uses the whole series"
    ahead = Ahead(
        rule=rule,
        reach=reach,
        span=run.span(node),
        says=says,
        steps=(Step(span=run.span(node), says=says),),
        over=cells.rows if rows is None else None,
        sources=cells.facts.sources,
        detail="smoother",
    )
    base = facts.whole() if rows is None else facts.moved(rows)
    return replace(cells, facts=replace(base, derived=True, clock=None).with_ahead(ahead), conditions=())
