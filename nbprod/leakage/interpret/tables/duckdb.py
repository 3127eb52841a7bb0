"""Methods of DuckDB's relations, which are given SQL: each is a query of the relation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from nbprod.leakage.interpret.values import Cells, Const, Seq, Table, Value

if TYPE_CHECKING:
    import ast

    from nbprod.leakage.interpret.context import Args, Run
    from nbprod.leakage.interpret.facts import Facts

_QUERIES = {
    "project": "SELECT {0} FROM {own}",
    "select": "SELECT {0} FROM {own}",
    "filter": "SELECT * FROM {own} WHERE {0}",
    "aggregate": "SELECT {0} FROM {own}{1}",
    "order": "SELECT * FROM {own} ORDER BY {0}",
    "query": "{1}",
}


def called(run: Run, table: Table, name: str, args: Args, node: ast.AST) -> Value | None:
    """What a method of a relation gives; None where it is none that is given SQL."""
    texts = [value.value for value in map(run.at, args.places) if isinstance(value, Const)]
    own = table.view or "self"
    if name == "set_alias" and texts:
        return run.new(replace(table, view=str(texts[0])))
    if name == "fetchone":
        return _one_row(table)
    if name == "join" and isinstance(right := run.at(args.get(0, "other_rel")), Table):
        return _joined(run, table, right, args, node)
    query = _QUERIES.get(name)
    if query is None or not all(isinstance(text, str) for text in texts) or len(texts) < len(args.places):
        return None
    if not texts or (name == "query" and len(texts) < 2):
        return None
    if name == "query":
        own, second = texts[0], texts[1]
    else:
        second = f" GROUP BY {texts[1]}" if len(texts) > 1 else " GROUP BY ALL" if name == "aggregate" else ""
    return _asked(run, query.format(texts[0], second, own=own), {own: table}, node)


def _asked(run: Run, text: str, own: dict[str, Table], node: ast.AST) -> Value:
    from nbprod.leakage.interpret.queries import table_of

    return run.new(replace(table_of(run, text, run.span(node), own=own), library="duckdb"))


def _joined(run: Run, left: Table, right: Table, args: Args, node: ast.AST) -> Value:
    condition, how = args.constant(1, "condition", ""), args.constant(2, "how", "inner")
    one, other = left.view or "left_one", right.view or "right_one"
    if not isinstance(condition, str):
        return run.new(left)
    on = f"USING ({condition})" if condition.replace("_", "a").isalnum() else f"ON {condition}"
    # the tables that were joined keep their names in what is asked next
    text = f"SELECT * FROM {one} {how} JOIN {other} {on}"  # noqa: S608 - read, never run
    found = _asked(run, text, {one: left, other: right}, node)
    held = run.at(found)
    return run.new(replace(held, view="")) if isinstance(held, Table) else found


def _one_row(table: Table) -> Value:
    """The first row, brought to Python."""
    cells = (_scalar(table, facts) for facts in table.columns.values())
    return Seq(tuple(cells))


def _scalar(table: Table, facts: Facts) -> Cells:
    return Cells(facts=facts, rows=table.rows, shape="scalar")
