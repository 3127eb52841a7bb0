"""All code cells in order, from an empty state to what is known at the end."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from nbprod.flow.ipython import python_of, tree_of
from nbprod.leakage.interpret import frames
from nbprod.leakage.interpret.calls import call
from nbprod.leakage.interpret.context import Args, Run
from nbprod.leakage.interpret.evaluate import evaluate
from nbprod.leakage.interpret.facts import NOTHING, Bound, Rows
from nbprod.leakage.interpret.functions import call_function
from nbprod.leakage.interpret.queries import table_of
from nbprod.leakage.interpret.statements import execute
from nbprod.leakage.interpret.values import Class, Function, Instance, Opaque, Ref, Table, Value
from nbprod.model import Span

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from nbprod.model import Notebook

_IBIS_ONLY = frozenset(
    [
        "mutate",
        "asof_join",
        "left_join",
        "order_by",
        "execute",
        "aggregate",
        "relocate",
        "any_inner_join",
        "semi_join",
        "anti_join",
        "inner_join",
        "view",
    ]
)
_POLARS_ONLY = frozenset(
    [
        "with_columns",
        "group_by_dynamic",
        "join_asof",
        "lazy",
        "collect",
        "with_row_index",
        "sort",
        "with_column",
    ]
)
_SQL_CELL = re.compile(r"^%%(sql|bigquery|duckdb)\b[^\n]*\n", re.IGNORECASE)


def interpreted(
    notebook: Notebook, *, time: str | None, entity: str | None, known: Mapping[str, str]
) -> tuple[Run, dict[int, ast.Module]]:
    """The state after all cells, and the trees of those that parse."""
    trees = {
        cell.position: tree
        for cell in notebook.code
        if cell.position is not None and (tree := tree_of(cell)) is not None
    }
    run = Run(evaluate=evaluate, execute=execute, call=call, time=time, entity=entity, known=known)
    run.sources = {p: tuple(python_of(notebook.code[p]).splitlines()) for p in trees}
    nodes = [node for tree in trees.values() for node in ast.walk(tree)]
    run.libraries = _libraries(nodes)
    run.frame_names = dict.fromkeys(_used_as_frames(nodes), True)
    for cell in notebook.code:
        position = cell.position
        if position is None:
            continue
        run.cell = position
        query = _SQL_CELL.match(cell.source.lstrip())
        if query is not None:
            text = cell.source.lstrip()[query.end() :]
            run.env[f"sql cell {position + 1}"] = run.new(
                table_of(run, text, Span(cell=position, line=2, end_line=2))
            )
        if position not in trees:
            continue
        run.lines = run.sources[position]
        run.stopped = False
        for statement in trees[position].body:
            try:
                execute(run, [statement])
            except RecursionError:
                # a statement nested deeper than Python itself goes is left unknown
                continue
            run.stopped = False
    _uncalled(run)
    return run, trees


# methods that only frames have, and not lists, dictionaries or models
_OF_FRAMES = frozenset(
    ["groupby", "group_by", "shift", "rolling", "resample", "merge", "sort_values", "set_index", "reset_index", "assign",
     "fillna", "dropna", "bfill", "ffill", "loc", "iloc", "with_columns", "drop_duplicates", "pct_change", "iterrows",
     "itertuples", "merge_asof", "join_asof", "asof_join", "mutate", "describe", "dtypes", "isnull", "isna", "set_axis"]
)  # fmt: skip
_MERGES = frozenset({"merge", "merge_asof", "merge_ordered"})


def _used_as_frames(nodes: list[ast.AST]) -> Iterator[str]:
    """Names on which methods of frames are called, or which are merged."""
    for node in nodes:
        match node:
            case ast.Attribute(value=ast.Name(id=name), attr=attribute) if attribute in _OF_FRAMES:
                yield name
            case ast.Call(func=ast.Attribute(value=ast.Name(id="pd"), attr=attribute), args=args):
                if attribute in _MERGES:
                    yield from (each.id for each in args[:2] if isinstance(each, ast.Name))
            case _:
                pass


def _libraries(nodes: list[ast.AST]) -> dict[str, str]:  # noqa: C901
    """Names on which only one library's methods are called."""
    found: dict[str, str] = {}
    uses_ibis, uses_polars = _spoken(nodes)
    if uses_ibis:
        found["ibis"] = "ibis"
    for node in nodes:
        if isinstance(node, ast.Attribute):
            name = _root(node)
            if name is None:
                continue
            if node.attr in _IBIS_ONLY and (uses_ibis or node.attr in ("mutate", "asof_join")):
                found[name] = "ibis"
            elif node.attr in _POLARS_ONLY and uses_polars:
                found.setdefault(name, "polars")
        elif isinstance(node, ast.Call) and any(k.arg == "maintain_order" for k in node.keywords):
            name = _root(node.func)
            if name is not None:
                found.setdefault(name, "polars")
    if uses_ibis:
        if not uses_polars:
            _all_ibis(nodes, found)
        for _ in range(2):
            _spread(nodes, found)
    return found


