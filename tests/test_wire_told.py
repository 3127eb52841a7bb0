"""JSON texts that are kept from one time to the next say what they would say if they were made anew."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace

from nbprod import wire


class Leaf(Struct, frozen=True):
    name: str
    at: int | None


class Tree(Struct, frozen=True):
    title: str
    leaves: tuple[Leaf, ...]
    spare: Leaf | None = None


LEAVES = [Leaf("a", 1), Leaf("b", None), Leaf('"', 1), Leaf("a", 1)]
TREES = st.builds(
    Tree,
    title=st.sampled_from(["x", "y"]),
    leaves=st.lists(st.sampled_from(LEAVES), max_size=4).map(tuple),
    spare=st.sampled_from([None, *LEAVES]),
)


@given(trees=st.lists(TREES, min_size=1, max_size=6), depth=st.integers(0, 4))
def test_what_was_told_before_changes_no_text(trees: list[Tree], depth: int) -> None:
    told = wire.Told(depth=depth)
    for tree in [*trees, *trees]:
        assert told.text(tree) == wire.text(tree)


def test_a_part_that_is_the_same_object_keeps_its_very_text() -> None:
    told = wire.Told(depth=2)
    tree = Tree("x", (Leaf("a", 1),))
    whole = told.text(tree)
    assert told.text(tree) is whole
    assert told.text(replace(tree, title="y")) == wire.text(replace(tree, title="y"))
