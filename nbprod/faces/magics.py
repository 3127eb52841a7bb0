"""The magics `%%stage`, `%%parameters`, `%%expect`, `%expect` and `%pipeline`.

A tagged cell isn't run by a magic at all: before IPython compiles it, its first line becomes a comment. So the
cell's last value, its errors and their lines, `await`, and the cell magics below it are what they always are.
"""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from IPython.core.completer import context_matcher
from IPython.core.error import UsageError
from IPython.core.magic import Magics, cell_magic, line_cell_magic, line_magic, magics_class
from IPython.display import display

from nbprod.errors import NbprodError, did_you_mean
from nbprod.faces.session import Session, notebook_file

if TYPE_CHECKING:
    from collections.abc import Callable

    from IPython.core.completer import CompletionContext
    from IPython.core.interactiveshell import ExecutionInfo, ExecutionResult, InteractiveShell

    from nbprod.faces.magic_replay import CellReplay
    from nbprod.model import Cell, Finding, Notebook

_MAGIC = re.compile(r"^\s*(%%stage|%%?expect|%pipeline)\s", re.MULTILINE)
EXPECT_SUBCOMMANDS = ("infer", "list")


def untagged(lines: list[str]) -> list[str]:
    """A cell's lines with a first line `%%stage` or `%%parameters` made a comment, so that all lines keep their place.

    Above another cell magic the line is dropped: that magic must come first. A line with a mistake stays, and the
    magic below says what is wrong with it.
    """
    if not lines or not lines[0].startswith(("%%stage", "%%parameters")) or not _is_tagged("".join(lines)):
        return lines
    rest = lines[1:]
    first = next((one for one in rest if one.strip()), "")
    if first.startswith("%%"):
        return rest[rest.index(first) :]
    return [f"# {lines[0]}", *rest]


# Without this, a terminal would take the comment for a finished cell.
untagged.has_side_effects = True  # type: ignore[attr-defined]


def _is_tagged(source: str) -> bool:
    from nbprod.notebook import ParametersLine, StageLine, magic_line

    try:
        return isinstance(magic_line(_cell(source)), StageLine | ParametersLine)
    except NbprodError:
        return False


def _cell(source: str) -> Cell:
    from nbprod.model import Cell, CellKind

    return Cell(id="cell", index=0, position=0, kind=CellKind.CODE, source=source)


