"""The routes of the monitor: what is known of the notebook's model in production, another look at it, and its page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_server.auth.decorator import authorized
from msgspec import Struct
from msgspec.structs import replace
from tornado import web

from nbprod import api
from nbprod.errors import NbprodError
from nbprod.faces.server.answering import Handler
from nbprod.faces.server.paths import inside

if TYPE_CHECKING:
    from nbprod.continuous.glance import Glance

# The page holds what others wrote, such as reasons: it may neither run nor load anything.
_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'"
_THEMES = ("light", "dark")


class Watching(Struct, frozen=True, kw_only=True):
    """What is known of the model, whether it is being looked at, and why the last look came to nothing."""

    glance: Glance
    is_looking: bool
    problem: str


class MonitorHandler(Handler):
    @web.authenticated
    @authorized
    async def get(self) -> None:
        self.answer(await self._watching(inside(self.root, self.get_query_argument("path"))))

    @web.authenticated
    @authorized
    async def post(self) -> None:
        body = self.body()
        notebook = self.notebook_path(body)
        labels, served = (_file(self.root, body, name) for name in ("labels", "served"))
        self.watches.look(_watched(notebook), labels=labels, served=served)
        self.answer(await self._watching(notebook), status=202)

    async def _watching(self, notebook: Path) -> Watching:
        watched = _watched(notebook)
        is_looking, problem = self.watches.is_looking(watched), self.watches.problem(watched)
        found = await self.aside(api.glance, *watched)
        return Watching(glance=_within(self.root, found), is_looking=is_looking, problem=problem)


class MonitorPageHandler(Handler):
    @web.authenticated
    @authorized
    async def get(self) -> None:
        theme = self.get_query_argument("theme", "")
        if theme and theme not in _THEMES:
            raise web.HTTPError(400, f"There is no theme '{theme}': it is light or dark.")
        root, model = _watched(inside(self.root, self.get_query_argument("path")))
        page = await self.aside(api.monitor_page_at, root, model)
        if page is None:
            raise web.HTTPError(404, f"The monitor has not looked at '{model}' yet.")
        text = await self.aside(inside(root, page.relative_to(root).as_posix()).read_text, encoding="utf-8")
        self.set_header("Content-Security-Policy", _POLICY)
        await self.finish(_themed(text, theme), set_content_type="text/html; charset=UTF-8")


def _watched(notebook: Path) -> tuple[Path, str]:
    """The project of a notebook, and the model that its pipeline makes."""
    return api.root_of(notebook), notebook.stem


def _file(root: Path, body: dict[str, Any], name: str) -> Path | None:
    """A file that the body names, inside the server's folder; raises NbprodError where there is none."""
    if not body.get(name):
        return None
    file = inside(root, body[name])
    if not file.is_file():
        raise NbprodError(
            f"There is no such file for the {name}.", where=body[name], remedy="Name a parquet file."
        )
    return file


def _within(root: Path, found: Glance) -> Glance:
    """The same with its files as a page may name them: relative to the server's folder, and those outside left out."""
    if found.seen is None:
        return found
    seen = found.seen
    return replace(
        found, seen=replace(seen, labels=_relative(root, seen.labels), served=_relative(root, seen.served))
    )


def _relative(root: Path, file: str) -> str:
    path = Path(file)
    top = root.resolve()
    return path.relative_to(top).as_posix() if file and path.is_relative_to(top) else ""


def _themed(page: str, theme: str) -> str:
    """The page in the colours of who shows it; else those of the browser."""
    return page.replace("<html ", f'<html style="color-scheme: {theme}" ', 1) if theme else page
