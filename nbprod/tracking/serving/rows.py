"""One row at a time through features and model: by the quickest way that gives the training's features bit for bit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from nbprod.errors import NbprodError
from nbprod.tracking.scores import usual_score
from nbprod.tracking.scoring import columns_of
from nbprod.tracking.serving.compiled import compiled
from nbprod.tracking.serving.door import row_checks, suites_of
from nbprod.tracking.serving.inputs import is_missing
from nbprod.tracking.serving.models import direct
from nbprod.tracking.serving.trace import NotCompiled

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from nbprod.model import Expectation
    from nbprod.tracking.serving.compiled import Compiled
    from nbprod.tracking.serving.models import Answer
    from nbprod.tracking.serving.served import Loaded


class SingleRows(Struct, frozen=True, kw_only=True):
    """A loaded model for one row at a time. `slow` says why features or model go the ordinary way, if they do.

    Of the suites, what one row alone can break is checked; what speaks of many rows is left to batches.
    """

    held: Loaded
    columns: tuple[str, ...]
    quick: Compiled | None
    answer: Answer | None
    checks: tuple[tuple[str, Expectation, Callable[[Any], bool]], ...]
    feature_checks: tuple[tuple[str, Expectation, Callable[[Any], bool]], ...]
    slow: tuple[str, ...] = ()

    def features(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Each feature of a row, as the training had it; raises NbprodError where the row isn't as it must be."""
        if self.quick is not None:
            return self.quick.features(row)
        import pandas as pd

        made = self.held.features(pd.DataFrame([dict(row)]))
        return {str(name): made[name].iloc[0] for name in made.columns}

    def predict(self, row: Mapping[str, Any]) -> Any:
        """What the model says of a row; raises NbprodError where it breaks a critical expectation."""
        _demand(self.checks, row, self.held.rows_as)
        features = self.features(row)
        _demand(self.feature_checks, features, "features")
        if self.answer is not None:
            return self.answer([features[name] for name in self.columns])
        import pandas as pd

        rows = pd.DataFrame([[features[name] for name in self.columns]], columns=list(self.columns))
        return self.held.model.predict(rows)[0]


def single_rows(held: Loaded) -> SingleRows:
    """A loaded model for one row at a time."""
    candidate = held.candidate
    features = candidate.roles.features
    assert features is not None  # noqa: S101 - what has no features can't be loaded
    givers = {need.name: need.giver for need in held.stage.needs}
    slow = []
    quick, answer = None, None
    try:
        quick = compiled(held)
    except NotCompiled as reason:
        slow.append(f"Features by the cells: {reason}")
    try:
        answer = direct(held.model, candidate.held_out.x)
    except NotCompiled as reason:
        slow.append(f"Predictions by scikit-learn: {reason}")
    return SingleRows(
        held=held,
        columns=tuple(columns_of(candidate)),
        quick=quick,
        answer=answer if not usual_score(held.model).needs_chances else None,
        checks=tuple(row_checks(suites_of(candidate, held.rows_as, givers[held.rows_as]))),
        feature_checks=tuple(row_checks(suites_of(candidate, features.name, features.stage))),
        slow=tuple(slow),
    )


def _demand(
    checks: tuple[tuple[str, Expectation, Callable[[Any], bool]], ...], row: Mapping[str, Any], name: str
) -> None:
    for column, expectation, held in checks:
        # A column that isn't there is said where the feature stage takes it.
        if column in row:
            value = row[column]
            try:
                is_held = held(None if is_missing(value) else value)
            except TypeError:
                continue  # of another type: said where the value is taken
            if not is_held:
                raise NbprodError(
                    f"Nothing is predicted: {column} {value!r} of '{name}' breaks {expectation.type}.",
                    remedy="Mend the row; .features(row) doesn't ask.",
                )
