"""A batch scored by a version of the model: by the very stages that made its features, in papermill, judged alike."""

from __future__ import annotations

import json
from collections.abc import Mapping  # noqa: TC003  # `wire` reads the annotations at run time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from nbprod import wire
from nbprod.artifacts.store import write_atomically
from nbprod.errors import NbprodError, did_you_mean
from nbprod.model import Json  # noqa: TC001  # as above
from nbprod.running.records import RUNS, read_record
from nbprod.tracking.entering import candidate_of, run_kept
from nbprod.tracking.scores import predictions, usual_score
from nbprod.tracking.windows import value_of
from nbprod.validating import judge, profile_of

if TYPE_CHECKING:
    from nbprod.model import Plan, Record
    from nbprod.running.place import Place
    from nbprod.settings import Production, Settings
    from nbprod.tracking.entering import Candidate
    from nbprod.tracking.registry import Registry, Version

SCORES = "scores"
PREDICTION = "prediction"


class Batch(Struct, frozen=True, kw_only=True):
    """A batch that a version scored. `file` holds the predictions, `run` made the features; `id` is the ledger's."""

    model: str
    version: int
    scored: str
    source: str
    run: str
    rows: int
    file: str
    id: int = 0
    facts: Mapping[str, Json] = field(default_factory=dict)


def candidate_at(version: Version, *, place: Place, settings: Settings) -> Candidate:
    """The run behind a version; raises StoreError where it is gone."""
    record = read_record(place.state / RUNS / version.run)
    return candidate_of(record, settings=settings, name=version.model)


def data_parameter(plan: Plan, *, said: Production) -> str:
    """The parameter that names the file of a batch; raises NbprodError where several might."""
    names = [one.name for one in plan.parameters]
    if said.data:
        if said.data not in names:
            raise NbprodError(
                f"There is no parameter '{said.data}'.",
                where="[tool.nbprod.production] data",
                remedy=did_you_mean(said.data, names),
            )
        return said.data
    read = {name for stage in plan.stages if not stage.needs for name in stage.reads}
    texts = [one.name for one in plan.parameters if one.type == "str" and one.name in read and not one.secret]
    if len(texts) == 1:
        return texts[0]
    raise NbprodError(
        f"Which parameter names the data? {did_you_mean('', texts) or 'No stage reads one that is text.'}",
        where=plan.name,
        remedy="Say it: [tool.nbprod.production] data = NAME.",
    )


def score_batch(
    version: Version,
    data: str | None,
    *,
    place: Place,
    settings: Settings,
    registry: Registry,
    parameters: Mapping[str, object],
    output: Path | None,
    now: str,
    since: str | None = None,
) -> Batch:
    """Score a file of data, or what the parameters name, and enter the batch in the ledger.

    Rows before the time `since` are history only: they make features, but are not scored.
    Raises NbprodError where a stage fails or the data breaks a critical expectation: nothing is scored then.
    """
    _refuse_unwritable(output)
    from_then = _moment(since)
    candidate = candidate_at(version, place=place, settings=settings)
    values = dict(parameters)
    if data is not None:
        path = Path(data)
        values[data_parameter(candidate.plan, said=settings.production)] = (
            str(path.absolute()) if path.exists() else data
        )
    features = candidate.roles.features
    if features is None:
        raise NbprodError("No stage of kind features gives one table.", where=candidate.plan.name)
    run = run_kept(
        candidate.record,
        root=place.root,
        parameters=values,
        until=features.stage,
        judge=judge,
        store=settings.store,
    )
    refuse_bad(run)
    frame = _later(value_of(run, features), candidate, from_then)
    rows = model_rows(candidate, frame)
    model = candidate.model
    predicted = predictions(model, rows, usual_score(model))
    file = output or place.state / SCORES / version.model / f"{run.id}.parquet"
    _write(frame, predicted, file, time=candidate.roles.time)
    batch = Batch(
        model=version.model,
        version=version.version,
        scored=now,
        source=data or "",
        run=run.id,
        rows=len(frame),
        file=str(file),
        facts={
            "profile": wire.plain(profile_of(rows.assign(**{PREDICTION: predicted}))),
            "span": _span(frame, candidate.roles.time),
            "parameters": wire.plain(run.parameters),
        },
    )
    return enter_batch(registry, batch)


