"""Data from outside: what a call reads, and functions that look as if they load."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from nbprod.leakage.interpret import (
    frames,
)
from nbprod.leakage.interpret.facts import NOTHING, Facts, Rows
from nbprod.leakage.interpret.values import Cells, Const, Mapped, Opaque, Table, Value

if TYPE_CHECKING:
    import ast

    from nbprod.leakage.interpret.context import Args, Run
    from nbprod.libraries.moves import Loads


_LOADS = re.compile(
    r"^(load|read|fetch|download|get|query|scan|import)_|^(load|fetch|download|DataReader|history)$|_(data|dataset|prices|history)$"
)
_MARKETS = frozenset(
    {
        "yfinance",
        "yf",
        "pandas_datareader",
        "pdr",
        "web",
        "quandl",
        "fix_yahoo_finance",
        "ccxt",
        "alpha_vantage",
    }
)


def seems_to_load(path: str, bare: str) -> bool:
    return _LOADS.search(bare) is not None or path.split(".", maxsplit=1)[0] in _MARKETS


def from_outside(run: Run, path: str, bare: str, node: ast.AST) -> Value:
    """What an unknown function brings that is named for loading: a table of unknown columns."""
    span = run.span(node)
    root = f"{bare}@{span.cell}:{span.line}:{span.column}"
    if path.split(".", maxsplit=1)[0] in _MARKETS:
        run.record.times.setdefault(root, set()).add("index")
        run.record.exact_times.setdefault(root, set()).add("index")
    library = "duckdb" if path.startswith("duckdb.") else "pandas"
    return run.new(Table(rest=NOTHING, rows=Rows(tables=frozenset({root})), root=root, library=library))


def loaded(run: Run, move: Loads, path: str, args: Args, node: ast.AST) -> Value:
    """A table that a call reads; what the call says of columns of times is noted."""
    bare = path.rpartition(".")[2]
    span = run.span(node)
    place = args.constant(0, move.parameters[0])
    root = f"{bare}({place!r})" if isinstance(place, str) else f"{bare}@{span.cell}:{span.line}"
    root = root.replace(".", "·")
    if path.startswith("numpy."):
        reads = {f"{root}.*": 0.0}
        return Cells(
            facts=Facts(reads=reads), rows=Rows(tables=frozenset({root})), shape="matrix", array=True
        )
    dates = run.at(args.get(None, move.time)) if move.time in args.names else None
    names = (
        frames.columns_named(run, Table(), dates)
        if dates is not None and not isinstance(dates, Mapped)
        else None
    )
    for name in names or ():
        run.record.times.setdefault(root, set()).add(name)
        run.record.exact_times.setdefault(root, set()).add(name)
    columns: dict[str, Facts] = {}
    chosen = frames.columns_named(
        run, Table(), args.get(None, move.columns) or args.get(None, "names") or Opaque()
    )
    rest: Facts | None = NOTHING
    if chosen:
        columns = {name: Facts(reads={f"{root}.{name}": 0.0}) for name in chosen}
        rest = None
        for name in chosen:
            run.saw_column(root, name)
    index_names = frames.columns_named(run, Table(), args.get(None, move.index) or Opaque())
    index = index_names or ()
    for name in index:
        run.saw_column(root, name)
    if not index and isinstance(dates, Const) and dates.value is True and move.index in args.names:
        index = ("index",)
        run.record.times.setdefault(root, set()).add("index")
    rows = Rows(tables=frozenset({root}))
    library = path.partition(".")[0] if path.startswith(("polars.", "ibis.", "pyspark.", "duckdb.")) else ""
    return run.new(Table(columns=columns, rest=rest, rows=rows, root=root, index=index, library=library,
                         gone=frozenset(index)))  # fmt: skip
