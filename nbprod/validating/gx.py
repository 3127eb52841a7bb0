"""The one door to Great Expectations: imported late, quiet, sending nothing, writing nothing."""

from __future__ import annotations

import logging
import os
import warnings
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


@cache
def great_expectations() -> Any:
    """The module, imported on first use: it costs seconds."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    with quiet():
        import great_expectations as gx
        import great_expectations.expectations
    return gx


@cache
def context() -> Any:
    """A context that lives in memory: GX's validator and Data Docs want one."""
    gx = great_expectations()
    with quiet():
        made = gx.get_context(mode="ephemeral")
        # Progress bars are for people who wait at a prompt, not for a record's log.
        made.variables.progress_bars = {"globally": False}
        return made


@contextmanager
def quiet() -> Iterator[None]:
    """Silences what GX says of itself and not of the data."""
    logger = logging.getLogger("great_expectations")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            # GX 1.24 imports `sre_constants` and `pydantic.v1` and warns of its own deprecated arguments.
            warnings.simplefilter("ignore", DeprecationWarning)
            warnings.simplefilter("ignore", FutureWarning)
            # Its pandas engine divides by zero rows and compares with missing values as it goes.
            warnings.filterwarnings(
                "ignore", category=RuntimeWarning, module=r"(great_expectations|numpy|pandas)"
            )
            warnings.filterwarnings("ignore", category=UserWarning, module="great_expectations")
            yield
    finally:
        logger.setLevel(level)
