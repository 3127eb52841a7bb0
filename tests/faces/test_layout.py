"""The picture's geometry keeps its promises for any flow."""

from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from nbprod.faces.layout import Box, Drawing, Placed, Wire, drawn


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[Box], list[Wire]]:
    """Boxes in running order and wires that only lead forward."""
    count = draw(st.integers(1, 12))
    widths = draw(st.lists(st.integers(20, 200), min_size=count, max_size=count))
    boxes = [Box(name=str(number), width=width, height=40) for number, width in enumerate(widths)]
    pairs = [(giver, taker) for giver, taker in combinations(range(count), 2)]
    chosen = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=18)) if pairs else []
    wires = [
        Wire(giver=str(giver), taker=str(taker), label_width=60, label_height=13) for giver, taker in chosen
    ]
    return boxes, wires


def overlap(one: Placed, other: Placed) -> bool:
    apart_x = abs(one.x - other.x) >= (one.width + other.width) / 2 - 0.2
    apart_y = one.bottom <= other.y or other.bottom <= one.y
    return not (apart_x or apart_y)


def things_of(drawing: Drawing) -> list[Placed]:
    return [*drawing.boxes.values(), *(route.label for route in drawing.routes)]


@settings(max_examples=60, deadline=None)
@given(graphs())
def test_no_box_and_no_label_covers_another(graph: tuple[list[Box], list[Wire]]) -> None:
    things = things_of(drawn(*graph))
    assert [pair for pair in combinations(things, 2) if overlap(*pair)] == []


@settings(max_examples=60, deadline=None)
@given(graphs())
def test_every_wire_leads_down(graph: tuple[list[Box], list[Wire]]) -> None:
    rising = [
        route.wire
        for route in drawn(*graph).routes
        if [y for _, y in route.points] != sorted(y for _, y in route.points)
    ]
    assert rising == []


@settings(max_examples=60, deadline=None)
@given(graphs())
def test_everything_stands_within_the_picture(graph: tuple[list[Box], list[Wire]]) -> None:
    drawing = drawn(*graph)
    outside = [
        thing
        for thing in things_of(drawing)
        if thing.x - thing.width / 2 < 0
        or thing.x + thing.width / 2 > drawing.width
        or thing.bottom > drawing.height
    ]
    assert outside == []


def test_a_chain_stands_in_one_straight_column() -> None:
    boxes = [Box(name=name, width=100, height=40) for name in "abc"]
    wires = [Wire(giver="a", taker="b"), Wire(giver="b", taker="c")]
    assert len({placed.x for placed in drawn(boxes, wires).boxes.values()}) == 1


def test_wires_that_can_be_untangled_do_not_cross() -> None:
    boxes = [Box(name=name, width=100, height=40) for name in "abcd"]
    drawing = drawn(boxes, [Wire(giver="a", taker="d"), Wire(giver="b", taker="c")])
    side = drawing.boxes["a"].x < drawing.boxes["b"].x
    assert (drawing.boxes["d"].x < drawing.boxes["c"].x) is side


def test_a_thousand_stages_are_laid_out_without_recursion() -> None:
    boxes = [Box(name=str(number), width=100, height=40) for number in range(1_200)]
    wires = [Wire(giver=str(number), taker=str(number + 1)) for number in range(1_199)]
    assert len(drawn(boxes, wires).boxes) == 1_200
