"""Expressions that are written before their frame is known: polars' `pl.col`, Ibis' `_` and `t.x`, their windows."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from nbprod.leakage.interpret import frames
from nbprod.leakage.interpret.context import Args
from nbprod.leakage.interpret.facts import NOTHING, WHOLE_REACH, Ahead, Facts
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
from nbprod.model import Step

if TYPE_CHECKING:
    import ast

    from nbprod.leakage.interpret.context import Run

_MOST_NESTING = 40


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
    order = order_of(run, table, [order_by], descending=[bool(descending)]) if order_by is not None else None
    return Scope(keys=keys, order=order)


def window_scope(run: Run, args: Args, table: Table) -> Scope:
    """The scope that `ibis.window(...)` and the like describe."""
    group = args.get(None, "group_by")
    order = args.get(None, "order_by")
    keys = keys_of(run, table, [group]) if group is not None else ()
    by = order_of(run, table, [order], descending=[]) if order is not None else None
    return Scope(keys=keys, order=by, frame=_frame(run, args))


def _frame(run: Run, args: Args) -> Frame | None:
    for name in ("rows", "range", "between"):
        pair = run.at(args.get(None, name)) if name in args.names else None
        if isinstance(pair, Seq) and pair.items is not None and len(pair.items) == 2:
            start, end = (run.at(item) for item in pair.items)
            return Frame(low=_number(start), high=_number(end), in_time=_is_time(start) or _is_time(end))
    if "preceding" not in args.names and "following" not in args.names:
        return None
    preceding = run.at(args.names["preceding"]) if "preceding" in args.names else Const(None)
    following = run.at(args.names["following"]) if "following" in args.names else Const(None)
    if isinstance(preceding, Seq) and preceding.items is not None and len(preceding.items) == 2:
        start, end = (run.at(item) for item in preceding.items)
        return Frame(low=_minus(_number(start)), high=_minus(_number(end)), in_time=_is_time(end))
    if isinstance(following, Seq) and following.items is not None and len(following.items) == 2:
        start, end = (run.at(item) for item in following.items)
        return Frame(low=_number(start), high=_number(end), in_time=_is_time(end))
    in_time = _is_time(preceding) or _is_time(following)
    return Frame(low=_minus(_number(preceding)), high=_number(following), in_time=in_time)


def _is_time(value: Value) -> bool:
    return isinstance(value, Const) and isinstance(value.value, timedelta)


def _number(value: Value) -> float | None:
    match value:
        case Const(timedelta() as time):
            return time.total_seconds()
        case Const(int() | float() as number):
            return float(number)
        case _:
            pass
    return None


def _minus(number: float | None) -> float | None:
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
    if not timed:
        return Order(other=tuple(name for name, _ in keys))
    first = timed[0]
    run.saw_column(table.root, keys[first][0])
    before = tuple(name for name, _ in keys[:first])
    calendar = {"year", "month", "day", "hour", "week"}
    if all(name.lower() in calendar for name in before):
        before = ()
    return Order(newest_first=keys[first][1], entity_first=before, by=keys[first][0])


def _holds_time(run: Run, table: Table, name: str) -> bool:
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


def row_number(run: Run, node: ast.AST, *, what: str, library: str = "ibis") -> Deferred:
    """A number that counts rows in the window's order: of the present where that order is time's."""
    span = run.span(node)

    def build(table: Table, scope: Scope) -> Value:
        order = scope.order
        base = Cells(rows=table.rows, library=library, order=table.order)
        if order is None or (
            what in ("row_number", "rank", "dense_rank") and not order.newest_first and not order.other
        ):
            if what in ("ntile", "percent_rank", "cume_dist"):
                pass
            else:
                return base
        says = f"`{what}` compares each row with all rows"
        ahead = Ahead(
            rule="whole-sample-statistic",
            reach=WHOLE_REACH,
            span=span,
            says=says,
            steps=(Step(span=span, says=says),),
            over=table.rows,
            sources=frozenset({f"{table.root}.*"}) if table.root else frozenset(),
        )
        return replace(base, facts=Facts(reads={f"{table.root}.*": 0.0}).with_ahead(ahead))

    return Deferred(build, library=library)


def polars_function(run: Run, name: str, args: Args, node: ast.AST) -> Value | None:
    """`pl.col`, `pl.when` and the other functions of polars that make expressions."""
    match name:
        case "col" | "first" | "last" | "mean" | "sum" | "max" | "min" | "median" | "std" | "count" if (
            args.places
        ):
            return _columns(run, name, args, node)
        case "len" | "count":
            return _counted(run, node)
        case "lit":
            return args.places[0] if args.places else Const(None)
        case "int_range" | "arange" | "int_ranges":
            return Deferred(lambda table, _scope: Cells(rows=table.rows, library="polars"))
        case "when":
            return args.places[0] if args.places else Opaque()
        case "all":
            return Deferred(lambda table, _scope: table)
        case "element":
            return Deferred(lambda table, _scope: Cells(rows=table.rows, library="polars"))
        case _:
            pass
    if name.endswith("_horizontal") or name in ("struct", "coalesce", "concat_str", "concat_list", "format"):
        return _together(run, args, node)
    return None


def _columns(run: Run, name: str, args: Args, node: ast.AST) -> Value:
    from nbprod.leakage.interpret.methods import call_method

    names: list[str] = []
    for value in args.places:
        found = frames.columns_named(run, Table(), value)
        names.extend(found or ())
    if not names:
        return Deferred(lambda table, _scope: table)
    if len(names) == 1 and names[0] != "*":
        made: Deferred = Deferred(
            lambda table, scope: frames.column(run, table, names[0], scope=scope), name=names[0]
        )
    else:

        def build(table: Table, scope: Scope) -> Value:
            if names == ["*"]:
                return table
            kept = frames.projected(run, table, tuple(names))
            return replace(kept, within=(*kept.within, *scope.keys), order=scope.order or kept.order)

        made = Deferred(build)
    if name == "col":
        return made
    return Deferred(
        lambda table, scope: call_method(run, built(run, made, table, scope), name, Args(node=node), node),
        name=made.name,
    )


def _counted(run: Run, node: ast.AST, library: str = "polars") -> Deferred:
    def build(table: Table, scope: Scope) -> Value:
        from nbprod.leakage.interpret.moving import statistic

        cells = Cells(
            facts=Facts(reads={f"{table.root}.*": 0.0}) if table.root else NOTHING,
            rows=table.rows,
            within=(*table.within, *scope.keys),
            frame=scope.frame,
            order=scope.order or table.order,
            library=library,
        )
        return replace(cells, facts=statistic(run, cells, node, says="the number of rows"), frame=None)

    return Deferred(build, library=library)


counted = _counted


def _together(run: Run, args: Args, node: ast.AST) -> Deferred:
    from nbprod.leakage.interpret.combining import combine

    def build(table: Table, scope: Scope) -> Value:
        result: Value = Const(None)
        for value in args.places:
            held = run.at(value)
            for item in held.items or () if isinstance(held, Seq) else (held,):
                if isinstance(run.at(item), Const) and isinstance(run.at(item).value, str):  # type: ignore[union-attr]
                    item = frames.column(run, table, run.at(item).value, scope=scope)  # type: ignore[union-attr] # noqa: PLW2901
                result = combine(run, result, built(run, item, table, scope), op=None, node=node)
        return result

    return Deferred(build)


def ibis_function(run: Run, name: str, args: Args, node: ast.AST) -> Value | None:  # noqa: C901, PLR0912
    """`ibis.window`, `ibis.row_number` and the other functions of Ibis."""
    match name:
        case "window" | "rows_window" | "range_window" | "rows" | "range":
            return Deferred(lambda table, _scope: window_scope(run, args, table), library="ibis")
        case "cumulative_window":
            return Deferred(
                lambda table, _s: replace(window_scope(run, args, table), frame=Frame(high=0)), library="ibis"
            )
        case "trailing_window" | "trailing_rows_window" | "trailing_range_window":
            return Deferred(lambda table, _s: _trailing(run, args, table), library="ibis")
        case "desc":
            held = run.at(args.places[0]) if args.places else Opaque()
            inner = held.value if isinstance(held, Const) else getattr(held, "name", None) or "?"
            return Opaque(hint=f"desc:{inner}")
        case "asc":
            return args.places[0] if args.places else Opaque()
        case "row_number" | "rank" | "dense_rank" | "percent_rank" | "cume_dist" | "ntile":
            return row_number(run, node, what=name)
        case "literal" | "null" | "param" | "random" | "date" | "timestamp" | "time" | "array" | "uuid":
            return args.places[0] if args.places and name == "literal" else Opaque()
        case "cases" | "case" | "ifelse" | "coalesce" | "greatest" | "least" | "struct" | "map":
            return _together(run, _flat(run, args), node)
        case "memtable" | "table":
            held = run.at(args.places[0]) if args.places else Opaque()
            if isinstance(held, Table) and name == "memtable":
                return run.new(replace(held, library="ibis"))
            return None
        case "now" | "today":
            span = run.span(node)
            ahead = Ahead(
                rule="whole-sample-statistic", reach=WHOLE_REACH, span=span, says="the wall clock is read"
            )
            return Cells(facts=NOTHING.with_ahead(ahead), shape="scalar")
        case "_":
            return None
        case _:
            pass
    return None


def _flat(run: Run, args: Args) -> Args:
    places: list[Value] = []
    for value in args.places:
        held = run.at(value)
        places.extend(held.items or () if isinstance(held, Seq) else (value,))
    return replace(args, places=tuple(places) + tuple(args.names.values()))


def _trailing(run: Run, args: Args, table: Table) -> Scope:
    preceding = run.at(args.get(0, "preceding"))
    number = _number(preceding)
    frame = Frame(low=_minus(number), high=0, in_time=_is_time(preceding))
    return replace(
        window_scope(
            run, replace(args, names={k: v for k, v in args.names.items() if k != "preceding"}), table
        ),
        frame=frame,
    )


def unpacked(value: Any) -> Any:
    """The value itself: a place for what comes wrapped."""
    return value
