"""What keeps a run from giving the same twice: unseeded models, clocks and unordered sets in what features are made of.

Read from the code, a cell at a time. A name counts for what it was imported as; what can't be told is left alone.
"""

from __future__ import annotations

import ast
from functools import lru_cache
from typing import TYPE_CHECKING

from msgspec import Struct

from nbprod.flow.ipython import tree_of
from nbprod.model import Finding, Kind, Severity, Span
from nbprod.notebook import code_points

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nbprod.model import Flow, Notebook

UNSEEDED = "unseeded-model"
CLOCK = "clock-in-features"
UNORDERED = "unordered-features"

# Estimators and splitters whose result depends on chance unless `random_state` is given, and since when they draw.
_ALWAYS_DRAW = frozenset(
    (
        "RandomForestClassifier",
        "RandomForestRegressor",
        "ExtraTreesClassifier",
        "ExtraTreesRegressor",
        "BaggingClassifier",
        "BaggingRegressor",
        "GradientBoostingClassifier",
        "GradientBoostingRegressor",
        "IsolationForest",
        "MLPClassifier",
        "MLPRegressor",
        "SGDClassifier",
        "SGDRegressor",
        "KMeans",
        "MiniBatchKMeans",
        "DecisionTreeClassifier",
        "DecisionTreeRegressor",
        "ExtraTreeClassifier",
        "ExtraTreeRegressor",
        "RandomizedSearchCV",
        "train_test_split",
        "ShuffleSplit",
        "StratifiedShuffleSplit",
        "GroupShuffleSplit",
        "RandomTreesEmbedding",
        "AdaBoostClassifier",
        "AdaBoostRegressor",
        "NMF",
        "TSNE",
        "TruncatedSVD",
        "RBFSampler",
        "Nystroem",
        "GaussianRandomProjection",
        "SparseRandomProjection",
    )
)
# These draw only where one of these arguments asks for it.
_DRAW_IF = {
    "HistGradientBoostingClassifier": ("early_stopping", "subsample", "max_features"),
    "HistGradientBoostingRegressor": ("early_stopping", "subsample", "max_features"),
    "KFold": ("shuffle",),
    "StratifiedKFold": ("shuffle",),
    "XGBClassifier": ("subsample", "colsample_bytree", "colsample_bylevel"),
    "XGBRegressor": ("subsample", "colsample_bytree", "colsample_bylevel"),
    "LGBMClassifier": ("bagging_fraction", "subsample", "feature_fraction", "colsample_bytree"),
    "LGBMRegressor": ("bagging_fraction", "subsample", "feature_fraction", "colsample_bytree"),
}
_LEARNING = ("sklearn", "imblearn", "xgboost", "lightgbm", "catboost")
_CLOCKS = frozenset(
    (
        "datetime.datetime.now",
        "datetime.datetime.utcnow",
        "datetime.datetime.today",
        "datetime.date.today",
        "time.time",
        "time.time_ns",
        "time.localtime",
        "time.gmtime",
        "pandas.Timestamp.now",
        "pandas.Timestamp.utcnow",
        "pandas.Timestamp.today",
        "ibis.now",
        "ibis.today",
        "polars.datetime.now",
    )
)
_KEEPS_NO_ORDER = frozenset({"set", "frozenset"})
_TAKES_ORDER = frozenset({"list", "tuple", "enumerate"})


def unrepeatable(notebook: Notebook, flow: Flow) -> tuple[Finding, ...]:
    """A finding for each place from which a run's result may differ from the next one's."""
    found: list[Finding] = []
    known: dict[str, str] = {}
    stages = {cell: stage for stage in flow.stages for cell in stage.cells}
    for position, cell in enumerate(notebook.code):
        tree = tree_of(cell)
        if tree is None:
            continue
        imported, mentioned = _names_in(tree)
        known |= imported
        stage = stages.get(position)
        if stage is None:
            continue
        meaning = tuple((name, known[name]) for name in mentioned if name in known)
        found += _of_cell(tree, cell.source, at=(position, stage.kind, stage.name), meaning=meaning)
    return tuple(found)


@lru_cache(maxsize=1024)  # a notebook in which somebody writes is looked at again and again
def _of_cell(
    tree: ast.Module, source: str, *, at: tuple[int, Kind, str], meaning: tuple[tuple[str, str], ...]
) -> tuple[Finding, ...]:
    position, kind, stage = at
    names, lines = _Names(dict(meaning)), tuple(source.split("\n"))
    look = _Look(position=position, kind=kind, stage=stage, names=names, lines=lines)
    return tuple(finding for node in ast.walk(tree) for finding in look.at(node))


