"""A call, found in the room that answers it: of the notebook, of Python, of libraries by their dotted path."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec.structs import replace

from nbprod.leakage.interpret import deferred, knowledge, learning, times
from nbprod.leakage.interpret.calls import arrays, columns, drawing, making, models, python, series, together
from nbprod.leakage.interpret.calls.arrays import fresh_array
from nbprod.leakage.interpret.calls.columns import forward_indexer
from nbprod.leakage.interpret.calls.drawing import GENERATOR, permuted, shuffled
from nbprod.leakage.interpret.calls.loading import from_outside, loaded, seems_to_load
from nbprod.leakage.interpret.calls.models import given_data, metric
from nbprod.leakage.interpret.calls.python import BUILTINS
from nbprod.leakage.interpret.calls.row_by_row import joined, on_data
from nbprod.leakage.interpret.facts import ALL_ROWS
from nbprod.leakage.interpret.functions import call_function, instance_of
from nbprod.leakage.interpret.methods import call_method
from nbprod.leakage.interpret.queries import is_query, queried
from nbprod.leakage.interpret.values import (
    Cells,
    Class,
    Deferred,
    Estimator,
    Function,
    Instance,
    Method,
    Opaque,
    Partial,
    Seq,
    Symbol,
    Table,
    Value,
)
from nbprod.libraries.moves import (
    LOSS,
    Fresh,
    Learns,
    Loads,
    Models,
    Move,
    Scores,
    Shows,
    Smooths,
    Splits,
    Validates,
)

if TYPE_CHECKING:
    import ast
    from collections.abc import Callable

    from nbprod.leakage.interpret.context import Args, Run


def call(run: Run, function: Value, args: Args, node: ast.AST) -> Value:
    """The value of a call."""
    run.fuel -= 1
    if run.fuel < 0:
        return Opaque()
    before, run.node = run.node, node
    try:
        return _called(run, function, args, node)
    finally:
        run.node = before


def _called(run: Run, function: Value, args: Args, node: ast.AST) -> Value:
    held = run.at(function)
    match held:
        case Function():
            return call_function(run, held, args)
        case Class():
            return instance_of(run, held, args)
        case Partial(function=inner, places=places, names=names):
            given = replace(args, places=(*places, *args.places), names={**names, **args.names})
            return run.call(run, inner, given, node)
        case Instance(of=Class(methods={"__call__": Function() as method})):
            return call_function(run, replace(method, owner=function), args)
        case Method():
            return _method(run, held, args, node)
        case Symbol(path=path):
            return _symbol(run, path, args, node)
        case Estimator():
            return _modelled(run, function, held, args, node)
        case Deferred() | Cells() | Table():
            return _on_data(run, held, args, node)
        case _:
            pass
    facts = run.facts(held) | run.facts(Seq(tuple(args.every)))
    if is_query(run, args):
        return queried(run, args.get(0, "query"), args, node)
    rows = next((run.rows(value) for value in args.every if run.rows(value) != ALL_ROWS), ALL_ROWS)
    return Opaque(facts=replace(facts, proved=False), rows=rows)


def _modelled(run: Run, function: Value, held: Estimator, args: Args, node: ast.AST) -> Value:
    """A network, a layer or a loss that is called as a function."""
    if held.role == "loss":
        return metric(run, LOSS, args, node)
    return learning.on_estimator(run, function, held, "predict", args, node)


def _on_data(run: Run, held: Deferred | Cells | Table, args: Args, node: ast.AST) -> Value:
    """A property of data that is called, or a method of `_` where that stands for a column."""
    match held:
        case Deferred(library="ibis", name=str(name), table=None):
            return deferred.of_column(run, name, args, node)
        case Cells() if not args.every:
            # `.dt.normalize()` was found as a property already
            return held
        case _:
            return Opaque(facts=run.facts(held), rows=run.rows(held))


_UNBOUND = re.compile(r"(?:pandas|polars)\.(?:Series|DataFrame|Expr|LazyFrame)\.([a-z_]+)")
_QUERY_METHODS = frozenset({"sql", "execute", "query", "raw_sql", "read_sql", "sqldf", "from_query"})


_DRAWS = {"random": "random", "uniform": "uniform", "rand": "rand", "random_sample": "random", "integers": "randint",
          "randint": "randint", "normal": "normal", "standard_normal": "normal", "choice": "choice"}  # fmt: skip


def _method(run: Run, method: Method, args: Args, node: ast.AST) -> Value:
    if method.name in _QUERY_METHODS and is_query(run, args):
        return queried(run, args.get(0, "query"), args, node)
    if method.name in ("permutation", "shuffle") and run.at(method.owner) == GENERATOR:
        return (permuted if method.name == "permutation" else shuffled)(run, args, node)
    if method.name == "choice" and run.at(method.owner) == GENERATOR:
        return drawing.chosen(run, args, node)
    if method.name in _DRAWS and run.at(method.owner) == GENERATOR:
        return fresh_array(run, _DRAWS[method.name], args)
    return call_method(run, method.owner, method.name, args, node)


def _symbol(run: Run, path: str, args: Args, node: ast.AST) -> Value:
    library, _, rest = path.partition(".")
    bare = path.rsplit(".", 1)[-1]
    if library == "builtins":
        handler = BUILTINS.get(bare)
        return handler(run, args, node) if handler is not None else joined(run, args)
    length = times.duration(run, path, args)
    if length is not None:
        return length
    makes = _EXPRESSIONS.get(library)
    made = makes(run, rest, args, node) if makes is not None else None
    if made is not None:
        return made
    handler = _NAMED.get(path) or _BARE.get(bare)
    if handler is not None:
        return handler(run, args, node)
    move = knowledge.function(path)
    if move is not None:
        return _moved(run, move, bare, path, args, node)
    return _by_its_looks(run, path, bare, args, node)


def _by_its_looks(run: Run, path: str, bare: str, args: Args, node: ast.AST) -> Value:
    """A function that no table has: a method taken from its class, one that is given a query, or unknown."""
    unbound = _UNBOUND.fullmatch(path)
    if unbound is not None and args.places:
        rest = replace(args, places=args.places[1:], nodes=_moved_nodes(args))
        return call_method(run, args.places[0], unbound[1], rest, node)
    if is_query(run, args):
        return queried(run, args.get(0, "query"), args, node)
    return _unknown(run, path, bare, args, node)


def _moved(run: Run, move: Move, bare: str, path: str, args: Args, node: ast.AST) -> Value:  # noqa: PLR0917
    match move:
        case Learns() | Models() | Splits() | Validates() | Scores():
            return _learning(run, move, bare, args, node)
        case Loads():
            if move.query and is_query(run, args):
                return queried(run, args.get(0, move.query), args, node)
            return loaded(run, move, path, args, node)
        case Fresh():
            return fresh_array(run, bare, args)
        case Shows():
            return Opaque()
        case _:
            pass
    data = args.places[0] if args.places else next(iter(args.names.values()), Opaque())
    if isinstance(move, Smooths) and len(args.places) > 1 and not run.facts(data).reads:
        # a curve through points: `UnivariateSpline(x, y)`
        args = replace(args, places=(args.places[1], args.places[0], *args.places[2:]))
        data = args.places[0]
    rest = replace(args, places=args.places[1:], nodes=_moved_nodes(args))
    return on_data(run, move, data, rest, node, called=bare if not path.startswith("numpy") else f"np.{bare}")


def _learning(
    run: Run, move: Learns | Models | Splits | Validates | Scores, bare: str, args: Args, node: ast.AST
) -> Value:
    match move:
        case Learns():
            return learning.made(run, move, bare, args, node)
        case Models():
            return given_data(run, move, bare, args, node)
        case Splits():
            return learning.splitter(move, bare, args, run, node)
        case Validates():
            return learning.validated(run, move, bare, args, node)
        case Scores():
            return metric(run, move, args, node)


def _moved_nodes(args: Args) -> dict[int | str, ast.expr]:
    return {
        (key - 1 if isinstance(key, int) else key): value for key, value in args.nodes.items() if key != 0
    }


_SEARCHES = frozenset(
    {"fmin", "minimize", "minimize_scalar", "gp_minimize", "forest_minimize", "differential_evolution"}
)


def _unknown(run: Run, path: str, bare: str, args: Args, node: ast.AST) -> Value:
    if bare in _SEARCHES and args.every:
        learning.noted_search(run, args.every[0], node)
    facts = run.facts(Seq(tuple(args.every)))
    if bare[:1].isupper() and (not facts.reads or any(isinstance(run.at(v), Estimator) for v in args.every)):
        return run.new(Estimator(name=bare, role="unknown", settings=dict(args.names),
                                 parts=tuple(v for v in args.every if isinstance(run.at(v), Estimator))))  # fmt: skip
    if facts.reads:
        run.record.opaque.append((run.span(node), path))
    if not facts.reads and seems_to_load(path, bare):
        return from_outside(run, path, bare, node)
    rows = next((run.rows(value) for value in args.every if run.rows(value) != ALL_ROWS), ALL_ROWS)
    return Opaque(facts=replace(facts, proved=False), rows=rows, hint="" if facts.reads else bare)


_EXPRESSIONS: dict[str, Callable[[Run, str, Args, ast.AST], Value | None]] = {
    "polars": deferred.polars_function, "ibis": deferred.ibis_function, "pyspark": deferred.spark_function,
}  # fmt: skip
_NAMED: dict[str, Callable[[Run, Args, ast.AST], Value]] = {
    **arrays.FUNCTIONS, **columns.FUNCTIONS, **drawing.FUNCTIONS, **making.FUNCTIONS, **models.FUNCTIONS,
    **python.FUNCTIONS, **series.FUNCTIONS, **together.FUNCTIONS,
}  # fmt: skip
_BARE: dict[str, Callable[[Run, Args, ast.AST], Value]] = {
    "train_test_split": learning.train_test_split, "check_cv": learning.checked_cv,
    "temporal_train_test_split": learning.split_in_time, "TensorDataset": learning.data_set, "Subset": learning.subset,
    "random_split": learning.random_split, "FixedForwardWindowIndexer": forward_indexer, "DMatrix": learning.data_set,
    "DataLoader": learning.batches, "SubsetRandomSampler": drawing.sampled, "SequentialSampler": drawing.sampled,
}  # fmt: skip
