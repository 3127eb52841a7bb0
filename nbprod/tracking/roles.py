"""Which values of a plan are the model, the rows it learns from and the rows it is judged on: read from the code.

The stage that trains says it by `model.fit(X, y)`, a later one by `model.predict(X)` and `metric(y, predicted)`. What the
code leaves open is never guessed: `[tool.nbprod.production]` says it.
"""

from __future__ import annotations

import ast
import json
from typing import TYPE_CHECKING

from msgspec import Struct

from nbprod.errors import NbprodError
from nbprod.model import Kind
from nbprod.settings import Production
from nbprod.trees import module_tree

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from nbprod.model import Plan, PlannedStage

_PREDICTING = frozenset({"predict", "predict_proba", "decision_function", "score"})


class Value(Struct, frozen=True, kw_only=True):
    """A value by its name and the stage that gives it."""

    name: str
    stage: str


class Roles(Struct, frozen=True, kw_only=True):
    """The values of a plan that a promotion and a score need; None for what the code doesn't name.

    `features` is the frame that the feature stage gives, `time` its column of times.
    """

    model: Value
    train_x: Value | None = None
    train_y: Value | None = None
    test_x: Value | None = None
    test_y: Value | None = None
    features: Value | None = None
    time: str | None = None


def roles_of(plan: Plan, *, said: Production | None = None) -> Roles:
    """The roles in a plan; `said` settles what the code leaves open.

    Raises NbprodError where no stage trains, or several values might be the model.
    """
    said = said or Production()
    fits = [(stage, fit) for stage in plan.stages for fit in _fits(stage, plan)]
    stage, fit = _chosen_fit(plan, fits, said)
    model = Value(name=fit.model, stage=stage.name)
    used = _use_of(plan, stage, fit.model)
    features = _feature_stage(plan)
    test_x = _value(plan, said.test_x or used.x, by=used.stage)
    return Roles(
        model=model,
        train_x=_value(plan, said.train_x or fit.x, by=stage),
        train_y=_value(plan, said.train_y or fit.y, by=stage),
        test_x=test_x,
        test_y=_value(plan, said.test_y or used.y, by=used.stage),
        features=_features(plan, features, test_x),
        time=said.time or (features.options.time if features else None),
    )


class _Fit(Struct, frozen=True, kw_only=True):
    model: str
    x: str = ""
    y: str = ""


class _Use(Struct, frozen=True, kw_only=True):
    stage: PlannedStage | None = None
    x: str = ""
    y: str = ""


def _chosen_fit(
    plan: Plan, fits: list[tuple[PlannedStage, _Fit]], said: Production
) -> tuple[PlannedStage, _Fit]:
    remedy = "Say which value is the model: [tool.nbprod.production] model = NAME."
    if said.model:
        for stage, fit in fits:
            if fit.model == said.model:
                return stage, fit
        for stage in reversed(plan.stages):
            if said.model in stage.gives:
                return stage, _Fit(model=said.model)
        raise NbprodError(f"No stage gives '{said.model}', the model.", where=plan.name, remedy=remedy)
    training = [one for one in fits if one[0].kind is Kind.TRAIN] or fits
    # What is fitted and then used to predict is the model; a scaler that is fitted on the way is not.
    used = [one for one in training if _use_of(plan, *_stage_and_model(one)).x] or training
    names = dict.fromkeys(fit.model for _, fit in used)
    if not names:
        raise NbprodError("No stage gives what it fits: there is no model.", where=plan.name, remedy=remedy)
    if len(names) > 1:
        raise NbprodError(f"Several values are fitted: {', '.join(names)}.", where=plan.name, remedy=remedy)
    return used[-1]


def _stage_and_model(one: tuple[PlannedStage, _Fit]) -> tuple[PlannedStage, str]:
    return one[0], one[1].model


def _fits(stage: PlannedStage, plan: Plan) -> Iterator[_Fit]:
    """Each `NAME.fit(X, y)` and `NAME = ....fit(X, y)` whose NAME the stage gives."""
    for node in _nodes(stage, plan):
        match node:
            case ast.Assign(
                targets=[ast.Name(id=name)], value=ast.Call(func=ast.Attribute(attr="fit")) as call
            ):
                pass
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="fit")) as call:
                pass
            case _:
                continue
        if name in stage.gives:
            yield _Fit(model=name, x=_argument(call, 0, "X"), y=_argument(call, 1, "y"))


