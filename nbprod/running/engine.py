"""The papermill engine `nbprod`: warm kernels, saves by time, a limit on outputs, and word of every cell.

It runs under bare papermill too (`papermill --engine nbprod in.ipynb out.ipynb`).
"""

from __future__ import annotations

import json
import logging
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

# Papermill first: its own loading of engines would otherwise meet this module half made.
import papermill  # noqa: F401
from msgspec import Struct, field
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import Engine, NotebookExecutionManager
from papermill.log import logger

from nbprod.artifacts.once import once
from nbprod.errors import NbprodError
from nbprod.running.kernels import ColdManager, LeanManager
from nbprod.running.provisioner import PRELOAD, WATCH
from nbprod.running.stage import SPILL_SUFFIX

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from nbformat import NotebookNode

NAME = "nbprod"
SECONDS_BETWEEN_SAVES = 5.0
OUTPUT_BYTES_KEPT = 2_000_000
# What a notebook prints beyond that goes to a file beside it, until this would fill the disk.
OUTPUT_BYTES_SPILLED = 1_000_000_000
_IOPUB_SECONDS = 60


class Wishes(Struct, frozen=True, kw_only=True):
    """What the caller of the engine wants besides what papermill can say.

    `hidden` are parameters that no notebook may show; `watch`, `needed` and `after` are statements run unseen in the
    kernel: the first where it does not note what it reads already, and without the second nothing else may run; `on_kernel` hears the kernel's process id as soon as there is one; where `is_cancelled`, no other kernel
    takes the place of one that was ended.
    """

    cwd: str | None = None
    preload: tuple[str, ...] = ()
    timeout_seconds: float | None = None
    cell_timeout_seconds: float | None = None
    hidden: Mapping[str, object] = field(default_factory=dict)
    watch: str = ""
    needed: str = ""
    after: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    on_kernel: Callable[[int], None] | None = None
    on_cell: Callable[[int, int], None] | None = None
    is_cancelled: Callable[[], bool] = bool


class Sparing(NotebookExecutionManager):  # type: ignore[misc] # papermill ships no types
    """Papermill's keeper of a running notebook, less its habit of writing the whole of it after every cell.

    Nor at the end, where nothing was raised: papermill itself writes a notebook that its engine gives back.
    """

    is_given_back = False

    def save(self, **kwargs: Any) -> None:
        age = (self.now() - self.last_save_time).total_seconds()
        is_due = self.end_time is not None and not self.is_given_back
        if is_due or age >= SECONDS_BETWEEN_SAVES:
            super().save(**kwargs)

    def autosave_cell(self) -> None:
        self.save()


class NbprodEngine(Engine):  # type: ignore[misc]
    """Runs a notebook's cells in a kernel forked from a warm process where that can be, else in an ordinary one."""

    @classmethod
    def execute_notebook(  # noqa: PLR0917 - papermill's signature
        cls,
        nb: NotebookNode,
        kernel_name: str,
        output_path: str | None = None,
        progress_bar: bool = True,  # noqa: FBT001, FBT002 - papermill's signature
        log_output: bool = False,  # noqa: FBT001, FBT002
        autosave_cell_every: int = 30,
        **kwargs: Any,
    ) -> Any:
        keeper = Sparing(
            nb,
            output_path=output_path,
            progress_bar=progress_bar,
            log_output=log_output,
            autosave_cell_every=autosave_cell_every,
        )
        keeper.notebook_start()
        try:
            cls.execute_managed_notebook(keeper, kernel_name, log_output=log_output, **kwargs)
            keeper.is_given_back = True
        finally:
            keeper.cleanup_pbar()
            keeper.notebook_complete()
        return keeper.nb

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **options: Any) -> None:
        wishes = options.get("wishes") or Wishes()
        client = Client(
            nb_man,
            wishes=wishes,
            kernel_name=kernel_name,
            kernel_manager_class=LeanManager,
            startup_timeout=options.get("start_timeout", 60),
            timeout=options.get("execution_timeout"),
            timeout_func=_timeouts(wishes),
            iopub_timeout=_IOPUB_SECONDS,
            shutdown_kernel="immediate",
            # A run tells what became of a kernel in its own words.
            log=_silent_log() if "wishes" in options else logger,
            log_output=options.get("log_output", False),
            stdout_file=options.get("stdout_file"),
            stderr_file=options.get("stderr_file"),
            resources={"metadata": {"path": wishes.cwd}} if wishes.cwd else {},
        )
        warm = {PRELOAD: ",".join(wishes.preload)} if wishes.preload else {}
        watched = {WATCH: "1"} if wishes.watch else {}
        client.execute(env={**os.environ, **warm, **watched, **wishes.environment})


