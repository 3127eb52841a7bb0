"""All code cells in order, from an empty state to what is known at the end."""

from __future__ import annotations

import ast
import re
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from nbprod.flow.ipython import python_of, tree_of
from nbprod.leakage.interpret import frames
from nbprod.leakage.interpret.calls import call
from nbprod.leakage.interpret.context import Args, Run
from nbprod.leakage.interpret.dialects import dated_of, frames_of, libraries_of, saying_of
from nbprod.leakage.interpret.evaluate import evaluate
from nbprod.leakage.interpret.facts import NOTHING, Bound, Rows
from nbprod.leakage.interpret.functions import call_function
from nbprod.leakage.interpret.memory import CELLS_TO_SPARE, PLACES_A_CELL, Memory, follow_once
from nbprod.leakage.interpret.queries import table_of
from nbprod.leakage.interpret.statements import execute
from nbprod.leakage.interpret.values import Class, Function, Instance, Opaque, Ref, Table, Value
from nbprod.model import Span

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

    from nbprod.model import Cell, Notebook

_SQL_CELL = re.compile(r"^%%(sql|bigquery|duckdb)\b[^\n]*\n", re.IGNORECASE)


def interpreted(
    notebook: Notebook,
    *,
    time: str | None,
    entity: str | None,
    known: Mapping[str, str],
    memory: Memory | None = None,
) -> tuple[Run, dict[int, ast.Module]]:
    """The state after all cells, and the trees of those that parse; a memory is used and brought up to date."""
    cells = notebook.code
    trees = {
        cell.position: tree
        for cell in cells
        if cell.position is not None and (tree := tree_of(cell)) is not None
    }
    run = _begun(memory, time=time, entity=entity, known=known)
    run.sources = {p: tuple(python_of(cells[p]).splitlines()) for p in trees}
    sayings = [saying_of(tree) for tree in trees.values()]
    run.libraries, run.frame_names = libraries_of(sayings), frames_of(sayings)
    run.dated = dated_of(sayings)
    follow = follow_once if memory is None else memory.follow
    for cell in cells:
        if cell.position is not None:
            run.refuel()
            follow(
                run,
                (cell.position, cell.source),
                cell.position * PLACES_A_CELL,
                partial(_cell, run, cell, trees.get(cell.position)),
            )
    _uncalled(run, partial(follow, run), after=len(cells))
    if memory is not None:
        memory.keep_at_most(2 * len(cells) + CELLS_TO_SPARE)
    return run, trees


def _begun(memory: Memory | None, *, time: str | None, entity: str | None, known: Mapping[str, str]) -> Run:
    """An empty state. That of a memory is used again, as values that wait for a table hold on to it."""
    fresh = Run(evaluate=evaluate, execute=execute, call=call, time=time, entity=entity, known=known)
    if memory is None:
        return fresh
    memory.begin((time, entity, tuple(sorted(known.items()))))
    if memory.run is None:
        memory.run = fresh
    for name in fresh.__struct_fields__:
        setattr(memory.run, name, getattr(fresh, name))
    return memory.run


def _cell(run: Run, cell: Cell, tree: ast.Module | None) -> None:
    position = cell.position or 0
    run.cell, run.node = position, None
    query = _SQL_CELL.match(cell.source.lstrip())
    if query is not None:
        text = cell.source.lstrip()[query.end() :]
        run.env[f"sql cell {position + 1}"] = run.new(
            table_of(run, text, Span(cell=position, line=2, end_line=2))
        )
    if tree is None:
        return
    run.lines = run.sources[position]
    run.stopped = False
    for statement in tree.body:
        try:
            execute(run, [statement])
        except RecursionError:
            # a statement nested deeper than Python itself goes is left unknown
            continue
        run.stopped = False
        if run.fuel < 0:
            run.record.unread.append(run.span(statement))
            return


_Follow: TypeAlias = "Callable[[Hashable, int, Callable[[], None]], None]"


def _uncalled(run: Run, follow: _Follow, *, after: int) -> None:
    """Functions and classes that nothing called are read on their own, with data that nobody knows."""
    functions = [(n, v) for n, v in run.env.items() if isinstance(run.at(v), Function)]
    classes = [(n, v) for n, v in run.env.items() if isinstance(run.at(v), Class)]
    for number, (name, value) in enumerate((*functions, *classes), start=after):
        held = run.at(value)
        base = number * PLACES_A_CELL
        run.refuel()
        if isinstance(held, Function) and id(held.node) not in run.called:
            follow(("function", name, number), base, partial(_function_alone, run, name))
        elif isinstance(held, Class):
            methods = [m for m in held.methods.values() if isinstance(m, Function)]
            if not any(id(m.node) in run.called for m in methods):
                follow(("class", name, number), base, partial(_class_alone, run, name))


def _function_alone(run: Run, name: str) -> None:
    value = run.env[name]
    run.watch.name(name, value)
    held = run.at(value)
    if isinstance(held, Function):
        run.node = held.node
        _read_function(run, name, held)


