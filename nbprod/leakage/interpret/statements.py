"""Statements: assignments, branches that join, loops that are unrolled or turned twice, definitions."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nbprod.leakage.interpret import frames, knowledge, learning, loops, subscripts
from nbprod.leakage.interpret.combining import join_values
from nbprod.leakage.interpret.evaluate import operated
from nbprod.leakage.interpret.facts import Bound, Facts
from nbprod.leakage.interpret.values import (
    NONE,
    Cells,
    Class,
    Const,
    Deferred,
    Estimator,
    Function,
    Instance,
    Method,
    Opaque,
    Position,
    Ref,
    Seq,
    Symbol,
    Table,
    Value,
)
from nbprod.libraries.moves import Shows

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbprod.leakage.interpret.context import Run

_SHOWN_METHODS = frozenset(
    [
        "head",
        "tail",
        "describe",
        "info",
        "plot",
        "hist",
        "boxplot",
        "print",
        "show",
        "display",
        "value_counts",
        "sample",
        "corr",
        "nunique",
        "isnull",
        "isna",
        "sum",
        "mean",
        "shape",
        "to_string",
        "to_markdown",
        "to_html",
        "style",
        "columns",
        "dtypes",
        "unique",
        "glimpse",
        "to_csv",
        "to_excel",
        "tolist",
        "scatter",
        "bar",
        "line",
        "set_title",
        "barh",
        "figure",
        "savefig",
        "item",
    ]
)
_SHOWING_MODULES = (
    "matplotlib",
    "seaborn",
    "plotly",
    "bokeh",
    "altair",
    "IPython",
    "pprint",
    "builtins.print",
    "plt",
)


def execute(run: Run, body: list[ast.stmt]) -> None:
    """Run statements in order; those after a `return`, `raise`, `break` or `continue` are not reached."""
    for statement in body:
        if run.fuel < 0 or run.stopped:
            return
        run.node = statement
        handler = _HANDLERS.get(type(statement))
        if handler is not None:
            handler(run, statement)


def _assigned(run: Run, node: ast.Assign) -> None:
    display = len(node.targets) == 1 and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "_"
    before, run.showing = run.showing, run.showing or display
    value = run.evaluate(run, node.value)
    run.showing = before
    for target in node.targets:
        assign(run, target, value, node)


def assign(run: Run, target: ast.expr, value: Value, node: ast.AST) -> None:
    """Bind a target to a value; what a name says of its side of a split is remembered with the rows."""
    match target:
        case ast.Name(id=name):
            value = _with_side(run, name, value)
            run.env[name] = run.stored(value) if not isinstance(value, Ref) else value
            if run.depth == 0 or name[:1] in "Xxyf":
                run.record.bound.append((name, run.env[name], run.span(node)))
        case ast.Tuple(elts=targets) | ast.List(elts=targets):
            _unpack(run, targets, value, node)
        case ast.Subscript():
            subscripts.store(run, target, value, node)
        case ast.Attribute(attr=name):
            _set_attribute(run, target, name, value, node)
        case ast.Starred(value=inner):
            assign(run, inner, value, node)
        case _:
            pass


def _with_side(run: Run, name: str, value: Value) -> Value:
    """`train = df[...]`: a proper part that is named for a side of the split belongs to it."""
    side = frames.side_of_name(name)
    if not side:
        return value
    held = run.at(value)
    if not isinstance(held, Table | Cells) or not held.rows.bounds or held.rows.side:
        return value
    last = held.rows.bounds[-1]
    if last.kind not in ("slice", "where", "where-not", "sample", "without"):
        return value
    bounds = (*held.rows.bounds[:-1], replace(last, side=side))
    changed = replace(held, rows=replace(held.rows, bounds=bounds))
    return run.new(changed) if isinstance(changed, Table) else changed


def _unpack(run: Run, targets: list[ast.expr], value: Value, node: ast.AST) -> None:  # noqa: C901
    held = run.at(value)
    items: tuple[Value, ...] | None = None
    if isinstance(held, Seq) and held.items is not None:
        items = held.items
    elif isinstance(held, Const) and isinstance(held.value, tuple | list):
        items = tuple(Const(item) for item in held.value)
    starred = next((place for place, target in enumerate(targets) if isinstance(target, ast.Starred)), None)
    if items is not None and starred is not None and len(items) >= len(targets) - 1:
        after = len(targets) - starred - 1
        middle = Seq(items[starred : len(items) - after], is_list=True)
        items = (*items[:starred], middle, *items[len(items) - after :])
    if items is not None and len(items) == len(targets):
        for target, item in zip(targets, items, strict=True):
            assign(run, target, item, node)
        return
    if isinstance(held, Seq) and held.any_item is not None:
        for target in targets:
            assign(run, target, held.any_item, node)
        return
    if isinstance(held, Opaque) and held.hint == "split of unknown":
        for target in targets:
            assign(run, target, held, node)
        return
    if isinstance(held, Table) and held.rest is not None and not held.columns and held.root:
        # `X, y = load(...)`: as many arrays as there are names
        for place, target in enumerate(targets):
            root = f"{held.root}/{place}"
            assign(
                run,
                target,
                run.new(replace(held, root=root, rows=replace(held.rows, tables=held.rows.tables | {root}))),
                node,
            )
        return
    part = loops.any_item_of(run, held) if not isinstance(held, Opaque) else held
    for target in targets:
        assign(
            run,
            target,
            part if not isinstance(held, Table) else Opaque(facts=held.all_facts, rows=held.rows),
            node,
        )


def _set_attribute(run: Run, target: ast.Attribute, name: str, value: Value, node: ast.AST) -> None:
    owner = run.evaluate(run, target.value)
    held = run.at(owner)
    if not isinstance(owner, Ref):
        return
    if isinstance(held, Instance):
        run.heap[owner.place] = replace(held, fields={**held.fields, name: value})
    elif isinstance(held, Table):
        run.heap[owner.place] = _table_attribute(run, held, name, value, node)


def _table_attribute(run: Run, table: Table, name: str, value: Value, node: ast.AST) -> Table:
    if name == "index":
        given = run.at(value)
        label = given.name if isinstance(given, Cells) and given.name else "index"
        facts = run.facts(given)
        if run.is_time(label if label != "index" else None, facts) and table.root:
            run.record.times.setdefault(table.root, set()).add(label)
        return replace(table, index=(label,))
    if name == "columns":
        return _renamed_columns(run, table, value)
    if name in table.columns:
        return frames.stored_column(run, table, name, value, node)
    return table


def _renamed_columns(run: Run, table: Table, value: Value) -> Table:
    names = frames.columns_named(run, table, value)
    if names is None:
        return table
    facts = list(table.columns.values())
    if table.rest is None and len(facts) == len(names):
        return replace(table, columns=dict(zip(names, facts, strict=True)))
    every = table.all_facts
    if every.aheads:
        return replace(table, columns=dict.fromkeys(names, every), rest=None)
    for name in names:
        run.saw_column(table.root, name)
    columns = {name: Facts(reads={f"{table.root}.{name}": 0.0}) for name in names} if table.root else {}
    return replace(table, columns=columns, rest=None if columns else table.rest)


def _augmented(run: Run, node: ast.AugAssign) -> None:
    current = run.evaluate(run, _as_load(node.target))
    value = run.evaluate(run, node.value)
    assign(run, node.target, operated(run, current, node.op, value, node), node)


def _as_load(target: ast.expr) -> ast.expr:
    return target


def _annotated(run: Run, node: ast.AnnAssign) -> None:
    if node.value is not None:
        assign(run, node.target, run.evaluate(run, node.value), node)


def _expression(run: Run, node: ast.Expr) -> None:
    before = run.showing
    run.showing = before or shows(run, node.value)
    value = run.evaluate(run, node.value)
    run.showing = before
    _ = value


def shows(run: Run, node: ast.expr) -> bool:
    """Whether an expression statement only shows data to people."""
    if not isinstance(node, ast.Call):
        return not isinstance(node, ast.Yield | ast.Await)
    function = node.func
    path = _path(function)
    if path and path[0] in run.env and isinstance(run.env[path[0]], Symbol):
        path = [*getattr(run.env[path[0]], "path", "").split("."), *path[1:]]
    text = ".".join(path)
    if text.startswith(_SHOWING_MODULES) or text in ("print", "display", "pprint"):
        return True
    if isinstance(function, ast.Attribute):
        move = knowledge.method("pandas", function.attr)
        return isinstance(move, Shows) or function.attr in _SHOWN_METHODS
    return False


def _path(node: ast.expr) -> list[str]:
    if isinstance(node, ast.Name):
        return [node.id]
    if isinstance(node, ast.Attribute):
        inner = _path(node.value)
        return [*inner, node.attr] if inner else []
    return []


# Branches and loops


def _branched(run: Run, node: ast.If) -> None:
    test = run.at(run.evaluate(run, node.test))
    if _is_main(node.test):
        execute(run, node.body)
        return
    if isinstance(test, Const):
        execute(run, node.body if test.value else node.orelse)
        return
    learning.noted_choice(run, node)
    _either(run, node.body, node.orelse)


def _is_main(test: ast.expr) -> bool:
    return isinstance(test, ast.Compare) and isinstance(test.left, ast.Name) and test.left.id == "__name__"


def _either(run: Run, first: list[ast.stmt], second: list[ast.stmt]) -> None:
    """Run both branches from the same state, and join what they leave; one that ends early leaves nothing."""
    env, heap = dict(run.env), dict(run.heap)
    execute(run, first)
    first_env, first_heap, first_stopped = run.env, run.heap, run.stopped
    run.env, run.heap, run.stopped = env, dict(heap), False
    for place, value in first_heap.items():
        run.heap.setdefault(place, value)
    execute(run, second)
    if first_stopped and run.stopped:
        return
    if first_stopped:
        return
    if run.stopped:
        run.env, run.heap, run.stopped = first_env, {**run.heap, **first_heap}, False
        return
    _join_states(run, first_env, first_heap, heap)


def _join_states(run: Run, env: dict[str, Value], heap: dict[int, Value], before: dict[int, Value]) -> None:
    for place, value in heap.items():
        mine = run.heap.get(place)
        if mine is None or mine is value:
            run.heap[place] = value
            continue
        if mine is before.get(place):
            run.heap[place] = _joined_state(run, value, mine)
        elif value is before.get(place):
            run.heap[place] = _joined_state(run, mine, value)
        else:
            run.heap[place] = _joined_state(run, value, mine)
    for name, value in env.items():
        mine = run.env.get(name)
        run.env[name] = value if mine is None or mine == value else join_values(run, value, mine)


def _joined_state(run: Run, left: Value, right: Value) -> Value:
    if isinstance(left, Estimator) and isinstance(right, Estimator):
        return left if left.fitted is not None else right
    return run.at(join_values(run, left, right))


def _looped(run: Run, node: ast.For | ast.AsyncFor) -> None:
    source = run.evaluate(run, node.iter)
    items = loops.items_of(run, source)
    run.loops += 1
    if items is not None and (len(items) <= 4 or _depends(node)):
        for item in items:
            assign(run, node.target, item, node.iter)
            _turn(run, node.body)
    else:
        item = loops.any_item_of(run, source)
        for _ in range(2):
            assign(run, node.target, item, node.iter)
            _turn(run, node.body)
    run.loops -= 1
    execute(run, node.orelse)


def _depends(node: ast.For | ast.AsyncFor) -> bool:
    """Whether the loop's body reads what the loop counts."""
    names = {each.id for each in ast.walk(node.target) if isinstance(each, ast.Name)}
    return any(
        isinstance(each, ast.Name) and each.id in names
        for statement in node.body
        for each in ast.walk(statement)
    )


