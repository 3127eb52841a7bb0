"""Two suites compared: what a newer one adds, drops and says otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from nbprod.expectations.writing import row_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbprod.model import Expectation, Suite


class Change(Struct, frozen=True, kw_only=True):
    """An expectation that one suite has and the other hasn't, or that both have in other words."""

    before: Expectation | None = None
    after: Expectation | None = None


def changes(before: Suite, after: Suite) -> tuple[Change, ...]:
    """What differs, in the order of the suites. Notes, which only explain, are not compared.

    Expectations of one type on the same columns are the same one; of several such the first is paired with the first.
    """
    pairs = _paired(before.expectations, after.expectations)
    return tuple(
        Change(before=old, after=new)
        for old, new in pairs
        if old is None or new is None or _differs(old, new)
    )


def _paired(
    before: Sequence[Expectation], after: Sequence[Expectation]
) -> list[tuple[Expectation | None, Expectation | None]]:
    waiting: dict[str, list[Expectation]] = {}
    for one in after:
        waiting.setdefault(_key(one), []).append(one)
    partners: dict[int, Expectation] = {}
    # What says the very same is its partner, wherever it stands; the others are paired in their order.
    for is_partner in (_says_the_same, _is_any):
        for place, old in enumerate(before):
            same = waiting.get(_key(old), [])
            found = next((one for one in same if is_partner(old, one)), None)
            if place not in partners and found is not None:
                same.remove(found)
                partners[place] = found
    left = {id(one) for same in waiting.values() for one in same}
    kept = [(old, partners.get(place)) for place, old in enumerate(before)]
    return [*kept, *((None, one) for one in after if id(one) in left)]


def _is_any(_: Expectation, __: Expectation) -> bool:
    return True


def _says_the_same(old: Expectation, new: Expectation) -> bool:
    return not _differs(old, new)


def _key(one: Expectation) -> str:
    # A query has no column; what it selects tells it from others.
    query = str(one.arguments.get("unexpected_rows_query", ""))
    return row_name(one) + query.partition(" HAVING ")[0]


def _differs(old: Expectation, new: Expectation) -> bool:
    return (dict(old.arguments), old.importance) != (dict(new.arguments), new.importance)
