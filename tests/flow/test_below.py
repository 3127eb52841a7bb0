"""What lies below a node is what walking down from it meets."""

from hypothesis import given
from hypothesis import strategies as st

from nbprod.flow.below import Below

NODES = st.integers(0, 11)
EDGES = st.sets(st.tuples(NODES, NODES), max_size=30)


def walked(start, edges):
    found, pending = {start}, [start]
    while pending:
        node = pending.pop()
        lower = {low for high, low in edges if high == node} - found
        found |= lower
        pending.extend(lower)
    return found


@given(edges=EDGES, marks=st.sets(NODES), asked=st.sets(NODES))
def test_marks_below_are_those_that_a_walk_meets(edges, marks, asked):
    above = [[high for high, low in edges if low == node] for node in range(12)]
    below = Below(above, marks)

    met = {node: walked(node, edges) & marks for node in range(12)}
    assert below.of(asked) == set().union(*(met[node] for node in asked))
    assert [below.is_marked(node) for node in range(12)] == [bool(met[node]) for node in range(12)]
