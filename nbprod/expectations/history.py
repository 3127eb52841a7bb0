"""What the batches of a reference say of the next one: bounds on every figure of a batch that hold together."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from nbprod.expectations.profile import QUANTILES, ColumnProfile, Profile, Sort
from nbprod.expectations.tails import Band, Figure, joint_bands

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

# Fewer batches tell nothing of how batches differ.
FEW_BATCHES = 3

# What is bounded: the figure's kind and its column (or columns).
Key = tuple[str, str]
_ROWS: Key = ("rows", "")
# Bounds that say nothing, of a share, a count or a value.
_MOST_TO_TELL = 40.0
_NOTHING = (-math.inf, math.inf, 0.0, 1.0)


class History(Struct, frozen=True, kw_only=True):
    """Bounds on the next batch's figures, by kind and column, from `batches` seen; none where they are too few.

    Kinds are `missing`, `strange` (values that no other batch has), `low`, `high`, `quantile N`, `together` and `rows`.
    """

    batches: int = 0
    bands: Mapping[Key, Band] = field(default_factory=dict)
    rows: str = ""

    def __bool__(self) -> bool:
        return bool(self.bands)

    def widened(self, low: float, high: float, column: str) -> tuple[float, float, Band | None]:
        """A range made wider by how the extremes of a column differ from batch to batch, and what was used."""
        below, above = self.bands.get(("low", column)), self.bands.get(("high", column))
        known = [one for one in (below, above) if one is not None]
        return (
            min(low, below.low) if below else low,
            max(high, above.high) if above else high,
            widest(known) if known else None,
        )


def left_open(history: History) -> str:
    """What isn't bounded, as too few batches or too wild ones say nothing of it, in words; nothing if all is."""
    named = {
        "missing": "missing values of {}",
        "strange": "the values of {}",
        "low": "the low end of {}",
        "high": "the high end of {}",
        "together": "the correlation of {}",
        "rows": "the number of rows",
    }
    both = [key for key, one in history.bands.items() if one.low in _NOTHING and one.high in _NOTHING]
    told = dict.fromkeys(named.get(kind, "the quantiles of {}").format(columns) for kind, columns in both)
    return (
        f"Not bounded, as {history.batches} batches can't show how far these stray: {', '.join(told)}."
        if told
        else ""
    )


def widest(bands: Sequence[Band]) -> Band:
    """That of several which was widened most."""
    return max(bands, key=lambda one: one.times)


def history_of(profile: Profile, *, chance: float, batch_of: int = 1) -> History:
    """What the profile's batches say; the next one breaks any of the bounds with about that chance.

    With `batch_of` the next batch is that many of those seen: its quantiles and shares lie between theirs, its extremes are
    one of theirs, so each of them gets its part of the chance. Correlations have no such law and aren't bounded then.
    Where they are too few to say anything, nothing is bounded: rows of one batch may all be alike.

    The chance is split over families of figures that stray in ways of their own (shares, values, rows) by the roots of
    their sizes, so that bursts of missing values don't widen what is asked of quantiles.
    """
    if not profile.batches_by:
        return History()
    families = [dict(one) for one in (_shares(profile), _values(profile), _sizes(profile))]
    known = [{key: one for key, one in family.items() if _is_known(one)} for family in families]
    count = len(profile.batch_rows)
    unknown = Band(low=-math.inf, high=math.inf, times=1.0, batches=count)
    bands: dict[Key, Band] = {key: unknown for family in families for key in family}
    whole = sum(math.sqrt(len(family)) for family in known) or 1.0
    for place, family in enumerate(known):
        part = math.sqrt(len(family)) / whole
        # Where values go missing in bursts, the next burst is as likely in a column that had none.
        bands.update(joint_bands(family, chance=chance * part / batch_of, may_be_wild=place > 0))
    if batch_of > 1:
        bands |= {key: unknown for key in bands if key[0] == "together"}
    back = {key: _in_its_units(key, band) for key, band in bands.items()}
    if _ROWS in back:
        each = back[_ROWS]
        back[_ROWS] = replace(each, low=each.low * batch_of, high=each.high * batch_of)
    fewest, most = min(profile.batch_rows, default=0), max(profile.batch_rows, default=0)
    rows = f"{fewest:,}" if fewest == most else f"{fewest:,} to {most:,}"
    return History(batches=count, bands=back, rows=rows)


def _is_known(figure: Figure) -> bool:
    there = sum(one is not None for one in figure.values)
    return there >= max(FEW_BATCHES, len(figure.values) / 2)


def _in_its_units(key: Key, band: Band) -> Band:
    match key[0]:
        case "missing" | "strange":
            return _through(_share, band)
        case "rows":
            return _through(_count, band)
        case _:
            return _rounded(band)


