"""The verb: run the plan, run the notebook, compare."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from nbprod.artifacts.comparing import Compared, read_report
from nbprod.artifacts.store import write_atomically
from nbprod.errors import NbprodError
from nbprod.extract import plan_of
from nbprod.model import Kind, PlannedStage, Severity, State, Study
from nbprod.running.place import pinned_environment
from nbprod.running.run import run
from nbprod.running.stage import Attempt, attempted
from nbprod.verifying.cuts import Cut, flow_cut
from nbprod.verifying.whole import STAGE, whole_notebook

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from nbprod.model import Event, Finding, Flow, Notebook, Plan, Record


# One of two random numbers may well be drawn again and again: eight runs agree by chance in one of 128.
_REPEATS = 7


class Outcome(StrEnum):
    """What a comparison came to."""

    EQUAL = "equal"
    DIFFERENT = "different"
    NOT_COMPARED = "not compared"


class Proven(Struct, frozen=True, kw_only=True):
    """One name that a stage gives: `says` holds the first difference, or why there was no comparison."""

    stage: str
    name: str
    outcome: Outcome
    says: str = ""


class Verification(Struct, frozen=True, kw_only=True):
    """The whole proof. `refused` holds the findings for which nothing was run, `failure` what went wrong in a run."""

    notebook: str
    cut: Cut
    values: tuple[Proven, ...] = ()
    refused: tuple[Finding, ...] = ()
    failure: str = ""

    @property
    def is_equal(self) -> bool:
        """Whether both ran and no value differs."""
        return not self.refused and not self.failure and not self.different

    @property
    def different(self) -> tuple[Proven, ...]:
        """The values that the plan computes differently."""
        return tuple(one for one in self.values if one.outcome is Outcome.DIFFERENT)


def verify(
    notebook: Notebook,
    *,
    cut: Cut,
    folder: Path,
    cwd: Path,
    on_event: Callable[[Event], None] | None = None,
) -> Verification:
    """Run the notebook as a plan and top to bottom, and compare every value that a stage gives.

    All files are written into `folder`; cells run in `cwd`. Where values differ, the notebook is run up to seven times
    more: a value that differs from itself from run to run is not compared.
    """
    flow, findings = flow_cut(notebook, cut)
    verification = Verification(notebook=notebook.name, cut=cut)
    refused = tuple(one for one in findings if one.severity is Severity.ERROR)
    if refused:
        return replace(verification, refused=refused)
    if not flow.stages:
        raise NbprodError(
            "No cell is in a stage.", where=notebook.name, remedy="Verify with `--cut suggested`."
        )
    record = _run_plan(notebook, flow, folder=folder, cwd=cwd, on_event=on_event)
    given = Path(record.folder) / "artifacts"
    first = _run_whole(notebook, flow, number=1, compare_with=given, folder=folder, cwd=cwd)
    if record.state is not State.DONE:
        return replace(verification, failure=_plan_failure(record, whole=first))
    if isinstance(first, str):
        return replace(verification, failure=first)
    unstable: dict[tuple[str, str], Compared] = {}
    for number in range(2, 2 + _REPEATS):
        if all(one.difference is None or (one.stage, one.name) in unstable for one in first):
            break
        again = _run_whole(
            notebook, flow, number=number, compare_with=folder / "whole-1", folder=folder, cwd=cwd
        )
        if isinstance(again, str):
            return replace(verification, failure=again)
        unstable |= {(one.stage, one.name): one for one in again if one.difference}
    return replace(verification, values=tuple(_proven(first, unstable)))


def _proven(compared: Iterable[Compared], unstable: dict[tuple[str, str], Compared]) -> Iterable[Proven]:
    for one in compared:
        if one.why_not:
            outcome, says = Outcome.NOT_COMPARED, one.why_not
        elif one.difference is None:
            outcome, says = Outcome.EQUAL, ""
        elif (one.stage, one.name) in unstable:
            again = unstable[one.stage, one.name].difference
            outcome, says = (
                Outcome.NOT_COMPARED,
                f"it differs from run to run of the notebook itself: {again}",
            )
        else:
            outcome, says = Outcome.DIFFERENT, one.difference
        yield Proven(stage=one.stage, name=one.name, outcome=outcome, says=says)


def _run_plan(
    notebook: Notebook, flow: Flow, *, folder: Path, cwd: Path, on_event: Callable[[Event], None] | None
) -> Record:
    source = cwd / Path(notebook.name).name
    plan: Plan = plan_of(notebook, Study(notebook=notebook.name, flow=flow), source=str(source))
    plan_folder = folder / "plan"
    for name, text in plan.files.items():
        write_atomically(plan_folder / name, text)
    return run(plan, plan_folder=plan_folder, root=folder, on_event=on_event, force=True)


def _run_whole(
    notebook: Notebook, flow: Flow, *, number: int, compare_with: Path, folder: Path, cwd: Path
) -> tuple[Compared, ...] | str:
    """The comparisons, or why the notebook does not run from top to bottom."""
    name = f"whole-{number}"
    report = folder / f"{name}.jsonl"
    file = folder / f"{name}.ipynb"
    write_atomically(file, whole_notebook(notebook, flow, compare_with=str(compare_with), report=str(report)))
    attempt = Attempt(
        stage=PlannedStage(name=STAGE, kind=Kind.OTHER, notebook=file.name),
        notebook=file,
        output=folder / f"{name}.out.ipynb",
        cwd=cwd,
        artifacts=folder / name,
        environment={**pinned_environment(), **({} if number == 1 else _other_memory(number))},
    )
    outcome = attempted(attempt)
    if outcome.manifest is None:
        return f"The notebook does not run from top to bottom: {outcome.reason}"
    return read_report(report)


def _other_memory(number: int) -> dict[str, str]:
    """Has the C library fill new memory with this byte, else kernels that are forked alike find the same leavings."""
    return {"MALLOC_PERTURB_": str(number)}


def _plan_failure(record: Record, *, whole: tuple[Compared, ...] | str) -> str:
    """Why the plan did not run to its end: its own fault, or that of a notebook that fails in the same way."""
    failed = next((one for one in record.stages if one.state is State.FAILED), record.stages[0])
    if isinstance(whole, str) and whole.endswith(failed.reason):
        return whole
    return f"Stage '{failed.stage}' of the plan failed: {failed.reason}"
