"""nbprod beside other leak detectors on the labelled cases: recall by library and by kind, false alarms, time.

    python benchmarks/leakage_peers.py --bin FOLDER [--cases FOLDER]

FOLDER holds the commands of the peers, installed in an environment of their own: `pip install lookahead-lint
leakguard-mcp`. Each certified cell stands in a file after code that reads the data; a leaky cell counts as found when
something is said of one of its lines, a clean one as a false alarm likewise. What can't be run is listed with the
reason. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from leakage import PANDAS, READING, certified_in
from msgspec import Struct

from nbprod.flow import flow_of
from nbprod.leakage import check
from nbprod.model import Cell, CellKind, Notebook, Severity

_LINE = re.compile(r"(?:\bline |^\s*|:)(\d+):\d+", re.MULTILINE)
_PEERS = ("lookahead-lint", "leakguard")
_NOT_RUN = {
    "leakage-analysis (ASE'22)": "needs the Soufflé Datalog compiler, which is no Python package",
    "LeakageDetector": "is a plug-in of PyCharm",
    "scicode-lint": "asks a language model that must be served beside it",
    "deepchecks": "looks at data and at a fitted model, not at code",
}


class Case(Struct, frozen=True):
    """One cell as a file: its kind, the number of lines before it, and whether it leaks."""

    kind: str
    library: str
    leaks: bool
    text: str
    before: int


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", type=Path, required=True, help="the folder with the peers' commands")
    parser.add_argument("--cases", type=Path, default=Path(__file__).parents[2] / "shared" / "leakage")
    parser.add_argument(
        "--every",
        type=int,
        default=1,
        help="judge every so many cases only: an odd number, as leaky and clean take turns",
    )
    options = parser.parse_args()
    cases = list(_cases(options.cases / "cases.py"))[:: options.every]
    rows = {"nbprod": _measured(cases, _by_nbprod)}
    for peer in _PEERS:
        command = options.bin / peer
        if command.exists():
            rows[peer] = _measured(cases, lambda case, command=command: _by_peer(case, command))
        else:
            _NOT_RUN[peer] = "is not installed in the folder given"
    _print(rows)
    _print_kinds(rows)
    for name, reason in _NOT_RUN.items():
        print(f"not run: {name}: {reason}")
    print(json.dumps({"cases": len(cases), "tools": rows, "not_run": _NOT_RUN}))
    return 0


def _cases(path: Path) -> list[Case]:
    found = []
    for kind, library, leaks, code in certified_in(path):
        cell = f'out = duckdb.sql("""{code}""").df()' if library == "sql" else code
        setup = PANDAS + READING.get(library, "")
        found.append(Case(kind, library, leaks, f"{setup}{cell}\n", setup.count("\n")))
    return found


def _by_nbprod(case: Case) -> set[int]:
    cell = Cell(id="c", index=0, position=0, kind=CellKind.CODE, source=case.text)
    notebook = Notebook(name="case.ipynb", language="python", kernel="python3", cells=(cell,))
    found = check(notebook, flow_of(notebook)[0])
    return {f.span.line for f in found if f.severity is not Severity.NOTE and f.span is not None}


def _by_peer(case: Case, command: Path) -> set[int]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "case.py"
        file.write_text(case.text)
        said = subprocess.run([command, file], capture_output=True, text=True, check=False, cwd=folder)
    return {int(line) for line in _LINE.findall(said.stdout)}


def _measured(cases: list[Case], judge) -> dict[str, object]:  # noqa: ANN001
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    kinds: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    alarms = clean = 0
    start = time.perf_counter()
    for case in cases:
        hit = any(line > case.before for line in judge(case))
        if case.leaks:
            for pair in (counts[case.library], kinds[case.kind]):
                pair[0] += hit
                pair[1] += 1
        else:
            alarms += hit
            clean += 1
    seconds = time.perf_counter() - start
    found, leaky = (sum(pair[place] for pair in counts.values()) for place in (0, 1))
    return {
        "recall": round(found / leaky, 3),
        "precision": round(found / (found + alarms), 3) if found + alarms else 1.0,
        "false_alarms": alarms,
        "clean": clean,
        "milliseconds_a_case": round(seconds / len(cases) * 1e3, 1),
        "recall_by_kind": {name: round(hit / of, 3) for name, (hit, of) in sorted(kinds.items())},
        "recall_by_library": {name: round(hit / of, 3) for name, (hit, of) in sorted(counts.items())},
    }


def _print(rows: dict[str, dict[str, object]]) -> None:
    libraries = list(rows["nbprod"]["recall_by_library"])  # type: ignore[call-overload]
    print(f"{'':16} recall  prec.  alarms  ms/case  " + "  ".join(f"{name:>5}" for name in libraries))
    for name, row in rows.items():
        by = row["recall_by_library"]
        print(
            f"{name:16} {row['recall']:6.3f} {row['precision']:6.3f} {row['false_alarms']:7} "
            f"{row['milliseconds_a_case']:8}  " + "  ".join(f"{by[each]:5.3f}" for each in libraries)  # type: ignore[index]
        )


def _print_kinds(rows: dict[str, dict[str, object]]) -> None:
    """The share of each kind that each tool finds."""
    print("\nrecall by kind  " + "  ".join(f"{name:>14}" for name in rows))
    for kind in rows["nbprod"]["recall_by_kind"]:  # type: ignore[attr-defined]
        shares = (row["recall_by_kind"][kind] for row in rows.values())  # type: ignore[index]
        print(f"{kind:14}  " + "  ".join(f"{share:14.3f}" for share in shares))
    print()


if __name__ == "__main__":
    sys.exit(main())
