"""Where the boxes and wires of a layered drawing go: pure geometry, from top to bottom.

The layers are those of Sugiyama, Tagawa and Toda (1981): longest paths give the layers, sweeps by barycentre the
order within them, and positions are the least-squares ones that keep boxes apart. Every wire passes a waypoint
in each layer between its ends; its label is such a waypoint, so that labels never cover boxes or one another.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import defaultdict
from functools import lru_cache
from itertools import islice, pairwise, product
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

GAP = 22.0
LAYER_GAP = 20.0
SWEEPS = 8
NODES_SWEPT = 16 * 300
SETTLINGS = 24


class Box(Struct, frozen=True, kw_only=True):
    """A node of the drawing, known by its name."""

    name: str
    width: float
    height: float


class Wire(Struct, frozen=True, kw_only=True):
    """An edge from one box down to another, with the room that its label wants."""

    giver: str
    taker: str
    label_width: float = 0.0
    label_height: float = 0.0


class Placed(Struct, frozen=True, kw_only=True):
    """A box or a label with the middle of its top edge and its size."""

    x: float
    y: float
    width: float
    height: float

    @property
    def bottom(self) -> float:
        return self.y + self.height


class Route(Struct, frozen=True, kw_only=True):
    """A wire's way: pairs of points between which it is drawn, with its label's place (between two pairs)."""

    wire: Wire
    points: tuple[tuple[float, float], ...]
    label: Placed


class Drawing(Struct, frozen=True, kw_only=True):
    """The whole picture's size, its boxes by name and its wires."""

    width: float
    height: float
    boxes: Mapping[str, Placed]
    routes: tuple[Route, ...]


class _Node(Struct, frozen=True, kw_only=True):
    """A box or a wire's waypoint in one layer."""

    key: str
    width: float
    height: float
    is_waypoint: bool


class _Slot(NamedTuple):
    """How wide a node is, and how strongly it is pulled."""

    key: str
    width: float
    weight: float


def _slot(node: _Node) -> _Slot:
    return _Slot(node.key, node.width, 4.0 if node.is_waypoint else 1.0)


_Keys: TypeAlias = tuple[tuple[str, ...], ...]
_Layers: TypeAlias = list[list[_Node]]
_Edges: TypeAlias = tuple[tuple[str, str], ...]


def drawn(boxes: Sequence[Box], wires: Sequence[Wire], *, margin: float = 8.0) -> Drawing:
    """The boxes and wires laid out; every wire's giver must come before its taker among the boxes.

    Boxes keep their given order where nothing else decides, so that equal input gives an equal picture.
    """
    ranks = _ranks(boxes, wires)
    layers, edges, ways = _layered(boxes, wires, ranks)
    nodes = {node.key: node for layer in layers for node in layer}
    order = _order(tuple(tuple(node.key for node in layer) for layer in layers), edges)
    layers = [[nodes[key] for key in layer] for layer in order]
    centres = _centres(tuple(tuple(map(_slot, layer)) for layer in layers), edges)
    placed = _placed(layers, centres, margin)
    return Drawing(
        width=max((one.x + one.width / 2 for one in placed.values()), default=0.0) + margin,
        height=max((one.bottom for one in placed.values()), default=0.0) + margin,
        boxes={box.name: placed[_key(number)] for number, box in enumerate(boxes)},
        routes=tuple(_routes(wires, ways, placed)),
    )


def _key(number: int) -> str:
    """A box in the drawing: by number, as the drawing of a stage that is renamed is the same but for its widths."""
    return f"box {number}"


