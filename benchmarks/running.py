"""What nbprod adds to a stage, beside papermill as it is; what a cached stage costs; what two workers save.

Run as `python benchmarks/running.py [REPEATS [STAGES]]`. Papermill and nbprod take turns, each in a process of its
own that runs all stages, so that a noisy machine is noisy for both; the figures are medians. A process's CPU time
includes its kernels and its fork server. What nbprod needs once (fork server, ledger) is shared out to the stages.
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
    """Print one JSON object with all figures."""
    repeats, stages = (int(one) for one in (*sys.argv[1:], *("3", "6")[len(sys.argv) - 1 :]))
    figures = {
        **overhead(repeats, stages),
        **unchanged(repeats),
        **parallel(),
    }
    print(json.dumps(figures, indent=1))


def overhead(repeats: int, stages: int) -> dict[str, object]:
    """Stages that import pandas, scikit-learn and Ibis and do nothing, by papermill and by nbprod in turns."""
    codes = [f"{IMPORTS}\nn = {number}" for number in range(stages)]
    plain, ours = [], []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as folder:
            written(Path(folder), *(stage(f"s{n:02}", code, gives="n") for n, code in enumerate(codes)))
            plain.append(measured(BY_PAPERMILL, folder))
        with tempfile.TemporaryDirectory() as folder:
            ours.append(measured(by_nbprod(codes), folder))
    wall, cpu = medians(plain)
    our_wall, our_cpu = medians(ours)
    return {
        "papermill: wall and CPU seconds a stage": [round(wall / stages, 2), round(cpu / stages, 2)],
        "nbprod: wall and CPU seconds a stage": [round(our_wall / stages, 2), round(our_cpu / stages, 2)],
        "papermill over nbprod: wall, CPU": [round(wall / our_wall, 1), round(cpu / our_cpu, 1)],
        "stages": stages,
    }


def unchanged(repeats: int) -> dict[str, object]:
    """A pipeline of 20 stages run again in a fresh process."""
    codes = [f"n = {number}" for number in range(20)]
    with tempfile.TemporaryDirectory() as folder:
        measured(by_nbprod(codes), folder)
        again = [measured(by_nbprod(codes), folder) for _ in range(repeats)]
        bare = [measured("import nbprod.running", folder) for _ in range(repeats)]
    wall, floor = medians(again)[0], medians(bare)[0]
    return {
        "20 unchanged stages in a fresh process: wall seconds": round(wall, 2),
        "of it a cached stage, milliseconds": round((wall - floor) / 20 * 1000, 1),
    }


def parallel() -> dict[str, object]:
    """Four independent stages of three CPU seconds each, by one worker and by two."""
    codes = [BUSY.format(number=number) for number in range(4)]
    walls = []
    for workers in (1, 2):
        with tempfile.TemporaryDirectory() as folder:
            walls.append(measured(by_nbprod(codes, workers=workers), folder)[0])
    return {"four equal stages, two workers over one": round(walls[1] / walls[0], 2)}


def by_nbprod(codes: list[str], *, workers: int = 1) -> str:
    """The program that runs these stages as one plan."""
    return BY_NBPROD.format(plans=str(PLANS), codes=codes, workers=workers)


def measured(program: str, folder: str) -> tuple[float, float]:
    """The wall and CPU seconds of a Python program and all its children."""
    before, begun = os.times(), time.perf_counter()
    subprocess.run([sys.executable, "-c", program], cwd=folder, check=True, capture_output=True)
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return time.perf_counter() - begun, cpu


def medians(pairs: list[tuple[float, float]]) -> tuple[float, float]:
    """The median wall and the median CPU time."""
    return statistics.median(one[0] for one in pairs), statistics.median(one[1] for one in pairs)


if __name__ == "__main__":
    main()
