"""Which marked nodes of a graph lie below each other node: all answers in one pass, each a number whose bits are marks."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence


class Below:
    """For each node of a graph the marked ones that it leads to, itself included; `above` lists who leads to each node.

    Nodes that lead to each other have the same answer, so that it is worked out once for each such group, the lowest first.
    """

    def __init__(self, above: Sequence[Collection[int]], marks: Iterable[int]) -> None:
        self._marks = list(marks)
        self._bits = [0] * len(above)
        self._sets: dict[int, frozenset[int]] = {}
        self._spread(above)

    def is_marked(self, node: int) -> bool:
        """Whether anything below the node is marked."""
        return self._bits[node] != 0

    def of(self, nodes: Iterable[int]) -> frozenset[int]:
        """The marked nodes below any of these."""
        bits = 0
        for node in nodes:
            bits |= self._bits[node]
        found = self._sets.get(bits)
        if found is None:
            found = self._sets[bits] = frozenset(
                mark for place, mark in enumerate(self._marks) if bits >> place & 1
            )
        return found

    def _spread(self, above: Sequence[Collection[int]]) -> None:
        bits = self._bits
        for place, mark in enumerate(self._marks):
            bits[mark] |= 1 << place
        for group in reversed(_Groups(above).reached_from(self._marks)):
            together = 0
            for node in group:
                together |= bits[node]
            for node in group:
                bits[node] = together
                for higher in above[node]:
                    bits[higher] |= together


class _Groups:
    """Nodes in groups that lead to each other: Tarjan's components (SIAM J. Comput. 1, 1972), without recursion."""

    def __init__(self, after: Sequence[Collection[int]]) -> None:
        self._after = after
        self._number: dict[int, int] = {}
        self._lowest: dict[int, int] = {}
        self._open: list[int] = []
        self._is_open: set[int] = set()
        self._groups: list[list[int]] = []

    def reached_from(self, starts: Iterable[int]) -> list[list[int]]:
        """Each group leads to none but itself and those before it."""
        for start in starts:
            if start not in self._number:
                self._walk(start)
        return self._groups

    def _walk(self, start: int) -> None:
        path = [self._entered(start)]
        while path:
            node, rest = path[-1]
            follower = self._next(node, rest)
            if follower is not None:
                path.append(self._entered(follower))
                continue
            path.pop()
            if self._lowest[node] == self._number[node]:
                self._close(node)
            elif path:
                above = path[-1][0]
                self._lowest[above] = min(self._lowest[above], self._lowest[node])

    def _entered(self, node: int) -> tuple[int, Iterator[int]]:
        self._number[node] = self._lowest[node] = len(self._number)
        self._open.append(node)
        self._is_open.add(node)
        return node, iter(self._after[node])

    def _next(self, node: int, rest: Iterator[int]) -> int | None:
        """The next follower that was not seen yet; those that were tell how far back the node leads."""
        for follower in rest:
            if follower not in self._number:
                return follower
            if follower in self._is_open:
                self._lowest[node] = min(self._lowest[node], self._number[follower])
        return None

    def _close(self, first: int) -> None:
        group = [self._open.pop()]
        while group[-1] != first:
            group.append(self._open.pop())
        self._is_open.difference_update(group)
        self._groups.append(group)