# A flow is drawn again with every state of a run and with many a keystroke, and mostly only its words are others.
@lru_cache(maxsize=16)
def _order(layers: _Keys, edges: _Edges) -> _Keys:
    """The layers with the fewest crossings that the sweeps come upon: from either hand and end, ties either way."""
    above, below = _neighbours(edges)
    best, fewest = layers, _crossings(layers, above)
    starts = (layers, tuple(layer[::-1] for layer in layers))
    tries = product((0b00, 0b01, 0b10, 0b11), (0, 1), starts)
    # A sweep's cost grows with the drawing; nobody follows single wires in a very large one.
    for flips, turns, start in islice(tries, max(1, NODES_SWEPT // (1 + sum(map(len, layers))))):
        found = start
        for sweep in range(SWEEPS):
            if fewest == 0:
                return best
            is_flipped = bool((flips >> (sweep // 2 % 2)) & 1)
            if (sweep + turns) % 2 == 0:
                found = _swept(found, above, is_flipped=is_flipped)
            else:
                found = _swept(found[::-1], below, is_flipped=is_flipped)[::-1]
            crossings = _crossings(found, above)
            if crossings < fewest:
                best, fewest = found, crossings
    return best


def _ranks(boxes: Sequence[Box], wires: Sequence[Wire]) -> dict[str, int]:
    """The layer of each box: one below its lowest giver; boxes without givers come close to their takers."""
    givers, takers = defaultdict(list), defaultdict(list)
    for wire in wires:
        givers[wire.taker].append(wire.giver)
        takers[wire.giver].append(wire.taker)
    ranks: dict[str, int] = {}
    for box in boxes:
        ranks[box.name] = 1 + max((ranks[giver] for giver in givers[box.name]), default=-1)
    for box in boxes:
        if not givers[box.name] and takers[box.name]:
            ranks[box.name] = min(ranks[taker] for taker in takers[box.name]) - 1
    return ranks


def _layered(
    boxes: Sequence[Box], wires: Sequence[Wire], ranks: Mapping[str, int]
) -> tuple[_Layers, _Edges, list[list[str]]]:
    """The nodes by layer (boxes in the even ones), the edges between neighbouring layers, each wire's nodes."""
    layers: _Layers = [[] for _ in range(2 * max(ranks.values(), default=0) + 1)]
    keys = {box.name: _key(number) for number, box in enumerate(boxes)}
    for box in boxes:
        node = _Node(key=keys[box.name], width=box.width, height=box.height, is_waypoint=False)
        layers[2 * ranks[box.name]].append(node)
    edges: list[tuple[str, str]] = []
    ways = []
    for number, wire in enumerate(wires):
        first, last = 2 * ranks[wire.giver], 2 * ranks[wire.taker]
        way = [keys[wire.giver]]
        for level in range(first + 1, last):
            is_label = level == first + 1
            layers[level].append(
                _Node(
                    key=f"{number}@{level}",
                    width=wire.label_width if is_label else 0.0,
                    height=wire.label_height if is_label else 0.0,
                    is_waypoint=True,
                )
            )
            way.append(f"{number}@{level}")
        way.append(keys[wire.taker])
        edges.extend(pairwise(way))
        ways.append(way)
    return layers, tuple(edges), ways


def _neighbours(edges: _Edges) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    above, below = defaultdict(list), defaultdict(list)
    for giver, taker in edges:
        above[taker].append(giver)
        below[giver].append(taker)
    return above, below


def _swept(layers: _Keys, neighbours: Mapping[str, list[str]], *, is_flipped: bool) -> _Keys:
    """Each layer sorted by the mean place of its nodes' neighbours in the layer before it; `is_flipped` turns ties."""
    result = [layers[0]]
    for layer in layers[1:]:
        places = {key: place for place, key in enumerate(result[-1])}
        means = {
            key: _mean([places[one] for one in neighbours.get(key, ())], default=float(place))
            for place, key in enumerate(layer)
        }
        result.append(tuple(sorted(layer[::-1] if is_flipped else layer, key=means.__getitem__)))
    return tuple(result)


def _crossings(layers: _Keys, above: Mapping[str, list[str]]) -> int:
    total = 0
    for upper, lower in pairwise(layers):
        places = {key: place for place, key in enumerate(upper)}
        seen: list[int] = []
        for key in lower:
            for end in sorted([places[one] for one in above.get(key, ())]):
                total += len(seen) - bisect_right(seen, end)
                insort(seen, end)
    return total


@lru_cache(maxsize=16)
def _centres(layers: tuple[tuple[_Slot, ...], ...], edges: _Edges) -> Mapping[str, float]:
    """The x of each node's middle: pulled towards its neighbours, straightest where a wire only passes."""
    above, below = _neighbours(edges)
    rows = [(layer, _offsets(layer)) for layer in layers]
    centres: dict[str, float] = {}
    for layer, offsets in rows:
        centres |= _apart(layer, offsets, [0.0] * len(layer))
    for settling in range(SETTLINGS):
        pulls = (above, below)[settling % 2]
        for layer, offsets in rows if settling % 2 == 0 else rows[::-1]:
            wishes = [
                _mean([centres[key] for key in pulls.get(slot.key, ())], default=centres[slot.key])
                for slot in layer
            ]
            centres |= _apart(layer, offsets, wishes)
    linked = above.keys() | below.keys()
    for layer in layers:
        centres |= _with_strangers_close(layer, centres, linked)
    return centres


def _offsets(layer: Sequence[_Slot]) -> list[float]:
    """The room that the nodes of a layer take before each of them."""
    offsets = [0.0] if layer else []
    for before, slot in pairwise(layer):
        offsets.append(offsets[-1] + (before.width + slot.width) / 2 + GAP)
    return offsets


def _with_strangers_close(
    layer: Sequence[_Slot], centres: Mapping[str, float], linked: AbstractSet[str]
) -> dict[str, float]:
    """The centres with boxes that no wire meets moved up to their left neighbours."""
    closer = {node.key: centres[node.key] for node in layer}
    for before, node in pairwise(layer):
        if node.key not in linked:
            closer[node.key] = closer[before.key] + (before.width + node.width) / 2 + GAP
    return closer


def _apart(layer: Sequence[_Slot], offsets: Sequence[float], wishes: Sequence[float]) -> dict[str, float]:
    """The centres closest to the wishes (least squares) that keep the layer's order and gaps.

    Less the room that the nodes before it take, each centre must only not decrease: isotonic regression, solved
    by pooling adjacent violators (Ayer et al., 1955).
    """
    pools: list[tuple[float, float, int]] = []
    for slot, offset, wish in zip(layer, offsets, wishes, strict=True):
        pool = (wish - offset, slot.weight, 1)
        while pools and pools[-1][0] > pool[0]:
            value, other_weight, count = pools.pop()
            both = other_weight + pool[1]
            pool = ((value * other_weight + pool[0] * pool[1]) / both, both, count + pool[2])
        pools.append(pool)
    values = [value for value, _, count in pools for _ in range(count)]
    return {slot.key: value + offset for slot, value, offset in zip(layer, values, offsets, strict=True)}


def _placed(layers: _Layers, centres: Mapping[str, float], margin: float) -> dict[str, Placed]:
    left = min((centres[node.key] - node.width / 2 for layer in layers for node in layer), default=0.0)
    placed, y = {}, margin
    for layer in layers:
        height = max((node.height for node in layer), default=0.0)
        for node in layer:
            placed[node.key] = Placed(
                x=round(centres[node.key] - left + margin, 1),
                y=y,
                width=node.width,
                height=height if node.is_waypoint else node.height,
            )
        y += height + LAYER_GAP
    return placed


def _routes(
    wires: Sequence[Wire], ways: Iterable[list[str]], placed: Mapping[str, Placed]
) -> Iterable[Route]:
    ways = list(ways)
    starts = _ports([(way[0], way[1]) for way in ways], placed)
    ends = _ports([(way[-1], way[-2]) for way in ways], placed)
    for number, (wire, way) in enumerate(zip(wires, ways, strict=True)):
        stations = [placed[key] for key in way[1:-1]]
        points = [(starts[number], placed[way[0]].bottom)]
        for station in stations:
            points += [(station.x, station.y), (station.x, station.bottom)]
        points.append((ends[number], placed[way[-1]].y))
        label = replace(stations[0], width=wire.label_width)
        yield Route(wire=wire, points=tuple(points), label=label)


def _ports(ends: Sequence[tuple[str, str]], placed: Mapping[str, Placed]) -> list[float]:
    """Where each wire meets its box: side by side, in the order of where the wires come from."""
    by_box = defaultdict(list)
    for number, (box, _) in enumerate(ends):
        by_box[box].append(number)
    ports = [0.0] * len(ends)
    for box, numbers in by_box.items():
        numbers.sort(key=lambda number: placed[ends[number][1]].x)
        step = min(22.0, 0.7 * placed[box].width / len(numbers))
        for place, number in enumerate(numbers):
            ports[number] = round(placed[box].x + step * (place - (len(numbers) - 1) / 2), 1)
    return ports


def _mean(values: Sequence[float], *, default: float) -> float:
    return sum(values) / len(values) if values else default
