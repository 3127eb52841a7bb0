"""Precision and recall of `check` on the labelled cases beside the checkout, by kind and by library, and the time.

    python benchmarks/leakage.py [--quick] [--cases FOLDER]

Each certified cell is judged in several notebooks: alone, after a cell that reads the data, and in a stage of kind
features. A leaky cell counts as found when an error or a warning stands on it, a clean one as a false alarm when
one stands anywhere.
"""

from __future__ import annotations

import argparse
import importlib.util
import statistics
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbprod.flow import flow_of
from nbprod.leakage import check
from nbprod.model import Cell, CellKind, Notebook, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

PANDAS = """import numpy as np
import pandas as pd
df = pd.read_csv('df.csv', parse_dates=['ts'])
ev = pd.read_csv('ev.csv', parse_dates=['ets', 'pub'])
dim = pd.read_csv('dim.csv')
T0 = pd.Timestamp('2024-04-30')
"""
READING = {
    "pl": "import polars as pl\ndf, ev, dim = pl.from_pandas(df), pl.from_pandas(ev), pl.from_pandas(dim)\n",
    "ib": "import ibis\nfrom ibis import _\nt, ev, dim = ibis.memtable(df), ibis.memtable(ev), ibis.memtable(dim)\n",
    "sql": "import duckdb\n",
}
_STAGE = "%%stage features --kind features --time ts --entity store\n"
SETTINGS = ("alone", "after reading", "in a stage")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one setting, no table by kind")
    parser.add_argument("--cases", type=Path, default=Path(__file__).parents[2] / "shared" / "leakage")
    options = parser.parse_args()
    if not (options.cases / "cases.py").exists():
        print(f"No labelled cases at {options.cases}; give their folder with --cases.")
        return 1
    certified = list(certified_in(options.cases / "cases.py"))
    for setting in SETTINGS[-1:] if options.quick else SETTINGS:
        _report(certified, setting, by_kind=not options.quick)
    return 0


def certified_in(path: Path) -> Iterator[tuple[str, str, bool, str]]:
    """Kind, library, whether it leaks, code."""
    spec = importlib.util.spec_from_file_location("cases", path)
    if spec is None or spec.loader is None:
        return
    cases: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(cases)
    for case in cases.K:
        for library, (leaky, clean) in case["v"].items():
            yield case["kid"], library, True, leaky
            yield case["kid"], library, False, clean
    for case in cases.S:
        yield case["kid"], "split", True, case["leak"]
        yield case["kid"], "split", False, case["fix"]
    for case in cases.N:
        yield case["nid"], case["lib"], False, case["code"]


def _notebook(code: str, library: str, setting: str) -> Notebook:
    cell = f'out = duckdb.sql("""{code}""").df()' if library == "sql" else code
    setup = PANDAS + READING.get(library, "")
    sources = {
        "alone": [cell],
        "after reading": [setup, cell],
        "in a stage": [f"%%stage load\n{setup}", _STAGE + cell],
    }[setting]
    cells = tuple(
        Cell(id=f"c{place}", index=place, position=place, kind=CellKind.CODE, source=source)
        for place, source in enumerate(sources)
    )
    return Notebook(name="case.ipynb", language="python", kernel="python3", cells=cells)


def _report(certified: list[tuple[str, str, bool, str]], setting: str, *, by_kind: bool) -> None:
    found: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    times: list[float] = []
    unproved = 0
    for kind, library, leaks, code in certified:
        notebook = _notebook(code, library, setting)
        flow, _ = flow_of(notebook)
        start = time.perf_counter()
        findings = check(notebook, flow)
        times.append(time.perf_counter() - start)
        blamed = [f for f in findings if f.severity is not Severity.NOTE]
        unproved += len(findings) > len(blamed)
        last = len(notebook.code) - 1
        hit = any(f.span is not None and f.span.cell == last for f in blamed) if leaks else bool(blamed)
        place = (0 if hit else 1) if leaks else (2 if hit else 3)
        for key in (library, kind, "all"):
            found[key][place] += 1
        if hit is not leaks:
            print(f"  {'missed' if leaks else 'false alarm'}: {kind} {library}: {code.splitlines()[-1][:90]}")
    print(
        f"\n{setting}: {_line(found['all'])}; notes on {unproved}; {statistics.median(times) * 1e3:.1f} ms at the median"
    )
    for key in sorted(found) if by_kind else ("pd", "pl", "ib", "sql", "sk", "split"):
        if key != "all" and (len(key) < 3 or key in ("sql", "split") or found[key][1] or found[key][2]):
            print(f"  {key:6} {_line(found[key])}")


def _line(counts: list[int]) -> str:
    tp, fn, fp, tn = counts
    precision = tp / (tp + fp) if tp + fp else 1.0
    recall = tp / (tp + fn) if tp + fn else 1.0
    return f"precision {precision:.3f}, recall {recall:.3f} ({tp} found, {fn} missed, {fp} false alarms, {tn} silent)"


if __name__ == "__main__":
    sys.exit(main())
