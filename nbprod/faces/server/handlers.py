"""The routes under `nbprod/api/v1`: each reads its input, calls one verb, and answers with its noun as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from jupyter_server.auth.decorator import authorized
from msgspec.structs import replace
from tornado import web

from nbprod import __version__, api, wire
from nbprod.faces.server.answering import Handler
from nbprod.faces.server.monitor_handlers import MonitorHandler, MonitorPageHandler
from nbprod.faces.server.paths import inside
from nbprod.faces.server.run_handlers import (
    RunComparisonHandler,
    RunDocsHandler,
    RunEventsHandler,
    RunFileHandler,
    RunHandler,
    RunsHandler,
)
from nbprod.faces.server.studies import notebook_sent

if TYPE_CHECKING:
    from pathlib import Path

    from nbprod.model import Notebook, Record

WIRE = 3


class VersionHandler(Handler):
    @web.authenticated
    @authorized
    def get(self) -> None:
        self.answer({"version": __version__, "wire": WIRE})


class StudyHandler(Handler):
    @web.authenticated
    @authorized
    async def post(self) -> None:
        body = self.body()
        path, record = self.notebook_path(body), await _shown(self, body.get("run"))
        # Hundreds of findings take their time to put into words, and the server has others to serve
        self.finish(await self.aside(self._studied, path, body.get("notebook"), record=record))

    def _studied(self, path: Path, raw: object, *, record: Record | None) -> str:
        with self.garbage.left():
            return self.studies.text(path, raw, record=record)


class PictureHandler(Handler):
    @web.authenticated
    @authorized
    async def get(self) -> None:
        path = inside(self.root, self.get_query_argument("path"))
        record = await _shown(self, self.get_query_argument("run", None))
        self.answer({"picture": await self.aside(self.studies.picture, path, record=record)})


class SuggestHandler(Handler):
    @web.authenticated
    @authorized
    async def post(self) -> None:
        body = self.body()
        self.answer(await self.aside(_proposal, self.notebook_path(body), body.get("notebook")))


class InferHandler(Handler):
    @web.authenticated
    @authorized
    async def post(self) -> None:
        body = self.body()
        path, value = self.notebook_path(body), body.get("value")
        if not isinstance(value, str):
            raise web.HTTPError(400, "'value' is no name.")
        self.answer({"cell": await self.aside(api.infer_from_last_run, path, value)})


class ExtractHandler(Handler):
    @web.authenticated
    @authorized
    async def post(self) -> None:
        path = self.notebook_path(self.body())
        plan = await self.aside(api.extract, path)
        self.answer(
            {"folder": path.with_suffix(api.PLAN_SUFFIX).name, "stages": [one.name for one in plan.stages]}
        )


ROUTES: tuple[tuple[str, type[Handler]], ...] = (
    (r"/nbprod/api/v1/version", VersionHandler),
    (r"/nbprod/api/v1/study", StudyHandler),
    (r"/nbprod/api/v1/picture", PictureHandler),
    (r"/nbprod/api/v1/suggest", SuggestHandler),
    (r"/nbprod/api/v1/infer", InferHandler),
    (r"/nbprod/api/v1/extract", ExtractHandler),
    (r"/nbprod/api/v1/runs", RunsHandler),
    (r"/nbprod/api/v1/runs/([\w-]+)", RunHandler),
    (r"/nbprod/api/v1/runs/([\w-]+)/events", RunEventsHandler),
    (r"/nbprod/api/v1/runs/([\w-]+)/docs", RunDocsHandler),
    (r"/nbprod/api/v1/runs/([\w-]+)/since/([\w-]+)", RunComparisonHandler),
    (r"/nbprod/api/v1/runs/([\w-]+)/files/(.+)", RunFileHandler),
    (r"/nbprod/api/v1/monitor", MonitorHandler),
    (r"/nbprod/api/v1/monitor/page", MonitorPageHandler),
)


async def _shown(handler: Handler, run_id: object) -> Record | None:
    """The run whose states the picture shows: as far as it has come, or what it left."""
    if run_id is None:
        return None
    if not isinstance(run_id, str):
        raise web.HTTPError(400, f"'run' is {run_id!r}, which is no id.")
    run = handler.runs.known(run_id)
    return run.so_far if run else await handler.record_of(run_id)


def _proposal(path: Path, raw: object) -> dict[str, Any]:
    """Each suggested stage cell by cell, and what to write into the notebook to accept it."""
    sent = notebook_sent(path, raw)
    notebook = sent if raw is None else replace(sent, text=json.dumps(raw))
    suggestion = api.suggest(notebook)
    written = json.loads(api.accepted(notebook, suggestion)) if notebook.text.lstrip()[:1] == "{" else {}
    stages = [
        {"cell": cell, "stage": one.name, "kind": str(one.kind), "time": one.time, "reason": one.reason}
        for one in suggestion.stages
        for cell in one.cells
    ]
    return {
        "stages": sorted(stages, key=lambda one: int(str(one["cell"]))),
        "parameters": wire.plain(suggestion.parameters),
        "tags": _tags(notebook, written),
        "options": written.get("metadata", {}).get("nbprod"),
    }


def _tags(notebook: Notebook, written: dict[str, Any]) -> dict[str, list[str]]:
    """The tags of each code cell (by position) whose tags differ from those that it has."""
    return {
        str(cell.position): tags
        for cell in notebook.code
        if written and (tags := written["cells"][cell.index]["metadata"].get("tags", [])) != list(cell.tags)
    }
