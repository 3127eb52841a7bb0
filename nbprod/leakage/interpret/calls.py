"""Calls of functions: of the notebook, of Python, of libraries by their dotted path."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nbprod.leakage.interpret import (
    deferred,
    frames,
    joining,
    knowledge,
    learning,
    loops,
    moving,
    tables,
    times,
)
from nbprod.leakage.interpret.clocks import is_time_name
from nbprod.leakage.interpret.combining import combine, join_values
from nbprod.leakage.interpret.context import Args, Run
from nbprod.leakage.interpret.functions import call_function, instance_of
from nbprod.leakage.interpret.methods import call_method
from nbprod.leakage.interpret.queries import is_query, queried
from nbprod.leakage.interpret.values import (
    ALL_ROWS,
    NONE,
    NOTHING,
    Cells,
    Class,
    Clock,
    Const,
    Deferred,
    Estimator,
    Facts,
    Folds,
    Function,
    Instance,
    Mapped,
    Method,
    Opaque,
    Partial,
    Picks,
    Position,
    Rows,
    Seq,
    Symbol,
    Table,
    Value,
)
from nbprod.libraries.moves import Fresh, Learns, Loads, Move, Scores, Shows, Smooths, Splits, Validates

if TYPE_CHECKING:
    from collections.abc import Callable


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
            return learning.on_estimator(run, function, held, "predict", args, node)
        case Deferred() | Cells() | Table():
            return Opaque(facts=run.facts(held), rows=run.rows(held))
        case _:
            pass
    facts = run.facts(held) | run.facts(Seq(tuple(args.every)))
    if is_query(run, args):
        return queried(run, args.get(0, "query"), args, node)
    rows = next((run.rows(value) for value in args.every if run.rows(value) != ALL_ROWS), ALL_ROWS)
    return Opaque(facts=replace(facts, proved=False), rows=rows)


_UNBOUND = re.compile(r"(?:pandas|polars)\.(?:Series|DataFrame|Expr|LazyFrame)\.([a-z_]+)")
_GENERATOR = Opaque(hint="a random generator")
_QUERY_METHODS = frozenset({"sql", "execute", "query", "raw_sql", "read_sql", "sqldf", "from_query"})


def _method(run: Run, method: Method, args: Args, node: ast.AST) -> Value:
    if method.name in _QUERY_METHODS and is_query(run, args):
        return queried(run, args.get(0, "query"), args, node)
    if method.name in ("permutation", "shuffle") and run.at(method.owner) == _GENERATOR:
        return (_permuted if method.name == "permutation" else _shuffled)(run, args, node)
    return call_method(run, method.owner, method.name, args, node)


def _symbol(run: Run, path: str, args: Args, node: ast.AST) -> Value:
    library, _, rest = path.partition(".")
    bare = path.rsplit(".", 1)[-1]
    if library == "builtins":
        handler = _BUILTINS.get(bare)
        return handler(run, args, node) if handler is not None else _joined(run, args)
    length = times.duration(run, path, args)
    if length is not None:
        return length
    if library == "polars":
        made = deferred.polars_function(run, rest, args, node)
        if made is not None:
            return made
    if library == "ibis":
        made = deferred.ibis_function(run, rest, args, node)
        if made is not None:
            return made
    handler = _FUNCTIONS.get(path) or _BARE.get(bare)
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
        case Learns():
            return learning.made(run, move, bare, args, node)
        case Splits():
            return learning.splitter(move, bare, args, run, node)
        case Validates():
            return learning.validated(run, move, bare, args, node)
        case Scores():
            return _metric(run, args, node)
        case Loads():
            if move.query and is_query(run, args):
                return queried(run, args.get(0, move.query), args, node)
            return loaded(run, move, path, args, node)
        case Fresh():
            return _fresh(run, bare, args)
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


def _moved_nodes(args: Args) -> dict[int | str, ast.expr]:
    return {
        (key - 1 if isinstance(key, int) else key): value for key, value in args.nodes.items() if key != 0
    }


def on_data(run: Run, move: Move, data: Value, args: Args, node: ast.AST, *, called: str) -> Value:  # noqa: C901
    """A function of a library applied to its first argument, whatever shape that has."""
    held = run.at(data)
    if isinstance(held, Deferred) or any(isinstance(run.at(value), Deferred) for value in args.every):

        def build(table: Table, scope: Any) -> Value:
            inner = deferred.built(run, held, table, scope)
            return on_data(
                run, move, inner, deferred.with_arguments_built(run, args, table, scope), node, called=called
            )

        owner = held if isinstance(held, Deferred) else None
        return Deferred(build, library=owner.library if owner else "polars", table=owner.table if owner else None,
                        name=owner.name if owner else None)  # fmt: skip
    if isinstance(held, Seq):
        items = held.items
        if items is not None and not run.facts(held).reads:
            return _sequence_as_cells(run, held, args)
        facts = run.facts(held)
        held = Cells(facts=facts, rows=run.rows(held), shape="column", array=True)
    if isinstance(held, Table):

        def change(facts: Facts) -> Facts:
            cells = Cells(facts=facts, rows=held.rows, order=held.order, within=held.within)
            return run.facts(moving.moved(run, move, cells, args, node, called=called))

        columns = {name: change(facts) for name, facts in held.columns.items()}
        known = (
            held.rest | Facts(reads={f"{held.root}.*": 0.0})
            if held.rest is not None and held.root
            else held.rest
        )
        rest = change(known) if known is not None else None
        if rest is not None and held.rest is not None:
            rest = replace(rest, reads=held.rest.reads)
        return run.new(replace(held, columns=columns, rest=rest))
    if isinstance(held, Cells):
        return moving.moved(run, move, held, args, node, called=called)
    if isinstance(held, Const) and args.every:
        return _joined(run, replace(args, places=(held, *args.places)))
    facts = run.facts(held) | run.facts(Seq(tuple(args.every)))
    if isinstance(held, Opaque) and facts.reads:
        return moving.moved(
            run, move, Cells(facts=facts, rows=held.rows, array=True), args, node, called=called
        )
    return _joined(run, replace(args, places=(held, *args.places)))


def _sequence_as_cells(run: Run, sequence: Seq, args: Args) -> Value:
    _ = args, run
    width = len(sequence.items) if sequence.items is not None else None
    return Cells(shape="column", array=True, width=width)


def _joined(run: Run, args: Args) -> Value:
    """The result of a call that reads its arguments row by row."""
    result: Value = NONE
    for value in args.every:
        result = (
            combine(run, result, value, op=None, node=run.node or ast.Pass())
            if result is not NONE
            else run.at(value)
        )
    if isinstance(result, Const | Seq | Mapped | Position):
        return Opaque()
    return replace(result, conditions=()) if isinstance(result, Cells) else result


def _unknown(run: Run, path: str, bare: str, args: Args, node: ast.AST) -> Value:
    facts = run.facts(Seq(tuple(args.every)))
    if bare[:1].isupper() and (not facts.reads or any(isinstance(run.at(v), Estimator) for v in args.every)):
        return run.new(Estimator(name=bare, role="unknown", settings=dict(args.names),
                                 parts=tuple(v for v in args.every if isinstance(run.at(v), Estimator))))  # fmt: skip
    if facts.reads:
        run.record.opaque.append((run.span(node), path))
    if not facts.reads and (_LOADS.search(bare) or path.split(".", maxsplit=1)[0] in _MARKETS):
        return _from_outside(run, path, bare, node)
    rows = next((run.rows(value) for value in args.every if run.rows(value) != ALL_ROWS), ALL_ROWS)
    return Opaque(facts=replace(facts, proved=False), rows=rows, hint="" if facts.reads else bare)


# Data from outside

_LOADS = re.compile(
    r"^(load|read|fetch|download|get|query|scan|import)_|^(load|fetch|download|DataReader|history)$|_(data|dataset|prices|history)$"
)
_MARKETS = frozenset(
    {
        "yfinance",
        "yf",
        "pandas_datareader",
        "pdr",
        "web",
        "quandl",
        "fix_yahoo_finance",
        "ccxt",
        "alpha_vantage",
    }
)


def _from_outside(run: Run, path: str, bare: str, node: ast.AST) -> Value:
    """What an unknown function brings that is named for loading: a table of unknown columns."""
    span = run.span(node)
    root = f"{bare}@{span.cell}:{span.line}:{span.column}"
    if path.split(".", maxsplit=1)[0] in _MARKETS:
        run.record.times.setdefault(root, set()).add("index")
        run.record.exact_times.setdefault(root, set()).add("index")
    return run.new(Table(rest=NOTHING, rows=Rows(tables=frozenset({root})), root=root))


def loaded(run: Run, move: Loads, path: str, args: Args, node: ast.AST) -> Value:
    """A table that a call reads; what the call says of columns of times is noted."""
    bare = path.rpartition(".")[2]
    span = run.span(node)
    place = args.constant(0, move.parameters[0])
    root = f"{bare}({place!r})" if isinstance(place, str) else f"{bare}@{span.cell}:{span.line}"
    root = root.replace(".", "·")
    if path.startswith("numpy."):
        reads = {f"{root}.*": 0.0}
        return Cells(
            facts=Facts(reads=reads), rows=Rows(tables=frozenset({root})), shape="matrix", array=True
        )
    dates = run.at(args.get(None, move.time)) if move.time in args.names else None
    names = (
        frames.columns_named(run, Table(), dates)
        if dates is not None and not isinstance(dates, Mapped)
        else None
    )
    for name in names or ():
        run.record.times.setdefault(root, set()).add(name)
        run.record.exact_times.setdefault(root, set()).add(name)
    columns: dict[str, Facts] = {}
    chosen = frames.columns_named(
        run, Table(), args.get(None, move.columns) or args.get(None, "names") or Opaque()
    )
    rest: Facts | None = NOTHING
    if chosen:
        columns = {name: Facts(reads={f"{root}.{name}": 0.0}) for name in chosen}
        rest = None
        for name in chosen:
            run.saw_column(root, name)
    index_names = frames.columns_named(run, Table(), args.get(None, move.index) or Opaque())
    index = index_names or ()
    for name in index:
        run.saw_column(root, name)
    if not index and isinstance(dates, Const) and dates.value is True and move.index in args.names:
        index = ("index",)
        run.record.times.setdefault(root, set()).add("index")
    rows = Rows(tables=frozenset({root}))
    library = path.partition(".")[0] if path.startswith(("polars.", "ibis.")) else ""
    return run.new(Table(columns=columns, rest=rest, rows=rows, root=root, index=index, library=library,
                         gone=frozenset(index)))  # fmt: skip


def _fresh(run: Run, bare: str, args: Args) -> Value:
    held = [run.at(value) for value in args.every]
    if bare == "Timestamp":
        return Opaque()
    if bare in ("arange", "linspace") and any(isinstance(value, Position) for value in held):
        return Opaque()
    if bare.endswith("_like"):
        like = held[0] if held else Opaque()
        if isinstance(like, Cells | Table):
            return Cells(rows=like.rows, order=like.order, array=True)
    size = held[0].value if held and isinstance(held[0], Const) and isinstance(held[0].value, int) else None
    if bare == "full" and len(held) > 1:
        return Cells(facts=run.facts(held[1]), array=True, width=size)
    if bare in ("make_classification", "make_regression", "make_blobs"):
        root = f"{bare}"
        rows = Rows(tables=frozenset({root}))
        return Seq((Cells(facts=Facts(reads={f"{root}.X": 0.0}), rows=rows, shape="matrix", array=True),
                    Cells(facts=Facts(reads={f"{root}.y": 0.0}), rows=rows, array=True)))  # fmt: skip
    if bare in ("default_rng", "RandomState"):
        return _GENERATOR
    if bare == "seed":
        return Opaque()
    if bare in ("rand", "randn", "normal", "randint", "random", "uniform", "choice") and run.node is not None:
        span = run.span(run.node)
        root = f"random@{span.cell}:{span.line}:{span.column}"
        wide = len([v for v in args.places if isinstance(run.at(v), Const)]) > 1 and bare in ("rand", "randn")
        return Cells(facts=Facts(reads={f"{root}.x": 0.0}), rows=Rows(tables=frozenset({root})), array=True,
                     shape="matrix" if wide else "column")  # fmt: skip
    length = held[0].hint if bare == "arange" and len(held) == 1 and isinstance(held[0], Opaque) else ""
    return Cells(array=True, width=size if bare in ("zeros", "empty") else None, name=length or None)


def _metric(run: Run, args: Args, node: ast.AST) -> Value:
    from nbprod.leakage.interpret.context import Sink

    truth = args.get(0, "y_true") or Opaque()
    guess = args.get(1, "y_pred") or Opaque()
    rows = run.rows(truth) if run.rows(truth).bounds else run.rows(guess)
    run.record.scored.append(
        Sink(kind="metric", span=run.span(node), features=run.at(guess), labels=run.at(truth), rows=rows,
             in_loop=bool(run.loops))
    )  # fmt: skip
    return Opaque(hint="score", rows=rows)


# pandas


def _data_frame(run: Run, args: Args, node: ast.AST) -> Value:
    given = run.at(args.get(0, "data"))
    index = run.at(args.get(None, "index") or args.get(1, "index"))
    names = frames.columns_named(run, Table(), args.get(None, "columns") or Opaque())
    index_names = _index_names(run, index)
    if isinstance(given, Table):
        made = given if names is None else frames.projected(run, given, names)
        return run.new(replace(made, index=index_names or made.index))
    span = run.span(node)
    root = f"DataFrame@{span.cell}:{span.line}:{span.column}"
    if isinstance(given, Cells):
        return _frame_of_cells(run, given, names, index_names, root)
    if isinstance(given, Mapped):
        return run.new(_frame_of_mapping(run, given, index_names, root))
    facts = run.facts(given)
    rows = run.rows(given) if facts.reads else Rows(tables=frozenset({root}))
    if facts.reads:
        return run.new(
            Table(
                columns=dict.fromkeys(names or (), facts),
                rest=facts if not names else None,
                rows=rows,
                index=index_names,
            )
        )
    columns = {name: Facts(reads={f"{root}.{name}": 0.0}) for name in names or ()}
    return run.new(
        Table(columns=columns, rest=NOTHING if not names else None, rows=rows, root=root, index=index_names)
    )


def _index_names(run: Run, index: Value) -> tuple[str, ...]:
    if isinstance(index, Cells) and (index.name or index.index):
        return (index.name or index.index or "index",)
    if isinstance(index, Cells) and index.facts.clock is not None:
        return ("index",)
    _ = run
    return ()


def _frame_of_cells(
    run: Run, cells: Cells, names: tuple[str, ...] | None, index: tuple[str, ...], root: str
) -> Value:
    facts = cells.facts
    if not facts.reads and not facts.aheads:
        rows = Rows(tables=frozenset({root}))
        columns = {name: Facts(reads={f"{root}.{name}": 0.0}) for name in names or ()}
        return run.new(
            Table(columns=columns, rest=None if names else NOTHING, rows=rows, root=root, index=index)
        )
    label = (cells.name or "0",)
    chosen = names or (label if cells.shape == "column" else ())
    columns = dict.fromkeys(chosen, facts)
    return run.new(
        Table(
            columns=columns,
            rest=None if chosen else facts,
            rows=cells.rows,
            order=cells.order,
            index=index,
            keyed=cells.keyed,
        )
    )


def _frame_of_mapping(run: Run, given: Mapped, index: tuple[str, ...], root: str) -> Table:
    columns: dict[str, Facts] = {}
    rows: Rows | None = None
    for key, value in given.items.items():
        name = str(key)
        held = run.at(value)
        facts = run.facts(held)
        fresh = not facts.reads or all(source.startswith("random@") for source in facts.reads)
        if fresh and not facts.aheads:
            clock = facts.clock
            facts = Facts(reads={f"{root}.{name}": 0.0}, clock=clock)
            run.saw_column(root, name)
            if clock is not None:
                run.record.times.setdefault(root, set()).add(name)
                run.record.exact_times.setdefault(root, set()).add(name)
        elif rows is None and run.rows(held).tables:
            rows = run.rows(held)
        columns[name] = facts
    if index:
        run.record.times.setdefault(root, set()).add(index[0])
    if root not in run.record.times and given.any_item is None:
        run.record.static.add(root)
    rest = NOTHING if given.any_item is not None else None
    order = next(
        (h.order for h in (run.at(v) for v in given.items.values()) if isinstance(h, Cells)), Cells().order
    )
    return Table(
        columns=columns,
        rest=rest,
        rows=rows or Rows(tables=frozenset({root})),
        root=root,
        index=index,
        order=order,
    )


def _series(run: Run, args: Args, node: ast.AST) -> Value:
    if isinstance(args.constant(0, "name"), str) and len(args.places) > 1:
        # polars names the column first
        rest = {**args.names, "name": args.places[0]}
        args = replace(args, places=args.places[1:2], names=rest)
    given = run.at(args.get(0, "data"))
    index = run.at(args.get(None, "index") or args.get(1, "index"))
    name = args.constant(None, "name")
    names = _index_names(run, index)
    label = name if isinstance(name, str) else None
    facts = run.facts(given)
    if isinstance(given, Cells) and (facts.reads or facts.aheads):
        return replace(
            given,
            array=False,
            shape="column",
            name=label or given.name,
            index=names[0] if names else given.index,
        )
    if isinstance(given, Mapped):
        return Cells(facts=facts, name=label)
    if facts.reads or facts.aheads:
        return Cells(facts=facts, rows=run.rows(given), name=label, index=names[0] if names else None)
    span = run.span(node)
    root = f"Series@{span.cell}:{span.line}:{span.column}"
    if names:
        run.record.times.setdefault(root, set()).add(names[0])
    return Cells(facts=Facts(reads={f"{root}.{label or 'value'}": 0.0}), rows=Rows(tables=frozenset({root})), name=label,
                 index=names[0] if names else None)  # fmt: skip


def _concat(run: Run, args: Args, node: ast.AST) -> Value:
    held = run.at(args.get(0, "objs"))
    sideways = args.constant(None, "axis", args.constant(1, "axis", 0)) in (1, "columns") or str(
        args.constant(None, "how", "")
    ).startswith("horizontal")
    values: tuple[Value, ...] = ()
    if isinstance(held, Seq):
        values = (
            held.items if held.items is not None else ((held.any_item,) if held.any_item is not None else ())
        )
    elif isinstance(held, Mapped):
        values = tuple(_keyed(run, key, value) for key, value in held.items.items())
    if not values:
        return Opaque(facts=run.facts(held), rows=run.rows(held))
    if sideways:
        return learning.beside(run, values)
    if len(values) == 1:
        only = run.at(values[0])
        return run.new(only) if isinstance(only, Table) else only
    return learning.concatenated(run, values, node)


def _keyed(run: Run, key: object, value: Value) -> Value:
    """A column under the key that `pd.concat` gives it."""
    held = run.at(value)
    return replace(held, name=str(key)) if isinstance(held, Cells) else value


def _merge(run: Run, args: Args, node: ast.AST) -> Value:
    left = args.get(0, "left") or Opaque()
    held = run.at(left)
    rest = replace(args, places=args.places[1:], names={k: v for k, v in args.names.items() if k != "left"})
    if isinstance(held, Table):
        return tables.call(run, left, held, "merge", rest, node)
    return _joined(run, args)


def _merge_asof(run: Run, args: Args, node: ast.AST) -> Value:
    left, right = run.at(args.get(0, "left")), run.at(args.get(1, "right"))
    if isinstance(left, Table) and isinstance(right, Table):
        return run.new(tables.as_of_call(run, left, right, args, node))
    return _joined(run, args)


def _to_datetime(run: Run, args: Args, node: ast.AST) -> Value:
    held = run.at(args.get(0, "arg"))
    _ = node
    if isinstance(held, Cells):
        run.saw_time(held.facts, exact=True)
        return replace(held, facts=replace(held.facts, clock=held.facts.clock or Clock()), conditions=())
    if isinstance(held, Table):
        return Cells(facts=replace(held.all_facts, clock=Clock()), rows=held.rows)
    return held if isinstance(held, Const | Deferred) else Opaque()


def _date_range(run: Run, args: Args, node: ast.AST) -> Value:
    name = args.constant(None, "name")
    _ = run, node
    return Cells(facts=Facts(clock=Clock()), name=name if isinstance(name, str) else None, array=True)


def _grouper(run: Run, args: Args, node: ast.AST) -> Value:
    _ = run, node
    key, frequency = args.constant(0, "key"), args.constant(None, "freq", args.constant(2, "freq"))
    if frequency is None:
        return Const(key) if isinstance(key, str) else Opaque()
    return Opaque(hint=f"grouper:{key or ''}:{frequency}")


def _named_aggregate(run: Run, args: Args, node: ast.AST) -> Value:
    _ = run, node
    return Opaque(hint=f"named-agg:{args.constant(0, 'column')}:{args.constant(1, 'aggfunc')}")


def _forward_indexer(run: Run, args: Args, node: ast.AST) -> Value:
    _ = run, node
    size = args.constant(0, "window_size")
    return Opaque(hint=f"forward-window:{size if isinstance(size, int) else 2}")


def _categorical(run: Run, args: Args, node: ast.AST) -> Value:
    held = run.at(args.get(0, "values"))
    if isinstance(held, Cells) and args.get(1, "categories") is None:
        facts = moving.statistic(
            run, held, node, says="category codes number the values of all rows", rule="codes"
        )
        return replace(held, facts=facts)
    return held


def _dummies(run: Run, args: Args, node: ast.AST) -> Value:
    move = knowledge.function("pandas.get_dummies")
    assert move is not None  # noqa: S101 - asked just before
    held = run.at(args.get(0, "data"))
    if isinstance(held, Table):
        # columns other than the categories stay as they are: a level seen late only adds a column
        return run.new(replace(held, columns={**held.columns}))
    return on_data(run, move, held, Args(node=node), node, called="get_dummies")


# numpy


def _stacked(run: Run, args: Args, node: ast.AST) -> Value:
    held = run.at(args.get(0, "tup"))
    _ = node
    values = held.items if isinstance(held, Seq) and held.items is not None else (held,)
    return learning.beside(run, tuple(_as_array(run.at(value)) for value in values))


def _as_array(value: Value) -> Value:
    return replace(value, array=True) if isinstance(value, Cells) else value


def _from_pandas(run: Run, args: Args, node: ast.AST) -> Value:
    _ = node
    held = run.at(args.places[0]) if args.places else Opaque()
    return run.new(replace(held, library="polars")) if isinstance(held, Table) else held


def _concatenated(run: Run, args: Args, node: ast.AST) -> Value:
    held = run.at(args.get(0, "arrays"))
    values = held.items if isinstance(held, Seq) and held.items is not None else (held,)
    if args.constant(None, "axis", args.constant(1, "axis", 0)) in (1, -1):
        return learning.beside(run, tuple(values))
    return learning.concatenated(run, tuple(values), node)


def _array(run: Run, args: Args, node: ast.AST) -> Value:
    held = run.at(args.get(0, "object"))
    _ = node
    match held:
        case Table():
            return frames.as_matrix(run, held)
        case Cells():
            return replace(held, array=True, conditions=())
        case Seq(items=items, any_item=any_item):
            facts = run.facts(held)
            inner = run.at(any_item) if any_item is not None else (run.at(items[0]) if items else None)
            shape = (
                "matrix"
                if isinstance(inner, Table) or (isinstance(inner, Cells) and inner.width)
                else "column"
            )
            rows = run.rows(inner) if inner is not None else ALL_ROWS
            return Cells(facts=facts, rows=rows, shape=shape, array=True, width=len(items) if items else None)
        case Deferred():
            return held
        case Picks() | Folds():
            return held
        case _:
            pass
    return Cells(facts=run.facts(held), rows=run.rows(held), array=True)


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


def _inserted(run: Run, args: Args, node: ast.AST) -> Value:
    """`np.insert(a, 0, v)`: a value before the first one, or anywhere else."""
    array, value = args.get(0, "arr") or Opaque(), args.get(2, "values") or Opaque()
    if args.constant(1, "obj") == 0:
        return learning.concatenated(run, (value, array), node)
    return learning.concatenated(run, (array, value), node)


def _padded(run: Run, args: Args, node: ast.AST) -> Value:
    """`np.pad(a, (before, after))`."""
    held, widths = run.at(args.get(0, "array")), run.at(args.get(1, "pad_width"))
    _ = node
    if not isinstance(held, Cells):
        return _joined(run, args)
    before = run.at(widths.items[0]) if isinstance(widths, Seq) and widths.items else widths
    head = before.value if isinstance(before, Const) and isinstance(before.value, int) else held.offset
    return replace(held, array=True, offset=held.offset - head)


def _where(run: Run, args: Args, node: ast.AST) -> Value:
    if len(args.places) == 1:
        held = run.at(args.places[0])
        return held if isinstance(held, Cells) else _joined(run, args)
    result = _joined(run, args)
    _ = node
    return result


def _flipped(run: Run, args: Args, node: ast.AST) -> Value:
    held = run.at(args.get(0, "m"))
    _ = node, run
    return replace(held, order=held.order.flipped) if isinstance(held, Cells | Table) else held


def _ones(run: Run, args: Args, node: ast.AST) -> Value:
    _ = node, run
    size = args.constant(0, "shape")
    return Cells(array=True, width=size if isinstance(size, int) else None)


def _permuted(run: Run, args: Args, node: ast.AST) -> Value:
    """`np.random.permutation`, `sklearn.utils.shuffle`: rows in random order."""
    made: list[Value] = []
    drawn = learning.drawn_positions(run, args.places[0], node) if len(args.places) == 1 else None
    if drawn is not None:
        return drawn
    for value in args.places:
        held = run.at(value)
        if isinstance(held, Table | Cells):
            changed = replace(held, order=replace(held.order, shuffled=run.span(node)))
            made.append(run.new(changed) if isinstance(changed, Table) else changed)
        else:
            made.append(Opaque(facts=run.facts(held)))
    return made[0] if len(made) == 1 else Seq(tuple(made))


def _shuffled(run: Run, args: Args, node: ast.AST) -> Value:
    """`np.random.shuffle(positions)`, which changes what it is given."""
    name = args.node_of(0, "x")
    if isinstance(name, ast.Name) and args.places:
        run.env[name.id] = _permuted(run, args, node)
    return NONE


def _resample_rows(run: Run, args: Args, node: ast.AST) -> Value:
    """`sklearn.utils.resample`: rows drawn again, from all of those given."""
    estimator = Estimator(name="resample", role="sampler")
    owner = run.new(estimator)
    made = learning.on_estimator(
        run, owner, estimator, "fit_resample", Args(places=args.places, node=node), node
    )
    held = run.at(made)
    if isinstance(held, Seq) and held.items is not None and len(held.items) == 1:
        return held.items[0]
    return made


def _sliding(run: Run, args: Args, node: ast.AST) -> Value:
    held = run.at(args.get(0, "x"))
    _ = node
    return replace(held, shape="matrix") if isinstance(held, Cells) else held


def _data_matrix(run: Run, args: Args, node: ast.AST) -> Value:
    _ = node
    features = args.get(0, "data") or Opaque()
    labels = args.get(1, "label")
    parts = (features, labels) if labels is not None else (features,)
    return run.new(Estimator(name="data", role="data", parts=parts))


def _booster(run: Run, args: Args, node: ast.AST) -> Value:
    """`xgb.train(params, data, ...)`, `lgb.train`: a fit by another name."""
    estimator = Estimator(name="train", role="predictor", settings=dict(args.names))
    owner = run.new(estimator)
    data = args.get(1, "dtrain") or args.get(1, "train_set") or Opaque()
    fit_args = Args(
        places=(data,),
        names={k: v for k, v in args.names.items() if k not in ("dtrain", "train_set")},
        node=node,
    )
    learning.on_estimator(run, owner, estimator, "fit", fit_args, node)
    return owner


def _regression(run: Run, args: Args, node: ast.AST) -> Value:
    """Statsmodels names the labels first: `OLS(y, X).fit()`."""
    labels, features = args.get(0, "endog"), args.get(1, "exog")
    estimator = Estimator(name="OLS", role="predictor")
    owner = run.new(estimator)
    if features is not None and labels is not None:
        learning.on_estimator(run, owner, estimator, "fit", Args(places=(features, labels), node=node), node)
    return owner


def _added_constant(run: Run, args: Args, node: ast.AST) -> Value:
    _ = node, run
    return args.places[0] if args.places else Opaque()


def _cross_table(run: Run, args: Args, node: ast.AST) -> Value:
    _ = node
    return Opaque(facts=NOTHING, rows=run.rows(args.places[0]) if args.places else ALL_ROWS)


def _chi(run: Run, args: Args, node: ast.AST) -> Value:
    _ = node, run, args
    return Opaque()


# Python


def _length(run: Run, args: Args, _node: ast.AST) -> Value:
    held = run.at(args.places[0]) if args.places else Opaque()
    if isinstance(held, Const):
        try:
            return Const(len(held.value))
        except TypeError:
            return Opaque()
    if isinstance(held, Seq) and held.items is not None and not run.loops:
        return Const(len(held.items))
    return Opaque(hint=f"len({getattr(held, 'root', '') or ''})")


def _range(run: Run, args: Args, _node: ast.AST) -> Value:
    ends = [run.at(value) for value in args.places]
    if ends and all(isinstance(end, Const) and isinstance(end.value, int) for end in ends):
        try:
            return Const(range(*(end.value for end in ends)))  # type: ignore[union-attr]
        except (TypeError, ValueError):
            return Opaque()
    return Seq(None, any_item=Position())


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
    if name in ("max", "min", "sorted") and _holds_scores(run, first):
        run.record.chosen.append((run.span(node), NOTHING))
    positions = [value for value in held if isinstance(value, Position)]
    if name in ("max", "min") and positions:
        # `max(0, i - 29)`: a bound of a row's own neighbourhood
        return max(positions, key=lambda position: position.offset)
    if name in ("int", "round", "float") and isinstance(first, Position):
        return first
    if name in ("sorted", "tuple", "set", "frozenset"):
        if isinstance(first, Seq):
            return first if name != "tuple" else replace(first, is_list=False)
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
    result = _joined(run, args)
    return Opaque() if isinstance(result, Seq) else result


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


def _first_argument(_run: Run, args: Args, _node: ast.AST) -> Value:
    return args.places[0] if args.places else Opaque()


def _second_argument(_run: Run, args: Args, _node: ast.AST) -> Value:
    return args.places[1] if len(args.places) > 1 else Opaque()


def _nothing(_run: Run, _args: Args, _node: ast.AST) -> Value:
    return NONE


def _printed(_run: Run, _args: Args, _node: ast.AST) -> Value:
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
        return frames.attribute(run, args.places[0], name, node)
    return Opaque(facts=run.facts(args.places[0]) if args.places else NOTHING)


def _slice(run: Run, args: Args, _node: ast.AST) -> Value:
    from nbprod.leakage.interpret.values import Stretch

    ends = [run.at(value) for value in args.places]
    if len(ends) == 1:
        return Stretch(high=ends[0])
    return Stretch(low=ends[0], high=ends[1], step=ends[2] if len(ends) > 2 else None) if ends else Stretch()


_BUILTINS: dict[str, Callable[[Run, Args, ast.AST], Value]] = {
    **{name: _plain(name) for name in _FOLDED},
    "len": _length, "range": _range, "list": _list, "enumerate": _enumerate, "zip": _zip, "next": _next, "map": _map,
    "iter": _first_argument, "print": _printed, "display": _printed,
    "reversed": _reversed, "dict": _dict, "getattr": _get_attribute, "isinstance": lambda *_: Opaque(),
    "hasattr": lambda *_: Opaque(), "type": lambda *_: Opaque(), "open": lambda *_: Opaque(), "super": lambda *_: Opaque(),
    "slice": _slice, "filter": _second_argument,
    "setattr": _nothing, "input": lambda *_: Opaque(), "callable": lambda *_: Opaque(),
}  # fmt: skip
_FUNCTIONS: dict[str, Callable[[Run, Args, ast.AST], Value]] = {
    "pandas.DataFrame": _data_frame, "polars.DataFrame": _data_frame, "polars.LazyFrame": _data_frame,
    "polars.from_pandas": _from_pandas,
    "pandas.Series": _series, "polars.Series": _series, "pandas.concat": _concat, "polars.concat": _concat,
    "pandas.merge": _merge, "pandas.merge_ordered": _merge, "pandas.merge_asof": _merge_asof,
    "pandas.to_datetime": _to_datetime, "pandas.DatetimeIndex": _to_datetime, "pandas.date_range": _date_range,
    "pandas.bdate_range": _date_range, "pandas.period_range": _date_range, "polars.date_range": _date_range,
    "polars.datetime_range": _date_range, "pandas.Grouper": _grouper, "pandas.NamedAgg": _named_aggregate,
    "pandas.api.indexers.FixedForwardWindowIndexer": _forward_indexer, "pandas.Categorical": _categorical,
    "pandas.get_dummies": _dummies, "pandas.crosstab": _cross_table, "numpy.column_stack": _stacked,
    "numpy.hstack": _stacked, "numpy.dstack": _stacked, "numpy.stack": _stacked, "numpy.concatenate": _concatenated,
    "numpy.vstack": _concatenated, "numpy.append": lambda run, args, node: learning.concatenated(run, args.places[:2], node),
    "functools.partial": _partial, "functools.reduce": _folded_up,
    "numpy.insert": _inserted, "numpy.pad": _padded, "numpy.array": _array, "numpy.asarray": _array, "numpy.where": _where, "numpy.flip": _flipped,
    "numpy.flipud": _flipped, "numpy.ones": _ones, "numpy.hanning": _ones, "numpy.random.permutation": _permuted, "numpy.random.shuffle": _shuffled, "random.shuffle": _shuffled,
    "sklearn.utils.shuffle": _permuted, "sklearn.utils.resample": _resample_rows,
    "numpy.lib.stride_tricks.sliding_window_view": _sliding, "xgboost.DMatrix": _data_matrix,
    "lightgbm.Dataset": _data_matrix, "catboost.Pool": _data_matrix, "xgboost.train": _booster,
    "lightgbm.train": _booster, "statsmodels.api.OLS": _regression, "statsmodels.api.WLS": _regression,
    "statsmodels.api.GLM": _regression, "statsmodels.api.Logit": _regression, "statsmodels.api.add_constant": _added_constant,
    "IPython.display.display": _printed,
}  # fmt: skip
_BARE: dict[str, Callable[[Run, Args, ast.AST], Value]] = {
    "train_test_split": learning.train_test_split, "check_cv": learning.checked_cv,
    "FixedForwardWindowIndexer": _forward_indexer, "DMatrix": _data_matrix,
}  # fmt: skip
_ = (is_time_name, join_values, joining)
