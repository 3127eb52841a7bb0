"""A version of the model as a function: the cells that made its training features, then the model."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from nbprod.artifacts import hidden_state
from nbprod.errors import NbprodError
from nbprod.running.records import given_by
from nbprod.tracking.scores import predictions, usual_score
from nbprod.tracking.scoring import model_rows
from nbprod.tracking.serving.door import admitted, demand_suites

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from nbprod.model import PlannedStage
    from nbprod.tracking.entering import Candidate
    from nbprod.tracking.serving.rows import SingleRows

_NOT_RUN = frozenset({"nbprod:inputs", "nbprod:outputs", "injected-parameters"})


class Loaded(Struct, frozen=True, kw_only=True):
    """A champion in memory. `rows_as` is the input of the feature stage that rows of `predict` stand for.

    The other inputs (`context`) are those that its own run had, unless others are given.
    """

    candidate: Candidate
    model: Any
    stage: PlannedStage
    cells: tuple[Any, ...]
    context: Mapping[str, Any]
    rows_as: str
    key: str

    def predict(self, rows: Any, *, judged: bool = True) -> Any:
        """What the model says of each row, in their order; rows are what the feature stage takes.

        Raises NbprodError where rows lack a column or have one of another type, and, if `judged`, where they and the
        history together break a critical expectation of the plan's suites, or their features do.
        """
        together = self._with_history(rows)
        made = self.made({**self.context, self.rows_as: together})
        features = self.candidate.roles.features
        if judged and features:
            giver = next(need.giver for need in self.stage.needs if need.name == self.rows_as)
            demand_suites(self.candidate, self.rows_as, giver, together)
            demand_suites(self.candidate, features.name, features.stage, made)
        model_features = model_rows(self.candidate, self._chosen(made, rows))
        return predictions(self.model, model_features, usual_score(self.model))

    def features(self, rows: Any) -> Any:
        """The rows' features, by the cells that made the model's, in the order of the rows.

        The rows join the history that the run had; one of the same key takes the place of the earlier one.
        """
        return self._chosen(self.made({**self.context, self.rows_as: self._with_history(rows)}), rows)

    def single_rows(self) -> SingleRows:
        """The same for one row at a time, by the quickest way that gives the same features bit for bit."""
        from nbprod.tracking.serving.rows import single_rows

        return single_rows(self)

    def _with_history(self, rows: Any) -> Any:
        import pandas as pd

        history = self.context[self.rows_as]
        own = admitted(rows, history=history, key=self.key)
        together = pd.concat([history[~history[self.key].isin(own[self.key])], own], ignore_index=True)
        time = self.candidate.roles.time
        return (
            together.sort_values(time, kind="stable", ignore_index=True)
            if time in together.columns
            else together
        )

    def _chosen(self, made: Any, rows: Any) -> Any:
        if self.key not in getattr(made, "columns", ()):
            raise NbprodError(f"The feature stage gives no '{self.key}' any more.")
        known = made.set_index(self.key, drop=False)
        missing = [one for one in rows[self.key] if one not in known.index]
        if missing:
            raise NbprodError(f"The feature stage leaves out the row with {self.key} {missing[0]!r}.")
        return known.loc[list(rows[self.key])].reset_index(drop=True)

    def with_context(self, **values: Any) -> Loaded:
        """The same with other inputs of the feature stage: later history, say."""
        from msgspec.structs import replace

        return replace(self, context={**self.context, **values})

    def made(
        self, inputs: Mapping[str, Any], *, before: Callable[[Mapping[str, Any]], None] = lambda _: None
    ) -> Any:
        """What the cells make of these inputs; `before` is told the copies that they get."""
        namespace: dict[str, Any] = {"__name__": "__main__", "display": lambda *_, **__: None}
        values = self.candidate.record.parameters
        parameters = {name: values[name] for name in self.stage.reads if name in values}
        own = {name: _own(value) for name, value in inputs.items()}
        before(own)
        for number, cell in enumerate(self.cells):
            exec(cell, namespace)  # noqa: S102 - the cells that made the model's features
            if number == 0:
                # Parameters come first, definitions next; inputs may be asked for from there on.
                namespace |= parameters | own
        features = self.candidate.roles.features
        return namespace[features.name] if features else None


def loaded(candidate: Candidate, *, rows_as: str | None = None) -> Loaded:
    """A version as a function; raises NbprodError where it can't be told what a row is."""
    features = candidate.roles.features
    if features is None:
        raise NbprodError("No stage of kind features gives one table.", where=candidate.plan.name)
    stage = candidate.plan.stage(features.stage)
    needs = {need.name: need.giver for need in stage.needs if not hidden_state.is_hidden(need.name)}
    context = given_by(candidate.record, needs)
    name = rows_as or _row_input(candidate, context)
    return Loaded(
        candidate=candidate,
        model=candidate.model,
        stage=stage,
        cells=_cells(candidate.plan.files[stage.notebook]),
        context=context,
        rows_as=name,
        key=_key(candidate, context[name]),
    )


def _row_input(candidate: Candidate, context: Mapping[str, Any]) -> str:
    """The input with the time column of the features: a row of it becomes a row of them."""
    time = candidate.roles.time
    names = [name for name, one in context.items() if time in getattr(one, "columns", ())]
    if len(names) == 1:
        return names[0]
    told = ", ".join(names) if names else "none has the time column"
    raise NbprodError(
        f"Which input of the feature stage do rows stand for? {told}.",
        where=candidate.plan.name,
        remedy=f"Say it: load(..., rows_as=NAME). Inputs: {', '.join(context)}.",
    )


def _key(candidate: Candidate, rows: Any) -> str:
    """The column that tells rows apart, in what the stage takes and in what it gives."""
    features = candidate.roles.features
    given = next(
        (
            set(one.columns)
            for stage in candidate.record.stages
            if features and stage.stage == features.stage
            for one in stage.artifacts
            if one.name == features.name
        ),
        set[str](),
    )
    found = [name for name in rows.columns if name in given and rows[name].is_unique]
    # A measure or a time may happen to be unique so far; whatever else is unique was made to be.
    found.sort(key=lambda name: (rows[name].dtype.kind == "f", name == candidate.roles.time))
    if not found:
        raise NbprodError(
            "No column that the feature stage takes and gives tells its rows apart.",
            where=candidate.plan.name,
            remedy="Keep a column with a number or name of the row in the features.",
        )
    return str(found[0])


def _cells(notebook: str) -> tuple[Any, ...]:
    from nbprod.flow.ipython import python_text

    cells = [cell for cell in json.loads(notebook)["cells"] if cell["cell_type"] == "code"]
    own = [cell for cell in cells if not _NOT_RUN & set(cell.get("metadata", {}).get("tags", ()))]
    return tuple(
        compile(python_text("".join(cell["source"])), f"<cell {cell['id']}>", "exec", dont_inherit=True)
        for cell in own
    )


def _own(value: Any) -> Any:
    """A copy that the cells may change, as each run of the stage has its own."""
    from copy import deepcopy

    return value.copy() if hasattr(value, "iloc") else deepcopy(value)
