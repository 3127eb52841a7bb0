"""Random cells against `check`: none may raise, and each is to take milliseconds.

    python benchmarks/leakage_fuzz.py [--cells 10000] [--seed 0] [--notebooks FOLDER] [--quick]

Half of the cells are drawn from a grammar of pandas, numpy, polars, Ibis, SQL and scikit-learn; half are real code (the
tests' cells, the sample notebooks and those of a folder) with parts of its syntax tree cut out, doubled, swapped or put
into other code, or with characters of its text changed. Printed are what was raised, with the cell that did it, and the
times; the last line is one JSON object, and the exit code is 1 where anything was raised.
"""

from __future__ import annotations

import argparse
import ast
import copy
import json
import random
import statistics
import sys
import time
import traceback
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from nbprod.flow import flow_of
from nbprod.leakage import check
from nbprod.model import Cell, CellKind, Notebook
from nbprod.notebook import parse

if TYPE_CHECKING:
    from collections.abc import Iterator

_HOUSE = Path(__file__).parents[1]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--notebooks", type=Path, help="a folder of notebooks to take code from")
    parser.add_argument("--quick", action="store_true", help="500 cells")
    asked = parser.parse_args()
    warnings.simplefilter("ignore", SyntaxWarning)
    draw = random.Random(asked.seed)  # noqa: S311 - for cells, not for secrets
    real = list(_real(asked.notebooks))
    number = 500 if asked.quick else asked.cells
    times: list[float] = []
    raised: list[tuple[str, str]] = []
    for place in range(number):
        source = _drawn(draw) if place % 2 else _mutated(draw, real)
        notebook = _notebook(source, staged=draw.random() < 0.3)
        start = time.perf_counter()
        try:
            check(notebook, flow_of(notebook)[0])
        except Exception:  # noqa: BLE001 - any of them is what is looked for
            raised.append((source, traceback.format_exc(limit=-4)))
        times.append((time.perf_counter() - start) * 1e3)
    for what, source in {
        what: source for source, what in sorted(raised, key=lambda pair: -len(pair[0]))
    }.items():
        print(f"{what}\n{source}\n{'-' * 80}")
    return _report(times, len(raised))


def _report(times: list[float], raised: int) -> int:
    ordered = sorted(times)
    found = {
        "benchmark": "leakage_fuzz",
        "cells": len(times),
        "raised": raised,
        "median_milliseconds": round(statistics.median(times), 1),
        "p99_milliseconds": round(ordered[int(len(ordered) * 0.99)], 1),
        "longest_milliseconds": round(ordered[-1]),
    }
    print(", ".join(f"{name.replace('_', ' ')}: {value}" for name, value in found.items()))
    print(json.dumps(found))
    return 1 if raised else 0


def _notebook(source: str, *, staged: bool) -> Notebook:
    head = "%%stage features --kind features --time ts --entity store\n" if staged else ""
    cell = Cell(id="fuzzed", index=0, position=0, kind=CellKind.CODE, source=head + source)
    return Notebook(name="fuzzed.ipynb", language="python", kernel="python3", cells=(cell,))


# Cells from a grammar

_NAMES = ("df", "t", "x", "train", "test", "out", "X", "y", "ev", "model", "lf")
_COLUMNS = ("ts", "x", "q", "store", "cat", "y", "target", "f")
_METHODS = (
    "shift", "diff", "rolling", "expanding", "ewm", "groupby", "transform", "agg", "apply", "merge", "join", "bfill",
    "ffill", "fillna", "interpolate", "rank", "sort_values", "sort", "resample", "mean", "max", "cumsum", "iloc", "loc",
    "over", "lag", "lead", "mutate", "with_columns", "filter", "select", "group_by", "order_by", "alias", "map",
    "fit", "predict", "fit_transform", "score", "assign", "pipe", "reset_index", "set_index", "head", "sample", "query",
    "join_asof", "asof_join", "values", "dt", "str", "astype", "where", "quantile", "to_numpy", "drop", "rename",
)  # fmt: skip
_FUNCTIONS = (
    "pd.read_csv", "pd.concat", "pd.merge_asof", "pd.to_datetime", "pd.Timedelta", "pd.DataFrame", "np.roll", "np.diff",
    "np.where", "np.convolve", "np.arange", "pl.col", "pl.when", "pl.scan_parquet", "ibis.window", "ibis.desc",
    "ibis.read_parquet", "duckdb.sql", "pd.read_sql", "train_test_split", "StandardScaler", "Pipeline", "SMOTE",
    "cross_val_score", "GridSearchCV", "TimeSeriesSplit", "KFold", "LogisticRegression", "range", "len", "zip",
    "enumerate", "list", "dict", "sorted", "max", "sum", "functools.partial", "savgol_filter",
)  # fmt: skip
_QUERIES = (
    "select *, lead(x) over (partition by store order by ts) f from df",
    "select a.*, b.x from df a join df b on a.store = b.store and b.ts > a.ts",
    "with m as (select store, avg(x) f from df group by 1) select * from df join m using (store)",
    "select date_trunc('month', ts) m, sum(x) over (rows between 1 preceding and 1 following) from df qualify f > 1",
    "select * from (values (1, 2)) v(a, b), lateral (select max(x) from df where df.q = v.a)",
    "select ((( from where",
)


def _drawn(draw: random.Random) -> str:
    return "\n".join(_statement(draw, depth=0) for _ in range(draw.randint(1, 6)))


