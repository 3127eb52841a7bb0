"""Proofs and horizons against replay, on random feature programs whose horizon is known.

    python benchmarks/proofs.py [--programs 10000] [--seed 0] [--quick] [--verbose]

Three kinds of programs take turns: Ibis expressions of every sort (those of the tests), replayed on DuckDB with the
future withheld and changed; chains of lags, leads, windows and statistics in Ibis; the same chains in pandas, judged
as the code of a cell. Of a chain the horizon is known from how it was made, and measured again by changing single
rows, or taking away all rows from one on, and looking which earlier ones move. Printed are the proofs that replay contradicts, how many leaks are named,
and how many of them with their true horizon; the last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections import Counter
from functools import lru_cache
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING

import ibis
import numpy as np
import pandas as pd
from hypothesis import HealthCheck, Phase, given, seed, settings
from msgspec import Struct

from nbprod.flow import flow_of
from nbprod.leakage import check
from nbprod.leakage.expressions import horizon_of_expression
from nbprod.leakage.horizon import WHOLE, Reach
from nbprod.model import Cell, CellKind, Notebook, Severity

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "leakage"))

import programs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_ROWS = 48
_CHANGED = (20, 27, 33)
_FURTHEST = 12
_TOLD_EVERY = 500


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--programs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="200 programs")
    parser.add_argument("--verbose", action="store_true", help="print every program that is judged otherwise")
    asked = parser.parse_args()
    number = 200 if asked.quick else asked.programs
    started = time.monotonic()
    counts: Counter[tuple[str, str]] = Counter()
    try:
        for kind, tell in _outcomes(number, begin=asked.seed, verbose=asked.verbose):
            counts[kind, tell] += 1
            if counts.total() % _TOLD_EVERY == 0:
                print(f"{counts.total()} of {number}", file=sys.stderr, flush=True)
    except KeyboardInterrupt:
        print("interrupted: what was judged until then")
    _report(counts, seconds=time.monotonic() - started)


def _outcomes(number: int, *, begin: int, verbose: bool) -> Iterator[tuple[str, str]]:
    share = number // 3
    draw = random.Random(begin)  # noqa: S311 - for programs, not for secrets
    for _ in range(share):
        for library in ("ibis", "pandas"):
            chain = _chain(draw)
            outcome = _judged(chain, library=library)
            if verbose and outcome not in ("clean, proved", "clean, silent", "leak, named exactly"):
                print(f"{library}: {outcome}: true {_told(chain[-1].ahead)}\n{_pandas(chain)}", flush=True)
            yield f"chains in {library}", outcome
    yield from _of_any_sort(number - 2 * share, begin=begin, verbose=verbose)


def _report(counts: Counter[tuple[str, str]], *, seconds: float) -> None:
    kinds = tuple(dict.fromkeys(kind for kind, _ in counts))
    for kind in kinds:
        shares = {tell: number for (of, tell), number in sorted(counts.items()) if of == kind}
        print(f"{kind:18} {sum(shares.values()):6}  {shares}")
    exact = sum(number for (_, tell), number in counts.items() if tell == "leak, named exactly")
    named = exact + sum(number for (_, tell), number in counts.items() if tell == "leak, named otherwise")
    unsound = sum(number for (_, tell), number in counts.items() if tell.endswith("CONTRADICTED"))
    print(
        f"{sum(counts.values())} programs in {seconds:.0f} s: {unsound} proofs contradicted; {named} leaks named,"
    )
    print(f"of them {exact} with their true horizon ({exact / max(named, 1):.3f})")
    print(
        json.dumps(
            {
                "benchmark": "proofs",
                "programs": sum(counts.values()),
                "unsound": unsound,
                "named": named,
                "exact": exact,
                "outcomes": {f"{kind}: {tell}": number for (kind, tell), number in sorted(counts.items())},
                "seconds": round(seconds),
            }
        )
    )


# Ibis expressions of any sort: only whether a proof holds


def _of_any_sort(number: int, *, begin: int, verbose: bool) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []

    @seed(begin)
    @settings(
        max_examples=number,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(programs.programs())
    def run(expr: ibis.Table) -> None:
        panel = len(found) % 2 == 0
        outcome = _replayed(expr, panel=panel)
        if verbose and outcome.endswith("CONTRADICTED"):
            print(f"{outcome}, panel {panel}\n{ibis.to_sql(expr, dialect='duckdb')}", flush=True)
        found.append(("ibis of any sort", outcome))

    run()
    return found


def _replayed(expr: ibis.Table, *, panel: bool) -> str:
    judged = horizon_of_expression(expr, programs.declared(panel=panel))
    names = [name for name in judged.columns if name[0] == "f"]
    clean = [name for name in names if judged.within(name, "ts").is_clean]
    if not clean:
        return "not called clean"
    replay = programs.oracle(panel=panel).replay(ibis.to_sql(expr, dialect="duckdb"))
    for name in clean:
        since = programs.TRAINED if judged.within(name).settled else None
        columns = ["ts", *(key for key in ("id", "store") if key in judged.columns), name]
        if replay.divergences(columns, since=since):
            return "clean, CONTRADICTED"
    return "clean, proved"


# Chains with a known horizon


class Link(Struct, frozen=True, kw_only=True):
    """One column of a chain: made of `source` (and `other`) by `how` with `size`; it reads `ahead` rows ahead."""

    name: str
    how: str
    size: int
    source: str
    other: str
    ahead: float


# how far ahead of its own row each step reads what it is given
_AHEAD: dict[str, Callable[[int], float]] = {
    "lag": lambda size: -size,
    "lead": lambda size: size,
    "trailing": lambda _size: 0,
    "centred": lambda size: size,
    "following": lambda size: size,
    "running": lambda _size: 0,
    "difference": lambda _size: 0,
    "difference to a later row": lambda size: size,
    "sum of two": lambda _size: 0,
    "mean of all": lambda _size: inf,
}


def _chain(draw: random.Random) -> tuple[Link, ...]:
    """Up to four columns, each made of earlier ones; the last is the feature."""
    known: dict[str, float] = {"x": 0, "q": 0}
    links: list[Link] = []
    for place in range(draw.randint(1, 4)):
        how = draw.choice([*_AHEAD, "lag", "lag", "trailing", "lead"])
        if how == "mean of all" and draw.random() < 0.6:
            how = "running"
        source = links[-1].name if links and draw.random() < 0.8 else draw.choice(list(known))
        other, size = draw.choice(list(known)), draw.randint(1, 3)
        # A row ahead is read even where it holds what was known before: it may not be there yet.
        ahead = max(known[source], 0) + _AHEAD[how](size)
        ahead = max(ahead, known[other]) if how == "sum of two" else ahead
        links.append(Link(name=f"f{place}", how=how, size=size, source=source, other=other, ahead=ahead))
        known[f"f{place}"] = ahead
    return tuple(links)


def _told(ahead: float) -> str:
    return str(WHOLE if ahead == inf else Reach(rows=int(ahead))) if ahead > 0 else "nothing ahead"


def _pandas(chain: tuple[Link, ...]) -> str:
    return "\n".join(f"df['{link.name}'] = {_in_pandas(link)}" for link in chain)


def _in_pandas(link: Link) -> str:
    column, size = f"df.groupby('store')['{link.source}']", link.size
    match link.how:
        case "lag":
            return f"{column}.shift({size})"
        case "lead":
            return f"{column}.shift(-{size})"
        case "trailing":
            return f"{column}.transform(lambda s: s.rolling({size + 1}).mean())"
        case "centred":
            return f"{column}.transform(lambda s: s.rolling({2 * size + 1}, center=True).mean())"
        case "following":
            return f"{column}.transform(lambda s: s.rolling({size}).sum().shift(-{size}))"
        case "running":
            return f"{column}.cumsum()"
        case "difference":
            return f"{column}.diff({size})"
        case "difference to a later row":
            return f"{column}.diff(periods=-{size})"
        case "sum of two":
            return f"df['{link.source}'] + df['{link.other}']"
        case _:
            return f"{column}.transform('mean')"


def _ibis(chain: tuple[Link, ...]) -> ibis.Table:
    table = programs.T
    for link in chain:
        table = table.mutate(**{link.name: _in_ibis(table, link).cast("float64")})
    return table


def _in_ibis(table: ibis.Table, link: Link) -> ibis.Column:
    value, size = table[link.source], link.size
    order = ibis.window(group_by="store", order_by=table.ts)
    frames = {"trailing": (-size, 0), "centred": (-size, size), "following": (1, size), "running": (None, 0)}
    match link.how:
        case "lag":
            return value.lag(size).over(order)
        case "lead":
            return value.lead(size).over(order)
        case "trailing" | "centred" | "following" | "running":
            window = ibis.window(group_by="store", order_by=table.ts, rows=frames[link.how])
            return (value.mean() if link.how in ("trailing", "centred") else value.sum()).over(window)
        case "difference":
            return value - value.lag(size).over(order)
        case "difference to a later row":
            return value - value.lead(size).over(order)
        case "sum of two":
            return value + table[link.other]
        case _:
            return value.mean().over(group_by="store")


def _judged(chain: tuple[Link, ...], *, library: str) -> str:
    true = _told(chain[-1].ahead)
    if library == "ibis":
        value = horizon_of_expression(_ibis(chain), programs.declared(panel=True)).within(
            chain[-1].name, "ts"
        )
        named = str(value.horizon) if value.horizon.is_ahead else "nothing ahead"
        sure = value.proved
    else:
        named, sure = _found(chain), True
    measured = _measured(chain, library=library)
    if measured != true:
        return "measured otherwise than made"
    if true == "nothing ahead":
        if named != true:
            return "clean, called a leak"
        return ("clean, proved" if sure else "clean, unproved") if library == "ibis" else "clean, silent"
    if named == "nothing ahead":
        return "leak, CONTRADICTED" if library == "ibis" and sure else "leak, not named"
    return "leak, named exactly" if _without_keys(named) == true else "leak, named otherwise"


def _without_keys(text: str) -> str:
    return text.partition(" within ")[0].partition(" of the same")[0]


def _found(chain: tuple[Link, ...]) -> str:
    """The furthest horizon that a finding names for the last column."""
    cell = (
        "%%stage features --kind features --time ts --entity store\n"
        f"df = df.sort_values(['store', 'ts'])\n{_pandas(chain)}\ndf = df[['store', 'ts', '{chain[-1].name}']]"
    )
    sources = ("%%stage load\nimport pandas as pd\ndf = pd.read_csv('df.csv', parse_dates=['ts'])", cell)
    cells = tuple(
        Cell(id=f"c{place}", index=place, position=place, kind=CellKind.CODE, source=source)
        for place, source in enumerate(sources)
    )
    notebook = Notebook(name="chain.ipynb", language="python", kernel="python3", cells=cells)
    flow, _ = flow_of(notebook)
    found = [
        finding.horizon or ""
        for finding in check(notebook, flow)
        if finding.severity is not Severity.NOTE and chain[-1].name in finding.column_names
    ]
    return max(found, key=_rows_named, default="nothing ahead")


def _rows_named(horizon: str) -> float:
    number = horizon.partition(" ")[0]
    return float(number) if number.isdigit() else inf


def _measured(chain: tuple[Link, ...], *, library: str) -> str:
    """What moves before a row that is changed: the feature's values of how many rows earlier."""
    frame = _frame()
    whole = _values(chain, frame, library=library)
    furthest = 0.0
    for place in _CHANGED:
        changed = frame.copy()
        changed.loc[place, ["x", "q"]] = [977, 613]
        for world in (changed, frame.iloc[:place]):
            values = _values(chain, world, library=library)[:place]
            moved = np.flatnonzero(_differ(whole[:place], values))
            if len(moved):
                rows = place - int(moved[0])
                furthest = max(furthest, rows if rows <= _FURTHEST else inf)
    return _told(furthest)


