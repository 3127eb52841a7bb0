"""How a pandas frame's columns lie together in memory, noted and put back.

`values` of columns that lie in one block is a view that may not be written to, of others a copy that may be; and sums
over an array take another order where its rows lie together instead of its columns. Parquet knows nothing of this.
"""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Any

_KINDS = "biufc"


def noted_blocks(frame: Any) -> list[list[Any]] | None:
    """The places of the columns of each block of numbers, and whether its rows lie together.

    None where each type has one block whose columns lie together, as what is read from parquet has.
    """
    blocks = [
        [block.mgr_locs.as_array.tolist(), _has_rows_together(block.values)]
        for block in getattr(frame._mgr, "blocks", ())  # noqa: SLF001 - pandas tells it nowhere else
        if _is_of_numbers(block.values)
    ]
    types = Counter(str(frame.dtypes.iloc[places[0]]) for places, _ in blocks)
    ordinary = all(count == 1 for count in types.values()) and not any(together for _, together in blocks)
    return None if ordinary else blocks


def with_blocks(frame: Any, blocks: list[list[Any]]) -> Any:
    """The frame with its numbers in these blocks; what it has beside them stays as it is."""
    import pandas as pd

    numbers = {place for places, _ in blocks for place in places}
    rest = [place for place in range(frame.shape[1]) if place not in numbers]
    parts = [_block(frame.iloc[:, places], rows_together=together) for places, together in blocks]
    places = list(itertools.chain(*(places for places, _ in blocks), rest))
    parted = pd.concat([*parts, frame.iloc[:, rest]], axis=1)
    order = sorted(range(len(places)), key=places.__getitem__)
    laid = parted.iloc[:, order]
    laid.columns = frame.columns
    return laid


def _is_of_numbers(values: Any) -> bool:
    import numpy as np

    return isinstance(values, np.ndarray) and values.ndim == 2 and values.dtype.kind in _KINDS


def _has_rows_together(values: Any) -> bool:
    """Whether a block, which holds a column a row, lies in memory the other way round."""
    return bool(values.flags.f_contiguous and not values.flags.c_contiguous)


def _block(part: Any, *, rows_together: bool) -> Any:
    import numpy as np
    import pandas as pd

    if not rows_together:
        return part
    return pd.DataFrame(
        np.ascontiguousarray(part.to_numpy()), index=part.index, columns=part.columns, copy=False
    )
