"""Functions of polars and Ibis that give deferred expressions; knows how these are built."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, cast

from msgspec.structs import replace

from nbprod.leakage.interpret import database, frames
from nbprod.leakage.interpret.context import Args
from nbprod.leakage.interpret.deferred.building import built, is_time, minus, number_in, window_scope
from nbprod.leakage.interpret.facts import NOTHING, WHOLE_REACH, Ahead, Facts
from nbprod.leakage.interpret.values import (
    Cells,
    Const,
    Deferred,
    Frame,
    Mapped,
    Opaque,
    Scope,
    Seq,
    Table,
    Value,
)

if TYPE_CHECKING:
    from nbprod.leakage.interpret.context import Run


def row_number(run: Run, node: ast.AST, *, what: str, library: str = "ibis") -> Deferred:
    """A number that counts rows in the window's order: of the present where that order is time's."""
    span = run.span(node)

    def build(table: Table, scope: Scope) -> Value:
        order = scope.order
        base = Cells(rows=table.rows, library=library, order=table.order)
        if any(
            key.is_time and (key.facts.clock is None or key.facts.clock.period is None) for key in scope.keys
        ):
            # among the rows of one time
            return base
        if order is None or (
            what in ("row_number", "rank", "dense_rank") and not order.newest_first and not order.other
        ):
            if what in ("ntile", "percent_rank", "cume_dist"):
                pass
            elif what == "row_number" and order is not None:
                return replace(base, facts=Facts(numbers=0))
            else:
                return base
        says = f"`{what}` compares each row with all rows"
        ahead = Ahead(
            rule="whole-sample-statistic",
            reach=WHOLE_REACH,
            span=span,
            says=says,
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
            return counted(run, node)
        case "lit":
            return args.places[0] if args.places else Const(None)
        case "int_range" | "arange" | "int_ranges":
            numbers = Facts(numbers=0)
            return Deferred(lambda table, _scope: Cells(rows=table.rows, library="polars", facts=numbers))
        case "when":
            return args.places[0] if args.places else Opaque()
        case "all":
            return Deferred(lambda table, _scope: table)
        case "element":
            return Deferred(lambda table, _scope: Cells(rows=table.rows, library="polars"))
        case _:
            pass
    return _of_frames(run, name, args, node)


def _of_frames(run: Run, name: str, args: Args, node: ast.AST) -> Value | None:
    """Functions of polars that are about several columns, or several frames."""
    if name == "SQLContext":
        for label, value in args.names.items():
            database.keep(run, label, value)
    if name.startswith("selectors."):
        return selected(run, args)
    if name.endswith("_horizontal") or name in ("struct", "coalesce", "concat_str", "concat_list", "format"):
        return together(run, args, node)
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


def counted(run: Run, node: ast.AST, library: str = "polars") -> Deferred:
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


def together(run: Run, args: Args, node: ast.AST) -> Deferred:
    """What is made of several columns, row by row."""
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
            return together(run, _flat(run, args), node)
        case "memtable" | "table":
            held = run.at(args.places[0]) if args.places else Opaque()
            if isinstance(held, Table) and name == "memtable":
                return run.new(replace(held, library="ibis"))
            return None
        case "now" | "today":
            span = run.span(node)
            ahead = Ahead(
                rule="whole-sample-statistic",
                reach=WHOLE_REACH,
                span=span,
                says="the wall clock is read",
                steps=(),
            )
            return Cells(facts=NOTHING.with_ahead(ahead), shape="scalar")
        case "_":
            return None
        case "selectors.across":
            return across(run, args, node)
        case _ if name.startswith("selectors."):
            return selected(run, args)
        case _:
            pass
    return None


def selected(run: Run, args: Args) -> Deferred:
    """The columns that a selector stands for: those it names, else all that the table has."""
    names = [name for value in args.places for name in frames.columns_named(run, Table(), value) or ()]
    if not names:
        return Deferred(lambda table, _scope: table)
    return Deferred(lambda table, _scope: frames.projected(run, table, tuple(names)))


def across(run: Run, args: Args, node: ast.AST) -> Deferred:
    """`s.across(columns, function)`: what the function, or each one of a mapping, makes of every column."""
    chosen = args.get(0, "selector")
    named = frames.columns_named(run, Table(), chosen) if chosen is not None else None
    given = run.at(args.get(1, "func"))
    functions = dict(given.items) if isinstance(given, Mapped) else {"": given}
    names = args.constant(2, "names") or ("{col}_{fn}" if isinstance(given, Mapped) else "{col}")

    # what selectors make of each other may be any columns
    is_one = not isinstance(args.node_of(0, "selector"), ast.BinOp | ast.UnaryOp)

    def build(table: Table, scope: Scope) -> Value:
        found = built(run, chosen, table, scope) if is_one and not named and chosen is not None else table
        part = frames.projected(run, table, named) if named else found if isinstance(found, Table) else table
        columns: dict[str, Facts] = {}
        rest = part.rest
        for label, function in functions.items():
            for column in part.columns:
                cells = frames.column(run, part, column, scope=scope)
                columns[names.format(col=column, fn=label)] = _made_of(run, function, cells, table, node)
            if part.rest is not None:
                cells = replace(frames.column(run, part, "*", scope=scope), name=None)
                rest = (rest or NOTHING).with_ahead(*_made_of(run, function, cells, table, node).aheads)
        return replace(table, columns=columns, rest=rest)

    return Deferred(build, library="ibis")


def of_column(run: Run, name: str, args: Args, node: ast.AST) -> Deferred:
    """`_.mean()` where `_` stands for a column, as it does in `s.across`: a method of that column."""
    from nbprod.leakage.interpret.methods import call_method

    def build(table: Table, _scope: Scope) -> Value:
        subject = cast("Value", table)
        return call_method(run, subject, name, args, node) if isinstance(subject, Cells) else Opaque()

    return Deferred(build, library="ibis")


def _made_of(run: Run, function: Value, cells: Cells, table: Table, node: ast.AST) -> Facts:
    held = run.at(function)
    if isinstance(held, Deferred):
        # `_ - _.mean()`: the column itself stands in the table's place
        of_column_itself = held.library == "ibis" and held.table is None
        result = built(run, held, cast("Table", cells) if of_column_itself else table)
    else:
        result = run.call(run, function, Args(places=(cells,), node=node), node)
    return replace(run.facts(built(run, result, table)), derived=True)


def _flat(run: Run, args: Args) -> Args:
    places: list[Value] = []
    for value in args.places:
        held = run.at(value)
        places.extend(held.items or () if isinstance(held, Seq) else (value,))
    return replace(args, places=tuple(places) + tuple(args.names.values()))


def _trailing(run: Run, args: Args, table: Table) -> Scope:
    preceding = run.at(args.get(0, "preceding"))
    number = number_in(preceding)
    frame = Frame(low=minus(number), high=0, in_time=is_time(preceding))
    return replace(
        window_scope(
            run, replace(args, names={k: v for k, v in args.names.items() if k != "preceding"}), table
        ),
        frame=frame,
    )
