"""When to retrain, as people write it: `new-data or drift or metric < 0.8 or age > 30d`.

    condition = all {"or" all}          all = one {"and" one}          one = "not" one | "(" condition ")" | fact
    fact = "new-data" | "always" | "never" | "drift" [compare number] | NAME compare number | "age" compare duration
    compare = "<" | "<=" | ">" | ">="   duration = number ("s" | "min" | "h" | "d" | "w")

NAME is `metric`, the name of a metric, or `rows`, the number of rows that the champion has not seen.
"""

from __future__ import annotations

import operator
import re
from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct

from nbprod.errors import NbprodError, did_you_mean
from nbprod.tracking.scores import SCORES

if TYPE_CHECKING:
    from collections.abc import Mapping

_TOKEN = re.compile(r"\s*(?:(<=|>=|<|>|\(|\))|(\d+(?:\.\d+)?(?:e-?\d+)?)(s|min|h|d|w)?\b|([A-Za-z][\w-]*))")
_COMPARE = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
_SECONDS = {"s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_BARE = ("new-data", "drift", "always", "never")
_NAMES = ("metric", "rows", "age", "drift", *(one.name for one in SCORES))
LARGE_PSI = 0.25


class Fact(Struct, frozen=True, kw_only=True):
    """One fact of a condition: a name, compared with a limit where it has one. `text` is as it was written."""

    name: str
    text: str
    compare: str = ""
    limit: float = 0.0


class Not(Struct, frozen=True, kw_only=True):
    """What must not hold."""

    inner: Condition


class Any(Struct, frozen=True, kw_only=True):
    """Of which one must hold."""

    parts: tuple[Condition, ...]


class All(Struct, frozen=True, kw_only=True):
    """Which must all hold."""

    parts: tuple[Condition, ...]


Condition: TypeAlias = Fact | Not | Any | All


class Observed(Struct, frozen=True, kw_only=True):
    """What a fact is now. A figure that is None can't be known yet; `key` names what was observed.

    A fact fires once for the same key: rows or data that a training has had before it give no reason for another.
    """

    figure: float | None
    says: str
    key: str


class Held(Struct, frozen=True, kw_only=True):
    """Whether a fact held, in words; `key` stands for this very observation, `was_acted_on` says it counted before."""

    text: str
    holds: bool
    says: str
    key: str
    was_acted_on: bool = False


class Judgement(Struct, frozen=True, kw_only=True):
    """Whether a condition holds, and each of its facts."""

    holds: bool
    facts: tuple[Held, ...] = ()

    @property
    def reasons(self) -> tuple[Held, ...]:
        """The facts that made it hold."""
        return tuple(one for one in self.facts if one.holds and not one.was_acted_on)


def parse(text: str) -> Condition:
    """The condition that a text says; raises NbprodError that points at the place."""
    return _Reader(text).read()


def facts_of(condition: Condition) -> tuple[Fact, ...]:
    """Every fact of a condition, in order, each once."""
    match condition:
        case Fact():
            return (condition,)
        case Not(inner=inner):
            return facts_of(inner)
        case Any(parts=parts) | All(parts=parts):
            return tuple(dict.fromkeys(fact for part in parts for fact in facts_of(part)))


def judged(condition: Condition, seen: Mapping[str, Observed], *, acted_on: frozenset[str]) -> Judgement:
    """Whether the condition holds of what is seen, by the facts' names; what was acted on before doesn't count again."""
    held = {fact: _held(fact, seen, acted_on) for fact in facts_of(condition)}
    return Judgement(holds=_holds(condition, held), facts=tuple(held.values()))


def _holds(condition: Condition, held: Mapping[Fact, Held]) -> bool:
    match condition:
        case Fact():
            return held[condition].holds and not held[condition].was_acted_on
        case Not(inner=inner):
            # What was acted on still is so: only a fact that fires must be new.
            return not _is_so(inner, held)
        case Any(parts=parts):
            return any(_holds(part, held) for part in parts)
        case All(parts=parts):
            return all(_is_so(part, held) for part in parts) and any(_holds(part, held) for part in parts)


def _is_so(condition: Condition, held: Mapping[Fact, Held]) -> bool:
    match condition:
        case Fact():
            return held[condition].holds
        case Not(inner=inner):
            return not _is_so(inner, held)
        case Any(parts=parts):
            return any(_is_so(part, held) for part in parts)
        case All(parts=parts):
            return all(_is_so(part, held) for part in parts)


def _held(fact: Fact, seen: Mapping[str, Observed], acted_on: frozenset[str]) -> Held:
    if fact.name in ("always", "never"):
        return Held(text=fact.text, holds=fact.name == "always", says="as asked", key="")
    found = seen[fact.name]
    key = found.key
    if found.figure is None:
        return Held(text=fact.text, holds=False, says=found.says, key=key)
    if fact.compare:
        holds = _COMPARE[fact.compare](found.figure, fact.limit)
    else:
        holds = found.figure > (LARGE_PSI if fact.name == "drift" else 0)
    return Held(text=fact.text, holds=holds, says=found.says, key=key, was_acted_on=holds and key in acted_on)


class _Reader:
    """Reads a condition from left to right."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = list(self._tokens())
        self.place = 0

    def read(self) -> Condition:
        condition = self._any()
        if self.place < len(self.tokens):
            raise self._wrong(
                f"'{self.tokens[self.place][1]}' is one too many", "Join facts by `or` or `and`."
            )
        return condition

    def _tokens(self) -> list[tuple[str, str, int]]:
        found, at = [], 0
        while at < len(self.text.rstrip()):
            match = _TOKEN.match(self.text, at)
            if match is None:
                bad = self.text[at:].lstrip()[:1]
                raise NbprodError(
                    f"'{bad}' is no part of a condition.",
                    where=f"--if, character {at + 1}",
                    remedy="As in `new-data or drift or metric < 0.8 or age > 30d`.",
                )
            sign, number, unit, word = match.groups()
            kind = "sign" if sign else "number" if number else "word"
            found.append((kind, sign or word or f"{number}{unit or ''}", match.start(match.lastindex or 0)))
            at = match.end()
        return found

    def _any(self) -> Condition:
        parts = [self._all()]
        while self._takes("or"):
            parts.append(self._all())
        return parts[0] if len(parts) == 1 else Any(parts=tuple(parts))

    def _all(self) -> Condition:
        parts = [self._one()]
        while self._takes("and"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else All(parts=tuple(parts))

    def _one(self) -> Condition:
        if self._takes("not"):
            return Not(inner=self._one())
        if self._takes("("):
            inner = self._any()
            if not self._takes(")"):
                raise self._wrong("a bracket is left open", "Close it.")
            return inner
        return self._fact()

    def _fact(self) -> Fact:
        kind, name, _ = self._next("a fact is missing")
        if kind != "word" or name not in (*_BARE, *_NAMES):
            self.place -= 1
            near = (
                did_you_mean(name, (*_BARE, *_NAMES))
                or f"Known: {', '.join((*_BARE, 'metric', 'rows', 'age'))}."
            )
            raise self._wrong(f"'{name}' is no fact", near)
        compare = next((one for one in _COMPARE if self._peeks(one)), "")
        if not compare:
            if name not in _BARE:
                raise self._wrong(f"'{name}' is compared with nothing", f"As in `{name} > {_example(name)}`.")
            return Fact(name=name, text=name)
        if name in ("new-data", "always", "never"):
            raise self._wrong(f"'{name}' is or is not", "Leave the comparison out.")
        self.place += 1
        return self._compared(name, compare)

    def _compared(self, name: str, compare: str) -> Fact:
        kind, word, _ = self._next(f"'{name} {compare}' lacks its limit")
        digits = word.rstrip("abcdefghijklmnopqrstuvwxyz") if kind == "number" else ""
        unit = word[len(digits) :] if digits else ""
        if not digits or (unit != "") != (name == "age"):
            self.place -= 1
            wanted = "a duration" if name == "age" else "a number"
            raise self._wrong(f"'{word}' is not {wanted}", f"As in `{name} {compare} {_example(name)}`.")
        limit = float(digits) * _SECONDS.get(unit, 1.0)
        return Fact(name=name, text=f"{name} {compare} {word}", compare=compare, limit=limit)

    def _peeks(self, word: str) -> bool:
        return self.place < len(self.tokens) and self.tokens[self.place][1] == word

    def _takes(self, word: str) -> bool:
        if self._peeks(word):
            self.place += 1
            return True
        return False

    def _next(self, missing: str) -> tuple[str, str, int]:
        if self.place >= len(self.tokens):
            raise self._wrong(missing, "As in `new-data or drift or metric < 0.8 or age > 30d`.")
        self.place += 1
        return self.tokens[self.place - 1]

    def _wrong(self, what: str, remedy: str) -> NbprodError:
        at = self.tokens[self.place][2] if self.place < len(self.tokens) else len(self.text)
        return NbprodError(
            f"In `{self.text.strip()}` {what}.", where=f"--if, character {at + 1}", remedy=remedy
        )


def _example(name: str) -> str:
    return {"age": "30d", "rows": "1000", "drift": "0.25"}.get(name, "0.8")


def seconds_of(text: str) -> float:
    """The seconds of a duration as `--every` takes it: `30s`, `10min`, `1h`, `7d`; raises NbprodError."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(s|min|h|d|w)", text.strip())
    if match is None:
        raise NbprodError(f"'{text}' is no duration.", remedy="As in 10min, 1h or 7d.")
    return float(match[1]) * _SECONDS[match[2]]
