"""A run's model as a version of the registry: what it is, what it learned from, what it is worth."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from nbprod.errors import NbprodError
from nbprod.running.keeping import kept_of, plan_kept
from nbprod.running.run import run
from nbprod.tracking.metrics import metrics_of
from nbprod.tracking.registry import Version
from nbprod.tracking.roles import roles_of
from nbprod.tracking.windows import held_out_window, model_of, training_window

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbprod.model import Json, Plan, Record
    from nbprod.running.judging import Judge
    from nbprod.settings import Settings
    from nbprod.tracking.roles import Roles
    from nbprod.tracking.windows import Window


class Candidate(Struct, frozen=True, kw_only=True):
    """A run whose model may be promoted: its plan, what its values mean, and the version it would be."""

    record: Record
    plan: Plan
    roles: Roles
    version: Version

    @property
    def model(self) -> Any:
        """The model itself."""
        return model_of(self.record, self.roles)

    @property
    def held_out(self) -> Window:
        """The rows that the run judged its model on."""
        return held_out_window(self.record, self.roles)


def candidate_of(record: Record, *, settings: Settings, name: str | None = None) -> Candidate:
    """What a run offers for promotion; raises NbprodError where it has no model, or can't say what it learned from."""
    plan = kept_plan_of(record)
    roles = roles_of(plan, said=settings.production)
    stage = next((one for one in record.stages if one.stage == roles.model.stage), None)
    artifact = next((one for one in stage.artifacts if one.name == roles.model.name), None) if stage else None
    if artifact is None:
        raise NbprodError(
            f"Run {record.id} gave no '{roles.model.name}': stage '{roles.model.stage}' is "
            f"{stage.state if stage else 'not part of it'}.",
            where=record.folder,
            remedy="Mend what failed and run again.",
        )
    learned = training_window(record, roles)
    trained_from, trained_to = learned.span
    version = Version(
        model=name or record.pipeline,
        run=record.id,
        stage=roles.model.stage,
        value=roles.model.name,
        digest=artifact.digest,
        made=record.started,
        trained_from=trained_from,
        trained_to=trained_to,
        facts={
            "train_rows": len(learned.times),
            "metrics": {**metrics_of(record)},
            "data": data_identity(record, plan),
            "parameters": dict(record.parameters),
        },
    )
    return Candidate(record=record, plan=plan, roles=roles, version=version)


def kept_plan_of(record: Record) -> Plan:
    """The plan that a run kept; raises NbprodError where it kept none."""
    plan = plan_kept(Path(record.folder))
    if plan is None:
        raise NbprodError(
            f"Run {record.id} kept no plan.",
            where=record.folder,
            remedy="It was made by an older nbprod: run the notebook again.",
        )
    return plan


def data_identity(record: Record, plan: Plan) -> dict[str, Json]:
    """What the run's first stages brought in, by digest."""
    first = {stage.name for stage in plan.stages if not stage.needs}
    return {
        f"{stage.stage}.{one.name}": one.digest
        for stage in record.stages
        if stage.stage in first
        for one in stage.artifacts
    }


def run_kept(
    record: Record,
    *,
    root: Path,
    parameters: Mapping[str, object] | None = None,
    until: str | None = None,
    judge: Judge | None = None,
    store: str | None = None,
) -> Record:
    """Run the plan that a run kept, with other parameters where some are given; what is known already is not run again."""
    folder = Path(record.folder) / "plan"
    plan = written_plan(record, folder)
    return run(
        plan,
        plan_folder=folder,
        root=root,
        parameters={**_given(record, plan), **dict(parameters or {})},
        until=until,
        judge=judge,
        store=store,
    )


def written_plan(record: Record, folder: Path, *, cwd: Path | None = None) -> Plan:
    """Write the plan that a run kept to a folder; it runs in `cwd`, or where the run ran."""
    from nbprod.artifacts.store import write_atomically

    plan = kept_plan_of(record)
    for name, text in plan.files.items():
        file = folder / name
        if not file.is_file() or file.read_text(encoding="utf-8") != text:
            write_atomically(file, text, durable=False)
    kept = kept_of(Path(record.folder))
    home = cwd if cwd is not None else Path(kept.cwd if kept else record.folder)
    source = os.path.relpath(home.absolute() / Path(plan.source).name, folder.absolute())
    return replace(plan, source=Path(source).as_posix())


def _given(record: Record, plan: Plan) -> dict[str, object]:
    """The run's parameters, less the secrets, of which it kept nothing."""
    secret = {one.name for one in plan.parameters if one.secret}
    return {name: value for name, value in record.parameters.items() if name not in secret}
