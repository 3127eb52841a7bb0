"""How long a notebook's flow takes against its number of cells: it should grow as a straight line.

Beside it stand public tools that tell dataflow from code, where they are installed (`pip install marimo soorgeon`);
they are no part of what nbprod needs. marimo links the names that cells define and read, soorgeon those of sections;
neither follows calls, aliases or state, so that they answer a smaller question. ipyflow, the third of the kind,
follows cells while they run.

Usage: python benchmarks/flow.py [--quick]
"""

from __future__ import annotations

import json
import sys
import time
from importlib.util import find_spec
from typing import TYPE_CHECKING

from nbprod.flow import flow_of
from nbprod.notebook import parse

if TYPE_CHECKING:
    from collections.abc import Callable

CELLS_A_STAGE = 10
HEAD = (
    "import numpy as np\nimport pandas as pd\nfrom sklearn.linear_model import LinearRegression\nFACTOR = 3",
    "def scaled(frame, column):\n    out = frame.copy()\n    out[column] = out[column] * FACTOR\n    return out",
    "df = pd.read_csv('data.csv')\nresults = {}",
)
BODY = (
    "df['c{n}'] = df['a'].rolling({n}).mean()\ndf.head()",
    "part{n} = df[df.a > {n}].groupby('b').agg({{'a': 'mean'}}).reset_index()",
    "part{n} = scaled(part{n}, 'a')\nfor name in ['a', 'b']:\n    part{n}[name + 'x'] = part{n}['a'] + {n}",
    "model{n} = LinearRegression().fit(part{n}[['a']], part{n}['b'])\nprint(model{n}.coef_)",
    "results['r{n}'] = [float(model{n}.score(part{n}[['a']], part{n}['b'])), len(df)]",
)


def notebook_text(cells: int) -> str:
    """A notebook of so many code cells, ten a stage, that computes as notebooks do."""
    sources = [*HEAD]
    while len(sources) < cells:
        made = len(sources) - len(HEAD)
        sources.append(BODY[made % len(BODY)].format(n=made // len(BODY)))
    return json.dumps(
        {
            "nbformat": 4,
            "nbformat_minor": 5,
            "metadata": {},
            "cells": [
                {
                    "cell_type": "code",
                    "id": f"c{at}",
                    "metadata": {"tags": [f"stage:s{at // CELLS_A_STAGE}"]},
                    "source": source,
                    "outputs": [],
                    "execution_count": None,
                }
                for at, source in enumerate(sources)
            ],
        }
    )


def cpu_seconds_of(work: Callable[[], object]) -> float:
    """What the work costs, once."""
    start = time.process_time()
    work()
    return time.process_time() - start


def nbprod_flow(text: str) -> None:
    """The whole way: cells read, stages, needs and links found."""
    _, findings = flow_of(parse(text, name="bench.ipynb"))
    if findings:
        raise SystemExit(f"The notebook of the benchmark has findings: {findings[0].message}")


def marimo_flow(text: str) -> None:
    """Each cell compiled and put into the graph of definitions and references, as marimo's kernel does."""
    from marimo._ast.compiler import compile_cell
    from marimo._runtime.dataflow import DirectedGraph

    graph = DirectedGraph()
    for cell in json.loads(text)["cells"]:
        graph.register_cell(cell["id"], compile_cell(cell["source"], cell_id=cell["id"]))


def soorgeon_flow(text: str) -> None:
    """What each stage needs of which, as soorgeon finds it of sections."""
    from soorgeon.io import find_upstream

    sections: dict[str, list[str]] = {}
    for cell in json.loads(text)["cells"]:
        sections.setdefault(cell["metadata"]["tags"][0], []).append(cell["source"])
    find_upstream({name: "\n".join(sources) for name, sources in sections.items()})


TOOLS = {
    "nbprod": ("nbprod", nbprod_flow),
    "marimo": ("marimo", marimo_flow),
    "soorgeon": ("soorgeon", soorgeon_flow),
}


def main() -> None:
    sizes = (100, 300, 1000) if "--quick" in sys.argv else (100, 300, 1000, 3000, 10_000)
    tools = {name: work for name, (module, work) in TOOLS.items() if find_spec(module) is not None}
    seconds: dict[str, dict[int, float]] = {name: {} for name in tools}
    for work in tools.values():
        work(notebook_text(20))
    print(f"{'cells':>7}" + "".join(f"{name + ' s':>12}{'ms a cell':>12}" for name in tools))
    for size in sizes:
        text = notebook_text(size)
        for name, work in tools.items():
            seconds[name][size] = cpu_seconds_of(lambda work=work, text=text: work(text))  # type: ignore[misc]
        row = "".join(f"{took[size]:>12.2f}{took[size] / size * 1000:>12.2f}" for took in seconds.values())
        print(f"{size:>7}{row}")
    for name in TOOLS.keys() - tools.keys():
        print(f"{name} isn't installed here: not measured.")
    first, last = sizes[0], sizes[-1]
    bends = {name: took[last] / last / (took[first] / first) for name, took in seconds.items()}
    ratios = {name: took[last] / seconds["nbprod"][last] for name, took in seconds.items()}
    for name in tools:
        print(
            f"{name}: a cell costs {bends[name]:.2f} times as much among {last} as among {first}"
            f"; {ratios[name]:.2f} times nbprod's time"
        )
    print(json.dumps({"benchmark": "flow", "cpu_seconds": seconds, "bend": bends, "times_nbprod": ratios}))


if __name__ == "__main__":
    main()
