"""How long a notebook's flow takes against its number of cells: it should grow as a straight line.

Usage: python benchmarks/flow.py [--quick]
"""

from __future__ import annotations

import json
import sys
import time

from nbprod.flow import flow_of
from nbprod.notebook import parse

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


def main() -> None:
    sizes = (100, 300, 1000) if "--quick" in sys.argv else (100, 300, 1000, 3000, 10_000)
    seconds: dict[int, float] = {}
    flow_of(parse(notebook_text(20), name="warm.ipynb"))
    print(f"{'cells':>7} {'seconds':>9} {'ms a cell':>10}")
    for size in sizes:
        notebook = parse(notebook_text(size), name="bench.ipynb")
        start = time.process_time()
        _, findings = flow_of(notebook)
        seconds[size] = time.process_time() - start
        print(f"{size:>7} {seconds[size]:>9.2f} {seconds[size] / size * 1000:>10.2f}")
        if findings:
            print("findings:", findings[:2])
    print(json.dumps({"benchmark": "flow", "cpu_seconds": seconds}))


if __name__ == "__main__":
    main()