def _turn(run: Run, body: list[ast.stmt]) -> None:
    stopped = run.stopped
    execute(run, body)
    run.stopped = stopped


def _while(run: Run, node: ast.While) -> None:
    run.evaluate(run, node.test)
    run.loops += 1
    counters = [name for name in _counters(node) if isinstance(run.at(run.env.get(name)), Const)]
    for _ in range(2):
        # a number that each turn moves on stands for a row, as a loop's index does
        run.env.update(dict.fromkeys(counters, Position()))
        _turn(run, node.body)
    run.loops -= 1
    execute(run, node.orelse)


def _counters(node: ast.While) -> set[str]:
    """The names that the loop counts up by one."""
    return {
        each.target.id
        for each in ast.walk(node)
        if isinstance(each, ast.AugAssign)
        and isinstance(each.op, ast.Add)
        and isinstance(each.target, ast.Name)
        and isinstance(each.value, ast.Constant)
        and each.value.value == 1
    }


def _tried(run: Run, node: ast.Try) -> None:
    execute(run, node.body)
    stopped, run.stopped = run.stopped, False
    if stopped:
        execute(run, node.finalbody)
        run.stopped = True
        return
    for handler in node.handlers:
        _either(run, [], handler.body)
    execute(run, node.orelse)
    execute(run, node.finalbody)


