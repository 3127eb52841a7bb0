"""The routes under `nbprod/api/v1`: each reads its input, calls one verb, and answers with its noun as JSON."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from tornado import web

from nbprod import __version__, api, wire
from nbprod.errors import NbprodError, NotebookError
from nbprod.faces.picture import flow_svg
from nbprod.faces.server.paths import inside
from nbprod.faces.server.runs import Progress, Runs, earlier_runs
from nbprod.notebook import parse

if TYPE_CHECKING:
    from collections.abc import Callable

WIRE = 1
BODY_LIMIT_BYTES = 32 * 2**20
RUN_OPTIONS = {"parameters": dict, "from": str, "force": bool}
T = TypeVar("T")


class Handler(APIHandler):
    """What every route shares: its resource for authorisation, a limited body, and clear errors."""

    auth_resource = "nbprod"

    @property
    def runs(self) -> Runs:
        runs: Runs = self.settings["nbprod_runs"]
        return runs

    @property
    def root(self) -> Path:
        return Path(self.settings["nbprod_root"])

    def body(self) -> dict[str, Any]:
        """The body as an object; 413 where it is too large, 400 where it is none."""
        if len(self.request.body) > BODY_LIMIT_BYTES:
            raise web.HTTPError(413, f"The body is larger than {BODY_LIMIT_BYTES // 2**20} MiB.")
        try:
            read = json.loads(self.request.body or b"null")
        except (ValueError, RecursionError) as error:
            raise web.HTTPError(400, f"The body is no JSON: {error}.") from error
        if not isinstance(read, dict):
            raise web.HTTPError(400, "The body is no JSON object.")
        return read

    def notebook_path(self, body: dict[str, Any]) -> Path:
        """The real path of the notebook that the body names."""
        return inside(self.root, body.get("path"))

    async def aside(self, verb: Callable[..., T], *given: object, **named: object) -> T:
        """The verb's answer, worked out in a thread so that the server goes on."""
        return await asyncio.get_running_loop().run_in_executor(None, partial(verb, *given, **named))

    def answer(self, noun: object, *, status: int = 200) -> None:
        self.set_status(status)
        self.finish(json.dumps(noun if isinstance(noun, dict) else wire.plain(noun)))

    def write_error(self, status_code: int, **about: Any) -> None:
        raised = about.get("exc_info", (None, None, None))[1]
        if isinstance(raised, NbprodError):
            self.set_status(400)
            reply = {
                "message": str(raised),
                "what": raised.what,
                "where": raised.where,
                "remedy": raised.remedy,
            }
            self.finish(json.dumps(reply))
            return
        super().write_error(status_code, **about)

    def log_exception(self, kind: Any, value: Any, trace: Any) -> None:
        # Bad input is the page's to show, not a fault to log.
        if not isinstance(value, NbprodError):
            super().log_exception(kind, value, trace)


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
        study, picture = await self.aside(_studied, self.notebook_path(body), body.get("notebook"))
        self.answer({"study": wire.plain(study), "picture": picture})


class SuggestHandler(Handler):
    @web.authenticated
    @authorized
    async def post(self) -> None:
        body = self.body()
        notebook = _notebook(self.notebook_path(body), body.get("notebook"))
        suggestion = await self.aside(api.suggest, notebook)
        self.answer(_proposal(suggestion))


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
        self.answer({"runs": [wire.plain(one) for one in both]})

    @web.authenticated
    @authorized
    async def post(self) -> None:
        body = self.body()
        notebook = self.notebook_path(body)
        if not notebook.is_file():
            raise NotebookError(
                "There is no such file.", where=str(body["path"]), remedy="Save the notebook first."
            )
        self.answer(self.runs.start(body["path"], notebook, _run_options(body)), status=201)


