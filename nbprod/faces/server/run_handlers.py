"""The routes of runs: started, followed, cancelled, compared, and what they left."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_server.auth.decorator import authorized
from jupyter_server.utils import url_path_join
from tornado import web
from tornado.iostream import StreamClosedError

from nbprod import api, wire
from nbprod.errors import NotebookError
from nbprod.faces.server.answering import Handler
from nbprod.faces.server.paths import inside
from nbprod.faces.server.processes import said_last
from nbprod.faces.server.runs import Order, earlier_runs

if TYPE_CHECKING:
    from nbprod.faces.server.runs import Progress

RUN_OPTIONS = {"parameters": dict, "from": str, "force": bool}
# Proxies close what is silent for long.
SILENCE_SECONDS = 15.0


class RunsHandler(Handler):
    @web.authenticated
    @authorized
    async def get(self) -> None:
        path = self.get_query_argument("path")
        notebook = inside(self.root, path)
        live = self.runs.of(path)
        seen = {one.record_id for one in live}
        earlier = await self.aside(earlier_runs, notebook, path=path)
        both = (*live, *(one for one in earlier if one.id not in seen))
        shown = await self.aside(api.mirrored_at, api.root_of(notebook))
        self.answer({"runs": [wire.plain(one) for one in both], "mlflow": shown})

    @web.authenticated
    @authorized
    async def post(self) -> None:
        body = self.body()
        notebook = self.notebook_path(body)
        if not notebook.is_file():
            raise NotebookError(
                "There is no such file.", where=str(body["path"]), remedy="Save the notebook first."
            )
        self.answer(self.runs.start(body["path"], notebook, _order(body)), status=201)


class RunHandler(Handler):
    @web.authenticated
    @authorized
    def get(self, run_id: str) -> None:
        self.answer(self.live_run(run_id))

    @web.authenticated
    @authorized
    async def delete(self, run_id: str) -> None:
        self.live_run(run_id)
        self.answer(await self.runs.cancel(run_id))


class RunEventsHandler(Handler):
    """A run's state each time that it changes, as server-sent events.

    Each event is the whole state and its id the state's number: a reader that comes back with `Last-Event-ID` gets
    the latest state at once if it missed any. The stream ends with the run's process.
    """

    @web.authenticated
    @authorized
    async def get(self, run_id: str) -> None:
        self.live_run(run_id)
        last = self.request.headers.get("Last-Event-ID", "")
        turn = int(last) if last.isdecimal() else 0
        self.set_header("Content-Type", "text/event-stream")
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Accel-Buffering", "no")
        while True:
            run = await self.runs.after(run_id, turn, patience_seconds=SILENCE_SECONDS)
            self.write(_event(run) if run else ": still here\n\n")
            try:
                await self.flush()
            except StreamClosedError:
                return
            if run and run.is_settled:
                await self.finish(set_content_type="text/event-stream")
                return
            turn = run.turn if run else turn


class RunFileHandler(Handler):
    """A file that a run left: notebooks as a page, everything else as it is, all of it without scripts' powers."""

    @web.authenticated
    @authorized
    async def get(self, run_id: str, name: str) -> None:
        record = await self.record_of(run_id)
        file = inside(Path(record.folder), name)
        if not file.is_file():
            raise web.HTTPError(404, f"The run left no file '{name}'.")
        self.set_header("Content-Security-Policy", "sandbox allow-scripts")
        if file.suffix == ".ipynb":
            await self.finish(await self.aside(_page, file), set_content_type=_TYPES[".html"])
            return
        kind = _TYPES.get(file.suffix, "text/plain; charset=UTF-8")
        await self.finish(await self.aside(file.read_bytes), set_content_type=kind)


class RunDocsHandler(Handler):
    """Great Expectations' pages on a run's verdicts, built where they aren't yet."""

    @web.authenticated
    @authorized
    async def get(self, run_id: str) -> None:
        record = await self.record_of(run_id)
        if not any(stage.verdicts for stage in record.stages):
            raise web.HTTPError(404, "Nothing was judged in this run: it has no Data Docs.")
        if not await self.aside(Path(record.folder, _DOCS).is_file):
            await _build_docs(record.folder)
        place = url_path_join(self.base_url, "nbprod/api/v1/runs", run_id, "files", _DOCS)
        query = self.request.query
        self.redirect(f"{place}?{query}" if query else place)


class RunComparisonHandler(Handler):
    @web.authenticated
    @authorized
    async def get(self, run_id: str, earlier_id: str) -> None:
        before, after = await self.record_of(earlier_id), await self.record_of(run_id)
        self.answer(await self.aside(api.diff_runs, before, after))


_DOCS = "docs/index.html"
_TYPES = {
    ".html": "text/html; charset=UTF-8",
    ".css": "text/css",
    ".js": "text/javascript",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
}


def _order(body: dict[str, Any]) -> Order:
    """What the page asks for, checked."""
    for key, kind in RUN_OPTIONS.items():
        if body.get(key) is not None and not isinstance(body[key], kind):
            raise web.HTTPError(400, f"'{key}' is {body[key]!r}, which is no {kind.__name__}.")
    return Order(
        parameters=body.get("parameters") or {},
        from_stage=body.get("from") or "",
        is_forced=bool(body.get("force")),
    )


def _event(run: Progress) -> str:
    return f"id: {run.turn}\nevent: run\ndata: {wire.text(run)}\n\n"


async def _build_docs(folder: str) -> None:
    """Built in a process of its own: Great Expectations takes seconds to load, in which the server would stand."""
    code = "import sys; from pathlib import Path; from nbprod import api\n"
    code += "folder = Path(sys.argv[1]); api.docs(api.record(folder.parents[2], folder.name))"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", code, folder), stderr=asyncio.subprocess.PIPE
    )
    said = await said_last(process.stderr)
    if await process.wait():
        raise web.HTTPError(500, f"Data Docs could not be built: {said}")


def _page(file: Path) -> str:
    from nbconvert import HTMLExporter

    exporter: Any = HTMLExporter
    html, _ = exporter(template_name="lab").from_filename(str(file))
    return str(html)
