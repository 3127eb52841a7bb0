"""Which library's tables the names of a notebook stand for, told by the methods that are called on them.

Each cell is read once, into what it says; what the whole notebook says is put together from that.
"""

from __future__ import annotations

import ast
from functools import lru_cache
from typing import TYPE_CHECKING

from msgspec import Struct

from nbprod.leakage.interpret.dated import TELLING, dated_in, is_date
from nbprod.trees import nodes_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

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
# methods that only frames have, and not lists, dictionaries or models
_OF_FRAMES = frozenset(
    ["groupby", "group_by", "shift", "rolling", "resample", "merge", "sort_values", "set_index", "reset_index", "assign",
     "fillna", "dropna", "bfill", "ffill", "loc", "iloc", "with_columns", "drop_duplicates", "pct_change", "iterrows",
     "itertuples", "merge_asof", "join_asof", "asof_join", "mutate", "describe", "dtypes", "isnull", "isna", "set_axis"]
)  # fmt: skip
_MERGES = frozenset({"merge", "merge_asof", "merge_ordered"})
_ORDERED = "maintain_order"
_OF_ONE = _IBIS_ONLY | _POLARS_ONLY
# the nodes that claims, meetings and frames are read from
_TELLING = (ast.Attribute, ast.Call, ast.Assign)


class Saying(Struct, frozen=True, kw_only=True):
    """What one cell says. `claims` are methods with the names they are called on, `meets` the tables of a join.

    `dated` are columns that are treated as times, each with the name that it is compared with (nothing: a literal),
    `dates` the names of literal points in time.
    """

    names: frozenset[str]
    imported: frozenset[str]
    modules: frozenset[str]
    attributes: frozenset[str]
    is_deferred: bool
    is_ordered: bool
    claims: tuple[tuple[str, str], ...]
    owners: tuple[str, ...]
    meets: tuple[tuple[str, tuple[str, ...]], ...]
    frames: tuple[str, ...]
    dated: tuple[tuple[str, str], ...]
    dates: frozenset[str]


@lru_cache(maxsize=1024)
def saying_of(tree: ast.Module) -> Saying:
    """What a cell says of the names in it."""
    nodes = nodes_of(tree)
    names = frozenset(node.id for node in nodes if isinstance(node, ast.Name))
    aliases = [node for node in nodes if isinstance(node, ast.alias)]
    attributes = [node for node in nodes if isinstance(node, ast.Attribute)]
    telling = [node for node in nodes if isinstance(node, _TELLING)]
    owned = [(node.value.id, node.attr) for node in attributes if isinstance(node.value, ast.Name)]
    return Saying(
        names=names,
        imported=frozenset(alias.name.split(".")[0] for alias in aliases),
        modules=frozenset(alias.asname or alias.name for alias in aliases),
        attributes=frozenset(node.attr for node in attributes),
        is_deferred=any(owner == "_" and not name.startswith("_") for owner, name in owned),
        is_ordered=any(isinstance(node, ast.keyword) and node.arg == _ORDERED for node in nodes),
        claims=tuple(claim for node in telling for claim in _claims(node)),
        owners=tuple(dict.fromkeys(owner for owner, _ in owned)),
        meets=tuple(meeting for node in telling for meeting in _meetings(node)),
        frames=tuple(dict.fromkeys(_used_as_frames(telling))),
        dated=tuple(
            dict.fromkeys(pair for node in nodes if isinstance(node, TELLING) for pair in dated_in(node))
        ),
        dates=frozenset(name for node in telling if isinstance(node, ast.Assign) for name in _dates_in(node)),
    )


def _claims(node: ast.AST) -> Iterator[tuple[str, str]]:
    match node:
        case ast.Attribute(attr=name) if name in _OF_ONE:
            if (root := _root(node)) is not None:
                yield root, name
        case ast.Call(func=function, keywords=keywords) if any(one.arg == _ORDERED for one in keywords):
            if (root := _root(function)) is not None:
                yield root, _ORDERED
        case _:
            return