def _with(run: Run, node: ast.With | ast.AsyncWith) -> None:
    for item in node.items:
        value = run.evaluate(run, item.context_expr)
        if item.optional_vars is not None:
            assign(run, item.optional_vars, value, item.context_expr)
    execute(run, node.body)


def _matched(run: Run, node: ast.Match) -> None:
    run.evaluate(run, node.subject)
    for case in node.cases:
        _either(run, case.body, [])


# Definitions


def _function(run: Run, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
    scope = run.env if run.depth else {}
    run.env[node.name] = Function(node=node, scope=scope, cell=run.cell)


def _class(run: Run, node: ast.ClassDef) -> None:
    methods: dict[str, Value] = {}
    outer = run.env
    run.env = dict(outer)
    for statement in node.body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            methods[statement.name] = Function(node=statement, scope={}, cell=run.cell)
        elif isinstance(statement, ast.Assign | ast.AnnAssign):
            execute(run, [statement])
            for target in statement.targets if isinstance(statement, ast.Assign) else [statement.target]:
                if isinstance(target, ast.Name) and target.id in run.env:
                    methods[target.id] = run.env[target.id]
    run.env = outer
    bases = tuple(
        base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "") for base in node.bases
    )
    run.env[node.name] = Class(node=node, methods=methods, bases=bases)