def _statement(draw: random.Random, *, depth: int) -> str:
    kind = draw.choice(
        ("assign", "assign", "column", "column", "for", "if", "def", "while", "bare", "with", "class")
    )
    one = draw.choice(_NAMES)
    if depth > 2 or kind in ("assign", "column", "bare"):
        target = {"assign": f"{one} = ", "column": f"{one}[{_column(draw)}] = ", "bare": ""}.get(kind, "")
        return f"{target}{_expression(draw, depth=0)}"
    body = [_statement(draw, depth=depth + 1) for _ in range(draw.randint(1, 3))]
    inner = "\n".join("    " + line for text in body for line in text.splitlines())
    heads = {
        "for": f"for {draw.choice(('i', 'k, v', 'row'))} in {_expression(draw, depth=1)}:",
        "if": f"if {_expression(draw, depth=1)}:",
        "while": f"while {_expression(draw, depth=1)}:",
        "def": f"def {one}({draw.choice(('', 'df', 'a, b=1', '*a, **k', 'self, X'))}):",
        "with": f"with {_expression(draw, depth=1)} as {one}:",
        "class": f"class {one.title()}:",
    }
    tail = f"\n    return {_expression(draw, depth=1)}" if kind == "def" else ""
    return f"{heads[kind]}\n{inner}{tail}"


def _column(draw: random.Random) -> str:
    return draw.choice((repr(draw.choice(_COLUMNS)), f"f'{{k}}_{draw.randint(0, 9)}'", "['x', 'q']", "k"))


def _expression(draw: random.Random, *, depth: int) -> str:
    if depth > 3:
        return draw.choice(
            (*_NAMES, repr(draw.choice(_COLUMNS)), str(draw.randint(-3, 9)), "None", "i", "-k")
        )
    inner = [_expression(draw, depth=depth + draw.randint(1, 3)) for _ in range(3)]
    return draw.choice((
        f"{inner[0]}.{draw.choice(_METHODS)}({inner[1]})",
        f"{draw.choice(_NAMES)}.{draw.choice(_METHODS)}({inner[0]}, {draw.choice(_COLUMNS)}={inner[1]})",
        f"{draw.choice(_NAMES)}[{_column(draw)}]",
        f"{draw.choice(_NAMES)}[{_column(draw)}].{draw.choice(_METHODS)}({draw.randint(-3, 3)})",
        f"{draw.choice(_FUNCTIONS)}({inner[0]}, {inner[1]})",
        f"{inner[0]}[{inner[1]}:{inner[2]}]",
        f"({inner[0]} {draw.choice('+-*/<>&|')} {inner[1]})",
        f"[{inner[0]} for i in {inner[1]}]",
        f"{{{draw.choice(_COLUMNS)!r}: {inner[0]} for k in {inner[1]}}}",
        f"(lambda s: {inner[0]})",
        f"{inner[0]}[::-1]",
        f"duckdb.sql({draw.choice(_QUERIES)!r}).df()",
        f"({inner[0]} if {inner[1]} else {inner[2]})",
        f"{draw.choice(_NAMES)}.{draw.choice(_COLUMNS)}",
    ))  # fmt: skip


# Real code, changed


def _real(folder: Path | None) -> Iterator[str]:
    for path in sorted((_HOUSE / "tests" / "leakage" / "cases").glob("*.txt")):
        for block in path.read_text("utf-8").split("\n=== ")[1:]:
            yield block.partition("\n")[2]
    for path in (
        *sorted((_HOUSE / "sample_notebooks").glob("*.ipynb")),
        *(folder.rglob("*.ipynb") if folder else ()),
    ):
        try:
            notebook = parse(path.read_text("utf-8"), name=path.name)
        except ValueError:
            continue
        yield from (cell.source for cell in notebook.code if cell.source.strip())


def _mutated(draw: random.Random, real: list[str]) -> str:
    source = draw.choice(real)
    try:
        tree, other = ast.parse(source), ast.parse(draw.choice(real))
    except SyntaxError:
        return _scratched(draw, source)
    if draw.random() < 0.15:
        return _scratched(draw, source)
    for _ in range(draw.randint(1, 4)):
        tree = _changed(draw, tree, other)
    try:
        return ast.unparse(ast.fix_missing_locations(tree))
    except (ValueError, AttributeError, TypeError):
        # a tree that stands for no text any more
        return _scratched(draw, source)


def _changed(draw: random.Random, tree: ast.Module, other: ast.Module) -> ast.Module:
    """The tree with statements dropped, doubled or taken from the other, or one expression put in another's place."""
    tree = copy.deepcopy(tree)
    if tree.body and draw.random() < 0.4:
        place = draw.randrange(len(tree.body))
        tree.body[place : place + 1] = draw.choice(
            (
                [],
                [tree.body[place]] * 2,
                [*other.body[:3], tree.body[place]],
                list(reversed(tree.body[place:])),
            )
        )
        return tree
    holders = [(node, name) for node in ast.walk(tree) for name, value in ast.iter_fields(node)
               if isinstance(value, ast.expr) and not isinstance(getattr(value, "ctx", None), ast.Store | ast.Del)]  # fmt: skip
    givers = [node for node in (*ast.walk(other), *ast.walk(tree)) if isinstance(node, ast.expr)]
    givers = [node for node in givers if not isinstance(getattr(node, "ctx", None), ast.Store | ast.Del)]
    if holders and givers:
        node, name = draw.choice(holders)
        setattr(node, name, copy.deepcopy(draw.choice(givers)))
    return tree


def _scratched(draw: random.Random, source: str) -> str:
    letters = list(source)
    for _ in range(draw.randint(1, 6)):
        place = draw.randrange(len(letters) + 1)
        letters[place : place + draw.randint(0, 3)] = draw.choice(
            ("", "(", "]", "'", "\n    ", ":", "é", "-1", "**", "%")
        )
    return "".join(letters)


if __name__ == "__main__":
    sys.exit(main())
