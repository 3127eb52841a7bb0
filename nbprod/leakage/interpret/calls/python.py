"""Functions of Python itself: builtins and functools."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from nbprod.leakage.interpret import (
    attributes,
    frames,
    knowledge,
    learning,
    loops,
    moving,
    positions,
)
from nbprod.leakage.interpret.calls.row_by_row import joined, on_data
from nbprod.leakage.interpret.context import Args, Run
from nbprod.leakage.interpret.facts import ALL_ROWS, NOTHING, Facts
from nbprod.leakage.interpret.values import (
    NONE,
    Cells,
    Const,
    Estimator,
    Folds,
    Function,
    Mapped,
    Method,
    Opaque,
    Partial,
    Picks,
    Position,
    Seq,
    Stretch,
    Table,
    Value,
)

if TYPE_CHECKING:
    import ast
    from collections.abc import Callable


def _counted(run: Run, args: Args, node: ast.AST) -> Value:
    """`collections.Counter(column)`: how often each value is there."""
    held = run.at(args.places[0]) if args.places else Opaque()
    if not isinstance(held, Cells):
        return Opaque(facts=run.facts(held), rows=run.rows(held))
    facts = moving.statistic(run, held, node, says="the rows of each value are counted")
    return Cells(facts=facts, rows=held.rows, shape="scalar")


def _partial(run: Run, args: Args, node: ast.AST) -> Value:
    _ = node, run
    if not args.places:
        return Opaque()
    return Partial(function=args.places[0], places=args.places[1:], names=args.names)


def _folded_up(run: Run, args: Args, node: ast.AST) -> Value:
    """`functools.reduce(f, items, start)`, turn by turn where the items are known."""
    items = loops.items_of(run, args.places[1]) if len(args.places) > 1 else None
    if not items:
        return Opaque(facts=run.facts(Seq(args.every)))
    result, *rest = (*args.places[2:3], *items)
    for item in rest:
        result = run.call(run, args.places[0], Args(places=(result, item), node=node), node)
    return result


def _length(run: Run, args: Args, node: ast.AST) -> Value:
    held = run.at(args.places[0]) if args.places else Opaque()
    counted = positions.counted(run, held, node)
    if counted is not None:
        return counted
    if isinstance(held, Const):
        try:
            return Const(len(held.value))
        except TypeError:
            return Opaque()
    if isinstance(held, Seq) and held.items is not None and not run.loops:
        return Const(len(held.items))
    return positions.length_of(getattr(held, "root", "") or _root_of(run, held))


def _root_of(run: Run, held: Value) -> str:
    """The one table that a column, or a data set, is of."""
    if isinstance(held, Estimator) and held.role == "data":
        held = run.at(held.parts[0])
    tables = run.rows(held).tables if isinstance(held, Cells) and not run.rows(held).bounds else frozenset()
    return next(iter(tables)) if len(tables) == 1 else ""


def _range(run: Run, args: Args, _node: ast.AST) -> Value:
    ends = [run.at(value) for value in args.places]
    if ends and all(isinstance(end, Const) and isinstance(end.value, int) for end in ends):
        try:
            return Const(range(*(end.value for end in ends)))  # type: ignore[union-attr]
        except (TypeError, ValueError):
            return Opaque()
    counted = learning.rows_meant(run, ends[0]) if len(ends) == 1 else None
    return Seq(None, any_item=Position(rows=counted or ALL_ROWS))


def _list(run: Run, args: Args, _node: ast.AST) -> Value:
    if not args.places:
        return run.new(Seq((), is_list=True))
    held = run.at(args.places[0])
    match held:
        case Seq():
            return run.new(replace(held, is_list=True))
        case Table(rest=rest) if rest is not None and held.columns:
            names = tuple(Const(name) for name in held.columns)
            return run.new(Seq(names, any_item=frames.OTHER_COLUMNS, is_list=True))
        case Const(value) if isinstance(value, range | list | tuple | set | str) and len(value) <= 64:
            return run.new(Seq(tuple(Const(item) for item in value), is_list=True))
        case Cells():
            return replace(held, array=True)
        case Folds() | Picks() | Opaque(hint="columns"):
            return held
        case Table(rest=None):
            return run.new(Seq(tuple(Const(name) for name in held.columns), is_list=True))
        case Mapped():
            return Seq(tuple(Const(key) for key in held.items))
        case Table():
            return Opaque(hint="columns")
        case _:
            pass
    return Opaque(facts=run.facts(held), rows=run.rows(held))


def _enumerate(run: Run, args: Args, _node: ast.AST) -> Value:
    if not args.places:
        return Opaque()
    items = loops.items_of(run, args.places[0])
    if items is not None:
        return Seq(tuple(Seq((Const(place), item)) for place, item in enumerate(items)))
    item = loops.any_item_of(run, args.places[0])
    held = run.at(args.places[0])
    if isinstance(held, Cells) and held.order.other and held.facts.reads:
        # the place of a value among all that there are
        facts = moving.statistic(run, held, _node, says="the values of all rows are numbered", rule="codes")
        return Seq(None, any_item=Seq((Cells(facts=facts, rows=held.rows, shape="scalar"), item)))
    counter: Value = (
        Position()
        if isinstance(held, Cells | Table | Position) or isinstance(run.at(item), Cells)
        else Opaque()
    )
    return Seq(None, any_item=Seq((counter, item)))


def _zip(run: Run, args: Args, _node: ast.AST) -> Value:
    every = [loops.items_of(run, value) for value in args.places]
    if every and all(items is not None for items in every):
        shortest = min(len(items) for items in every if items is not None)
        rows = [tuple(items[place] for items in every if items is not None) for place in range(shortest)]
        return Seq(tuple(Seq(row) for row in rows))
    return Seq(None, any_item=Seq(tuple(loops.any_item_of(run, value) for value in args.places)))


def _pairwise(run: Run, args: Args, node: ast.AST) -> Value:
    """`itertools.pairwise(items)`: each item, and the one after."""
    held = run.at(args.places[0]) if args.places else Opaque()
    if not isinstance(held, Cells):
        item = run.at(loops.any_item_of(run, held))
        after = replace(item, offset=item.offset + 1) if isinstance(item, Cells) else item
        return Seq(None, any_item=Seq((item, after)))
    return _zip(run, Args(places=(held, replace(held, offset=held.offset + 1)), node=node), node)


def _accumulated(run: Run, args: Args, node: ast.AST) -> Value:
    """`itertools.accumulate(items)`: at each item what all up to it make."""
    move = knowledge.function("numpy.cumsum")
    assert move is not None  # noqa: S101 - the table of numpy has it
    held = run.at(args.places[0]) if args.places else Opaque()
    if not isinstance(held, Cells):
        return held
    return moving.moved(run, move, held, Args(node=node), node, called="accumulate")


def _with_default(run: Run, args: Args, node: ast.AST) -> Value:
    """`collections.defaultdict(list)`: what any key that is not there yet stands for."""
    made = run.call(run, args.places[0], Args(node=node), node) if args.places else Opaque()
    empty = isinstance(run.at(made), Seq | Mapped)
    return run.new(Mapped({}, made)) if empty else Opaque()


def _next(run: Run, args: Args, _node: ast.AST) -> Value:
    return loops.any_item_of(run, args.places[0]) if args.places else Opaque()


def _map(run: Run, args: Args, node: ast.AST) -> Value:
    if len(args.places) < 2:
        return Opaque()
    function = args.places[0]
    items = loops.items_of(run, args.places[1])
    if items is not None:
        return run.new(
            Seq(
                tuple(run.call(run, function, Args(places=(item,), node=node), node) for item in items),
                is_list=True,
            )
        )
    item = loops.any_item_of(run, args.places[1])
    return run.new(
        Seq(None, any_item=run.call(run, function, Args(places=(item,), node=node), node), is_list=True)
    )


_FOLDED: dict[str, Callable[..., Any]] = {
    "abs": abs, "int": int, "float": float, "str": str, "bool": bool, "round": round, "min": min, "max": max, "sum": sum,
    "sorted": sorted, "tuple": tuple, "set": set, "frozenset": frozenset, "divmod": divmod, "any": any, "all": all,
}  # fmt: skip


def _plain(name: str) -> Callable[[Run, Args, ast.AST], Value]:
    function = _FOLDED[name]

    def folded(run: Run, args: Args, node: ast.AST) -> Value:
        held = [run.at(value) for value in args.every]
        if held and all(isinstance(value, Const) for value in held):
            try:
                return Const(function(*(value.value for value in held)))  # type: ignore[union-attr]
            except (TypeError, ValueError, ArithmeticError, AttributeError):
                return Opaque()
        return _not_folded(run, name, held, args, node)

    return folded


def _not_folded(run: Run, name: str, held: list[Value], args: Args, node: ast.AST) -> Value:
    first = held[0] if held else Opaque()
    if name in ("max", "min", "sorted"):
        learning.noted_best(run, _owner(first), node)
        _scores_each(run, args, node)
    positions = [value for value in held if isinstance(value, Position)]
    if name in ("max", "min") and positions:
        # `max(0, i - 29)`: a bound of a row's own neighbourhood
        return max(positions, key=lambda position: position.offset)
    if name in ("int", "round", "float") and isinstance(first, Position):
        return first
    if name == "sorted" and isinstance(first, Cells) and first.shape == "column":
        from nbprod.leakage.interpret.methods import call_method

        return call_method(run, first, "sort_values", Args(node=node), node)
    if name in ("sorted", "tuple", "set", "frozenset"):
        if isinstance(first, Seq):
            ordered = _ordered_by(run, first) if name == "sorted" else first
            return ordered if name != "tuple" else replace(first, is_list=False)
        return (
            first
            if isinstance(first, Cells | Folds | Picks)
            else Opaque(facts=run.facts(first), hint=getattr(first, "hint", ""))
        )
    if name in ("sum", "min", "max") and len(held) == 1:
        if isinstance(first, Cells) and first.shape in ("column", "matrix"):
            move = knowledge.function(f"numpy.{name}")
            return (
                moving.moved(run, move, first, Args(node=node), node, called=name)
                if move is not None
                else first
            )
        if isinstance(first, Seq):
            return Cells(facts=run.facts(first), shape="element") if run.facts(first).reads else Opaque()
    result = joined(run, args)
    return Opaque() if isinstance(result, Seq) else result


def _ordered_by(run: Run, pairs: Seq) -> Seq:
    """Pairs in order: what stands first in each depends on what stands beside it."""
    pair = run.at(pairs.any_item)
    aheads = run.facts(pair).aheads if isinstance(pair, Seq) and pair.items else ()
    if not aheads or not isinstance(pair, Seq) or pair.items is None:
        return pairs
    facts = Facts(aheads=aheads)
    parts = tuple(Opaque(facts=facts) if isinstance(run.at(p), Const | Opaque) else p for p in pair.items)
    return replace(pairs, any_item=replace(pair, items=parts))


def _owner(value: Value) -> Value:
    """The dict of which these are the items, the keys or the values."""
    return value.owner if isinstance(value, Method) else value


def _scores_each(run: Run, args: Args, node: ast.AST) -> None:
    """Whether the key by which the best is found scores a model: `max(limits, key=lambda t: f1_score(y, p > t))`."""
    key = run.at(args.names.get("key"))
    if not args.places or not isinstance(key, Function | Partial):
        return
    scored = len(run.record.scored)
    run.comprehensions += 1
    run.call(run, key, Args(places=(loops.any_item_of(run, args.places[0]),), node=node), node)
    run.comprehensions -= 1
    run.record.chosen += [(run.span(node), sink.rows) for sink in run.record.scored[scored:]]


def _holds_scores(run: Run, value: Value) -> bool:
    """Whether a list or dict holds what models scored."""
    match run.at(value):
        case Seq(items=items, any_item=any_item):
            each = (*(items or ()), *((any_item,) if any_item is not None else ()))
        case Mapped(items=items, any_item=any_item):
            each = (*items.values(), *((any_item,) if any_item is not None else ()))
        case Method(owner=owner):
            return _holds_scores(run, owner)
        case _:
            return False
    return any(isinstance(held := run.at(item), Opaque) and held.hint == "score" for item in each)


def _best(name: str) -> Callable[[Run, Args, ast.AST], Value]:
    """`np.argmax(scores)`: the place of the best of several candidates, or of a column's greatest value."""

    def best(run: Run, args: Args, node: ast.AST) -> Value:
        held = run.at(args.places[0]) if args.places else Opaque()
        if _holds_scores(run, held):
            learning.noted_best(run, held, node)
            return Opaque(rows=run.rows(held), facts=replace(run.facts(held), reads={}))
        move = knowledge.function(f"numpy.{name}")
        assert move is not None  # noqa: S101 - the table of numpy has it
        return on_data(run, move, held, replace(args, places=args.places[1:]), node, called=f"np.{name}")

    return best


