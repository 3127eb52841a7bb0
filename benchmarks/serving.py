"""How long one row takes through features and model, against asking the cells each time; and whether bits are kept.

The flights sample is run and its model promoted; then rows of its own history are served one by one. `--quick` takes
1,000 rows instead of 10,000 and three of the slow way. Prints a table, and one line of JSON last. CPU is of the thread
that asks; the machine's load moves the wall time more than this.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from msgspec import Struct, field

from nbprod import api

if TYPE_CHECKING:
    from collections.abc import Callable

SAMPLE = Path(__file__).parents[1] / "sample_notebooks" / "flight_delays.ipynb"


class Times(Struct):
    """Milliseconds of each call, on the wall and of the thread's CPU."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def of(self, call: Callable[[], Any]) -> Any:
        """What the call gives, its time kept."""
        begun, worked = time.perf_counter(), time.thread_time()
        value = call()
        self.cpu.append(1000 * (time.thread_time() - worked))
        self.wall.append(1000 * (time.perf_counter() - begun))
        return value

    def row(self, name: str) -> tuple[str, ...]:
        """The line of the table."""
        figures = (statistics.median(self.wall), np.quantile(self.wall, 0.95), statistics.median(self.cpu))
        return (name, f"{len(self.wall):,}", *(f"{one:,.3f}" for one in figures))


def project(folder: Path) -> Path:
    """The sample in a project of its own, run, its model the champion."""
    (folder / "pyproject.toml").write_text(
        '[tool.nbprod.production]\ndata = "flights_source"\n', encoding="utf-8"
    )
    notebook = folder / SAMPLE.name
    shutil.copyfile(SAMPLE, notebook)
    record = api.run(notebook)
    api.promote(folder, record, force=True, why="a benchmark")
    return folder


def measured(
    folder: Path, *, count: int, slow: int, batch: int
) -> tuple[list[tuple[str, ...]], dict[str, Any]]:
    """The table and the figures."""
    held = api.load("champion", root=folder)
    begun = time.perf_counter()
    served = held.single_rows()
    preparing = time.perf_counter() - begun
    history = held.context[held.rows_as]
    chosen = history.sample(min(count, len(history)), random_state=8)
    rows = chosen.to_dict("records")
    whole, features, model = Times(), Times(), Times()
    predicted = [whole.of(lambda row=row: served.predict(row)) for row in rows]
    made = [features.of(lambda row=row: served.features(row)) for row in rows]
    for one in made:
        values = [one[name] for name in served.columns]
        if served.answer is not None:
            model.of(lambda values=values: served.answer(values))
    naive = Times()
    for place in range(slow):
        naive.of(lambda place=place: held.predict(chosen.iloc[[place]], judged=False))
    many = Times()
    some = history.iloc[-batch:]
    many.of(lambda: held.predict(some, judged=False))
    trained = api.value(held.candidate.record, "features", stage="features")
    expected = trained.set_index(held.key, drop=False).loc[list(chosen[held.key])].reset_index(drop=True)
    differ = differing(expected, pd.DataFrame(made))
    model_says = held.model.predict(expected[list(served.columns)])
    table = [
        whole.row("a row, features and model"),
        features.row("a row, features"),
        *([model.row("a row, model")] if model.wall else []),
        naive.row("a row, the cells and scikit-learn"),
        many.row(f"a batch of {len(some):,} rows, the cells"),
    ]
    median = statistics.median(whole.wall)
    return table, {
        "rows": len(rows),
        "milliseconds_median": round(median, 3),
        "milliseconds_p95": round(float(np.quantile(whole.wall, 0.95)), 3),
        "cpu_milliseconds_median": round(statistics.median(whole.cpu), 3),
        "naive_milliseconds_median": round(statistics.median(naive.wall), 1),
        "naive_over_this": round(statistics.median(naive.wall) / median, 1),
        "feature_values_that_differ": differ,
        "predictions_that_differ": int((model_says != np.array(predicted)).sum()),
        "batch_rows_per_second": round(1000 * len(some) / many.wall[0]),
        "single_rows_per_second": round(1000 / statistics.mean(whole.wall)),
        "seconds_to_prepare": round(preparing, 1),
        "slow": list(served.slow),
    }


def differing(expected: pd.DataFrame, found: pd.DataFrame) -> int:
    """How many values aren't the same bit for bit; what is missing in both is."""
    count = 0
    for name in expected.columns:
        one, two = expected[name], found[name]
        count += int((~((one.to_numpy() == two.to_numpy()) | (one.isna() & two.isna()).to_numpy())).sum())
    return count


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="1,000 rows, and three of the slow way")
    parser.add_argument("--project", help="a project whose champion is the sample's, instead of running it")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(asked.project) if asked.project else project(Path(scratch))
        count, slow = (1_000, 3) if asked.quick else (10_000, 10)
        table, figures = measured(folder, count=count, slow=slow, batch=10_000)
    head = ("", "calls", "ms median", "ms p95", "ms CPU median")
    widths = [max(len(row[place]) for row in [head, *table]) for place in range(len(head))]
    for row in [head, *table]:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
