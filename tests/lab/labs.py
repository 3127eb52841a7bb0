"""JupyterLab in a page, as its tests speak of it; screenshots go to tests/output/lab."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

SHOTS = Path(__file__).parents[1] / "output" / "lab"

PIPELINE = (
    "rows = 40",
    "import pandas as pd",
    "%%stage load\nsales = pd.DataFrame({'day': pd.date_range('2024-01-01', periods=rows), 'sold': range(rows)})",
    '%%expect sales\nColumnValuesToNotBeNull(column="sold")',
    "%%stage features --time day\nfeatures = sales.copy()\nfeatures['before'] = features['sold'].shift(-1)",
    (
        "%%stage train\nfrom sklearn.linear_model import LinearRegression\n"
        "known = features.dropna()\nmodel = LinearRegression().fit(known[['before']], known['sold'])"
    ),
    "%%stage evaluate\nmetrics = {'score': float(model.score(known[['before']], known['sold']))}",
)
PLAIN = (
    "import pandas as pd\nshops = pd.DataFrame({'shop': list('abc'), 'sold': [3, 1, 2]})",
    "shops['share'] = shops['sold'] / shops['sold'].sum()",
    "from sklearn.linear_model import LinearRegression\nmodel = LinearRegression().fit(shops[['share']], shops['sold'])",
)


@dataclass(frozen=True, slots=True)
class Lab:
    url: str
    root: Path


@dataclass(frozen=True, slots=True)
class Opened:
    """A notebook open in a page, with the sidebar shown."""

    page: Page
    path: Path

    def command(self, command: str, **arguments: str) -> None:
        self.page.evaluate(
            "([id, given]) => window.jupyterapp.commands.execute(id, given)", [command, arguments]
        )

    def section(self, title: str):
        """The sidebar's section of that title, unfolded."""
        header = self.page.locator("#nbprod-panel .lm-AccordionPanel-title", has_text=title)
        if header.get_attribute("aria-expanded") == "false":
            header.click()
        titles = self.page.locator("#nbprod-panel .lm-AccordionPanel-title").all_text_contents()
        return self.page.locator("#nbprod-panel .jp-nbprod-section").nth(titles.index(title))

    def fold(self, *titles: str) -> None:
        """Fold the sections of these titles, so that others have room."""
        for title in titles:
            header = self.page.locator("#nbprod-panel .lm-AccordionPanel-title", has_text=title)
            if header.get_attribute("aria-expanded") == "true":
                header.click()

    def cell(self, position: int):
        return self.page.locator(".jp-Notebook .jp-CodeCell").nth(position)

    def save(self) -> str:
        self.command("docmanager:save")
        self.page.wait_for_function(
            "() => ![...window.jupyterapp.shell.widgets('main')].some(w => w.context?.model.dirty)"
        )
        return self.path.read_text(encoding="utf-8")

    def shot(self, name: str) -> None:
        SHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SHOTS / f"{name}.png")


def look(page: Page, lab: Lab, path: Path, *, theme: str = "") -> Opened:
    page.goto(f"{lab.url}/lab/tree/{path.name}?reset", wait_until="domcontentloaded")
    page.wait_for_function("window.jupyterapp && window.jupyterapp.restored")
    page.evaluate("window.jupyterapp.restored.then(() => true)")
    page.locator("#jupyterlab-splash").wait_for(state="detached")
    page.locator(".jp-Notebook .jp-Cell").first.wait_for()
    page.wait_for_function(
        "path => [...window.jupyterapp.shell.widgets('main')].some(w => w.context?.path === path"
        " && w.sessionContext.session?.kernel?.status === 'idle')",
        arg=path.name,
    )
    found = Opened(page, path)
    if theme:
        found.command("apputils:change-theme", theme=theme)
    found.command("nbprod:show")
    page.locator("#nbprod-panel").wait_for()
    return found