def _frame() -> pd.DataFrame:
    draw = np.random.default_rng(3)
    ts = pd.Timestamp("2024-01-01") + np.arange(_ROWS) * pd.Timedelta(days=1)
    columns = {"id": np.arange(_ROWS), "ts": ts, "store": "A", "cat": "a"}
    numbers = {"x": draw.integers(0, 400, _ROWS).astype(float), "q": draw.integers(0, 90, _ROWS)}
    return pd.DataFrame({**columns, **numbers, "z": 0.0, "y": 0.0})


def _values(chain: tuple[Link, ...], frame: pd.DataFrame, *, library: str) -> np.ndarray:
    name = chain[-1].name
    if library == "pandas":
        scope = {"df": frame.copy()}
        exec(_pandas(chain), scope)  # noqa: S102 - a program of ours
        return scope["df"][name].to_numpy(float)
    connection = programs.oracle(panel=True).connection
    connection.register("chained", frame)
    rows = connection.sql(_in_sql(chain)).order("ts").select(name).fetchall()
    return np.array([np.nan if value is None else value for (value,) in rows], dtype=float)


@lru_cache(maxsize=1)
def _in_sql(chain: tuple[Link, ...]) -> str:
    """The query that all worlds of a chain are asked by."""
    return ibis.to_sql(_ibis(chain), dialect="duckdb").replace('"df"', "chained")


def _differ(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    return ~(np.isclose(one, two, rtol=1e-9, atol=1e-9) | (np.isnan(one) & np.isnan(two)))


if __name__ == "__main__":
    main()