@magics_class
class PipelineMagics(Magics):
    """The magics of one shell, and what that shell has run so far."""

    def __init__(self, shell: InteractiveShell) -> None:
        super().__init__(shell)
        self.shell: InteractiveShell = shell
        self.session = Session(_cells_run_before(shell))
        self._depth = 0
        self._replay: CellReplay | None = None

    # What is seen of every cell

    def before_cell(self, info: ExecutionInfo) -> None:
        """Remember the cell, unless it is run from within another one."""
        self._depth += 1
        source = info.raw_cell or ""
        if self._depth == 1 and not info.silent and not _only_asks(source):
            position = self.session.saw(source, info.cell_id)
            self._replay = self._replay_of(source, position)

    def after_cell(self, result: ExecutionResult) -> None:
        """Show under a tagged cell what leaks in it."""
        self._depth = max(0, self._depth - 1)
        info = result.info
        if self._depth or info is None or info.silent:
            return
        replay, self._replay = self._replay, None
        if not result.success:
            self.session.failed(info.raw_cell or "", info.cell_id)
            if replay is not None:
                replay.say("Not replayed: the cell failed.")
            return
        source = info.raw_cell or ""
        if not source.lstrip().startswith("%%stage"):
            return
        position = self.session.saw(source, info.cell_id)
        if replay is not None:
            replay.show()
            return
        leaks = self._leaks(position)
        if leaks:
            from nbprod.faces.html import findings_html
            from nbprod.faces.text import finding_text

            _show(findings_html(leaks), "\n".join(map(finding_text, leaks)))

    def _replay_of(self, source: str, position: int) -> CellReplay | None:
        """What is needed to replay a cell that asks for it, taken before it runs."""
        from nbprod.notebook import StageLine, magic_line

        line = magic_line(_cell(source)) if _is_tagged(source) else None
        if not isinstance(line, StageLine) or not line.replay:
            return None
        from nbprod.faces.magic_replay import CellReplay

        return CellReplay(self.session, position, shell=self.shell)

    def _leaks(self, position: int) -> list[Finding]:
        from nbprod import api
        from nbprod.model import Proof

        try:
            findings = api.study(self.session.notebook()).findings
        except NbprodError:
            return []  # of a notebook that is half run, nothing can be said yet
        silent = (None, Proof.PROVED_CLEAN, Proof.UNPROVED)
        return [
            one for one in findings if one.verdict not in silent and one.span and one.span.cell == position
        ]

    def matcher(self) -> Callable[[CompletionContext], Any]:
        """A matcher for IPython's completer; silent outside of these magics."""

        @context_matcher(identifier="nbprod")  # type: ignore[untyped-decorator]
        def match(context: CompletionContext) -> Any:
            if not _MAGIC.search(context.full_text):
                return {"completions": []}
            from nbprod.faces.completing import matches

            return matches(context, self.shell.user_ns, session=self.session)

        match.magics = self
        return match  # type: ignore[no-any-return]

    # The magics

    @cell_magic
    def stage(self, line: str, cell: str) -> None:
        """Run this cell as usual and make it part of a stage of the pipeline.

        %%stage NAME [--kind KIND] [--time COLUMN] [--entity COLUMN] [--known COLUMN=TIME_COLUMN]
                     [--retries N] [--timeout SECONDS] [--cell-timeout SECONDS] [--replay]

        KIND is load, clean, features, split, train, evaluate, score or other. --time names the column of each
        row's time, --entity the column of what the row is about; --known says that a column is known only from
        the time in another column on. Options stand on one of the stage's cells. Leaks that nbprod finds in the
        cell are shown under it; with --replay they are also proved, by running the cell again in another process
        without the future.

        Example::

            %%stage features --time dep_time --known arr_delay=arr_time
            flights["speed"] = flights["distance"] / flights["air_time"]
        """
        self._run_tagged(f"%%stage {line}\n{cell}", cell)

    @cell_magic
    def parameters(self, line: str, cell: str) -> None:
        """Run this cell as usual and let its assignments be the pipeline's parameters.

        Example::

            %%parameters
            month: int = 3  # which month to predict
        """
        self._run_tagged(f"%%parameters {line}\n{cell}", cell)

    def _run_tagged(self, source: str, body: str) -> None:
        """Reached only where the first line has a mistake, or where other code calls the magic."""
        from nbprod.notebook import magic_line

        try:
            magic_line(_cell(source))
        except NbprodError as error:
            _refuse(error)
        self.shell.run_cell(body, store_history=False).raise_error()  # type: ignore[no-untyped-call]

    @line_cell_magic
    def expect(self, line: str, cell: str | None = None) -> None:
        """Say what must hold of a value, and judge the live value at once.

        %%expect NAME [--stage STAGE] [--on-broken stop|quarantine|warn]
                                          one or more of Great Expectations' expectations, without `Expect`
        %expect infer NAME                propose a suite for the value, as a new cell
        %expect list [WORD]               the expectations there are

        Example::

            %%expect flights
            ColumnValuesToNotBeNull(column="carrier")
            ColumnValuesToBeBetween(column="distance", min_value=1, severity="warning")
        """
        if cell is None:
            self._expect_line(line)
            return
        from nbprod import api
        from nbprod.expectations import suite_of
        from nbprod.faces.html import verdicts_html
        from nbprod.faces.record_text import verdicts_text

        try:
            suite = suite_of(_cell(f"%%expect {line}\n{cell}"))
            value = self._live(suite.value)
            show = self._waiting(f"Judging '{suite.value}' ...")
            verdicts = api.validate(value, suite)
        except NbprodError as error:
            _refuse(error)
        show(verdicts_html(verdicts), verdicts_text(verdicts))

    def _waiting(self, text: str) -> Callable[[str, str], None]:
        """How to show a result that takes a while: the first judgement of a session loads Great Expectations."""
        if "great_expectations" in sys.modules or not hasattr(self.shell, "kernel"):
            return _show
        from nbprod.faces.html import note_html

        waiting = {"text/html": note_html(text), "text/plain": text}
        handle: Any = display(waiting, raw=True, display_id=True)  # type: ignore[no-untyped-call]
        return lambda html, said: handle.update({"text/html": html, "text/plain": said}, raw=True)

    def _expect_line(self, line: str) -> None:
        match line.split():
            case ["infer", name]:
                from nbprod import api

                try:
                    self.shell.set_next_input(api.infer(self._live(name), name))
                except NbprodError as error:
                    _refuse(error)
            case ["list", *words]:
                from nbprod.expectations import all_signatures

                wanted = "".join(words).replace("_", "").lower()
                names = [one.short_name for one in all_signatures() if wanted in one.short_name.lower()]
                print("\n".join(names))  # noqa: T201
            case [word, *_]:
                raise UsageError(
                    f"%expect {line} is not understood. {did_you_mean(word, EXPECT_SUBCOMMANDS)} "
                    "Write `%expect infer NAME`, or `%%expect NAME` above expectations."
                )
            case _:
                raise UsageError("Write `%expect infer NAME`, or `%%expect NAME` above expectations.")

    def _live(self, name: str) -> object:
        if name in self.shell.user_ns:
            found: object = self.shell.user_ns[name]
            return found
        known = [one for one in self.shell.user_ns if not one.startswith("_")]
        near = did_you_mean(name, known) if known else ""
        raise NbprodError(f"There is no value '{name}' yet.", remedy=near or "Run the cell that makes it.")

    @line_magic
    def pipeline(self, line: str) -> None:
        """Show, check, extract or run this notebook's pipeline.

        %pipeline [show|check|extract|run] [NOTEBOOK] [options]

        NOTEBOOK is a path; without one, this notebook as it was last saved, or else the cells run so far.

        show, check    --json                print the study, or the findings, as JSON
        extract        -o FOLDER             where the plan goes
                       --force               overwrite files that were edited by hand
        run            -p NAME=VALUE         set a parameter
                       --from STAGE          start here
                       --until STAGE         stop after this one
                       --only STAGE          run this one only
                       --workers N           how many stages may run at once
                       --force               run again what hasn't changed
        extract, run   --allow RULE=REASON   let a rule's findings pass

        Example::

            %pipeline run -p month=3
        """
        from nbprod.faces import pipeline

        try:
            options = pipeline.options_of(line)
            notebook = self._notebook(options.notebook)
            match options.what:
                case "show":
                    pipeline.show(notebook, options)
                case "check":
                    pipeline.check(notebook, options)
                case "extract":
                    pipeline.extract(notebook, options)
                case _:
                    pipeline.run(notebook, options, is_live=hasattr(self.shell, "kernel"))
        except NbprodError as error:
            _refuse(error)

    def _notebook(self, given: str | None) -> Notebook:
        """The notebook that is meant: the given file, this session's, or the cells run so far."""
        from nbprod import api

        file = Path(given) if given else notebook_file(self.shell.user_ns)
        if file is not None:
            return api.read(file)
        if not len(self.session):
            raise NbprodError(
                "No cell has been run yet, and the notebook's file is not known.",
                remedy="Give its path, as in `%pipeline show flights.ipynb`.",
            )
        return self.session.notebook()