class RunHandler(Handler):
    @web.authenticated
    @authorized
    def get(self, run_id: str) -> None:
        self.answer(self._run(run_id))

    @web.authenticated
    @authorized
    async def delete(self, run_id: str) -> None:
        self._run(run_id)
        self.answer(await self.runs.cancel(run_id))

    def _run(self, run_id: str) -> Progress:
        run = self.runs.known(run_id)
        if run is None:
            raise web.HTTPError(404, f"There is no run '{run_id}' that this server started.")
        return run


class RunFileHandler(Handler):
    """A file that a run left: notebooks as a page, everything else as it is, all of it without scripts' powers."""

    @web.authenticated
    @authorized
    async def get(self, run_id: str, name: str) -> None:
        folder = self._folder(run_id)
        file = inside(folder, name)
        if not file.is_file():
            raise web.HTTPError(404, f"The run left no file '{name}'.")
        self.set_header("Content-Security-Policy", "sandbox allow-scripts")
        if file.suffix == ".ipynb":
            self.set_header("Content-Type", "text/html; charset=UTF-8")
            self.finish(await self.aside(_page, file))
            return
        self.set_header("Content-Type", _TYPES.get(file.suffix, "text/plain; charset=UTF-8"))
        self.finish(await self.aside(file.read_bytes))

    def _folder(self, run_id: str) -> Path:
        run = self.runs.known(run_id)
        record = run.record if run else None
        if record is None:
            record = api.record_within(self.root, run_id)
        if record is None:
            raise web.HTTPError(404, f"There is no run '{run_id}'.")
        return Path(record.folder)


_TYPES = {
    ".html": "text/html; charset=UTF-8",
    ".css": "text/css",
    ".js": "text/javascript",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
}

ROUTES: tuple[tuple[str, type[Handler]], ...] = (
    (r"/nbprod/api/v1/version", VersionHandler),
    (r"/nbprod/api/v1/study", StudyHandler),
    (r"/nbprod/api/v1/suggest", SuggestHandler),
    (r"/nbprod/api/v1/infer", InferHandler),
    (r"/nbprod/api/v1/extract", ExtractHandler),
    (r"/nbprod/api/v1/runs", RunsHandler),
    (r"/nbprod/api/v1/runs/([\w-]+)", RunHandler),
    (r"/nbprod/api/v1/runs/([\w-]+)/files/(.+)", RunFileHandler),
)


def _studied(path: Path, raw: object) -> tuple[Any, str]:
    study = api.study(_notebook(path, raw))
    return study, flow_svg(study)


def _notebook(path: Path, raw: object) -> Any:
    """The notebook as it stands in the browser, else as it stands in the file."""
    if raw is None:
        return api.read(path)
    if not isinstance(raw, dict):
        raise NotebookError(
            "'notebook' is no JSON object.", where=path.name, remedy="Send the notebook's content."
        )
    # What the browser holds is notebook JSON even where the file is a percent script.
    return parse(json.dumps(raw), name=str(path.with_suffix(".ipynb")))


def _proposal(suggestion: Any) -> dict[str, Any]:
    stages = [
        {"cell": cell, "stage": one.name, "reason": one.reason}
        for one in suggestion.stages
        for cell in one.cells
    ]
    return {"stages": sorted(stages, key=lambda one: one["cell"])}


def _run_options(body: dict[str, Any]) -> list[str]:
    """What the page asks for, in the words of `nbprod run`."""
    for key, kind in RUN_OPTIONS.items():
        if body.get(key) is not None and not isinstance(body[key], kind):
            raise web.HTTPError(400, f"'{key}' is {body[key]!r}, which is no {kind.__name__}.")
    pairs = [
        f"{name}={value if isinstance(value, str) else json.dumps(value)}"
        for name, value in (body.get("parameters") or {}).items()
    ]
    options = [word for pair in pairs for word in ("-p", pair)]
    options += [f"--from={body['from']}"] if body.get("from") else []
    return [*options, "--force"] if body.get("force") else options


def _page(file: Path) -> str:
    from nbconvert import HTMLExporter

    exporter: Any = HTMLExporter
    html, _ = exporter(template_name="lab").from_filename(str(file))
    return str(html)
