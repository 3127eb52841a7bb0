"""How fast the sidebar follows a keystroke in a notebook of 300 cells, and whether typing is ever held up.

    python benchmarks/study.py [CELLS]

The notebook is the flights sample again and again, its stages renamed, so that every cell is real code. Told are, in
processor time, a study of the notebook as if never seen, and what the server does for each keystroke of a line that is
typed at the notebook's start, middle and end: study, picture and JSON. Then, in headless Chromium, the time from each key
of a typed line until its study has come, and from one that renames a stage until the picture shows the name; and how
long keys that are typed take to be painted, and the longest task of the page's main thread, both with studies and with
none, as JupyterLab's own work is in them too.
"""

from __future__ import annotations

import json
import re
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "lab")]

from conftest import ARGUMENTS, CHROMIUM  # noqa: E402 - found by the line above
from labs import Lab, Opened, look, serving  # noqa: E402
from notebooks import notebook_text, write_notebook  # noqa: E402

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from nbprod.model import Notebook

TARGET_MILLISECONDS = 150
SAMPLE = ROOT / "sample_notebooks" / "flight_delays.ipynb"
LINE = "\nrate = round(0.5 * 3, 2)  # per hour"
WATCH = """
() => {
  window.longest = 0;
  window.painted = [];
  new PerformanceObserver(list => {
    for (const task of list.getEntries()) window.longest = Math.max(window.longest, task.duration);
  }).observe({ type: 'longtask' });
  new PerformanceObserver(list => {
    for (const event of list.getEntries()) if (event.name === 'keydown') window.painted.push(event.duration);
  }).observe({ type: 'event', durationThreshold: 16 });
  window.pressed = 0;
  window.addEventListener('keydown', () => (window.pressed = performance.now()), true);
}
"""
ANSWERED = """
() => performance.getEntriesByType('resource').filter(one => one.name.includes('/api/v1/study'))
  .at(-1).responseEnd - window.pressed
"""
SHOWN = """
stage => new Promise(resolve => {
  const look = () => document.querySelector(`#nbprod-panel [data-stage='${stage}']`);
  const tell = () => resolve(performance.now() - window.pressed);
  new MutationObserver((_, watch) => look() && (watch.disconnect(), tell()))
    .observe(document.querySelector('#nbprod-panel'), { childList: true, subtree: true });
})
"""


def tiled(cells: int) -> list[str]:
    """The sample's code cells again and again, each time with stages of their own."""
    raw = json.loads(SAMPLE.read_text(encoding="utf-8"))["cells"]
    code = ["".join(cell["source"]) for cell in raw if cell["cell_type"] == "code"]
    return [
        re.sub(r"^%%stage (\w+)", rf"%%stage \g<1>_{at // len(code)}", code[at % len(code)])
        for at in range(cells)
    ]


def parsed(sources: list[str]) -> Notebook:
    from nbprod.notebook import parse

    return parse(notebook_text(*sources), name=str(SAMPLE.with_name("tiled.ipynb")))


def fresh_milliseconds(sources: list[str], *, times: int = 3) -> float:
    """Processor time of a study of a notebook that nobody remembers, at the median."""
    from nbprod import api

    taken = []
    for _ in range(times):
        before = time.process_time()
        api.study(parsed(sources))
        taken.append(1000 * (time.process_time() - before))
    return statistics.median(taken)


def typed_milliseconds(sources: list[str], at: int) -> list[float]:
    """Processor time of all that the server does for each keystroke of a line typed at the end of a cell."""
    from nbprod.faces.server.garbage import Garbage
    from nbprod.faces.server.studies import Studies

    garbage = Garbage()
    studies, path, cells = Studies(), SAMPLE.with_name("tiled.ipynb"), list(sources)
    studies.made(path, json.loads(notebook_text(*cells)), record=None)
    taken = []
    for count in range(1, len(LINE) + 1):
        cells[at] = sources[at] + LINE[:count]
        sent = json.loads(notebook_text(*cells))
        before = time.process_time()
        with garbage.left():
            studies.text(path, sent, record=None)
        taken.append(1000 * (time.process_time() - before))
    return taken


