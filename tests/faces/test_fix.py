"""`check --fix` shows the mechanical remedies, asks, and makes them; every other byte stays."""

from __future__ import annotations

import pytest
from click.testing import CliRunner
from notebooks import notebook_text, write_notebook

from nbprod import api
from nbprod.api.fixes import fixed
from nbprod.faces.cli import cli

SOURCES = (
    "%%stage load\nimport pandas as pd\ndf = pd.DataFrame({'ts': pd.date_range('2024', periods=9), 'x': range(9), 'y': 1})",
    "%%stage features --time ts\ndf['a'] = df['x'].shift(-1)\ndf['b'] = df['x'].rolling(3, center=True).mean()",
    (
        "%%stage train\nfrom sklearn.linear_model import LinearRegression\n"
        "model = LinearRegression().fit(df[['a', 'b']].fillna(0), df['y'])"
    ),
)
MENDED = (SOURCES[0], SOURCES[1].replace("shift(-1)", "shift(1)").replace(", center=True", ""), SOURCES[2])


@pytest.mark.parametrize(
    ("answer", "expected"),
    [pytest.param("y\n", MENDED, id="agreed"), pytest.param("n\n", SOURCES, id="refused")],
)
def test_fixes_are_made_only_when_agreed(answer, expected, tmp_path):
    notebook = write_notebook(tmp_path / "n.ipynb", *SOURCES)
    done = CliRunner().invoke(cli, ["check", "--fix", str(notebook)], input=answer, standalone_mode=False)
    assert "-df['a'] = df['x'].shift(-1)" in done.stdout
    assert notebook.read_text() == notebook_text(*expected)


def test_fixed_notebook_has_none_of_these_findings_left(tmp_path):
    notebook = api.read(write_notebook(tmp_path / "n.ipynb", *SOURCES))
    found = fixed(notebook, api.study(notebook).findings)
    (tmp_path / "n.ipynb").write_text(found.text)
    left = {one.rule for one in api.study(tmp_path / "n.ipynb").findings}
    assert found.findings
    assert not left & {one.rule for one in found.findings}
