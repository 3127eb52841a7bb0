"""What nbprod adds to a stage, beside papermill as it is; what a cached stage costs; what two workers save.

Papermill and nbprod take turns, each in a process of its own that runs all stages, so that a noisy machine is noisy
for both; the figures are medians. A process's CPU time includes its kernels and its fork server. What nbprod needs
once (fork server, ledger) is shared out to the stages.

Usage: python benchmarks/running.py [--quick]
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
PLANS = HERE.parent / "tests" / "running"
sys.path.insert(0, str(PLANS))

from plans import stage, written  # noqa: E402 - it stands with the tests

IMPORTS = (
    "import pandas as pd\nimport numpy as np\nimport ibis\nfrom sklearn.linear_model import LinearRegression"
)
BUSY = "import time\nend = time.process_time() + 3\nwhile time.process_time() < end: pass\nn = {number}"
BY_PAPERMILL = """
import sys, papermill
from pathlib import Path
for notebook in sorted(Path("plan").glob("*.ipynb")):
    papermill.execute_notebook(str(notebook), f"out-{notebook.name}", progress_bar=False)
"""
BY_NBPROD = """
import sys
sys.path.insert(0, {plans!r})
from pathlib import Path
from plans import stage, written
from nbprod.running import run
plan = written(Path("."), *(stage(f"s{{n:02}}", code, gives="n") for n, code in enumerate({codes!r})))
record = run(plan, plan_folder=Path("plan"), root=Path("."), workers={workers})
assert record.state.is_good, record
"""


def main() -> None:
    """A table, and as last line all figures as one JSON object."""
    repeats, stages = (3, 6) if "--quick" in sys.argv else (7, 10)
    stage_costs = overhead(repeats, stages)
    again = unchanged(repeats)
    saved = parallel()
    print(f"{'an empty stage':<28}{'wall s':>9}{'CPU s':>9}")
    for name, (wall, cpu) in stage_costs.items():
        print(f"{name:<28}{wall:>9.2f}{cpu:>9.2f}")
    ratios = [theirs / ours for theirs, ours in zip(*stage_costs.values(), strict=True)]
    print(f"{'papermill over nbprod':<28}{ratios[0]:>9.1f}{ratios[1]:>9.1f}")
    print(f"20 unchanged stages in a fresh process: {again['wall_seconds']:.2f} s", end="")
    print(f", of it a cached stage {again['stage_milliseconds']:.1f} ms")
    print(f"four equal stages, two workers over one: {saved:.2f}")
    figures = {
        "benchmark": "running",
        "stages": stages,
        "seconds_a_stage": {name: {"wall": wall, "cpu": cpu} for name, (wall, cpu) in stage_costs.items()},
        "papermill_over_nbprod": {"wall": ratios[0], "cpu": ratios[1]},
        "twenty_unchanged": again,
        "two_workers_over_one": saved,
    }
    print(json.dumps(figures))


def overhead(repeats: int, stages: int) -> dict[str, tuple[float, float]]:
    """Stages that import pandas, scikit-learn and Ibis and do nothing, in turns: wall and CPU seconds of one."""
    codes = [f"{IMPORTS}\nn = {number}" for number in range(stages)]
    plain, ours = [], []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as folder:
            written(Path(folder), *(stage(f"s{n:02}", code, gives="n") for n, code in enumerate(codes)))
            plain.append(measured(BY_PAPERMILL, folder))
        with tempfile.TemporaryDirectory() as folder:
            ours.append(measured(by_nbprod(codes), folder))
    (wall, cpu), (our_wall, our_cpu) = medians(plain), medians(ours)
    return {"papermill": (wall / stages, cpu / stages), "nbprod": (our_wall / stages, our_cpu / stages)}


def unchanged(repeats: int) -> dict[str, float]:
    """A pipeline of 20 stages run again in a fresh process."""
    codes = [f"n = {number}" for number in range(20)]
    with tempfile.TemporaryDirectory() as folder:
        measured(by_nbprod(codes), folder)
        again = [measured(by_nbprod(codes), folder) for _ in range(repeats)]
        bare = [measured("import nbprod.running", folder) for _ in range(repeats)]
    wall, floor = medians(again)[0], medians(bare)[0]
    return {"wall_seconds": wall, "stage_milliseconds": (wall - floor) / 20 * 1000}


def parallel() -> float:
    """Four independent stages of three CPU seconds each: the time by two workers over that by one."""
    codes = [BUSY.format(number=number) for number in range(4)]
    walls = []
    for workers in (1, 2):
        with tempfile.TemporaryDirectory() as folder:
            walls.append(measured(by_nbprod(codes, workers=workers), folder)[0])
    return walls[1] / walls[0]


def by_nbprod(codes: list[str], *, workers: int = 1) -> str:
    """The program that runs these stages as one plan."""
    return BY_NBPROD.format(plans=str(PLANS), codes=codes, workers=workers)


def measured(program: str, folder: str) -> tuple[float, float]:
    """The wall and CPU seconds of a Python program and all its children."""
    # Where Python may not keep what it compiles, every process would compile this checkout again, but no package.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    before, begun = os.times(), time.perf_counter()
    command = [sys.executable, "-c", program]
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return time.perf_counter() - begun, cpu


def medians(pairs: list[tuple[float, float]]) -> tuple[float, float]:
    """The median wall and the median CPU time."""
    return statistics.median(one[0] for one in pairs), statistics.median(one[1] for one in pairs)


if __name__ == "__main__":
    main()
