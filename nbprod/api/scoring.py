"""The champion in use: batches scored, single rows, and the proof that both see the features it was trained on."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from nbprod.api.models import registry_of
from nbprod.api.project import root_of, settings_for

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from nbprod.tracking.parity import Parity
    from nbprod.tracking.scoring import Batch
    from nbprod.tracking.serving import Loaded


def score(
    root: str | os.PathLike[str],
    data: str | os.PathLike[str] | None = None,
    *,
    model: str = "champion",
    parameters: Mapping[str, object] | None = None,
    output: str | os.PathLike[str] | None = None,
    since: str | None = None,
) -> Batch:
    """Score a batch with a version of the model: its own stages make the features, its own suites judge the data.

    `data` is the file that the pipeline's data parameter shall name; rows before the time `since` are history only. Raises NbprodError where the data breaks a
    critical expectation: nothing is scored then.
    """
    from nbprod.running.place import Place
    from nbprod.tracking.scoring import score_batch

    settings = settings_for(root)
    registry = registry_of(root)
    return score_batch(
        registry.named(model),
        str(data) if data is not None else None,
        place=Place(root=Path(root), store_address=settings.store),
        settings=settings,
        registry=registry,
        parameters=parameters or {},
        output=Path(output) if output else None,
        now=datetime.now(UTC).isoformat(),
        since=since,
    )


def load(
    model: str = "champion", *, root: str | os.PathLike[str] = ".", rows_as: str | None = None
) -> Loaded:
    """A version of the model as a function: `load("champion").predict(rows)`.

    A row is what the feature stage takes; `rows_as` names the input that it stands for, where that can't be told.
    """
    from nbprod.running.place import Place
    from nbprod.tracking.scoring import candidate_at
    from nbprod.tracking.serving import loaded

    home = root_of(root)
    settings = settings_for(home)
    version = registry_of(home).named(model)
    place = Place(root=home, store_address=settings.store)
    return loaded(candidate_at(version, place=place, settings=settings), rows_as=rows_as)


def skew(root: str | os.PathLike[str], served: str | os.PathLike[str], *, model: str = "champion") -> Parity:
    """How features that were served (a parquet file) differ from those that the model's run made of the same rows."""
    from nbprod.continuous.arriving import table_in
    from nbprod.errors import NbprodError
    from nbprod.tracking.parity import parity
    from nbprod.tracking.scoring import columns_of
    from nbprod.tracking.windows import value_of

    held = load(model, root=root)
    frame = table_in(Path(served), what="served features")
    if held.key not in frame.columns:
        raise NbprodError(
            f"The served rows lack '{held.key}', which tells rows apart.",
            where=str(served),
            remedy="Log it beside the features.",
        )
    features = held.candidate.roles.features
    assert features is not None  # noqa: S101 - what has no features can't be loaded
    trained = value_of(held.candidate.record, features)
    return parity(trained, frame, key=held.key, columns=columns_of(held.candidate))
