"""Whether a challenger may take the champion's place: better on the same later rows by more than chance explains."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from nbprod.tracking.scores import predictions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nbprod.model import Record
    from nbprod.tracking.scores import Score
    from nbprod.tracking.windows import Window

CONFIDENCE = 0.95
FEWEST_BLOCKS = 6
_RESAMPLES = 2000
# From the longest to the shortest: the first that cuts the window into enough blocks.
_BLOCKS = ("28D", "7D", "1D", "6h", "1h", "10min", "1min", "1s")
_ENOUGH_BLOCKS = 20


class Gate(Struct, frozen=True, kw_only=True):
    """What a gate said. `lower` is the least gain that the blocks leave believable, at 95 % confidence."""

    passes: bool
    reason: str
    metric: str
    challenger: float | None = None
    champion: float | None = None
    gain: float | None = None
    lower: float | None = None
    margin: float = 0.0
    rows: int = 0
    blocks: int = 0
    block: str = ""
    window: tuple[str, str] | None = None


class Contest(Struct, frozen=True, kw_only=True):
    """The models and their rows: the same rows in the same order, each by its own features."""

    challenger: Any
    champion: Any
    challenger_window: Window
    champion_window: Window


def broken_expectations(record: Record) -> tuple[str, ...]:
    """The critical expectations that a run broke, in words."""
    return tuple(_broken(record))


def first_gate(record: Record, challenger: Any, window: Window, *, score: Score) -> Gate:
    """The gate where there is no champion yet: the run must be whole; what the model scores is told."""
    import numpy as np

    refusal = _refusal(record)
    figure = score.of(np.asarray(window.y), predictions(challenger, window.x, score))
    return Gate(
        passes=not refusal,
        reason=refusal or "There is no champion yet.",
        metric=score.name,
        challenger=figure,
        rows=len(window.times),
        window=window.span,
    )


def gate(record: Record, contest: Contest, *, score: Score, margin: float = 0.0, block: str = "") -> Gate:
    """Whether the challenger's gain over the champion exceeds the margin, block by block of time."""
    import numpy as np

    window = contest.challenger_window
    labels = np.asarray(window.y)
    theirs = predictions(contest.champion, contest.champion_window.x, score)
    ours = predictions(contest.challenger, window.x, score)
    figures = score.of(labels, theirs), score.of(labels, ours)
    gain = score.gain(*figures)
    length = block or block_for(window.times)
    blocks = _blocks_of(window.times, length)
    count = int(blocks.max()) + 1
    lower = _lower_bound(score, labels, (theirs, ours), blocks) if count >= FEWEST_BLOCKS else -math.inf
    refusal = _refusal(record) or _not_better(gain, lower, margin=margin, count=count, block=length)
    said = refusal or f"It is better by {gain:.4g}, surely by {lower:.4g}, which exceeds {margin:g}."
    return Gate(
        passes=not refusal,
        reason=f"{said} ({score.name} {figures[1]:.4g} against {figures[0]:.4g} on {len(labels):,} rows)",
        metric=score.name,
        challenger=figures[1],
        champion=figures[0],
        gain=gain,
        lower=lower if math.isfinite(lower) else None,
        margin=margin,
        rows=len(labels),
        blocks=count,
        block=length,
        window=window.span,
    )


def block_for(times: Any) -> str:
    """The longest of the usual lengths that cuts these times into twenty blocks."""
    import pandas as pd

    stretch = times.max() - times.min()
    return next((one for one in _BLOCKS if stretch / pd.Timedelta(one) >= _ENOUGH_BLOCKS), _BLOCKS[-1])


def _refusal(record: Record) -> str:
    broken = broken_expectations(record)
    if broken:
        return f"The run broke {len(broken)} critical expectation{'s' * (len(broken) > 1)}: {broken[0]}."
    return "" if record.state.is_good else f"The run is {record.state}."


def _broken(record: Record) -> Iterator[str]:
    for stage in record.stages:
        for verdict in stage.verdicts:
            if verdict.fails:
                column = verdict.expectation.arguments.get("column")
                about = f"{verdict.value}.{column}" if column else verdict.value
                yield f"{about} {verdict.expectation.type.removeprefix('expect_').replace('_', ' ')}"


def _not_better(gain: float, lower: float, *, margin: float, count: int, block: str) -> str:
    if count < FEWEST_BLOCKS:
        return f"The window holds {count} blocks of {block}: {FEWEST_BLOCKS} are the least that tell chance from gain."
    if not gain > margin:
        word = "better by only" if gain > 0 else "worse by" if gain < 0 else "better by"
        return f"It is {word} {abs(gain):.4g}, where more than {margin:g} is asked."
    if not lower > margin:
        return (
            f"It is better by {gain:.4g}, but over {count} blocks of {block} chance alone could make that: "
            f"surely it is better by {lower:.4g} only, where more than {margin:g} is asked."
        )
    return ""


def _blocks_of(times: Any, length: str) -> Any:
    """The number of each row's block, from 0, without gaps."""
    import numpy as np

    _, numbers = np.unique(times.dt.floor(length).to_numpy(), return_inverse=True)
    return numbers


def _lower_bound(score: Score, labels: Any, predicted: tuple[Any, Any], blocks: Any) -> float:
    """The gain that is exceeded with 95 % confidence, rows within a block taken as one observation."""
    if score.losses is None:
        return _bootstrapped(score, labels, predicted, blocks)
    return _by_blocks(score.losses(labels, predicted[0]) - score.losses(labels, predicted[1]), blocks)


def _by_blocks(gains: Any, blocks: Any) -> float:
    """Student's t for a ratio: blocks of unlike size weigh by their rows (Cochran, Sampling Techniques, 6.4)."""
    import numpy as np
    from scipy.stats import t

    sums, sizes = np.bincount(blocks, weights=gains), np.bincount(blocks)
    count, mean = len(sums), gains.mean()
    spread = (((sums - mean * sizes) ** 2).sum() / (count - 1)) ** 0.5
    error = spread / sizes.mean() / count**0.5
    return float(mean - t.ppf(CONFIDENCE, count - 1) * error)


def _bootstrapped(score: Score, labels: Any, predicted: tuple[Any, Any], blocks: Any) -> float:
    """Blocks drawn with replacement, both models on the same ones each time."""
    import numpy as np

    random = np.random.default_rng(0)
    members = [np.flatnonzero(blocks == number) for number in range(int(blocks.max()) + 1)]
    gains = []
    for _ in range(_RESAMPLES):
        rows = np.concatenate([members[one] for one in random.integers(0, len(members), len(members))])
        figures = [score.of(labels[rows], one[rows]) for one in predicted]
        gains.append(score.gain(*figures))
    return float(np.nanquantile(gains, 1 - CONFIDENCE))
