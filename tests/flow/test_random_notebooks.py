"""Random notebooks cut at random: the stages give what the notebook computes, or the flow refuses with a reason."""

from __future__ import annotations

import os

from cut_notebooks import notebook_of, outcome_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

EXAMPLES = int(os.environ.get("NBPROD_EXAMPLES", "2000" if os.environ.get("CI") else "100"))
NAMES = ("a", "b", "c", "d")
START = (
    "import random\nrandom.seed(3)\n"
    "class Box:\n    count = 0\n    def __init__(self, inner):\n        self.inner = inner\n"
    "    def put(self, n):\n        self.inner.append(n)\n        return self\n"
    "def push(x, n=1):\n    x.append(n)\n    return x\n"
    "def total():\n    return len(a) + len(b)\n"
    "def replace(n):\n    global c\n    c = [n, c]\n"
    "def keep(x):\n    return {'kept': x}\n"
    "def spread(*xs, **more):\n    for x in xs:\n        push(x)\n    return list(more.values())\n"
)
STATEMENTS = (
    "{x} = [{n}]",
    "{x} = {y}",
    "{x} = [{y}, {z}]",
    "{x} = list({y})",
    "{x} = {y} + {z}",
    "{x} = {y}[:1]",
    "{x} = {x} + [{n}]",
    "{x} += [{n}]",
    "{x}.append({n})",
    "{x}.append({y})",
    "{x}[:1] = [{n}]",
    "{x}.extend({y}[:2])",
    "{x}.clear()",
    "{x}, {y} = {y}, {x}",
    "{x} = {y} = [{n}]",
    "{x}, *{y} = [[{n}], 1, 2]",
    "for one in [{x}, {y}]:\n    one.append({n})",
    "for i, one in enumerate(({x}, {z})):\n    one.insert(0, i)",
    "for one, two in zip([{x}], [{y}]):\n    one.append(len(two))",
    "if len({x}) % 2:\n    {y} = {x}\nelse:\n    {x}.append({n})",
    "if len({x}) > 2:\n    {z} = [{n}]",
    "while len({x}) < 3:\n    {x}.append({n})",
    "try:\n    {x}.append({y}[7])\nexcept IndexError as error:\n    {z} = [str(error)]",
    "{x} = push({y}, {n})",
    "push({x})",
    "{x}.append(total())",
    "replace({n})",
    "{x} = keep({y})['kept']",
    "held = keep({x})\nheld['kept'].append({n})",
    "{x} = spread({y}, {z}, k={x})",
    "{x} = Box({y}).put({n}).inner",
    "box = Box({x})\nbox.put({n})",
    "{x} = [y for y in {y}]",
    "{x} = [({z} := [i]) for i in range(2)]",
    "{x} = list(map(lambda y: y, {y}))",
    "{x} = sorted([len({y}), {n}])",
    "{x}.append(random.randint(0, 9))",
    "random.shuffle({x})",
    "def total():\n    return len({x}) + {n}",
    "def push(x, n={n}):\n    {y}.append(n)\n    return x",
    "size = lambda: len({x})\n{y}.append(size())",
    "with_default = lambda x={x}: x\n{y} = with_default()",
    "def outer():\n    inner = {x}\n    def get():\n        inner.append({n})\n        return inner\n    return get\n{y} = outer()()",
    "table = {{'x': {x}, 'y': {y}}}\ntable['x'].append({n})\n{z} = table.get('y')",
    "{x} = [*{y}, *{z}]",
    "{x} = {y} if len({z}) > 1 else {z}",
    "{x} = {y} or [{n}]",
    "del {x}\n{x} = [{n}]",
    "match {x}:\n    case [first, *rest]:\n        {y} = rest\n    case _:\n        {y} = [{n}]",
    "{x} = (lambda: {y})()",
    "def late():\n    return {x}\nlate().append({n})",
    "{x} = next(iter([{y}]))",
    "{x} = dict(k={y})['k']",
    "{x} = dict([('k', {y})])['k']",
    "{x} = {{'k': {y}}}.pop('k')",
    "{x} = max({y}, {z}, key=len)",
    "{x} = {y}.copy()",
    "{x} = getattr(Box({y}), 'inner')",
    "print({x})",
)


@st.composite
def notebooks(draw: st.DrawFn) -> tuple[list[str], list[str]]:
    """Cells, and a stage for each: runs of neighbours mostly, sometimes cells that lie apart."""
    count = draw(st.integers(2, 10))
    names = st.sampled_from(NAMES)
    cells = [START + "".join(f"{name} = [{at}]\n" for at, name in enumerate(NAMES))]
    for _ in range(count):
        several = draw(st.integers(1, 2))
        statements = [
            draw(st.sampled_from(STATEMENTS)).format(
                x=draw(names), y=draw(names), z=draw(names), n=draw(st.integers(1, 9))
            )
            for _ in range(several)
        ]
        cells.append("\n".join(statements))
    cells.append("out = [a, b, c, d]")
    limit = len(cells)
    if draw(st.integers(0, 3)):
        at, stages = 0, []
        for _ in cells:
            at += draw(st.booleans())
            stages.append(f"s{at}")
    else:
        stages = [f"s{draw(st.integers(0, limit // 2))}" for _ in cells]
    return cells, stages


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(notebooks())
def test_stages_give_what_the_notebook_computes(drawn):
    cells, stages = drawn
    tagged = {at: f"stage:{stage}" for at, stage in enumerate(stages)}
    outcome = outcome_of(notebook_of(*cells, tags=tagged), every=False)
    assert outcome.wrong == ()
    neighbours = stages == sorted(stages, key=lambda one: int(one[1:]))
    assert outcome.refused == () or not neighbours


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(notebooks())
def test_one_stage_for_each_cell_gives_what_the_notebook_computes(drawn):
    cells, _ = drawn
    outcome = outcome_of(notebook_of(*cells))
    assert (outcome.refused, outcome.wrong) == ((), ())