class Client(PapermillNotebookClient):  # type: ignore[misc]
    """Papermill's client with the wishes fulfilled."""

    def __init__(self, nb_man: Any, *, wishes: Wishes, **options: Any) -> None:
        super().__init__(nb_man, **options)
        self._wishes = wishes
        self._kept_bytes = 0
        self._may_fork = True
        self._start_options: dict[str, Any] = {}

    def start_new_kernel(self, **kwargs: Any) -> None:
        self._start_options = kwargs
        super().start_new_kernel(**kwargs)
        pid = getattr(getattr(self.km, "provisioner", None), "pid", None)
        if self._wishes.on_kernel and pid:
            self._wishes.on_kernel(pid)

    def start_new_kernel_client(self) -> Any:
        """Connect to the kernel; a forked one that never answers is replaced by an ordinary one, once."""
        try:
            return super().start_new_kernel_client()
        except RuntimeError:
            if not self._may_fork or self._wishes.is_cancelled():
                raise
            self._may_fork = False
            logger.warning("A forked kernel did not answer; an ordinary one takes its place.")
            self.kernel_manager_class = ColdManager
            self.create_kernel_manager()
            self.start_new_kernel(**self._start_options)
            return super().start_new_kernel_client()

    def papermill_execute_cells(self) -> None:
        total = sum(cell.cell_type == "code" for cell in self.nb.cells)
        if not getattr(self.km.provisioner, "is_watched", False):
            self._unseen(self._wishes.watch)
        answer = self._unseen(self._wishes.needed)
        if answer.get("status") == "error":
            raise NbprodError(answer["evalue"])
        pending, done = self._wishes.hidden, 0
        for index, cell in enumerate(self.nb.cells):
            if cell.cell_type == "code" and pending and not _is_parameters(cell):
                self._unseen(f"globals().update(__import__('json').loads({json.dumps(dict(pending))!r}))")
                pending = {}
            if not self._ran(index, cell):
                return
            if cell.cell_type == "code":
                done += 1
                if self._wishes.on_cell:
                    self._wishes.on_cell(done, total)
        self._unseen(self._wishes.after)

    def _ran(self, index: int, cell: Any) -> bool:
        """Whether the cell ran to its end; one that raised is marked, as is one whose kernel died or overran."""
        try:
            self.nb_man.cell_start(cell, index)
            self.execute_cell(cell, index)
        except CellExecutionError as error:
            self.nb_man.cell_exception(cell, cell_index=index, exception=error)
            return False
        except (DeadKernelError, CellTimeoutError) as error:
            self.nb_man.cell_exception(cell, cell_index=index, exception=error)
            raise
        finally:
            self.nb_man.cell_complete(cell, cell_index=index)
        return True

    def process_message(self, message: Any, cell: Any, cell_index: int) -> Any:
        """As papermill does, but what a notebook could not hold goes to a file beside it, and that is said."""
        if message.get("msg_type") == "stream":
            text = message["content"].get("text", "")
            room = OUTPUT_BYTES_KEPT - self._kept_bytes
            self._kept_bytes += len(text)
            if len(text) > room:
                place = self._spilled(text[max(0, room) :])
                if room <= 0:
                    return None
                message["content"]["text"] = f"{text[:room]}\n[what follows {place}]\n"
        return super().process_message(message, cell, cell_index)

    def _spilled(self, text: str) -> str:
        """Where the text has gone, in words."""
        path = spill_path(self.nb_man.output_path)
        if path is None:
            return "was left out: this notebook has printed enough"
        if self._kept_bytes <= OUTPUT_BYTES_KEPT + OUTPUT_BYTES_SPILLED:
            with path.open("a", encoding="utf-8", errors="replace") as file:
                file.write(text)
        return f"stands in {path.name}"

    def _unseen(self, code: str) -> Mapping[str, Any]:
        """Run code that leaves no trace in the notebook, and give what the kernel answers."""
        if not code:
            return {}
        request = self.kc.execute(code, silent=True, store_history=False, allow_stdin=False)
        answer: Mapping[str, Any] | None = self.wait_for_reply(request)
        return answer["content"] if answer else {}


def spill_path(output: str | None) -> Path | None:
    """The file beside an executed notebook for what it could not hold; None where it is not on a local disk."""
    if not output or output == "-" or "://" in output:
        return None
    return Path(output).with_suffix(SPILL_SUFFIX)


def _timeouts(wishes: Wishes) -> Callable[[Any], int] | None:
    """How long a cell may take that begins now, in whole seconds as nbclient wants them."""
    if wishes.timeout_seconds is None and wishes.cell_timeout_seconds is None:
        return None
    deadline = time.monotonic() + (wishes.timeout_seconds or float("inf"))
    longest = wishes.cell_timeout_seconds or float("inf")
    return lambda _: max(1, int(min(deadline - time.monotonic(), longest)))


@once
def _silent_log() -> logging.Logger:
    log = logging.getLogger("nbprod.kernels")
    log.addHandler(logging.NullHandler())
    log.propagate = False
    return log


def _is_parameters(cell: Any) -> bool:
    return bool({"parameters", "injected-parameters"} & set(cell.metadata.get("tags", ())))