def told(taken: list[float]) -> str:
    within = sum(one <= TARGET_MILLISECONDS for one in taken)
    ordered = sorted(taken)
    return (
        f"median {statistics.median(taken):.0f} ms, 9 of 10 within {ordered[len(ordered) * 9 // 10]:.0f} ms,"
        f" worst {ordered[-1]:.0f} ms; {within} of {len(taken)} within {TARGET_MILLISECONDS} ms"
    )


def keystroke_milliseconds(lab: Opened, position: int, *, times: int = 5) -> list[float]:
    """From the key to the picture, each time."""
    cell = lab.cell(position)
    cell.scroll_into_view_if_needed()
    cell.locator(".cm-content").click()
    lab.page.keyboard.press("Control+Home")
    lab.page.keyboard.press("End")
    stage = cell.locator(".cm-line").first.inner_text().split()[1]
    taken = []
    for _ in range(times):
        stage += "x"
        shown = lab.page.evaluate_handle(f"stage => ({{ wait: ({SHOWN})(stage) }})", stage)
        lab.page.keyboard.type("x")
        taken.append(shown.evaluate("one => one.wait"))
    return taken


def answer_milliseconds(lab: Opened, position: int) -> list[float]:
    """From each key of a typed line until its study is there."""
    cell = lab.cell(position)
    cell.scroll_into_view_if_needed()
    cell.locator(".cm-content").click()
    lab.page.keyboard.press("Control+End")
    taken = []
    for letter in LINE.replace("\n", ""):
        with lab.page.expect_response("**/nbprod/api/v1/study*") as response:
            lab.page.keyboard.type(letter)
        response.value.finished()
        taken.append(lab.page.evaluate(ANSWERED))
        lab.page.wait_for_timeout(100)
    return taken


def main() -> None:
    cells = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    sources = tiled(cells)
    print(f"{cells} cells, never seen: {fresh_milliseconds(sources):.0f} ms of processor time")
    for where, at in (("start", 1), ("middle", cells // 2), ("end", cells - 1)):
        print(f"a line typed at the {where}: {told(typed_milliseconds(sources, at))}")
    in_browser(sources)


def settle(page: Page) -> None:
    """Wait until JupyterLab has put all cells into the page, which it does whenever it has nothing else to do."""
    page.evaluate(
        """async () => {
          for (let quiet = 0; quiet < 20; ) {
            const before = document.querySelectorAll('.jp-Cell .cm-content').length;
            await new Promise(resolve => requestIdleCallback(resolve, { timeout: 1000 }));
            await new Promise(resolve => setTimeout(resolve, 50));
            quiet = document.querySelectorAll('.jp-Cell .cm-content').length === before ? quiet + 1 : 0;
          }
        }"""
    )


def typed(page: Page, how: str) -> None:
    page.evaluate("() => { window.longest = 0; window.painted.length = 0; }")
    page.keyboard.press("Control+End")
    page.keyboard.type(
        "\n# typed while the notebook is studied, letter by letter: " + "and so on, " * 12, delay=60
    )
    page.wait_for_timeout(2000)
    painted = page.evaluate("window.painted") or [0]
    print(
        f"keys typed {how}: {len(painted)} took 16 ms or more to be painted, the longest {max(painted):.0f} ms;"
        f" longest task of the main thread {page.evaluate('window.longest'):.0f} ms"
    )


def in_browser(sources: list[str]) -> None:
    from playwright.sync_api import sync_playwright

    with (
        tempfile.TemporaryDirectory() as home,
        serving(Path(home), "c.YDocExtension.disable_rtc = True\n") as server,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.set_default_timeout(180_000)
        lab = look(
            page, Lab(url=server.url, root=server.root), write_notebook(server.root / "tiled.ipynb", *sources)
        )
        page.locator("#nbprod-panel [data-stage]").first.wait_for()
        page.evaluate(WATCH)
        settle(page)
        position = next(at for at, source in enumerate(sources) if source.startswith("%%stage"))
        print(f"a key of a typed line to its study: {told(answer_milliseconds(lab, position + 1))}")
        print(f"a key that renames a stage to the picture: {told(keystroke_milliseconds(lab, position))}")
        typed(page, "with studies")
        page.route("**/nbprod/api/v1/study*", lambda route: route.abort())
        typed(page, "with none")
        browser.close()


if __name__ == "__main__":
    main()
