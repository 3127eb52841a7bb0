"""Rows in random order, or drawn again."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from msgspec.structs import replace

from nbprod.leakage.interpret import (
    learning,
)
from nbprod.leakage.interpret.combining import other_part
from nbprod.leakage.interpret.context import Args, Run
from nbprod.leakage.interpret.values import (
    NONE,
    Cells,
    Estimator,
    Opaque,
    Picks,
    Seq,
    Table,
    Value,
)

if TYPE_CHECKING:
    from collections.abc import Callable


GENERATOR = Opaque(hint="a random generator")


def permuted(run: Run, args: Args, node: ast.AST) -> Value:
    """`np.random.permutation`, `sklearn.utils.shuffle`: rows in random order."""
    made: list[Value] = []
    drawn = learning.drawn_positions(run, args.places[0], node) if len(args.places) == 1 else None
    if drawn is not None:
        return drawn
    for value in args.places:
        held = run.at(value)
        if isinstance(held, Table | Cells):
            changed = replace(held, order=replace(held.order, shuffled=run.span(node)))
            made.append(run.stored(changed))
        else:
            made.append(Opaque(facts=run.facts(held)))
    return made[0] if len(made) == 1 else Seq(tuple(made))


def shuffled(run: Run, args: Args, node: ast.AST) -> Value:
    """`np.random.shuffle(positions)`, which changes what it is given."""
    name = args.node_of(0, "x")
    if isinstance(name, ast.Name) and args.places:
        run.env[name.id] = permuted(run, args, node)
    return NONE


def chosen(run: Run, args: Args, node: ast.AST) -> Value:
    """`np.random.choice(len(df), 900)`, `random.sample(range(len(df)), 900)`: positions of rows, or numbers."""
    several = args.get(1, "size") or args.get(None, "k")
    drawn = (
        learning.picked_at_random(run, args.get(0, "a") or Opaque(), node) if several is not None else None
    )
    if drawn is not None:
        return drawn
    from nbprod.leakage.interpret.calls.arrays import fresh_array

    return fresh_array(run, "choice", args)


def sampled(run: Run, args: Args, node: ast.AST) -> Value:
    """`SubsetRandomSampler(positions)`: the positions that it is given."""
    _ = node
    return run.at(args.get(0, "indices"))


def _others(run: Run, args: Args, node: ast.AST) -> Value:
    """`np.setdiff1d(all, some)`: the positions of the other rows."""
    every, some = run.at(args.get(0, "ar1")), run.at(args.get(1, "ar2"))
    if isinstance(some, Picks) and some.bound.kind in ("sample", "part"):
        return Picks(other_part(some.bound, span=run.span(node)), rows=some.rows)
    return every


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


FUNCTIONS: dict[str, Callable[[Run, Args, ast.AST], Value]] = {
    "numpy.random.permutation": permuted, "numpy.random.shuffle": shuffled, "random.shuffle": shuffled,
    "numpy.random.choice": chosen, "random.sample": chosen, "numpy.setdiff1d": _others, "torch.randperm": permuted,
    "sklearn.utils.shuffle": permuted, "sklearn.utils.resample": _resample_rows,
}  # fmt: skip
