"""Files that reach the monitor from elsewhere: labels that have arrived, features that were served."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbprod.errors import NbprodError

if TYPE_CHECKING:
    from pathlib import Path


def table_in(file: Path, *, what: str) -> Any:
    """The rows of a parquet file as a frame; raises NbprodError where it is none."""
    import pandas as pd

    try:
        return pd.read_parquet(file)
    except (OSError, ValueError) as error:
        reason = str(error).partition("\n")[0].rstrip(".")
        raise NbprodError(
            f"The {what} can't be read: {reason}.", where=str(file), remedy="Give a parquet file."
        ) from error
