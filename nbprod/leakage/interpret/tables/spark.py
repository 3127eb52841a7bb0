"""Methods that Spark's tables have of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from nbprod.leakage.interpret import database, frames, learning
from nbprod.leakage.interpret.context import Args
from nbprod.leakage.interpret.tables.columns import with_expressions
from nbprod.leakage.interpret.tables.everywhere import every_column
from nbprod.leakage.interpret.tables.rows import METHODS as ROWS
from nbprod.leakage.interpret.values import NONE, Const, Mapped, Opaque, Seq, Table, Value

if TYPE_CHECKING:
    import ast
    from collections.abc import Callable

    from nbprod.leakage.interpret.context import Run


def _with_column(run: Run, table: Table, args: Args, node: ast.AST) -> Value:
    names = frames.columns_named(run, table, args.get(0, "colName") or Opaque())
    value = args.get(1, "col")
    if not names or value is None:
        return run.new(table)
    return with_expressions(run, table, Args(names={names[0]: value}, node=node), node)


def _with_columns(run: Run, table: Table, args: Args, node: ast.AST) -> Value:
    given = run.at(args.get(0, "colsMap"))
    if not isinstance(given, Mapped):
        return run.new(table)
    made = {str(name): value for name, value in given.items.items()}
    return with_expressions(run, table, Args(names=made, node=node), node)


def _renamed(run: Run, table: Table, args: Args, node: ast.AST) -> Value:
    _ = node
    old, new = args.constant(0, "existing"), args.constant(1, "new")
    if not isinstance(old, str) or not isinstance(new, str):
        return run.new(table)
    facts = frames.column(run, table, old).facts
    return run.new(frames.dropped(table, (old,)).with_column(new, facts))


def _kept(run: Run, table: Table, args: Args, node: ast.AST) -> Value:
    """`where` as another name of `filter`; pandas' keeps all rows."""
    if table.library in ("pyspark", "ibis"):
        return ROWS["filter"](run, table, args, node)
    return every_column(run, table, "where", args, node)


def _random_parts(run: Run, table: Table, args: Args, node: ast.AST) -> Value:
    """Rows dealt at random to parts of given weights, the first of which trains."""
    weights = run.at(args.get(0, "weights"))
    parts = len(weights.items) if isinstance(weights, Seq) and weights.items is not None else 2
    return learning.dealt(run, run.new(table), node, what="randomSplit", parts=parts)


def _quantiles(run: Run, table: Table, args: Args, node: ast.AST) -> Value:
    """Quantiles of columns, one a probability."""
    from nbprod.leakage.interpret.methods import on_cells

    names = frames.columns_named(run, table, args.get(0, "col") or Opaque())
    facts = frames.projected(run, table, names).all_facts if names else frames.known_facts(run, table)
    cells = replace(frames.column(run, table, (names or ("*",))[0]), facts=facts)
    made = on_cells(run, cells, cells, "approxQuantile", Args(node=node), node)
    asked = run.at(args.get(1, "probabilities"))
    if isinstance(asked, Seq) and asked.items is not None:
        return Seq((made,) * len(asked.items), is_list=True)
    if isinstance(asked, Const) and isinstance(asked.value, list | tuple):
        return Seq((made,) * len(asked.value), is_list=True)
    return Seq(None, any_item=made, is_list=True)


def _viewed(run: Run, table: Table, args: Args, node: ast.AST) -> Value:
    """The table under a name that queries read it by."""
    _ = node
    name = args.constant(0, "name")
    if isinstance(name, str):
        database.keep(run, name, run.new(table))
    return NONE


def _select_expr(run: Run, table: Table, args: Args, node: ast.AST) -> Value:
    """Columns as SQL spells them."""
    from nbprod.leakage.interpret.queries import table_of

    items = [run.at(value) for value in args.places]
    if not items or not all(isinstance(item, Const) and isinstance(item.value, str) for item in items):
        return run.new(table)
    chosen = ", ".join(str(item.value) for item in items if isinstance(item, Const))
    made = table_of(run, f"SELECT {chosen} FROM self", run.span(node), own={"self": table})  # noqa: S608 - read, never run
    return run.new(replace(made, library=table.library))


def _collected(run: Run, table: Table, args: Args, node: ast.AST) -> Value:
    """Rows brought to Python: what is taken of them is no longer an expression."""
    if table.library == "pyspark":
        return run.new(replace(table, library="pandas"))
    return every_column(run, table, "first", args, node)


def _rows(run: Run, table: Table, _args: Args, _node: ast.AST) -> Value:
    return run.new(replace(table, library="pandas") if table.library == "pyspark" else table)


METHODS: dict[str, Callable[[Run, Table, Args, ast.AST], Value]] = {
    "withColumn": _with_column, "withColumns": _with_columns, "withColumnRenamed": _renamed, "where": _kept,
    "randomSplit": _random_parts, "approxQuantile": _quantiles, "selectExpr": _select_expr, "createOrReplaceTempView": _viewed,
    "createTempView": _viewed, "createOrReplaceGlobalTempView": _viewed, "create_view": _viewed, "dropDuplicates": ROWS["drop_duplicates"],
    "first": _collected, "collect": _rows, "take": _rows,
}  # fmt: skip
