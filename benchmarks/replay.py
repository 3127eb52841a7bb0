"""Replay measured on a folder of labelled cells: `python benchmarks/replay.py ../shared/leakage [--quick] [--cuts 4 43]`.

The folder holds `cases.py` (leaky cells, rewrites, look-alikes) and `oracle.py` (their data). Printed are, for each
budget, how many leaky cells have a witness, how many rewrites and look-alikes raise an alarm, how many witnesses can
be replayed from their record, runs and seconds, and as last line one JSON object; with `--verbose` every cell that is
not as labelled; with `--quick` every seventh cell at the small budget.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from nbprod.model import Proof
from nbprod.replaying import Declarations, Replay, replay, reproduced
from nbprod.replaying.workers import Worker

if TYPE_CHECKING:
    from collections.abc import Iterator

_DECLARED = Declarations(time="ts", known=(("y", "ts + 1 day"), ("val", "pub")), static=("cal",))


class Labelled(Struct, frozen=True, kw_only=True):
    """A cell with its label: `leaky`, `rewrite` or `look-alike`."""

    id: str
    library: str
    label: str
    code: str
    panel: bool


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--cuts", type=int, nargs="+", default=[4, 43])
    parser.add_argument("--only", nargs="*", default=[], help="ids of cells")
    parser.add_argument("--labels", nargs="*", default=["leaky", "rewrite", "look-alike"])
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    sys.path.insert(0, str(asked.folder.resolve()))
    cells = [
        cell for cell in _cells() if cell.label in asked.labels and (not asked.only or cell.id in asked.only)
    ]
    cells, budgets = (cells[::7], asked.cuts[:1]) if asked.quick else (cells, asked.cuts)
    found = [_measure(cells, cuts=cuts, seed=asked.seed, verbose=asked.verbose) for cuts in budgets]
    print(json.dumps({"benchmark": "replay", "cells": len(cells), "budgets": found}))


def _cells() -> Iterator[Labelled]:
    cases = importlib.import_module("cases")
    for case in cases.K:
        for library, (leaky, rewrite) in case["v"].items():
            for label, code in (("leaky", leaky), ("rewrite", rewrite)):
                yield Labelled(id=case["kid"], library=library, label=label, code=code, panel=case["panel"])
    for case in cases.N:
        yield Labelled(
            id=case["nid"], library=case["lib"], label="look-alike", code=case["code"], panel=case["panel"]
        )


def _measure(cells: list[Labelled], *, cuts: int, seed: int, verbose: bool) -> dict[str, object]:
    counts: Counter[tuple[str, str]] = Counter()
    witnesses = replayed = most_runs = 0
    started = time.monotonic()
    with Worker() as worker:
        for cell in cells:
            source, inputs = _runnable(cell)
            answer = replay(
                source, inputs, _DECLARED, outputs=_outputs(source), cuts=cuts, seed=seed, worker=worker
            )
            verdict = _verdict(answer)
            counts[cell.label, verdict] += 1
            most_runs = max(most_runs, answer.runs)
            again = [
                reproduced(column.witness, source, inputs, _DECLARED, seed=seed, worker=worker)
                for column in answer.confirmed
            ]
            witnesses += len(again)
            replayed += sum(
                witness == column.witness for witness, column in zip(again, answer.confirmed, strict=True)
            )
            if verbose:
                _tell(cell, verdict, answer)
    seconds = round(time.monotonic() - started)
    print(f"{cuts} cuts, at most {most_runs} runs of a cell, {seconds} s")
    verdicts = {
        label: {verdict: number for (of, verdict), number in sorted(counts.items()) if of == label}
        for label in dict.fromkeys(cell.label for cell in cells)
    }
    for label, shares in verdicts.items():
        print(f"  {label:10} {sum(shares.values()):4}  {shares}")
    print(f"  witnesses  {witnesses:4}  replayed from their record: {replayed}", flush=True)
    return {
        "cuts": cuts,
        "most_runs": most_runs,
        "seconds": seconds,
        "verdicts": verdicts,
        "witnesses": witnesses,
        "replayed": replayed,
    }


def _tell(cell: Labelled, verdict: str, answer: Replay) -> None:
    as_labelled = (verdict == Proof.CONFIRMED) == (cell.label == "leaky")
    print("" if as_labelled else "MISS", cell.label, cell.id, cell.library, verdict, answer.runs, end=" ")
    print([(column.column, column.horizon, column.is_exact) for column in answer.confirmed], end=" ")
    print("" if as_labelled else (answer.columns, answer.notes, answer.cuts), flush=True)


def _verdict(answer: Replay) -> str:
    verdicts = {column.verdict for column in answer.columns}
    for verdict in (Proof.CONFIRMED, Proof.UNPROVED, Proof.NOT_REPRODUCED):
        if verdict in verdicts:
            return verdict.value
    return "nothing to compare"


def _outputs(source: str) -> tuple[str, ...]:
    """The frame that a cell means, by its last binding, and its feature columns f, f2, f3."""
    frames = ("out",) if "out =" in source else ("t",) if "t = " in source and "df" not in source else ("df",)
    return tuple(f"{frame}.{column}" for frame in frames for column in ("f", "f2", "f3"))


def _runnable(cell: Labelled) -> tuple[str, dict[str, Any]]:
    import ibis
    import polars as pl
    import pyarrow as pa

    oracle = importlib.import_module("oracle")
    df, ev, dim, cal = oracle.data(cell.panel)
    pandas = {"df": df, "ev": ev, "dim": dim, "cal": cal, "T0": oracle.T0}
    head = "import numpy as np\nimport pandas as pd\n"
    match cell.library:
        case "pl":
            frames = {name: pl.from_pandas(pandas[name]) for name in ("df", "ev", "dim")}
            return "import polars as pl\n" + head + cell.code, {**pandas, **frames}
        case "ib":
            tables = {
                "t" if name == "df" else name: ibis.memtable(
                    pa.Table.from_pandas(pandas[name], preserve_index=False)
                )
                for name in ("df", "ev", "dim")
            }
            return f"import ibis\nfrom ibis import _\n{head}{cell.code}", {"T0": oracle.T0, **tables}
        case "sql":
            return f'import duckdb\nout = duckdb.sql("""{cell.code}""").df()', pandas
        case _:
            return head + cell.code, pandas


if __name__ == "__main__":
    main()
