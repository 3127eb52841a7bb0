"""What Jupyter loads: the routes, the event schema, and the runs that go on behind them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_server.extension.application import ExtensionApp

from nbprod.faces.server.garbage import Garbage
from nbprod.faces.server.handlers import ROUTES
from nbprod.faces.server.runs import Runs
from nbprod.faces.server.studies import Studies
from nbprod.faces.server.watches import Watches

if TYPE_CHECKING:
    from nbprod.faces.server.runs import Progress

RUN_EVENT = "https://events.nbprod.dev/run/v1"


class NbprodExtension(ExtensionApp):
    """nbprod in a Jupyter server."""

    name = "nbprod"

    def initialize_settings(self) -> None:
        server: Any = self.serverapp
        server.event_logger.register_event_schema(Path(__file__).with_name("run-event.v1.yaml"))

        def tell(run: Progress) -> None:
            server.event_logger.emit(schema_id=RUN_EVENT, data={"id": run.id, "path": run.path})

        self.settings["nbprod_runs"] = Runs(tell=tell)
        self.settings["nbprod_studies"] = Studies()
        self.settings["nbprod_garbage"] = Garbage()
        self.settings["nbprod_watches"] = Watches()
        self.settings["nbprod_root"] = str(Path(server.root_dir).expanduser())

    def initialize_handlers(self) -> None:
        self.handlers.extend(ROUTES)

    async def stop_extension(self) -> None:
        await self.settings["nbprod_runs"].stop()
        await self.settings["nbprod_watches"].stop()