def _returned(run: Run, node: ast.Return) -> None:
    value = run.evaluate(run, node.value) if node.value is not None else NONE
    run.returns.append(value)
    run.stopped = True


def _stopped(run: Run, node: ast.AST) -> None:
    _ = node
    run.stopped = True


def _imported(run: Run, node: ast.Import) -> None:
    for alias in node.names:
        if alias.asname:
            run.env[alias.asname] = Symbol(alias.name)
        else:
            first = alias.name.split(".")[0]
            run.env[first] = Symbol(first)


def _imported_from(run: Run, node: ast.ImportFrom) -> None:
    for alias in node.names:
        path = f"{node.module}.{alias.name}" if node.module else alias.name
        if node.module == "ibis" and alias.name == "_":
            run.env[alias.asname or "_"] = Deferred(lambda table, _scope: table, library="ibis")
            continue
        if alias.name != "*":
            run.env[alias.asname or alias.name] = Symbol(path)


def _deleted(run: Run, node: ast.Delete) -> None:
    for target in node.targets:
        if isinstance(target, ast.Name):
            run.env.pop(target.id, None)
        elif isinstance(target, ast.Subscript):
            owner = run.evaluate(run, target.value)
            held = run.at(owner)
            key = run.at(run.evaluate(run, target.slice))
            names = frames.columns_named(run, held, key) if isinstance(held, Table) else None
            if isinstance(owner, Ref) and isinstance(held, Table) and names:
                run.heap[owner.place] = frames.dropped(held, names)


def _asserted(run: Run, node: ast.Assert) -> None:
    before, run.showing = run.showing, True
    run.evaluate(run, node.test)
    run.showing = before


_HANDLERS: dict[type[ast.stmt], Callable[[Run, Any], None]] = {
    ast.Assign: _assigned,
    ast.AugAssign: _augmented,
    ast.AnnAssign: _annotated,
    ast.Expr: _expression,
    ast.If: _branched,
    ast.For: _looped,
    ast.AsyncFor: _looped,
    ast.While: _while,
    ast.Try: _tried,
    ast.With: _with,
    ast.AsyncWith: _with,
    ast.Match: _matched,
    ast.FunctionDef: _function,
    ast.AsyncFunctionDef: _function,
    ast.ClassDef: _class,
    ast.Return: _returned,
    ast.Raise: _stopped,
    ast.Continue: _stopped,
    ast.Break: _stopped,
    ast.Import: _imported,
    ast.ImportFrom: _imported_from,
    ast.Delete: _deleted,
    ast.Assert: _asserted,
}
__all__ = ["Bound", "Method", "assign", "execute", "shows"]
