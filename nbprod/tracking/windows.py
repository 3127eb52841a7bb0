"""The rows that a model learned from and those that it is judged on, with their times, as a run gave them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from nbprod.errors import NbprodError
from nbprod.running.records import given_by

if TYPE_CHECKING:
    from nbprod.model import Record
    from nbprod.tracking.registry import Version
    from nbprod.tracking.roles import Roles, Value


class Window(Struct, frozen=True, kw_only=True):
    """Rows for a model, the labels where there are any, and each row's time."""

    x: Any
    y: Any
    times: Any

    @property
    def span(self) -> tuple[str, str]:
        """The times of the first and the last row, in ISO 8601."""
        return str(self.times.min().isoformat()), str(self.times.max().isoformat())

    def after(self, time: Any) -> Window:
        """The rows that are strictly later than a time."""
        kept = (self.times > time).to_numpy()
        return Window(x=self.x[kept], y=None if self.y is None else self.y[kept], times=self.times[kept])


def value_of(record: Record, value: Value) -> Any:
    """A value as the run gave it; raises NbprodError where it is gone."""
    found = given_by(record, {value.name: value.stage})
    if value.name not in found:
        raise NbprodError(f"Stage '{value.stage}' left '{value.name}' unbound.", where=record.folder)
    return found[value.name]


def model_of(record: Record, roles: Roles) -> Any:
    """The model that a run trained."""
    return value_of(record, roles.model)


def training_window(record: Record, roles: Roles) -> Window:
    """What the run's model was fitted on; raises NbprodError where the code doesn't say it."""
    return _window(record, roles, roles.train_x, roles.train_y, prefix="train")


def held_out_window(record: Record, roles: Roles) -> Window:
    """What the run judged its model on; raises NbprodError where the code doesn't say it."""
    return _window(record, roles, roles.test_x, roles.test_y, prefix="test")


def later_than(window: Window, *versions: Version) -> Any:
    """The last moment that any of these versions learned from, in the window's own kind of time."""
    import pandas as pd

    seen = [pd.Timestamp(one.trained_to) for one in versions if one.trained_to]
    zone = window.times.dt.tz
    return max(one if zone is None or one.tzinfo else one.tz_localize(zone) for one in seen)


def _window(record: Record, roles: Roles, x: Value | None, y: Value | None, *, prefix: str) -> Window:
    # What a model learned from matters for its times alone; what it is judged on needs its labels.
    if x is None or (y is None and prefix == "test"):
        lacking = "rows" if x is None else "labels"
        was = "was fitted on" if prefix == "train" else "was judged on"
        raise NbprodError(
            f"The plan does not say which {lacking} '{roles.model.name}' {was}.",
            where=record.pipeline,
            remedy=f"Give them in a stage before, or name them: [tool.nbprod.production] {prefix}_x, {prefix}_y.",
        )
    rows, labels = value_of(record, x), value_of(record, y) if y else None
    times = _times(record, roles, rows)
    if len(times) == 0:
        raise NbprodError(f"'{x.name}' has no rows.", where=record.folder)
    return Window(x=rows, y=labels, times=times)


def _times(record: Record, roles: Roles, rows: Any) -> Any:
    """Each row's time: from its own column, or from the features by the index that both share."""
    name = roles.time
    if name is None:
        raise NbprodError(
            "No stage says which column is the time.",
            where=record.pipeline,
            remedy="Write `%%stage features --time COLUMN`, or [tool.nbprod.production] time = COLUMN.",
        )
    if name in getattr(rows, "columns", ()):
        return rows[name].reset_index(drop=True)
    frame: Any = value_of(record, roles.features) if roles.features else None
    if _share_index(frame, rows) and name in frame.columns:
        return frame.loc[rows.index, name].reset_index(drop=True)
    raise NbprodError(
        f"The rows' times can't be told: '{name}' is not among their columns, nor do they share the features' index.",
        where=record.pipeline,
        remedy="Keep the features' index when splitting (no merge, no reset), or leave the time column in.",
    )


def _share_index(frame: Any, rows: Any) -> bool:
    """Whether the rows are rows of the frame under their own index: an index that only counts proves nothing."""
    both = hasattr(frame, "columns") and hasattr(frame, "index") and hasattr(rows, "index")
    if not both or not frame.index.is_unique or not rows.index.isin(frame.index).all():
        return False
    shared = [name for name in getattr(rows, "columns", ()) if name in frame.columns]
    same = [_agree(frame.loc[rows.index, name], rows[name]) for name in shared]
    return bool(same) and all(same)


def _agree(one: Any, other: Any) -> bool:
    """Whether two columns are equal wherever neither is missing, as a split may fill what is missing."""
    known = one.notna().to_numpy() & other.notna().to_numpy()
    return bool((one.to_numpy()[known] == other.to_numpy()[known]).all())
