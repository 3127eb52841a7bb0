"""A real IPython shell that keeps what it shows."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.io import capture_output
from traitlets.config import Config

if TYPE_CHECKING:
    from collections.abc import Iterator


class Shell:
    """One InteractiveShell, and what its last cell showed."""

    def __init__(self, inner: InteractiveShell) -> None:
        self.inner = inner
        self.out = ""
        self.err = ""
        self.shown: list[dict[str, Any]] = []
        self.next_input: str | None = None
        inner.set_next_input = self._keep  # what a front end would make a new cell of

    def run(self, source: str, *, cell_id: str | None = None) -> Any:
        """Run a cell as a front end does; gives the result."""
        with capture_output() as captured:
            result = self.inner.run_cell(source, store_history=True, cell_id=cell_id)
        self.out, self.err = captured.stdout, captured.stderr
        self.shown = [output.data for output in captured.outputs]
        return result

    def text(self) -> str:
        """The last cell's display as plain text."""
        return "\n".join(one["text/plain"] for one in self.shown)

    def complete(self, text: str) -> list[str]:
        """What the tab key offers at the end of the text."""
        with provisionalcompleter():
            return [one.text for one in self.inner.Completer.completions(text, len(text))]

    def _keep(self, text: str, replace: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002
        self.next_input = text


@contextmanager
def loaded_shell() -> Iterator[Shell]:
    """A fresh shell with nbprod loaded; the process's one and only is given back afterwards."""
    InteractiveShell.clear_instance()
    # A shell puts a module of its own in the place of the process's main one.
    main = sys.modules["__main__"]
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    shell = Shell(InteractiveShell.instance(config=config))
    try:
        shell.run("%load_ext nbprod")
        yield shell
    finally:
        shell.inner.run_line_magic("unload_ext", "nbprod")
        InteractiveShell.clear_instance()
        sys.modules["__main__"] = main