def _spoken(nodes: list[ast.AST]) -> tuple[bool, bool]:
    """Whether the code speaks Ibis, and polars."""
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    names |= {node.name.split(".")[0] for node in nodes if isinstance(node, ast.alias)}
    attributes = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    deferred = any(
        isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "_"
        and not node.attr.startswith("_")
        for node in nodes
    )
    ordered = any(isinstance(node, ast.keyword) and node.arg == "maintain_order" for node in nodes)
    ibis = "ibis" in names or deferred or bool(attributes & {"mutate", "asof_join"})
    return ibis, bool(names & {"pl", "polars"}) or ordered or "with_columns" in attributes


def _all_ibis(nodes: list[ast.AST], found: dict[str, str]) -> None:
    """In code that speaks Ibis and imports no other frames, what methods are called on are tables of Ibis."""
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    modules = {node.asname or node.name for node in nodes if isinstance(node, ast.alias)}
    if names & {"pd", "pl"} or modules & {"pd", "pl", "pandas", "polars"}:
        return
    for node in nodes:
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id not in modules
        ):
            found.setdefault(node.value.id, "ibis")


def _spread(nodes: list[ast.AST], found: dict[str, str]) -> None:
    """Tables that meet a table of Ibis in a call are Ibis' too."""
    for node in nodes:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            root = _root(node.func)
            if root is not None and found.get(root) == "ibis" and node.func.attr.endswith(("join", "union")):
                for argument in node.args:
                    if isinstance(argument, ast.Name):
                        found.setdefault(argument.id, "ibis")
        elif (
            isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name)
        ):
            root = _root(node.value)
            if root is not None and found.get(node.targets[0].id) == "ibis" and root not in ("ibis", "pd"):
                found.setdefault(root, "ibis")


def _root(node: ast.AST) -> str | None:
    while isinstance(node, ast.Attribute | ast.Call | ast.Subscript):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else None


def _uncalled(run: Run) -> None:
    """Functions and classes that nothing called are read on their own, with data that nobody knows."""
    functions = [(n, v) for n, v in run.env.items() if isinstance(run.at(v), Function)]
    classes = [(n, v) for n, v in run.env.items() if isinstance(run.at(v), Class)]
    for name, value in (*functions, *classes):
        held = run.at(value)
        if isinstance(held, Function) and id(held.node) not in run.called:
            _read_function(run, name, held)
        elif isinstance(held, Class):
            methods = [m for m in held.methods.values() if isinstance(m, Function)]
            if any(id(m.node) in run.called for m in methods):
                continue
            place = run.new(Instance(of=held))
            initialise = held.methods.get("__init__")
            if isinstance(initialise, Function):
                _call_with_unknown(run, initialise, owner=place)
            for method in methods:
                if method is not initialise and id(method.node) not in run.called:
                    _read_function(run, f"{name}.{method.node.name}", method, owner=place)  # type: ignore[union-attr]


def _read_function(run: Run, name: str, function: Function, *, owner: Ref | None = None) -> None:
    span = _span_of(run, function)
    given, result = _call_with_unknown(run, function, owner=owner)
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
    from dataclasses import replace

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