def _class_alone(run: Run, name: str) -> None:
    value = run.env[name]
    run.watch.name(name, value)
    held = run.at(value)
    if not isinstance(held, Class):
        return
    run.node = held.node
    place = run.new(Instance(of=held))
    initialise = held.methods.get("__init__")
    if isinstance(initialise, Function):
        _call_with_unknown(run, initialise, owner=place)
    for method in [m for m in held.methods.values() if isinstance(m, Function)]:
        if method is not initialise and id(method.node) not in run.called:
            own = getattr(method.node, "name", "lambda")
            _read_function(run, f"{name}.{own}", method, owner=place)


def _read_function(run: Run, name: str, function: Function, *, owner: Ref | None = None) -> None:
    span = _span_of(run, function)
    given, result = _call_with_unknown(run, function, owner=owner)
    if run.fuel < 0:
        run.record.unread.append(span)
    run.record.returned.append((name, result, span))
    for parameter, value in given.items():
        held = run.at(value)
        if isinstance(held, Table) and held.columns:
            run.record.returned.append((f"{name}:{parameter}", value, span))


def _span_of(run: Run, function: Function) -> Span:
    before, run.cell = run.cell, function.cell
    lines, run.lines = run.lines, run.sources.get(function.cell, ())
    span = run.span(function.node)
    run.cell, run.lines = before, lines
    return span


_DATA_WORDS = re.compile(
    r"(^|_)(df|data|frame|table|x|y|features?|train|test|labels?|targets?|series|prices?|dataset|sales|panel|ohlcv?|bars?|"
    r"ticks?|quotes|transactions|customers?|events?|orders?|ts|signal|windows?|returns?|arr|array|sequence|records?|val|"
    r"valid|d|s|values?|history|raw|input|inputs|text|texts|documents|group|g|close|high|low|open|volume)\d*($|_)",
    re.IGNORECASE,
)


def _call_with_unknown(run: Run, function: Function, *, owner: Ref | None) -> tuple[dict[str, Value], Value]:
    node = function.node
    parameters = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    if owner is not None and parameters and not _is_static(node):
        parameters = parameters[1:]
    defaults = _with_defaults(node)
    given: dict[str, Value] = {}
    for parameter in parameters:
        if parameter.arg in defaults:
            continue
        given[parameter.arg] = _unknown_parameter(run, parameter, function)
    from msgspec.structs import replace

    bound = replace(function, owner=owner) if owner is not None else function
    try:
        result = call_function(run, bound, Args(names=given, node=node))
    except RecursionError:
        result = Opaque()
    return given, result


def _is_static(node: ast.AST) -> bool:
    return any(
        isinstance(d, ast.Name) and d.id == "staticmethod" for d in getattr(node, "decorator_list", [])
    )


def _with_defaults(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> set[str]:
    names = [parameter.arg for parameter in (*node.args.posonlyargs, *node.args.args)]
    found = set(names[len(names) - len(node.args.defaults) :]) if node.args.defaults else set()
    return found | {
        parameter.arg
        for parameter, default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
        if default is not None
    }


def _unknown_parameter(run: Run, parameter: ast.arg, function: Function) -> Value:
    annotation = ast.unparse(parameter.annotation).lower() if parameter.annotation is not None else ""
    is_data = (
        "frame" in annotation or "series" in annotation or "ndarray" in annotation or "array" in annotation
    )
    if re.search(
        r"_(col|cols|column|columns|name|names|key|keys|path|file|id|ids|size|frac|len|length)$",
        parameter.arg,
    ):
        return Opaque(hint=parameter.arg)
    used_as_data = _used_as_data(function.node, parameter.arg)
    if not is_data and not used_as_data and not (_DATA_WORDS.search(parameter.arg) and not annotation):
        return Opaque(hint=parameter.arg)
    if annotation in ("str", "int", "float", "bool", "list[str]", "list"):
        return Opaque(hint=parameter.arg)
    root = f"{getattr(function.node, 'name', 'lambda')}·{parameter.arg}"
    rows = Rows(tables=frozenset({root}))
    side = frames.side_of_name(parameter.arg)
    if side:
        rows = rows.narrowed(
            Bound(kind="part", subject=f"{side} of {getattr(function.node, 'name', '')}", side=side)
        )
    run.record.free.add(root)
    library = run.libraries.get(parameter.arg, "")
    return run.new(Table(rest=NOTHING, rows=rows, root=root, library=library))


def _used_as_data(node: ast.AST, name: str) -> bool:
    """Whether a parameter is taken columns from, or has a frame's methods called on it."""
    for each in ast.walk(node):
        if isinstance(each, ast.Subscript) and isinstance(each.value, ast.Name) and each.value.id == name:
            index = each.slice
            if (
                isinstance(index, ast.Constant)
                and isinstance(index.value, str)
                and not isinstance(each.ctx, ast.Del)
            ):
                return True
        if isinstance(each, ast.Attribute) and isinstance(each.value, ast.Name) and each.value.id == name:  # noqa: SIM102
            if each.attr in ("copy", "groupby", "rolling", "shift", "merge", "loc", "iloc", "sort_values", "with_columns",
                             "mutate", "assign", "fillna", "dropna", "columns", "values", "mean", "resample"):  # fmt: skip
                return True
    return False
