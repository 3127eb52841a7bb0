"""What an attribute of a value is: a column, a method to be called, a part of a library."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from nbprod.leakage.interpret import frames, knowledge, positions
from nbprod.leakage.interpret.clocks import is_time_name
from nbprod.leakage.interpret.facts import ALL_ROWS, Bound, Clock, Facts
from nbprod.leakage.interpret.frames import (
    INDEXERS,
    OTHER_COLUMNS,
    as_matrix,
    column,
    index_of,
    is_whole,
    labels_of,
)
from nbprod.leakage.interpret.times import part_of_time
from nbprod.leakage.interpret.values import (
    BEST_SCORE,
    BY_COLUMN,
    THE_TABLE,
    Cells,
    Class,
    Const,
    Deferred,
    Estimator,
    Folds,
    Function,
    Grouped,
    Instance,
    Mapped,
    Method,
    Opaque,
    Picks,
    Scope,
    Seq,
    Splitter,
    Symbol,
    Table,
    Value,
    Windowed,
)

if TYPE_CHECKING:
    import ast

    from nbprod.leakage.interpret.context import Run

_PLAIN = frozenset({"values", "array", "T", "real"})
_SHAPES = frozenset({"shape", "height", "dtypes", "dtype", "ndim", "empty", "name", "schema", "width"})


def attribute(run: Run, owner: Value, name: str, node: ast.AST) -> Value:  # noqa: C901, PLR0912
    """What `owner.name` is: a column, a method to be called, a part of a library."""
    held = run.at(owner)
    match held:
        case Symbol(path=path):
            return Symbol(f"{path}.{name}")
        case Table():
            return _of_table(run, owner, held, name, node)
        case Cells():
            return _of_cells(run, owner, held, name, node)
        case Deferred():
            return _of_deferred(run, held, name, node)
        case Grouped() if name not in knowledge.METHODS and not name.startswith("_"):
            return replace(held, picked=(name,), single=True)
        case Estimator():
            return _of_estimator(run, owner, held, name)
        case Instance():
            return _of_instance(held, owner, name)
        case Class(methods=methods) if name in methods:
            return _of_class(methods[name], owner)
        case Const() | Seq() | Mapped() | Function() | Grouped() | Windowed() | Splitter() | Folds():
            return Method(owner, name)
        case Picks() if name in ("values", "array"):
            return held
        case Opaque() if name in ("values", "T", "index"):
            return held
        case Method(owner=inner, name=accessor) if accessor in knowledge.ACCESSORS:
            cells = run.at(inner)
            if isinstance(cells, Cells):
                found = part_of_time(run, cells, name, node)
                if found is not None:
                    return found
    return Method(owner, name)


def _of_table(run: Run, owner: Value, table: Table, name: str, node: ast.AST) -> Value:  # noqa: C901
    if _is_column_of_its_own(table, name):
        return Deferred(
            lambda given, scope: _of_view(run, given, table, name, scope),
            name=name,
            library=table.library,
            table=table,
        )
    if table.library == "pyspark" and name in ("na", "stat"):
        return owner
    if table.library == "duckdb" and knowledge.is_duckdb_method(name):
        return Method(owner, name)
    if name in table.columns and name not in knowledge.TABLE_METHODS:
        return column(run, table, name)
    if is_whole(table, name):
        return owner
    if name == "index":
        return index_of(run, table)
    if name == "columns":
        names = tuple(Const(each) for each in table.columns)
        if table.rest is not None and not names:
            return Opaque(hint="columns")
        return Seq(names, any_item=OTHER_COLUMNS if table.rest is not None else None, is_list=True)
    if name in _PLAIN:
        return as_matrix(run, table)
    if name in _SHAPES:
        return _shape(run, table, name, node)
    if name in INDEXERS or name in knowledge.TABLE_METHODS or name.startswith("_"):
        return Method(owner, name)
    if table.rest is None:
        return Method(owner, name)
    return column(run, table, name)


def _is_column_of_its_own(table: Table, name: str) -> bool:
    """Whether an attribute is a column that stays an expression until it meets a table."""
    if table.library == "ibis":
        return not knowledge.is_ibis_method(name)
    return table.library == "pyspark" and not knowledge.is_spark_method(name) and not name.startswith("_")


def _of_view(run: Run, given: Table, table: Table, name: str, scope: Scope | None) -> Cells:
    """A column of the table that an expression names, or of that table as a join has made it."""
    if given.root != table.root:
        return column(run, table, name, scope=scope)
    joined = f"{name}_right"
    return column(
        run, given, joined if table.view != given.view and joined in given.columns else name, scope=scope
    )


def _shape(run: Run, table: Table, name: str, node: ast.AST) -> Value:
    rows = positions.counted(run, table, node) or positions.length_of(table.root)
    match name:
        case "shape":
            return Seq((rows, Opaque()))
        case "height":
            return rows
        case _:
            return Opaque()


def _chosen_by_statistics(cells: Cells) -> bool:
    """Whether what is there at all was decided by what was taken of all rows: `counts[counts > 500]`."""
    if not cells.facts.aheads:
        return False
    kept = any(bound.kind == "where" for bound in cells.rows.bounds[-1:])
    return cells.shape == "scalar" or (bool(cells.keyed) and kept and not any(k.is_time for k in cells.keyed))


def _of_cells(run: Run, owner: Value, cells: Cells, name: str, node: ast.AST) -> Value:
    if name in _PLAIN:
        return replace(cells, array=True)
    if name == "index":
        last = cells.rows.bounds[-1] if cells.rows.bounds else Bound(kind="all")
        if cells.keyed == BY_COLUMN or _chosen_by_statistics(cells):
            return labels_of(cells.facts, cells.rows)
        if cells.index:
            return Cells(
                facts=Facts(clock=Clock() if is_time_name(cells.index) else None),
                rows=cells.rows,
                name=cells.index,
            )
        return Picks(last, rows=cells.rows)
    if cells.facts.clock is not None and (part := part_of_time(run, cells, name, node)) is not None:
        # an index of times, or one time, has its parts without an accessor
        return part
    if name in ("shape", "dtype", "ndim", "name"):
        return Const(cells.name) if name == "name" and cells.name else Opaque()
    if cells.shape == "element" and name not in knowledge.METHODS and cells.width is None:
        # a row in a loop: `row.x`
        return frames.in_row(run, cells, name, node)
    return Method(owner, name)


def _of_deferred(run: Run, deferred: Deferred, name: str, node: ast.AST) -> Value:
    is_row = deferred.table is None and deferred.name is None
    own = deferred == THE_TABLE and not knowledge.is_ibis_method(name)
    if own or (deferred.library == "ibis" and is_row and name not in knowledge.METHODS):

        def build(table: Table, scope: Scope) -> Value:
            from nbprod.leakage.interpret.deferred import built

            owner = run.at(built(run, deferred, table, scope))
            if isinstance(owner, Table):
                return column(run, owner, name, scope=scope)
            return attribute(run, owner, name, node)

        return Deferred(build, name=name, library="ibis")
    return Method(deferred, name)


def _of_class(value: Value, owner: Value) -> Value:
    """What a class holds; its class methods are given it."""
    names = {getattr(each, "id", "") for each in getattr(getattr(value, "node", None), "decorator_list", ())}
    return replace(value, owner=owner) if isinstance(value, Function) and "classmethod" in names else value


def _of_estimator(run: Run, owner: Value, estimator: Estimator, name: str) -> Value:
    if name in ("best_estimator_", "estimator", "steps", "named_steps", "model", "base_estimator"):
        return owner
    if name == "best_score_" and estimator.role == "search":
        return Opaque(hint=BEST_SCORE, rows=estimator.fitted or ALL_ROWS)
    if name in _OF_EACH_ROW and estimator.fitted is not None:
        from nbprod.leakage.interpret.learning import fitted_values

        return fitted_values(run, estimator)
    if (name.endswith("_") and not name.startswith("_")) or name in _PARAMETERS:
        from nbprod.leakage.interpret.learning import learnt

        facts = learnt(run, estimator)
        shape = "column" if name in ("labels_", "embedding_", "feature_importances_") else "scalar"
        return Cells(facts=facts, shape=shape, rows=estimator.fitted or ALL_ROWS, array=True)
    return Method(owner, name)


# what models of statsmodels and arch say of each row that they were fitted on, and of all of them
_OF_EACH_ROW = frozenset(
    {"resid", "fittedvalues", "residuals", "conditional_volatility", "std_resid", "smoothed_state", "filtered_state",
     "smoothed_marginal_probabilities", "filtered_marginal_probabilities", "level", "trend", "season"}
)  # fmt: skip
_PARAMETERS = frozenset({"params", "bse", "tvalues", "scale"})


def _of_instance(instance: Instance, owner: Value, name: str) -> Value:
    if name in instance.fields:
        return instance.fields[name]
    method = instance.of.methods.get(name)
    if isinstance(method, Function):
        return replace(method, owner=owner)
    return method if method is not None else Method(owner, name)
