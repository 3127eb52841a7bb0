"""A small project with a pipeline that learns from a file of rows in time."""

import json
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd

from nbprod import api
from nbprod.model import Record

CELLS = {
    "imports": "import pandas as pd\nfrom sklearn.linear_model import LinearRegression",
    "parameters": 'source: str = "rows.parquet"\nday: int = 40\nseed: int = 1',
    "load": "%%stage load\nraw = pd.read_parquet(source)\nraw = raw[raw['time'].dt.day_of_year <= day + 10]",
    "expect": "%%expect raw\nColumnValuesToNotBeNull(column='x')",
    "features": (
        "%%stage features --time time\n"
        "past = raw.sort_values('time', ignore_index=True)\n"
        "features = past[['time', 'x']].assign(\n"
        "    last=past['x'].shift(1).fillna(0.0), weekday=past['time'].dt.day_of_week\n"
        ")"
    ),
    "split": (
        "%%stage split\n"
        "is_past = features['time'].dt.day_of_year <= day\n"
        "X_train, y_train = features[is_past].drop(columns='time'), past.loc[is_past, 'y']\n"
        "X_test, y_test = features[~is_past].drop(columns='time'), past.loc[~is_past, 'y']"
    ),
    "train": "%%stage train\nmodel = LinearRegression()\nmodel.fit(X_train, y_train)",
    "evaluate": (
        "%%stage evaluate\n"
        "predicted = model.predict(X_test)\n"
        "metrics = pd.DataFrame([{'mae': float((y_test - predicted).abs().mean()), 'rows': len(y_test)}])"
    ),
}


def rows(*, days: int, seed: int = 0, slope: float = 2.0, per_day: int = 24) -> pd.DataFrame:
    """Rows of so many days from the first of January 2026, the label a slope times `x` and a little noise."""
    random = np.random.default_rng(seed)
    count = days * per_day
    x = random.normal(size=count)
    time = pd.Timestamp("2026-01-01") + pd.to_timedelta(np.arange(count) * 24 / per_day, unit="h")
    return pd.DataFrame({"time": time, "x": x, "y": slope * x + random.normal(scale=0.3, size=count)})


def project(folder: Path, **cells: str) -> Path:
    """The notebook of a project in a folder, with other sources for some of its cells."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pyproject.toml").touch()
    if not (folder / "rows.parquet").exists():
        rows(days=50).to_parquet(folder / "rows.parquet")
    notebook = nbformat.v4.new_notebook(
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    )
    for name, source in {**CELLS, **cells}.items():
        cell = nbformat.v4.new_code_cell(source, id=name)
        if name == "parameters":
            cell.metadata.tags = ["parameters"]
        notebook.cells.append(cell)
    path = folder / "pipeline.ipynb"
    path.write_text(json.dumps(notebook))
    return path


def ran(notebook: Path, **parameters: object) -> Record:
    """A run that came to a good end."""
    record = api.run(notebook, parameters=parameters)
    assert record.state.is_good, [(one.stage, one.reason) for one in record.stages]
    return record
