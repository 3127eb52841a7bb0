"""What `%pipeline` does: each word is one verb, shown in the output of a cell."""

from __future__ import annotations

import json
import shlex
import signal
import subprocess
import sys
import time
from argparse import ArgumentParser, Namespace
from contextlib import contextmanager
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import TYPE_CHECKING, Any, NoReturn

from IPython.display import display

from nbprod import api
from nbprod.errors import NbprodError, did_you_mean
from nbprod.faces.html import findings_html, note_html, record_html, runs_html
from nbprod.faces.paint import no_paint
from nbprod.faces.picture import flow_svg
from nbprod.faces.progress import Progress, lines_shown
from nbprod.faces.record_text import record_text, stage_lines
from nbprod.faces.session import SESSION_NAME
from nbprod.faces.text import findings_summary, findings_text, flow_text, plan_text
from nbprod.model import (
    CellDone,
    Record,
    RunEnded,
    RunStarted,
    StageEnded,
    StageStarted,
    State,
)
from nbprod.wire import noun, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from nbprod.model import Event, Notebook, Study

SECONDS_BETWEEN_PICTURES = 0.5
SECONDS_TO_STOP = 20
SUBCOMMANDS = ("show", "check", "extract", "run")
EVENTS: dict[str, type[Event]] = {
    "run started": RunStarted,
    "stage started": StageStarted,
    "cell done": CellDone,
    "stage ended": StageEnded,
    "run ended": RunEnded,
}


class _Words(ArgumentParser):
    """Words of a magic line; a mistake is an error of ours rather than the end of the kernel."""

    def error(self, message: str) -> NoReturn:
        raise NbprodError(f"{message[:1].upper()}{message[1:]}.", remedy="`%pipeline?` shows what there is.")


def options_of(line: str) -> Namespace:
    """What stands after `%pipeline`; raises NbprodError naming the word that is wrong."""
    words = _Words(prog="%pipeline", add_help=False, allow_abbrev=False)
    words.add_argument("what", nargs="?", default="show")
    words.add_argument("notebook", nargs="?")
    words.add_argument("--json", action="store_true")
    words.add_argument("-o", "--output")
    for name, target in (("-p", "parameter"), ("--only", "only"), ("--allow", "allow")):
        words.add_argument(name, dest=target, action="append", default=[])
    for name in ("--from", "--until", "--workers"):
        words.add_argument(name, dest=name.strip("-").replace("from", "from_"))
    words.add_argument("--force", action="store_true")
    try:
        options = words.parse_args(shlex.split(line))
    except ValueError as error:
        raise NbprodError(
            f"The line can't be split into words: {error}.", remedy="Check its quotes."
        ) from error
    if options.what not in SUBCOMMANDS:
        raise NbprodError(
            f"%pipeline has no '{options.what}'.", remedy=did_you_mean(options.what, SUBCOMMANDS)
        )
    return options


def show(notebook: Notebook, options: Namespace) -> None:
    """The flow as a picture."""
    study = api.study(notebook)
    if options.json:
        _print_json(study)
        return
    picture = flow_svg(study)
    _display(_said_of(notebook) + picture, flow_text(study.flow, title=notebook.name), svg=picture)


def check(notebook: Notebook, options: Namespace) -> None:
    """The findings."""
    study = api.study(notebook)
    if options.json:
        from nbprod.faces.commands.check import findings_json

        _print_json(findings_json([(notebook, study)]))
        return
    summary = findings_summary([study])
    if not study.findings:
        _display(_said_of(notebook) + note_html(summary, role="good"), summary)
        return
    text = f"{findings_text(study, notebook=notebook)}\n\n{summary}"
    _display(_said_of(notebook) + findings_html(study.findings) + note_html(summary), text)


def extract(notebook: Notebook, options: Namespace) -> None:
    """The plan, written to a folder."""
    from nbprod.faces.commands.extract import reasons_from

    folder = options.output or str(Path(notebook.name).with_suffix(api.PLAN_SUFFIX))
    plan = api.extract(notebook, folder, allow=reasons_from(tuple(options.allow)), force=options.force)
    print(plan_text(plan, folder=folder))  # noqa: T201


def run(notebook: Notebook, options: Namespace, *, is_live: bool) -> None:
    """A run in a process of its own, so that neither memory nor state of this session is touched."""
    study = api.study(notebook)
    with _picture_of(study) if is_live else lines_shown(no_paint) as listen:
        record = _record_of_run(notebook, options, listen)
    if not is_live:
        print(record_text(record))  # noqa: T201


