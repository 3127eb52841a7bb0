"""What one statement of a notebook does: the names it reads and binds, the objects, state and files it changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field

if TYPE_CHECKING:
    import ast
    from collections.abc import Mapping

    from nbprod.flow.aliases import Value
    from nbprod.libraries.calls import Role
    from nbprod.model import Span

ANY_FILE = "*"


class Effects(Struct):
    """Gathered while a statement is traced. Names are those of the module, hidden state among them by its own name.

    `must` holds what is bound on every way through, `may` what is bound on some. `changed` maps a region to
    whether the change is certain rather than only possible. `opaque` says what could not be looked into, `stars` the
    modules of which star imports bind more than is known, `unknown_stars` those of which nothing is, and why. `apart`
    are modules got at through their package though no statement imports them.
    """

    uses: dict[str, int] = field(default_factory=dict)
    must: set[str] = field(default_factory=set)
    may: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)
    changed: dict[int, bool] = field(default_factory=dict)
    sets: set[str] = field(default_factory=set)
    drawn: set[str] = field(default_factory=set)
    reads: set[str] = field(default_factory=set)
    writes: set[str] = field(default_factory=set)
    roles: list[Role] = field(default_factory=list)
    opaque: dict[str, int] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)
    unknown_stars: dict[str, str] = field(default_factory=dict)
    apart: set[str] = field(default_factory=set)
    history: bool = False
    is_copyable: bool = True

    def change(self, regions: frozenset[int] | set[int], *, surely: bool) -> None:
        """The objects of these regions change, or may change."""
        if surely:
            self.changed.update(dict.fromkeys(regions, True))
        else:
            self.changed.update(dict.fromkeys(regions - self.changed.keys(), False))


class Step(Struct, frozen=True, kw_only=True):
    """One top-level statement with its effects and the values of the names that it binds, as they are after it."""

    index: int
    cell: int
    node: ast.stmt
    span: Span
    code: str
    effects: Effects
    values: Mapping[str, Value]
    is_definition: bool
    shows: bool = False
