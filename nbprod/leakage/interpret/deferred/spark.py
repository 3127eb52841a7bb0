"""PySpark's functions of columns, its session's readers and its windows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from nbprod.leakage.interpret import database, frames, knowledge
from nbprod.leakage.interpret.deferred.building import WINDOW, built, number_in
from nbprod.leakage.interpret.deferred.functions import counted, row_number, together
from nbprod.leakage.interpret.facts import NOTHING, Clock
from nbprod.leakage.interpret.values import (
    IN_TIME,
    Cells,
    Const,
    Deferred,
    Frame,
    Opaque,
    Scope,
    Symbol,
    Table,
    Value,
)

if TYPE_CHECKING:
    import ast

    from nbprod.leakage.interpret.context import Args, Run

_SESSION = "pyspark.session"
_NUMBERS = frozenset({"row_number", "rank", "dense_rank", "percent_rank", "cume_dist", "ntile"})
# functions that count or move rows by the window's order alone, whatever its frame
_BY_ORDER = frozenset({"lag", "lead"})
_MAKES_TIMES = frozenset(
    {"to_timestamp", "to_date", "from_unixtime", "timestamp_seconds", "to_utc_timestamp"}
)
_PARTS = frozenset(
    {
        "year",
        "month",
        "hour",
        "minute",
        "second",
        "quarter",
        "dayofweek",
        "dayofmonth",
        "dayofyear",
        "weekofyear",
    }
)
_BUILDS = frozenset(
    {"appName", "config", "master", "getOrCreate", "newSession", "enableHiveSupport", "getActiveSession"}
)
_LOADS = frozenset({"parquet", "csv", "json", "orc", "table", "load", "jdbc", "text", "delta"})


def spark_function(run: Run, name: str, args: Args, node: ast.AST) -> Value | None:
    """What a function, a window or a session of PySpark gives; None where a table of classes answers."""
    home, _, bare = name.rpartition(".")
    if home.endswith("sql.functions"):
        return _of_columns(run, bare, args, node)
    if home.endswith("Window"):
        return windowed(run, Deferred(lambda _table, _scope: Scope(), library=WINDOW), bare, args)
    if "SparkSession" in name or "SQLContext" in name or name.startswith("session"):
        return _of_session(run, home, bare, args, node)
    return None


def _of_session(run: Run, home: str, bare: str, args: Args, node: ast.AST) -> Value | None:
    if not home.startswith("session") or bare in _BUILDS:
        return Symbol(_SESSION)
    if bare == "createDataFrame":
        held = run.at(args.get(0, "data"))
        return run.new(replace(held, library="pyspark")) if isinstance(held, Table) else None
    if bare == "sql":
        from nbprod.leakage.interpret.queries import queried

        made = run.at(queried(run, args.get(0, "sqlQuery"), args, node))
        return run.new(replace(made, library="pyspark")) if isinstance(made, Table) else made
    if bare == "table" and isinstance(label := args.constant(0, "tableName"), str):
        name = label.rpartition(".")[2]
        known = run.at(database.kept(run, name))
        table = known if isinstance(known, Table) else database.table_named(name)
        return run.new(replace(table, library="pyspark"))
    if ".read" in home and bare not in _LOADS:
        # `spark.read.option(...)`, `.schema(...)`: the reader itself
        return Symbol(f"pyspark.{home}")
    return None


def _of_columns(run: Run, name: str, args: Args, node: ast.AST) -> Value:  # noqa: C901
    match name:
        case "lit":
            return args.places[0] if args.places else Const(None)
        case "col" | "column":
            return _column(run, args.places[0] if args.places else Opaque())
        case "desc" | "desc_nulls_last" | "desc_nulls_first":
            return Opaque(hint=f"desc:{_name_in(run, args)}")
        case "asc" | "asc_nulls_last" | "asc_nulls_first":
            return Const(_name_in(run, args))
        case "count" if args.constant(0, "col") == "*":
            return counted(run, node, "pyspark")
        case _ if name in _NUMBERS:
            return row_number(run, node, what=name, library="pyspark")
        case "expr" if isinstance(text := args.constant(0, "str"), str):
            return _expression(run, text, node)
        case "when" | "expr":
            return together(run, _columns_kept(args), node)
        case "current_timestamp" | "current_date" | "rand" | "randn" | "monotonically_increasing_id":
            return Deferred(
                lambda table, _scope: Cells(rows=table.rows, library="pyspark"), library="pyspark"
            )
        case _:
            pass
    if name in _MAKES_TIMES or name in _PARTS or name in ("date_trunc", "trunc", "window"):
        return _of_times(run, name, args, node)
    if knowledge.method("pyspark", name) is None:
        return together(run, args, node)
    return _as_method(run, name, args, node)


def _expression(run: Run, text: str, node: ast.AST) -> Deferred:
    """SQL for a column: `F.expr("lead(price) over (...)")`."""
    span = run.span(node)

    def build(table: Table, _scope: Scope) -> Value:
        from nbprod.leakage.interpret.queries import table_of

        made = table_of(run, f"SELECT {text} AS expression FROM self", span, own={"self": table})  # noqa: S608 - read, never run
        return Cells(
            facts=made.columns.get("expression", NOTHING),
            rows=table.rows,
            order=table.order,
            library="pyspark",
        )

    return Deferred(build, library="pyspark")


def _columns_kept(args: Args) -> Args:
    """A text among the values of `when` is a value, not a column."""
    return replace(args, places=tuple(v for v in args.places if not isinstance(v, Const)))


def _column(run: Run, value: Value) -> Value:
    held = run.at(value)
    if isinstance(held, Const) and isinstance(held.value, str) and held.value != "*":
        # `alias.column`: the alias tells tables apart, and the column is what is read
        name = held.value.rpartition(".")[2]
        return Deferred(
            lambda table, scope: frames.column(run, table, name, scope=scope), name=name, library="pyspark"
        )
    if isinstance(held, Deferred | Cells):
        return held
    names = frames.columns_named(run, Table(), held)
    if names and len(names) == 1:
        only = names[0]
        return Deferred(
            lambda table, scope: frames.column(run, table, only, scope=scope), name=only, library="pyspark"
        )
    return Deferred(lambda table, _scope: table, library="pyspark")


def _name_in(run: Run, args: Args) -> str:
    held = run.at(args.places[0]) if args.places else Opaque()
    found = held.value if isinstance(held, Const) else getattr(held, "name", None)
    return str(found or "?")


def _as_method(run: Run, name: str, args: Args, node: ast.AST) -> Value:
    """A function whose first argument is a column: `F.lag("price", 1)` as a method of it."""
    subject = _column(run, args.places[0] if args.places else args.get(0, "col") or Opaque())
    rest = replace(
        args,
        places=args.places[1:],
        nodes={
            key - 1 if isinstance(key, int) else key: value for key, value in args.nodes.items() if key != 0
        },
    )

    def build(table: Table, scope: Scope) -> Value:
        from nbprod.leakage.interpret.methods import call_method

        if name in _BY_ORDER:
            scope = replace(scope, frame=None)
        return call_method(run, built(run, subject, table, scope), name, rest, node)

    return Deferred(build, name=subject.name if isinstance(subject, Deferred) else None, library="pyspark")


def _of_times(run: Run, name: str, args: Args, node: ast.AST) -> Value:
    from nbprod.leakage.interpret import times

    place = 1 if name == "date_trunc" else 0
    subject = _column(run, args.places[place] if len(args.places) > place else Opaque())
    unit = args.get(0 if name == "date_trunc" else 1, "format")

    def build(table: Table, scope: Scope) -> Value:
        cells = built(run, subject, table, scope)
        if not isinstance(cells, Cells):
            return cells
        if name in _MAKES_TIMES:
            run.saw_time(cells.facts, exact=True)
            return replace(cells, facts=replace(cells.facts, clock=cells.facts.clock or Clock()))
        if name in _PARTS:
            part = {"dayofmonth": "day"}.get(name, name)
            return times.part_of_time(run, cells, part, node) or cells
        cut = replace(args, places=(unit,) if unit is not None else (), names={})
        return times.time_method(run, cells, "truncate", cut, node) or cells

    return Deferred(build, name=subject.name if isinstance(subject, Deferred) else None, library="pyspark")


def windowed(run: Run, window: Deferred, name: str, args: Args) -> Value:
    """A window with one more thing said of it: its partition, its order or its frame."""
    from nbprod.leakage.interpret.deferred.building import keys_of, order_of

    def build(table: Table, scope: Scope) -> Value:
        before = built(run, window, table, scope)
        assert isinstance(before, Scope)  # noqa: S101 - windows are made of scopes
        match name:
            case "partitionBy":
                return replace(before, keys=keys_of(run, table, list(args.places)))
            case "orderBy":
                order = order_of(run, table, list(args.places), descending=[])
                # an ordered window without a frame ends with its own row
                return replace(before, order=order or IN_TIME, frame=before.frame or Frame(high=0))
            case "rowsBetween" | "rangeBetween":
                low, high = (_end(run, args.get(place, side)) for place, side in enumerate(("start", "end")))
                return replace(before, frame=Frame(low=low, high=high, in_time=name == "rangeBetween"))
            case _:
                return before

    return Deferred(build, library=WINDOW)


def _end(run: Run, value: Value | None) -> float | None:
    """An end of a frame: rows, seconds, or None where it is open."""
    held = run.at(value)
    if isinstance(held, Symbol):
        return 0 if held.path.endswith("currentRow") else None
    return number_in(held)
