"""What every route shares: Jupyter's authorisation, a limited body, paths inside the folder, clear errors."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from jupyter_server.base.handlers import APIHandler
from tornado import web

from nbprod import api, wire
from nbprod.errors import NbprodError, StoreError
from nbprod.faces.server.paths import inside

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbprod.faces.server.garbage import Garbage
    from nbprod.faces.server.runs import Progress, Runs
    from nbprod.faces.server.studies import Studies
    from nbprod.faces.server.watches import Watches
    from nbprod.model import Record

BODY_LIMIT_BYTES = 32 * 2**20
T = TypeVar("T")


class Handler(APIHandler):
    """What every route shares: its resource for authorisation, a limited body, and clear errors."""

    auth_resource = "nbprod"

    @property
    def runs(self) -> Runs:
        runs: Runs = self.settings["nbprod_runs"]
        return runs

    @property
    def studies(self) -> Studies:
        studies: Studies = self.settings["nbprod_studies"]
        return studies

    @property
    def garbage(self) -> Garbage:
        garbage: Garbage = self.settings["nbprod_garbage"]
        return garbage

    @property
    def watches(self) -> Watches:
        watches: Watches = self.settings["nbprod_watches"]
        return watches

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

    def live_run(self, run_id: str) -> Progress:
        """A run that this server started; 404 where it didn't."""
        run = self.runs.known(run_id)
        if run is None:
            raise web.HTTPError(404, f"There is no run '{run_id}' that this server started.")
        return run

    async def record_of(self, run_id: str) -> Record:
        """What a run left, whether this server started it or not; 404 where there is no such run."""
        run = self.runs.known(run_id)
        record = run.record if run else await self.aside(self._kept, run_id)
        if record is None:
            raise web.HTTPError(404, f"There is no run '{run_id}' that has left a record.")
        return record

    def _kept(self, run_id: str) -> Record | None:
        """A run's record in the project of the notebook that the query names, else anywhere in the folder."""
        path = self.get_query_argument("path", "")
        if not path:
            return api.record_within(self.root, run_id)
        try:
            return api.record(api.root_of(inside(self.root, path)), run_id)
        except StoreError:
            return None

    def answer(self, noun: object, *, status: int = 200) -> None:
        self.set_status(status)
        self.finish(wire.text(noun))

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