def _use_of(plan: Plan, trained: PlannedStage, model: str) -> _Use:
    """The first stage from the training one on that predicts with the model: what rows, and their labels."""
    position = plan.stages.index(trained)
    for stage in sorted(plan.stages[position:], key=lambda one: one.kind is not Kind.EVALUATE):
        nodes = list(_nodes(stage, plan))
        calls = [call for node in nodes if (call := _prediction(node, model)) is not None]
        for call in calls:
            x = _argument(call, 0, "X")
            if x:
                is_score = isinstance(call.func, ast.Attribute) and call.func.attr == "score"
                y = _argument(call, 1, "y") if is_score else _labels(nodes, calls, stage)
                return _Use(stage=stage, x=x, y=y)
    return _Use()


def _prediction(node: ast.AST, model: str) -> ast.Call | None:
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=attr)) as call:
            return call if name == model and attr in _PREDICTING else None
        case _:
            return None


def _labels(nodes: Iterable[ast.AST], calls: list[ast.Call], stage: PlannedStage) -> str:
    """What a prediction is held against: the other name in the first call or difference that takes both."""
    nodes = list(nodes)
    predicted = {
        target.id
        for node in nodes
        # Predictions that are changed before they are judged are no longer the model's own.
        if isinstance(node, ast.Assign) and _bare(node.value) in calls
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    needed = {one.name for one in stage.needs} | set(stage.gives)
    for node in nodes:
        match node:
            case ast.Call(args=args) if len(args) >= 2:
                pair = args[:2]
            case ast.BinOp(left=left, right=right) | ast.Compare(left=left, comparators=[right]):
                pair = [left, right]
            case _:
                continue
        names = [one.id for one in pair if isinstance(one, ast.Name)]
        held = [one for one in pair if _bare(one) in calls or _is_among(one, predicted)]
        others = [name for name in names if name not in predicted and name in needed]
        if held and len(others) == 1:
            return others[0]
    return ""


def _bare(value: ast.expr) -> ast.expr:
    """What is left of `predict_proba(X)[:, 1]`: the call."""
    return value.value if isinstance(value, ast.Subscript) else value


def _is_among(value: ast.expr, names: set[str]) -> bool:
    return isinstance(value, ast.Name) and value.id in names


def _argument(call: ast.Call, place: int, keyword: str) -> str:
    given = call.args[place] if len(call.args) > place else None
    given = given or next((one.value for one in call.keywords if one.arg == keyword), None)
    return given.id if isinstance(given, ast.Name) else ""


def _value(plan: Plan, name: str, *, by: PlannedStage | None) -> Value | None:
    if not name:
        return None
    needed = {one.name: one.giver for one in by.needs} if by else {}
    giver = needed.get(name) or next((one.name for one in reversed(plan.stages) if name in one.gives), None)
    return Value(name=name, stage=giver) if giver else None


def _feature_stage(plan: Plan) -> PlannedStage | None:
    return next((one for one in plan.stages if one.kind is Kind.FEATURES), None)


def _features(plan: Plan, stage: PlannedStage | None, rows: Value | None) -> Value | None:
    """Of what the feature stage gives: the value that the rows are cut from, or the only one that is taken."""
    if stage is None:
        return None
    root = _root(plan, rows) if rows else ""
    if root in stage.gives:
        return Value(name=root, stage=stage.name)
    taken = [need.name for one in plan.stages for need in one.needs if need.giver == stage.name]
    names = dict.fromkeys(name for name in taken if name in stage.gives)
    return Value(name=next(iter(names)), stage=stage.name) if len(names) == 1 else None


def _root(plan: Plan, rows: Value) -> str:
    """The name that the rows go back to through assignments of their stage: `X` of `X = frame[...].drop(...)`."""
    bases = {}
    for node in _nodes(plan.stage(rows.stage), plan):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                bases[name] = _base(value)
            case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=values)):
                pairs = zip(targets, values, strict=False)
                bases |= {one.id: _base(value) for one, value in pairs if isinstance(one, ast.Name)}
            case _:
                continue
    name, seen = rows.name, set[str]()
    while bases.get(name) and name not in seen:
        seen.add(name)
        name = bases[name]
    return name


def _base(value: ast.expr) -> str:
    """The name that a chain of calls, attributes and subscripts starts from."""
    while True:
        match value:
            case ast.Name(id=name):
                return name
            case ast.Attribute(value=inner) | ast.Subscript(value=inner):
                value = inner
            case ast.Call(func=ast.Attribute(value=inner)):
                value = inner
            case _:
                return ""


def _nodes(stage: PlannedStage, plan: Plan) -> Iterator[ast.AST]:
    from nbprod.flow.ipython import python_text

    for cell in json.loads(plan.files[stage.notebook])["cells"]:
        if cell["cell_type"] != "code":
            continue
        try:
            yield from ast.walk(module_tree(python_text("".join(cell["source"]))))
        except SyntaxError:
            continue
