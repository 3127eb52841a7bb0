"""Deferred expressions built over a table, and what is called on them before there is one."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from msgspec.structs import replace

from nbprod.leakage.interpret import frames
from nbprod.leakage.interpret.clocks import is_sequence_name, length
from nbprod.leakage.interpret.facts import NOTHING
from nbprod.leakage.interpret.values import (
    Cells,
    Const,
    Deferred,
    Frame,
    Key,
    Method,
    Opaque,
    Order,
    Scope,
    Seq,
    Table,
    Value,
)

if TYPE_CHECKING:
    import ast

    from nbprod.leakage.interpret.context import Args, Run


_MOST_NESTING = 40
# the library of what stands for a window of Spark that is being made
WINDOW = "a window of Spark"


def built(run: Run, value: Value, table: Table, scope: Scope | None = None) -> Value:
    """The value of an expression over this frame."""
    scope = scope or Scope()
    for _ in range(_MOST_NESTING):
        value = run.at(value)
        if not isinstance(value, Deferred):
            return value
        run.fuel -= 1
        if run.fuel < 0:
            return Opaque()
        value = value.build(table, scope)
    return Opaque()


def with_arguments_built(run: Run, args: Args, table: Table, scope: Scope) -> Args:
    """The arguments, with expressions among them evaluated over this frame."""

    def one(value: Value) -> Value:
        return built(run, value, table, scope) if isinstance(run.at(value), Deferred) else value

    return replace(
        args,
        places=tuple(one(value) for value in args.places),
        names={name: one(value) for name, value in args.names.items()},
    )


def called(run: Run, deferred: Deferred, name: str, args: Args, node: ast.AST) -> Value:
    """`expression.name(...)`, to be evaluated when the frame is known."""
    from nbprod.leakage.interpret.methods import call_method

    if name in ("alias", "name"):
        new = args.constant(0, "name")
        return replace(deferred, name=new if isinstance(new, str) else deferred.name)
    if name in ("desc", "asc"):
        return Opaque(hint=f"desc:{deferred.name}") if name == "desc" else Const(deferred.name)
    if name == "over":
        return _over(run, deferred, args)
    if name == "rolling" and ("index_column" in args.names or (args.places and "period" in args.names)):
        return _rolling(run, deferred, args)
    if deferred.library == WINDOW:
        from nbprod.leakage.interpret.deferred.spark import windowed

        return windowed(run, deferred, name, args)
    cell, span_node = run.cell, node

    def build(table: Table, scope: Scope) -> Value:
        before, run.cell = run.cell, cell
        lines, run.lines = run.lines, run.sources.get(cell, run.lines)
        try:
            owner = built(run, deferred, table, scope)
            accessor, _, method = name.rpartition(".")
            target = Method(owner, accessor) if accessor else owner
            return call_method(run, target, method, with_arguments_built(run, args, table, scope), span_node)
        finally:
            run.cell, run.lines = before, lines

    return Deferred(build, name=deferred.name, library=deferred.library, table=deferred.table)


def _over(run: Run, deferred: Deferred, args: Args) -> Deferred:
    def build(table: Table, scope: Scope) -> Value:
        window = _window_of(run, args, table, library=deferred.library)
        merged = Scope(
            keys=(*scope.keys, *window.keys),
            order=window.order or scope.order,
            frame=window.frame or scope.frame,
        )
        return built(run, deferred, table, merged)

    return Deferred(build, name=deferred.name, library=deferred.library, table=deferred.table)


def _rolling(run: Run, deferred: Deferred, args: Args) -> Deferred:
    """Polars' `rolling`: an expression over the rows of a period, which ends with the row's own unless it is moved."""
    period, offset = length(args.constant(1, "period")), length(args.constant(None, "offset"))
    start = offset if offset is not None else -(period or timedelta(0))
    high = (start + period).total_seconds() if period is not None else 0.0

    def build(table: Table, scope: Scope) -> Value:
        order = order_of(run, table, [args.get(0, "index_column")], descending=[])
        frame = Frame(low=start.total_seconds(), high=high, in_time=True)
        in_time = order if order is not None and not order.other else scope.order
        return built(run, deferred, table, replace(scope, order=in_time, frame=frame))

    return Deferred(build, name=deferred.name, library=deferred.library, table=deferred.table)


def _window_of(run: Run, args: Args, table: Table, *, library: str) -> Scope:
    first = args.get(0, "window")
    if first is not None:
        value = built(run, first, table)
        if isinstance(value, Scope):
            return value
    if library == "ibis":
        return window_scope(run, args, table)
    keys = keys_of(run, table, [*args.places, *(v for n, v in args.names.items() if n == "partition_by")])
    order_by = args.get(None, "order_by")
    descending = args.constant(None, "descending", default=False)
    order = None
    if order_by is not None:
        order = _window_order(run, table, order_by, descending=[bool(descending)])
    return Scope(keys=keys, order=order)


def window_scope(run: Run, args: Args, table: Table) -> Scope:
    """The scope that `ibis.window(...)` and the like describe."""
    group = args.get(None, "group_by")
    order = args.get(None, "order_by")
    keys = keys_of(run, table, [group]) if group is not None else ()
    by = _window_order(run, table, order, descending=[]) if order is not None else None
    return Scope(keys=keys, order=by, frame=frame_between(run, args))


def frame_between(run: Run, args: Args) -> Frame | None:
    for name in ("rows", "range", "between"):
        pair = run.at(args.get(None, name)) if name in args.names else None
        if isinstance(pair, Seq) and pair.items is not None and len(pair.items) == 2:
            start, end = (run.at(item) for item in pair.items)
            return Frame(low=number_in(start), high=number_in(end), in_time=is_time(start) or is_time(end))
    if "preceding" not in args.names and "following" not in args.names:
        return None
    preceding = run.at(args.names["preceding"]) if "preceding" in args.names else Const(None)
    following = run.at(args.names["following"]) if "following" in args.names else Const(None)
    if isinstance(preceding, Seq) and preceding.items is not None and len(preceding.items) == 2:
        start, end = (run.at(item) for item in preceding.items)
        return Frame(low=minus(number_in(start)), high=minus(number_in(end)), in_time=is_time(end))
    if isinstance(following, Seq) and following.items is not None and len(following.items) == 2:
        start, end = (run.at(item) for item in following.items)
        return Frame(low=number_in(start), high=number_in(end), in_time=is_time(end))
    in_time = is_time(preceding) or is_time(following)
    return Frame(low=minus(number_in(preceding)), high=number_in(following), in_time=in_time)


def is_time(value: Value) -> bool:
    return isinstance(value, Const) and isinstance(value.value, timedelta)


def number_in(value: Value) -> float | None:
    match value:
        case Const(timedelta() as time):
            return time.total_seconds()
        case Const(int() | float() as number):
            return float(number)
        case _:
            pass
    return None


def minus(number: float | None) -> float | None:
    return None if number is None else -number


def keys_of(run: Run, table: Table, values: list[Value]) -> tuple[Key, ...]:
    """The columns, or expressions of columns, by which rows are grouped."""
    keys: list[Key] = []
    for value in values:
        held = run.at(value)
        if isinstance(held, Seq) and held.items is not None:
            keys.extend(keys_of(run, table, list(held.items)))
        elif isinstance(held, Const) and isinstance(held.value, list | tuple):
            keys.extend(keys_of(run, table, [Const(item) for item in held.value]))
        else:
            key = _key(run, table, held)
            if key is not None:
                keys.append(key)
    return tuple(keys)


def _key(run: Run, table: Table, value: Value) -> Key | None:
    if isinstance(value, Const) and isinstance(value.value, str):
        cells = frames.column(run, table, value.value)
        return Key(name=value.value, facts=cells.facts, is_time=run.is_time(value.value, cells.facts))
    if isinstance(value, Deferred):
        name = value.name or "key"
        found = built(run, value, table)
        facts = run.facts(found)
        plain = isinstance(found, Cells) and found.name == name and not facts.derived
        return Key(name=name, facts=facts, is_time=run.is_time(name if plain else None, facts))
    if isinstance(value, Cells):
        facts = value.facts
        name = value.name or "key"
        return Key(
            name=name, facts=facts, is_time=run.is_time(value.name if not facts.derived else None, facts)
        )
    if isinstance(value, Opaque) and value.hint:
        hint = value.hint if "<" in value.hint else f"<{value.hint}>"
        return Key(name=hint, facts=table.facts(hint) or NOTHING)
    return None


def order_of(run: Run, table: Table, values: list[Value | None], *, descending: list[bool]) -> Order | None:
    """The row order that sorting by these columns makes."""
    names: list[tuple[str, bool]] = []
    for value in values:
        names.extend(_order_names(run, value))
    if not names:
        return None
    flags = [*descending, *([descending[-1]] * len(names) if descending else [False] * len(names))]
    keys = [(name, down != flag) for (name, down), flag in zip(names, flags, strict=False)]
    timed = [place for place, (name, _) in enumerate(keys) if _holds_time(run, table, name)]
    if not timed and is_sequence_name(keys[-1][0]):
        return Order(newest_first=keys[-1][1], entity_first=tuple(name for name, _ in keys[:-1]))
    if not timed:
        upwards = "" if any(down for _, down in keys) else keys[-1][0]
        return Order(other=tuple(name for name, _ in keys), by=upwards)
    first = timed[0]
    run.saw_column(table.root, keys[first][0])
    before = tuple(name for name, _ in keys[:first])
    calendar = {"year", "month", "day", "hour", "week"}
    if all(name.lower() in calendar for name in before):
        before = ()
    return Order(newest_first=keys[first][1], entity_first=before, by=keys[first][0])


def _knows_time(run: Run, table: Table) -> bool:
    if run.time is not None or run.record.times.get(table.root):
        return True
    return any(run.is_time(name, facts) for name, facts in table.columns.items())


def _window_order(run: Run, table: Table, value: Value, *, descending: list[bool]) -> Order | None:
    """The order of a window's rows: what orders them is taken for their time, where the table has no other."""
    order = order_of(run, table, [value], descending=descending)
    if order is None or not order.other or _knows_time(run, table):
        return order
    names = _order_names(run, value)
    if table.root:
        run.record.times.setdefault(table.root, set()).add(names[-1][0])
    return order_of(run, table, [value], descending=descending)


def _holds_time(run: Run, table: Table, name: str) -> bool:
    if name in run.record.times.get(table.root, ()):
        return True
    facts = table.facts(name) or (table.columns.get(name) if name in table.columns else None)
    if name in table.index and run.is_time(name):
        return True
    return run.is_time(name, facts or NOTHING)


def _order_names(run: Run, value: Value | None) -> list[tuple[str, bool]]:
    held = run.at(value)
    match held:
        case Const(str(name)):
            return [(name, False)]
        case Const(list() | tuple() as names):
            return [(name, False) for name in names if isinstance(name, str)]
        case Seq(items=items) if items is not None:
            return [pair for item in items for pair in _order_names(run, item)]
        case Opaque(hint=hint) if hint.startswith("desc:"):
            return [(hint[5:], True)]
        case Opaque(hint=hint) if hint:
            return [(hint if "<" in hint else f"<{hint}>", False)]
        case Deferred(name=str(name)):
            return [(name, False)]
        case Cells(name=str(name)):
            return [(name, False)]
        case _:
            pass
    return []