def _record_of_run(notebook: Notebook, options: Namespace, listen: Callable[[Event], None]) -> Record:
    is_session = notebook.name == SESSION_NAME
    words = [sys.executable, "-m", "nbprod", "run", "-" if is_session else notebook.name, "--events"]
    pipe = subprocess.PIPE
    with subprocess.Popen(  # noqa: S603
        [*words, *_words(options)], stdin=pipe, stdout=pipe, stderr=pipe, text=True, encoding="utf-8"
    ) as process:
        _feed(process, notebook.text if is_session else "")
        lines: Queue[str | None] = Queue()
        errors: list[str] = []
        readers = [
            Thread(target=lambda: _read_lines(process, lines), daemon=True),
            Thread(target=lambda: errors.append(_read_errors(process)), daemon=True),
        ]
        for reader in readers:
            reader.start()
        try:
            record = _last_record(process, lines, listen)
        finally:
            _stop(process)
            for reader in readers:
                reader.join(timeout=SECONDS_TO_STOP)
    if record is None:
        said = "".join(errors).strip().removeprefix("error: ")
        raise NbprodError(said or f"The run ended with exit code {process.returncode}.")
    return record


def _last_record(
    process: subprocess.Popen[str], lines: Queue[str | None], listen: Callable[[Event], None]
) -> Record | None:
    """The record with which the run ends; an interruption is passed on, and the run ends all the same."""
    try:
        return _record_in(_events(lines, listen))
    except KeyboardInterrupt:
        process.send_signal(signal.SIGINT)
        return _record_in(_events(lines, listen))


def _record_in(events: Iterable[Event]) -> Record | None:
    ended = [event.record for event in events if isinstance(event, RunEnded)]
    return ended[-1] if ended else None


def _words(options: Namespace) -> list[str]:
    words = [word for pair in options.parameter for word in ("-p", pair)]
    words += [word for stage in options.only for word in ("--only", stage)]
    words += [word for reason in options.allow for word in ("--allow", reason)]
    named = (("--from", options.from_), ("--until", options.until), ("--workers", options.workers))
    words += [word for name, value in named if value is not None for word in (name, value)]
    return [*words, "--force"] if options.force else words


def _feed(process: subprocess.Popen[str], text: str) -> None:
    if process.stdin is not None:
        process.stdin.write(text)
        process.stdin.close()


def _read_lines(process: subprocess.Popen[str], lines: Queue[str | None]) -> None:
    for line in process.stdout or ():
        lines.put(line)
    lines.put(None)


def _read_errors(process: subprocess.Popen[str]) -> str:
    return process.stderr.read() if process.stderr is not None else ""


def _stop(process: subprocess.Popen[str]) -> None:
    try:
        process.wait(timeout=SECONDS_TO_STOP)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _events(lines: Queue[str | None], listen: Callable[[Event], None]) -> Iterator[Event]:
    """The events as they come, each told to the listener."""
    while (line := lines.get()) is not None:
        raw = json.loads(line)
        event = noun(EVENTS[raw["kind"]], raw, where="the run")
        listen(event)
        yield event


@contextmanager
def _picture_of(study: Study) -> Iterator[Callable[[Event], None]]:
    """A listener that keeps a picture of the flow, and a table of the stages, up to date in the cell's output."""
    progress = Progress()
    shown_at = 0.0
    handle: Any = display(_bundle(study, progress), raw=True, display_id=True)  # type: ignore[no-untyped-call]

    def listen(event: Event) -> None:
        nonlocal progress, shown_at
        now = time.monotonic()
        progress = progress.after(event, now=now)
        if isinstance(event, RunEnded):
            handle.update(_final_bundle(study, event.record), raw=True)
        elif not isinstance(event, CellDone) or now - shown_at > SECONDS_BETWEEN_PICTURES:
            shown_at = now
            handle.update(_bundle(study, progress), raw=True)

    yield listen


def _bundle(study: Study, progress: Progress) -> dict[str, str]:
    runs = progress.runs(now=time.monotonic())
    record = Record(
        id=progress.run, pipeline="", source="", folder="", state=State.RUNNING, started="", stages=runs
    )
    text = "\n".join(stage_lines(runs)) or "The run is starting."
    table = runs_html(runs) if runs else note_html(text)
    return {"text/html": flow_svg(study, record=record) + table, "text/plain": text}


def _final_bundle(study: Study, record: Record) -> dict[str, str]:
    return {
        "text/html": flow_svg(study, record=record) + record_html(record),
        "text/plain": record_text(record),
    }


def _said_of(notebook: Notebook) -> str:
    is_session = notebook.name == SESSION_NAME
    return note_html(
        "Of the cells run in this session:" if is_session else f"Of {notebook.name} as last saved:"
    )


def _display(html: str, text: str, *, svg: str = "") -> None:
    bundle = {"text/html": html, "text/plain": text, **({"image/svg+xml": svg} if svg else {})}
    display(bundle, raw=True)  # type: ignore[no-untyped-call]


def _print_json(value: object) -> None:
    print(json.dumps(plain(value), indent=2, ensure_ascii=False))  # noqa: T201