def _refuse_unwritable(output: Path | None) -> None:
    if output is not None and output.suffix != ".parquet":
        raise NbprodError(
            f"Scores are written as parquet, not as '{output.name}'.",
            remedy=f"Name it {output.with_suffix('.parquet').name}.",
        )


def _moment(since: str | None) -> Any:
    import pandas as pd

    if since is None:
        return None
    try:
        return pd.Timestamp(since)
    except ValueError:
        raise NbprodError(
            f"'{since}' is no time to score from.", remedy="Write it as 2026-11-01 or 2026-11-01T06:00."
        ) from None


def _later(frame: Any, candidate: Candidate, since: Any) -> Any:
    if since is None:
        return frame
    time = candidate.roles.time
    if time not in frame.columns:
        raise NbprodError("The features have no time column.", remedy="Score without --since.")
    zone = getattr(frame[time].dtype, "tz", None)
    # A time without a zone is one in the column's own.
    since = since.tz_localize(zone) if since.tzinfo is None else since.tz_convert(zone)
    return frame[frame[time] >= since]


def refuse_bad(run: Record) -> None:
    """Raise NbprodError where a run came to no good end."""
    bad = next((one for one in run.stages if not one.state.is_good), None)
    if bad is not None:
        raise NbprodError(
            f"Nothing is scored: stage '{bad.stage}' {bad.state}: {bad.reason}",
            where=f"run {run.id}",
            remedy="See `nbprod runs last` for the rows.",
        )


def model_rows(candidate: Candidate, frame: Any) -> Any:
    """The features in the columns that the model learned from; raises NbprodError where one is missing."""
    columns = columns_of(candidate)
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        raise NbprodError(
            f"The features lack '{missing[0]}', which the model learned from.",
            where=candidate.plan.name,
            remedy="Columns that the split adds can't be had when scoring: make them features.",
        )
    return frame[columns]


def columns_of(candidate: Candidate) -> list[str]:
    """The columns that the model learned from, in their order."""
    x = candidate.roles.train_x
    stage = next((one for one in candidate.record.stages if x is not None and one.stage == x.stage), None)
    found = next((one for one in stage.artifacts if x and one.name == x.name), None) if stage else None
    return list(found.columns) if found else list(candidate.model.feature_names_in_)


def enter_batch(registry: Registry, batch: Batch) -> Batch:
    """The batch with its number in the ledger."""
    with registry.ledger.writing() as db:
        (number,) = db.execute(
            "insert into batches (model, version, scored, source, run, rows, folder, facts) "
            "values (?,?,?,?,?,?,?,?) returning id",
            (
                batch.model,
                batch.version,
                batch.scored,
                batch.source,
                batch.run,
                batch.rows,
                batch.file,
                json.dumps(dict(batch.facts)),
            ),
        ).fetchone()
    return _numbered(batch, number)


def batches(registry: Registry, model: str) -> tuple[Batch, ...]:
    """Every batch that the model's versions scored, the latest last."""
    with registry.ledger.reading() as db:
        rows = db.execute("select * from batches where model = ? order by id", (model,)).fetchall()
    names = ("model", "version", "scored", "source", "run", "rows", "id")
    return tuple(
        Batch(**{name: row[name] for name in names}, file=row["folder"], facts=json.loads(row["facts"]))
        for row in rows
    )


def _numbered(batch: Batch, number: int) -> Batch:
    from msgspec.structs import replace

    return replace(batch, id=number)


def _write(frame: Any, predicted: Any, file: Path, *, time: str | None) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    scored = frame.assign(**{PREDICTION: predicted})
    scratch = file.with_name(f".{file.name}")
    scored.to_parquet(scratch)
    scratch.replace(file)
    about = {"time": time, "rows": len(scored)}
    write_atomically(file.with_suffix(".json"), json.dumps(about) + "\n", durable=False)


def _span(frame: Any, time: str | None) -> Json:
    if time is None or time not in frame.columns or not len(frame):
        return None
    return [frame[time].min().isoformat(), frame[time].max().isoformat()]