@lru_cache(maxsize=1024)
def _names_in(tree: ast.Module) -> tuple[dict[str, str], tuple[str, ...]]:
    """What a cell imports under which names, and the names that it mentions."""
    imported: dict[str, str] = {}
    mentioned: dict[str, None] = {}
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                for one in names:
                    top = one.name.partition(".")[0]
                    imported[one.asname or top] = one.name if one.asname else top
            case ast.ImportFrom(module=str(module), level=0, names=names):
                imported |= {one.asname or one.name: f"{module}.{one.name}" for one in names}
            case ast.Name(id=name):
                mentioned[name] = None
            case _:
                continue
    return imported, tuple(mentioned)


class _Names(Struct, frozen=True):
    """What names mean, as imports said it so far."""

    meaning: dict[str, str]

    def of(self, node: ast.expr) -> str:
        """The full name of what an expression names, or nothing."""
        match node:
            case ast.Name(id=name):
                return self.meaning.get(name, name)
            case ast.Attribute(value=inner, attr=attr):
                front = self.of(inner)
                return f"{front}.{attr}" if front else ""
            case _:
                return ""


class _Look(Struct, frozen=True):
    position: int
    kind: Kind
    stage: str
    names: _Names
    lines: tuple[str, ...]

    def at(self, node: ast.AST) -> Iterator[Finding]:
        match node:
            case ast.Call() as call:
                yield from self._unseeded(call)
                yield from self._clock(call)
                yield from self._unordered_call(call)
            case ast.For(iter=values) | ast.comprehension(iter=values):
                yield from self._unordered(values)
            case _:
                return

    def _unseeded(self, call: ast.Call) -> Iterator[Finding]:
        full = self.names.of(call.func)
        name = full.rpartition(".")[2]
        if full.partition(".")[0] not in _LEARNING or any(one.arg is None for one in call.keywords):
            return
        given = {one.arg: one.value for one in call.keywords}
        asks = [one for one in _DRAW_IF.get(name, ()) if _is_asked(given.get(one))]
        seed = given.get("random_state") or given.get("seed") or given.get("random_seed")
        is_none = isinstance(seed, ast.Constant) and seed.value is None
        if (name in _ALWAYS_DRAW or asks) and (seed is None or is_none):
            yield self._finding(
                UNSEEDED,
                Severity.NOTE,
                f"{name} draws at random, and no random_state says from where: each run gives another result.",
                call,
                "Give it a random_state, best of all from a parameter.",
            )

    def _clock(self, call: ast.Call) -> Iterator[Finding]:
        if self.kind is Kind.FEATURES and self.names.of(call.func) in _CLOCKS:
            yield self._finding(
                CLOCK,
                Severity.WARNING,
                f"Stage '{self.stage}' makes features and asks what time it is: another day, other features.",
                call,
                "Take the moment from the data or from a parameter.",
            )

    def _unordered_call(self, call: ast.Call) -> Iterator[Finding]:
        is_ordering = isinstance(call.func, ast.Name) and call.func.id in _TAKES_ORDER
        if is_ordering and call.args:
            yield from self._unordered(call.args[0])

    def _unordered(self, values: ast.expr) -> Iterator[Finding]:
        match values:
            case ast.Set() | ast.SetComp():
                pass
            case ast.Call(func=ast.Name(id=name)) if name in _KEEPS_NO_ORDER:
                pass
            case _:
                return
        if self.kind is Kind.FEATURES:
            yield self._finding(
                UNORDERED,
                Severity.NOTE,
                f"Stage '{self.stage}' makes features and goes through a set, whose order no one promises.",
                values,
                "Sort it: sorted(...).",
            )

    def _finding(self, rule: str, severity: Severity, message: str, node: ast.expr, remedy: str) -> Finding:
        last = node.end_lineno or node.lineno
        span = Span(
            cell=self.position,
            line=node.lineno,
            column=self._column(node.lineno, node.col_offset),
            end_line=last,
            end_column=self._column(last, node.end_col_offset or 0),
        )
        return Finding(
            rule=rule, severity=severity, message=message, span=span, remedy=remedy, stage=self.stage
        )

    def _column(self, line: int, offset: int) -> int:
        return code_points(self.lines[line - 1], offset) if line <= len(self.lines) else 0


def _is_asked(value: ast.expr | None) -> bool:
    match value:
        case None:
            return False
        case ast.Constant(value=bool(asked)):
            return asked
        case ast.Constant(value=said):
            return said not in (None, 1, "auto")
        case _:
            return True