def _rounded(band: Band) -> Band:
    """Rounded outward to what six digits of its width or its larger end tell, so that people can read it."""
    ends = [abs(one) for one in (band.high - band.low, band.low, band.high) if math.isfinite(one) and one]
    if not ends:
        return band
    unit = 10.0 ** (math.floor(math.log10(min(ends[0], max(ends)))) - 5)
    digits = max(-round(math.log10(unit)), 0)

    def outward(value: float, towards: Callable[[float], int]) -> float:
        return round(towards(value / unit) * unit, digits) if math.isfinite(value) else value

    return replace(band, low=outward(band.low, math.floor), high=outward(band.high, math.ceil))


def _through(change: Callable[[float], float], band: Band) -> Band:
    # How many times a logarithm was widened says nothing to anybody.
    return Band(low=change(band.low), high=change(band.high), times=1.0, batches=band.batches)


def _share(logit: float) -> float:
    if not -_MOST_TO_TELL < logit < _MOST_TO_TELL:
        return float(logit > 0)
    return 1 / (1 + math.exp(-logit))


def _count(logarithm: float) -> float:
    return math.exp(logarithm) if logarithm < _MOST_TO_TELL else math.inf


def _logit(share: float | None, rows: int) -> float | None:
    """With half a row more on either side, so that none of ten rows and none of a thousand differ."""
    return None if share is None else math.log((share * rows + 0.5) / ((1 - share) * rows + 0.5))


def _shares(profile: Profile) -> Iterator[tuple[Key, Figure]]:
    for column in profile.columns:
        if column.name in profile.batches_by:
            continue
        is_filled = column.nulls <= profile.rows / 2
        yield (
            ("missing", column.name),
            Figure(
                values=_logits(column.batch_null_shares, profile),
                least=1.0,
                is_held_below=not is_filled,
                is_held_above=is_filled,
            ),
        )
        if column.counts and column.sort in (Sort.TEXT, Sort.FLAG):
            values = _logits(column.batch_strange_shares, profile)
            yield ("strange", column.name), Figure(values=values, least=1.0, is_held_below=False)


def _logits(shares: Sequence[float | None], profile: Profile) -> tuple[float | None, ...]:
    return tuple(map(_logit, shares, profile.batch_rows))


def _values(profile: Profile) -> Iterator[tuple[Key, Figure]]:
    batch = sorted(profile.batch_rows)[len(profile.batch_rows) // 2] if profile.batch_rows else 1
    for column in _columns(profile):
        is_text = column.sort is Sort.TEXT
        for kind, values, is_low in (("low", column.batch_lows, True), ("high", column.batch_highs, False)):
            yield (
                (kind, column.name),
                Figure(
                    values=values,
                    least=1.0 if is_text else _step(column.ladder),
                    is_held_below=is_low,
                    is_held_above=not is_low,
                    # Nothing, and the one length of a text, are bounds by nature.
                    is_exact=is_text or not any(values),
                ),
            )
        if len(set(column.ladder)) <= 2:
            continue
        for place, quantile in enumerate(QUANTILES):
            values = tuple(one[place] if one else None for one in column.batch_quantiles)
            yield (
                (f"quantile {place}", column.name),
                Figure(values=values, least=_noise(column.ladder, quantile, batch)),
            )
    for one in profile.correlations:
        yield (
            ("together", f"{one.left}, {one.right}"),
            Figure(values=one.batch_angles, least=one.spread / math.sqrt(batch)),
        )


def _sizes(profile: Profile) -> Iterator[tuple[Key, Figure]]:
    if profile.batch_rows and not profile.was_sampled:
        rows = profile.batch_rows
        least = 0.1 / math.sqrt(sum(rows) / len(rows))
        yield _ROWS, Figure(values=tuple(math.log(one) for one in rows), least=least)


def _columns(profile: Profile) -> Iterator[ColumnProfile]:
    # What makes a batch is its name: the next one has another. Time moves on.
    yield from (
        one for one in profile.columns if one.name not in profile.batches_by and one.sort is not Sort.TIME
    )


def _step(ladder: Sequence[float]) -> float:
    """The usual step between two of the values."""
    rungs = [one for one in sorted(set(ladder)) if math.isfinite(one)]
    return (rungs[-1] - rungs[0]) / (len(rungs) - 1) if len(rungs) > 1 else 0.0


def _noise(ladder: Sequence[float], quantile: float, rows: int) -> float:
    """What chance among the rows alone does to a batch's quantile, or a step where that is nothing."""
    last, reach = len(ladder) - 1, math.sqrt(quantile * (1 - quantile) / max(rows, 1))
    low, high = (ladder[round(min(max(quantile + one, 0.0), 1.0) * last)] for one in (-reach, reach))
    spread = (high - low) / 2
    return spread if math.isfinite(spread) and spread > 0 else _step(ladder)
