"""Typing is never held up by studies: keys reach editor and document whether the server answers or not."""

from __future__ import annotations

import json

from labs import look
from notebooks import write_notebook

CELLS = 300
STAGES = 10
# What the page asks the server to study: how many at once at most, from which event's handler, and the cell written in.
WATCHED = """
window.studies = { now: 0, most: 0, sent: 0, during: [], last: '' };
const plain = window.fetch;
window.fetch = async (asked, given) => {
  if (!(asked.url ?? String(asked)).includes('/nbprod/api/v1/study')) {
    return plain(asked, given);
  }
  const { studies } = window;
  studies.sent += 1;
  studies.during.push(window.event?.type ?? null);
  studies.most = Math.max(studies.most, ++studies.now);
  const body = given?.body ?? await asked.clone().text();
  studies.last = JSON.parse(body).notebook.cells[0].source;
  try {
    return await plain(asked, given);
  } finally {
    studies.now -= 1;
  }
};
"""
# Whether a picture was ever shown that has this stage.
LOOKED_OUT_FOR = """
stage => {
  window.wasShown = false;
  const look = () => (window.wasShown ||= Boolean(document.querySelector(`#nbprod-panel [data-stage=${stage}]`)));
  new MutationObserver(look).observe(document.body, { subtree: true, childList: true });
}
"""
DOCUMENT = "() => window.jupyterapp.shell.currentWidget.content.model.cells.get(0).sharedModel.getSource()"
# Longer than keystrokes are joined for: a timer set later and for longer ends later.
SETTLED = "() => new Promise(done => setTimeout(done, 100))"


def sources() -> list[str]:
    begun = {at * CELLS // STAGES: f"%%stage stage_{at}\n" for at in range(STAGES)}
    stage, cells = "", []
    for at in range(CELLS):
        stage = begun.get(at, stage)
        cells.append(f"{stage}value_{at} = {f'value_{at - 1}' if at else 0} + {at}")
    return cells


def test_keys_reach_the_document_while_a_study_is_held_back(page, lab):
    page.add_init_script(WATCHED)
    path = write_notebook(lab.root / "long.ipynb", *sources())
    here = look(page, lab, path)
    shown = page.locator("#nbprod-panel [data-stage=stage_0]")
    shown.wait_for()
    editor = here.cell(0).locator(".cm-content")
    editor.locator(".cm-line").first.click()
    page.keyboard.press("End")

    held = []
    page.route("**/nbprod/api/v1/study*", lambda route: held.append(route), times=1)  # noqa: PLW0108 - is marked
    with page.expect_request("**/nbprod/api/v1/study*"):
        page.keyboard.type("_held")
    before = page.evaluate("() => window.studies.sent")
    page.keyboard.type("_and_typed_on")
    page.evaluate(SETTLED)
    # The study isn't answered, yet every key is where it belongs, and nobody has asked a second time
    first_line = editor.locator(".cm-line").first.inner_text()
    assert (first_line, page.evaluate(DOCUMENT).split("\n")[0]) == ("%%stage stage_0_held_and_typed_on",) * 2
    assert page.evaluate("() => [window.studies.now, window.studies.sent]") == [1, before]
    assert shown.is_visible()

    # An answer to what is no longer there is dropped
    (route,) = held
    page.evaluate(LOOKED_OUT_FOR, "stale")
    answer = route.fetch()
    studied = json.loads(answer.text().replace("stage_0", "stale"))
    assert studied["study"]["flow"]["stages"][0]["name"].startswith("stale")
    route.fulfill(response=answer, json=studied)
    page.locator("#nbprod-panel [data-stage=stage_0_held_and_typed_on]").wait_for()
    assert page.evaluate("() => window.wasShown") is False

    # Typed on while studies come and go
    page.keyboard.press("Control+End")
    text = "".join(f" + {number}" for number in range(20))
    page.keyboard.type(text, delay=10)
    assert page.evaluate(DOCUMENT).endswith(text)
    page.wait_for_function("text => window.studies.last.endsWith(text) && window.studies.now === 0", arg=text)
    # Never two at once, and none begun by the handler of a key
    most, during = page.evaluate("() => [window.studies.most, window.studies.during]")
    assert (most, set(during) - {None}) == (1, set())
