"""`%%stage ... --replay`: what a cell takes is copied before it runs, and it is replayed from that when it has run.

The user's values are only copied, and the replay runs in other processes.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from IPython.display import display

from nbprod.errors import NbprodError

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from nbprod.api import Taken
    from nbprod.faces.session import Session

# what IPython itself puts among the user's names
OF_THE_SHELL = frozenset({"In", "Out", "get_ipython", "exit", "quit", "open", "display"})


class CellReplay:
    """The replay of one cell that is about to run."""

    def __init__(self, session: Session, position: int, *, shell: InteractiveShell) -> None:
        self._session = session
        self._handle: Any = None
        self._can_update = hasattr(shell, "kernel")
        self._taken = self._take(position, shell.user_ns)

    def _take(self, position: int, names: dict[str, object]) -> Taken | NbprodError:
        from nbprod import api

        values = {name: value for name, value in names.items() if name not in OF_THE_SHELL}
        try:
            return api.take(self._session.notebook(), cell=position, values=values)
        except NbprodError as error:
            return error

    def show(self) -> None:
        """Replay the cell, which has run, and show what came of it; an interrupt ends the replay alone."""
        from nbprod import api

        if isinstance(self._taken, NbprodError):
            self.say(f"Not replayed: {self._taken}")
            return
        self._say_for_now("Replaying: starting a worker ...")
        try:
            found = api.replay_taken(
                self._session.notebook(),
                self._taken,
                folder=Path.cwd(),
                on_run=lambda run, most: self._say_for_now(f"Replaying: run {run} of at most {most} ..."),
            )
        except NbprodError as error:
            self.say(f"Not replayed: {error}")
        except KeyboardInterrupt:
            self.say("Not replayed: it was interrupted. The cell itself has run.")
        else:
            from nbprod.faces.replay_shown import replayed_html, replayed_text

            self._display(replayed_html(found), replayed_text(found))

    def say(self, text: str) -> None:
        """Show one line under the cell."""
        from nbprod.faces.html import note_html

        self._display(note_html(text), text)

    def _say_for_now(self, text: str) -> None:
        """Show one line where a later one can take its place: a terminal would keep them all."""
        if self._can_update:
            self.say(text)

    def _display(self, html: str, text: str) -> None:
        shown = {"text/html": html, "text/plain": text}
        if self._handle is not None:
            self._handle.update(shown, raw=True)
        else:
            self._handle = display(shown, raw=True, display_id=self._can_update)  # type: ignore[no-untyped-call]
