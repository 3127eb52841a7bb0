"""A method of any value, found by what the value is; knows all rooms of methods."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from nbprod.leakage.interpret import (
    database,
    deferred,
    groups,
    learning,
    tables,
    times,
)
from nbprod.leakage.interpret.combining import join_values
from nbprod.leakage.interpret.facts import Facts, Rows
from nbprod.leakage.interpret.methods.cells import on_cells
from nbprod.leakage.interpret.methods.python import on_constant, on_mapping, on_sequence
from nbprod.leakage.interpret.values import (
    Cells,
    Class,
    Const,
    Deferred,
    Estimator,
    Folds,
    Grouped,
    Instance,
    Mapped,
    Method,
    Opaque,
    Picks,
    Position,
    Seq,
    Splitter,
    Symbol,
    Table,
    Value,
    Windowed,
)

if TYPE_CHECKING:
    import ast

    from nbprod.leakage.interpret.context import Args, Run


def call_method(run: Run, owner: Value, name: str, args: Args, node: ast.AST) -> Value:  # noqa: C901, PLR0912
    """`owner.name(args)`."""
    held = run.at(owner)
    match held:
        case Table():
            return tables.call(run, owner, held, name, args, node)
        case Cells():
            return on_cells(run, owner, held, name, args, node)
        case Grouped():
            return groups.on_grouped(run, held, name, args, node)
        case Windowed():
            return groups.on_windowed(run, held, name, args, node)
        case Deferred():
            return deferred.called(run, held, name, args, node)
        case Estimator():
            return learning.on_estimator(run, owner, held, name, args, node)
        case Splitter():
            return learning.on_splitter(run, held, name, args, node)
        case Seq():
            return on_sequence(run, owner, held, name, args)
        case Mapped():
            return on_mapping(run, owner, held, name, args)
        case Const():
            return on_constant(held, name, args, run)
        case Method():
            return _on_method(run, held, name, args, node)
        case Instance():
            return learning.on_instance(run, owner, held, name, args, node)
        case Symbol(path=path):
            return run.call(run, Symbol(f"{path}.{name}"), args, node)
        case Picks() if name == "isin" and isinstance(picked := run.at(args.get(0, "values")), Picks):
            return Cells(rows=held.rows, conditions=(picked.bound,))
        case Folds() | Picks() | Class():
            return held
        case Position() if name in _KEEPS_PLACES:
            return held
        case _:
            pass
    return _on_unknown(run, held, name, args, node)


_OF_SERIES = frozenset(
    {"shift", "diff", "pct_change", "rolling", "expanding", "ewm", "bfill", "backfill", "ffill", "fillna", "interpolate",
     "resample", "cumsum", "cummax", "cummin", "cumprod", "rank"}
)  # fmt: skip
_KEEPS_PLACES = frozenset({"clip", "astype", "to_numpy", "tolist", "copy", "ravel", "flatten", "item"})


def _on_unknown(run: Run, held: Value, name: str, args: Args, node: ast.AST) -> Value:
    if name in learning.LEARNING:
        return learning.on_unknown(run, held, name, args, node)
    if name in ("optimize", "maximize", "minimize") and args.places:
        learning.noted_search(run, args.places[0], node)
    facts = run.facts(held)
    if name in _OF_SERIES and facts.reads:
        # what an unknown function made of a column is taken for one
        cells = Cells(facts=replace(facts, derived=True), rows=run.rows(held))
        return on_cells(run, cells, cells, name, args, node)
    if name in _TABLE_GIVERS and not run.facts(held).reads:
        return _table_of_connection(run, name, args, node)
    every = [held, *args.every]
    result: Value = every[0]
    for value in every[1:]:
        result = join_values(run, result, value)
    for value in args.every:
        facts = facts | run.facts(value)
    if not facts.reads and not facts.aheads:
        return Opaque(hint=getattr(held, "hint", "") if name in _KEEPS_NAMES else "")
    return Opaque(facts=replace(facts, proved=False), rows=run.rows(held))


# what names of columns stay, whichever of them are left out
_KEEPS_NAMES = frozenset(
    {"columns", "tolist", "to_list", "drop", "difference", "intersection", "union", "copy"}
)
_TABLE_GIVERS = frozenset(
    {
        "table",
        "read_parquet",
        "read_csv",
        "read_json",
        "read_delta",
        "create_table",
        "read_in_memory",
        "load",
        "history",
    }
)


def _table_of_connection(run: Run, name: str, args: Args, node: ast.AST) -> Value:
    """`con.table("visits")`: a table that a connection knows by name."""
    span = run.span(node)
    label = args.constant(0, "name")
    for value in args.every:
        held = run.at(value)
        if isinstance(held, Table):
            return run.new(replace(held, library="ibis"))
    if isinstance(label, str) and name == "table" and (known := database.kept(run, label)) is not None:
        return known
    root = (
        label.rsplit(".", 1)[-1]
        if isinstance(label, str) and name == "table"
        else f"{name}@{span.cell}:{span.line}:{span.column}"
    )
    if name == "table":
        run.record.free.add(root)
    library = "ibis" if run.libraries.get("ibis") else "duckdb" if database.speaks_duckdb(run) else ""
    return run.new(Table(rest=Facts(), rows=Rows(tables=frozenset({root})), root=root, library=library))


def _on_method(run: Run, method: Method, name: str, args: Args, node: ast.AST) -> Value:
    """A method of an accessor: `.dt.floor`, `.str.lower`, `.list.mean`."""
    inner = run.at(method.owner)
    if isinstance(inner, Deferred):
        build_name = f"{method.name}.{name}"
        return deferred.called(run, inner, build_name, args, node)
    if isinstance(inner, Cells):
        if method.name == "dt":
            found = times.time_method(run, inner, name, args, node)
            return found if found is not None else replace(inner, facts=replace(inner.facts, derived=True))
        if method.name == "str" and name in ("to_datetime", "strptime", "to_date"):
            found = times.time_method(run, inner, "to_datetime", args, node)
            return found if found is not None else inner
        facts = inner.facts
        for value in args.every:
            facts = facts | run.facts(value)
        return replace(inner, facts=replace(facts, derived=True), conditions=())
    return _on_unknown(run, Opaque(facts=run.facts(inner), rows=run.rows(inner)), name, args, node)