def _meetings(node: ast.AST) -> Iterator[tuple[str, tuple[str, ...]]]:
    """A name and those that are tables of Ibis if it is one."""
    match node:
        case ast.Call(func=ast.Attribute(attr=name), args=args) if name.endswith(("join", "union")):
            others = tuple(one.id for one in args if isinstance(one, ast.Name))
            if (root := _root(node.func)) is not None and others:
                yield root, others
        case ast.Assign(targets=[ast.Name(id=target)], value=value):
            root = _root(value)
            if root is not None and root not in ("ibis", "pd"):
                yield target, (root,)
        case _:
            return


def libraries_of(sayings: Sequence[Saying]) -> dict[str, str]:
    """Names on which only one library's methods are called."""
    found: dict[str, str] = {}
    uses_ibis, uses_polars = _spoken(sayings)
    if uses_ibis:
        found["ibis"] = "ibis"
    for root, name in (claim for saying in sayings for claim in saying.claims):
        if name in _IBIS_ONLY and (uses_ibis or name in ("mutate", "asof_join")):
            found[root] = "ibis"
        elif name == _ORDERED or (name in _POLARS_ONLY and uses_polars):
            found.setdefault(root, "polars")
    if uses_ibis:
        if not uses_polars:
            _all_ibis(sayings, found)
        for _ in range(2):
            _spread(sayings, found)
    return found


def frames_of(sayings: Iterable[Saying]) -> dict[str, bool]:
    """Names that are used as frames anywhere."""
    return dict.fromkeys((name for saying in sayings for name in saying.frames), True)


def dated_of(sayings: Sequence[Saying]) -> dict[str, bool]:
    """Names of columns that the notebook treats as times, in whichever cell."""
    dates = frozenset[str]().union(*(saying.dates for saying in sayings))
    pairs = (pair for saying in sayings for pair in saying.dated)
    return {column: True for column, other in pairs if not other or other in dates}


def _dates_in(node: ast.Assign) -> Iterator[str]:
    """The names that are given a literal point in time."""
    match node:
        case ast.Assign(targets=[ast.Name(id=name)], value=value) if is_date(value):
            yield name
        case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)):
            for target, value in zip(names, values, strict=False):
                if isinstance(target, ast.Name) and is_date(value):
                    yield target.id
        case _:
            return


def _spoken(sayings: Sequence[Saying]) -> tuple[bool, bool]:
    """Whether the code speaks Ibis, and polars."""
    names = frozenset[str]().union(*(saying.names | saying.imported for saying in sayings))
    attributes = frozenset[str]().union(*(saying.attributes for saying in sayings))
    is_deferred = any(saying.is_deferred for saying in sayings)
    is_ordered = any(saying.is_ordered for saying in sayings)
    ibis = "ibis" in names or is_deferred or bool(attributes & {"mutate", "asof_join"})
    return ibis, bool(names & {"pl", "polars"}) or is_ordered or "with_columns" in attributes


def _all_ibis(sayings: Sequence[Saying], found: dict[str, str]) -> None:
    """In code that speaks Ibis and imports no other frames, what methods are called on are tables of Ibis."""
    names = frozenset[str]().union(*(saying.names for saying in sayings))
    modules = frozenset[str]().union(*(saying.modules for saying in sayings))
    if names & {"pd", "pl"} or modules & {"pd", "pl", "pandas", "polars"}:
        return
    for owner in (owner for saying in sayings for owner in saying.owners):
        if owner not in modules:
            found.setdefault(owner, "ibis")


def _spread(sayings: Sequence[Saying], found: dict[str, str]) -> None:
    """Tables that meet a table of Ibis in a call are Ibis' too."""
    for name, others in (meeting for saying in sayings for meeting in saying.meets):
        if found.get(name) == "ibis":
            for other in others:
                found.setdefault(other, "ibis")


def _used_as_frames(nodes: Sequence[ast.AST]) -> Iterator[str]:
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


def _root(node: ast.AST) -> str | None:
    while isinstance(node, ast.Attribute | ast.Call | ast.Subscript):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else None