def _first_argument(_run: Run, args: Args, _node: ast.AST) -> Value:
    return args.places[0] if args.places else Opaque()


def _second_argument(_run: Run, args: Args, _node: ast.AST) -> Value:
    return args.places[1] if len(args.places) > 1 else Opaque()


def _nothing(_run: Run, _args: Args, _node: ast.AST) -> Value:
    return NONE


def _reversed(run: Run, args: Args, _node: ast.AST) -> Value:
    held = run.at(args.places[0]) if args.places else Opaque()
    if isinstance(held, Cells | Table):
        return replace(held, order=held.order.flipped)
    if isinstance(held, Seq) and held.items is not None:
        return Seq(tuple(reversed(held.items)), is_list=True)
    return held


def _dict(run: Run, args: Args, _node: ast.AST) -> Value:
    items: dict[Any, Value] = dict(args.names)
    if args.places:
        held = run.at(args.places[0])
        if isinstance(held, Mapped):
            items = {**held.items, **items}
        elif isinstance(held, Seq) and held.items is not None:
            for item in held.items:
                pair = run.at(item)
                if isinstance(pair, Seq) and pair.items is not None and len(pair.items) == 2:
                    key = run.at(pair.items[0])
                    if isinstance(key, Const) and frames.is_hashable(key.value):
                        items[key.value] = pair.items[1]
        elif isinstance(held, Seq) and isinstance(pair := run.at(held.any_item), Seq) and pair.items:
            return run.new(Mapped(items, pair.items[-1]))
        else:
            return run.new(Mapped(items, Opaque(facts=run.facts(held))))
    return run.new(Mapped(items))


