"""How fast the sidebar follows a keystroke in a notebook of 300 cells, and whether typing is ever held up.

    python benchmarks/study.py [CELLS]

The notebook is the flights sample again and again, its stages renamed, so that every cell is real code. Told are the
study alone (processor time, in this process) and, in headless Chromium, the time from a key that renames a stage until
the picture shows the name, and the longest task of the page's main thread while a line is typed.
"""

from __future__ import annotations

import json
import re
import statistics
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "lab")]

from conftest import ARGUMENTS, CHROMIUM  # noqa: E402 - found by the line above
from labs import Lab, Opened, look, serving  # noqa: E402
from notebooks import notebook_text, write_notebook  # noqa: E402

TARGET_MILLISECONDS = 150
SAMPLE = ROOT / "sample_notebooks" / "flight_delays.ipynb"
WATCH = """
() => {
  window.longest = 0;
  new PerformanceObserver(list => {
    for (const task of list.getEntries()) window.longest = Math.max(window.longest, task.duration);
  }).observe({ type: 'longtask' });
  window.pressed = 0;
  window.addEventListener('keydown', () => (window.pressed = performance.now()), true);
}
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


def study_seconds(sources: list[str], *, times: int = 5) -> float:
    """Processor seconds of a study after an edit in the middle, at the median."""
    from nbprod import api
    from nbprod.notebook import parse

    taken = []
    for _ in range(times):
        sources[len(sources) // 2] += "\n"
        notebook = parse(notebook_text(*sources), name=str(SAMPLE.with_name("tiled.ipynb")))
        before = time.process_time()
        api.study(notebook)
        taken.append(time.process_time() - before)
    return statistics.median(taken)


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


def main() -> None:
    from playwright.sync_api import sync_playwright

    cells = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    sources = tiled(cells)
    print(f"{cells} cells, study alone: {1000 * study_seconds(list(sources)):.0f} ms of processor time")
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
        position = next(at for at, source in enumerate(sources) if source.startswith("%%stage"))
        taken = keystroke_milliseconds(lab, position)
        median = statistics.median(taken)
        verdict = "within" if median <= TARGET_MILLISECONDS else "over"
        print(
            f"key to picture: {median:.0f} ms at the median of {len(taken)}, {verdict} {TARGET_MILLISECONDS} ms"
        )
        page.evaluate("window.longest = 0")
        page.keyboard.press("Control+End")
        page.keyboard.type("\n# typed while the notebook is studied, letter by letter", delay=60)
        page.wait_for_timeout(1000)
        print(f"longest task of the main thread while typing: {page.evaluate('window.longest'):.0f} ms")
        browser.close()


if __name__ == "__main__":
    main()
