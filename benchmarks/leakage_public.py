"""Precision and recall of `check` on labelled files of public repositories, by where the labels come from and by kind.

    python benchmarks/leakage_public.py FOLDER [--labels FILE]

The labels are a table of repository, commit, path, cell and line; among them are the tests of the ASE'22 work on leakage in
notebooks (Yang et al.). FOLDER holds clones of the repositories as FOLDER/owner/name, bare or not; what is absent is
listed with the command that gets it, and left out. A leaky item counts as found when an error or a warning stands on its
cell (anywhere in the file where none is labelled), a clean one as a false alarm likewise. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from nbprod.flow import flow_of
from nbprod.leakage import check
from nbprod.model import Cell, CellKind, Notebook, Severity
from nbprod.notebook import parse

if TYPE_CHECKING:
    from collections.abc import Iterator

LABELS = Path(__file__).parents[2] / "shared" / "leakage" / "labels.csv"
_TOLD = {
    (True, True): "found",
    (True, False): "missed",
    (False, True): "false alarm",
    (False, False): "silent",
}


def main() -> None:
    """A line for each item that is judged otherwise than labelled, a table, and the JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--labels", type=Path, default=LABELS)
    asked = parser.parse_args()
    counts: dict[tuple[str, str], Counter[str]] = {}
    absent: Counter[str] = Counter()
    for item in _items(asked.labels):
        text = _text(asked.folder, item)
        if text is None:
            absent[item["repo"]] += 1
            continue
        outcome = _TOLD[item["label"] == "leak", _is_alarmed(text, item)]
        counts.setdefault((item["source"], item["kind"]), Counter())[outcome] += 1
        if outcome in ("missed", "false alarm"):
            print(f"  {outcome}: {item['id']} {item['path']}: {item['reason'][:90]}")
    _report(counts)
    for repository, number in absent.items():
        print(f"{number} absent: git clone https://github.com/{repository} {asked.folder / repository}")
    whole = sum(counts.values(), Counter())
    figures = {"benchmark": "leakage_public", **dict(whole), "absent": absent.total()}
    print(json.dumps(figures | {"precision": _precision(whole), "recall": _recall(whole)}))


def _items(labels: Path) -> Iterator[dict[str, str]]:
    with labels.open(encoding="utf-8", newline="") as lines:
        yield from (item for item in csv.DictReader(lines) if item["label"] in ("leak", "clean"))


def _text(folder: Path, item: dict[str, str]) -> str | None:
    """The file as labelled; as it is now where that commit isn't in the clone."""
    clone = folder / item["repo"]
    if not clone.exists():
        return None
    for commit in (item["commit"], "HEAD"):
        command = ["git", "-C", str(clone), "show", f"{commit}:{item['path']}"]
        shown = subprocess.run(command, capture_output=True, check=False)
        if shown.returncode == 0:
            return shown.stdout.decode("utf-8", "replace")
    return None


def _is_alarmed(text: str, item: dict[str, str]) -> bool:
    is_notebook = item["path"].endswith(".ipynb")
    notebook = parse(text, name=item["path"]) if is_notebook else _script(text, item["path"])
    flow, _ = flow_of(notebook)
    blamed = [one for one in check(notebook, flow) if one.severity is not Severity.NOTE]
    if not (is_notebook and item["cell"]):
        return bool(blamed)
    return any(one.span and notebook.code[one.span.cell].index == int(item["cell"]) for one in blamed)


def _script(text: str, name: str) -> Notebook:
    """A whole script as one cell."""
    cell = Cell(id="script", index=0, position=0, kind=CellKind.CODE, source=text)
    return Notebook(name=name, language="python", kernel="python3", cells=(cell,))


def _report(counts: dict[tuple[str, str], Counter[str]]) -> None:
    print(f"{'labels of':<16}{'kind':<26}{'found':>7}{'missed':>8}{'false alarms':>14}{'silent':>8}")
    for (source, kind), one in sorted(counts.items()):
        row = f"{one['found']:>7}{one['missed']:>8}{one['false alarm']:>14}{one['silent']:>8}"
        print(f"{source:<16}{kind:<26}{row}")
    whole = sum(counts.values(), Counter())
    print(f"precision {_precision(whole):.3f}, recall {_recall(whole):.3f}")


def _precision(counts: Counter[str]) -> float:
    return counts["found"] / max(counts["found"] + counts["false alarm"], 1)


def _recall(counts: Counter[str]) -> float:
    return counts["found"] / max(counts["found"] + counts["missed"], 1)


if __name__ == "__main__":
    main()