def _get_attribute(run: Run, args: Args, node: ast.AST) -> Value:
    name = args.constant(1, "name")
    if isinstance(name, str) and args.places:
        return attributes.attribute(run, args.places[0], name, node)
    return Opaque(facts=run.facts(args.places[0]) if args.places else NOTHING)


def _slice(run: Run, args: Args, _node: ast.AST) -> Value:
    ends = [run.at(value) for value in args.places]
    if len(ends) == 1:
        return Stretch(high=ends[0])
    return Stretch(low=ends[0], high=ends[1], step=ends[2] if len(ends) > 2 else None) if ends else Stretch()


BUILTINS: dict[str, Callable[[Run, Args, ast.AST], Value]] = {
    **{name: _plain(name) for name in _FOLDED},
    "len": _length, "range": _range, "list": _list, "enumerate": _enumerate, "zip": _zip, "next": _next, "map": _map,
    "iter": _first_argument, "print": _nothing, "display": _nothing,
    "reversed": _reversed, "dict": _dict, "getattr": _get_attribute, "isinstance": lambda *_: Opaque(),
    "hasattr": lambda *_: Opaque(), "type": lambda *_: Opaque(), "open": lambda *_: Opaque(), "super": lambda *_: Opaque(),
    "slice": _slice, "filter": _second_argument,
    "setattr": _nothing, "input": lambda *_: Opaque(), "callable": lambda *_: Opaque(),
}  # fmt: skip


FUNCTIONS: dict[str, Callable[[Run, Args, ast.AST], Value]] = {
    "numpy.argmax": _best("argmax"), "numpy.argmin": _best("argmin"),
    "itertools.pairwise": _pairwise, "itertools.accumulate": _accumulated, "collections.defaultdict": _with_default,
     "collections.Counter": _counted, "functools.partial": _partial, "functools.reduce": _folded_up,
    "sqlalchemy.text": _first_argument, "sqlalchemy.sql.text": _first_argument, "sqlalchemy.sql.expression.text": _first_argument,
    "statsmodels.api.add_constant": _first_argument, "IPython.display.display": _nothing,
}  # fmt: skip
