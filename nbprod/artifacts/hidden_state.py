"""State that no name holds but a later stage depends on: random generators, environment, working folder.

It passes a stage boundary under names that no notebook can bind, since they hold a dot.
"""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

RANDOM = "random.state"
NUMPY_RANDOM = "numpy.random.state"
TORCH_RANDOM = "torch.random.state"
ENVIRONMENT = "os.environ"
WORKING_FOLDER = "os.getcwd"


def is_hidden(name: str) -> bool:
    """Whether the name stands for hidden state rather than for one of the notebook's names."""
    return name in _CAPTURE


def captured(name: str) -> object:
    """The hidden state as it is now."""
    return _CAPTURE[name]()


def restore(name: str, value: Any) -> None:
    """Put hidden state back as it was captured."""
    _RESTORE[name](value)


def begin_here() -> None:
    """Take the environment as it is now for the one that this process was started with: said in a fork."""
    _start.environment = dict(os.environ)


def _environment() -> dict[str, str | None]:
    start = _start.environment
    changed: dict[str, str | None] = {
        key: value for key, value in os.environ.items() if start.get(key) != value
    }
    gone: dict[str, str | None] = {key: None for key in start if key not in os.environ}
    return {**changed, **gone}


def _set_environment(changes: Mapping[str, str | None]) -> None:
    for key, value in changes.items():
        if value is None:
            os.environ.pop(key, None)
        else:
            os.environ[key] = value


def _numpy_state() -> object:
    import numpy as np

    return np.random.get_state(legacy=False)  # noqa: NPY002 - the global generator is what has to be carried


def _set_numpy_state(state: Any) -> None:
    import numpy as np

    np.random.set_state(state)  # noqa: NPY002 - see above


def _torch_state() -> object:
    torch = sys.modules.get("torch")
    return None if torch is None else torch.get_rng_state().numpy()


def _set_torch_state(state: Any) -> None:
    if state is None:
        return
    import torch  # type: ignore[import-not-found,unused-ignore]

    torch.set_rng_state(torch.from_numpy(state))


class _Start:
    """How this process began."""

    def __init__(self) -> None:
        self.environment = _start_environment()


def _start_environment() -> dict[str, str]:
    """The environment with which this process was started, before any cell changed it."""
    recorded = Path("/proc/self/environ")
    if not recorded.exists():
        return dict(os.environ)
    lines = recorded.read_bytes().decode(errors="surrogateescape").split("\0")
    return {key: value for key, _, value in (line.partition("=") for line in lines if "=" in line)}


_start = _Start()
_CAPTURE: dict[str, Callable[[], object]] = {
    RANDOM: random.getstate,
    NUMPY_RANDOM: _numpy_state,
    TORCH_RANDOM: _torch_state,
    ENVIRONMENT: _environment,
    WORKING_FOLDER: os.getcwd,
}
_RESTORE: dict[str, Callable[[Any], None]] = {
    RANDOM: random.setstate,
    NUMPY_RANDOM: _set_numpy_state,
    TORCH_RANDOM: _set_torch_state,
    ENVIRONMENT: _set_environment,
    WORKING_FOLDER: os.chdir,
}