def _only_asks(source: str) -> bool:
    """Whether a cell only asks about the pipeline, and so is no part of it."""
    words = shlex.split(source, comments=True) if source.lstrip().startswith("%pipeline") else []
    return bool(words) and len(source.strip().splitlines()) == 1


def _cells_run_before(shell: InteractiveShell) -> list[str]:
    """What was run before the extension was loaded, the loading cell included."""
    history: Any = getattr(shell.history_manager, "input_hist_raw", [])
    return [source for source in history if source.strip() and not _only_asks(source)]


def _show(html: str, text: str) -> None:
    display({"text/html": html, "text/plain": text}, raw=True)  # type: ignore[no-untyped-call]


def _refuse(error: NbprodError) -> NoReturn:
    # In a cell that is being run, only the line is news.
    where = error.where.removeprefix("cell 1, ")
    raise UsageError(str(type(error)(error.what, where=where, remedy=error.remedy))) from None


def load(shell: InteractiveShell) -> None:
    """Register the magics, their completions, and what watches the cells."""
    magics = PipelineMagics(shell)
    shell.register_magics(magics)
    shell.input_transformers_cleanup.append(untagged)
    shell.events.register("pre_run_cell", magics.before_cell)
    shell.events.register("post_run_cell", magics.after_cell)
    shell.Completer.custom_matchers.append(magics.matcher())
    # The cell that loads the extension is running already: its end will be seen, its start wasn't.
    magics._depth = 1  # noqa: SLF001


def unload(shell: InteractiveShell) -> None:
    """Take everything back that `load` did."""
    magics = shell.magics_manager.registry.pop("PipelineMagics", None)
    if not isinstance(magics, PipelineMagics):
        return
    for kind, names in (("line", ("pipeline", "expect")), ("cell", ("stage", "parameters", "expect"))):
        for name in names:
            shell.magics_manager.magics[kind].pop(name, None)
    shell.input_transformers_cleanup.remove(untagged)
    shell.events.unregister("pre_run_cell", magics.before_cell)
    shell.events.unregister("post_run_cell", magics.after_cell)
    matchers = shell.Completer.custom_matchers
    matchers[:] = [one for one in matchers if getattr(one, "magics", None) is not magics]
