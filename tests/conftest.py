"""What holds for all tests: interrupts are heard; among several processes what takes long is begun first."""

from __future__ import annotations

import signal
from pathlib import PurePosixPath

import pytest

# Rooms whose tests wait for browsers, servers and kernels, the longest first. What only computes fills the gaps at the end.
LONG = ("lab", "tests", "faces", "running", "verifying", "continuous", "tracking", "validating", "replaying")

# A job in the background of a shell is started deaf to interrupts, and so is all that it starts: a test that cancels a
# run would wait for the run's end.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config, items):
    if hasattr(config, "workerinput"):
        places = {room: place for place, room in enumerate(LONG)}
        items.sort(key=lambda item: places.get(item.path.parent.name, len(LONG)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Files go to the test processes whole, and all files of the browser's tests to the same one: one JupyterLab."""
    from xdist.scheduler import LoadFileScheduling

    class ByFileOrRoom(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = PurePosixPath(super()._split_scope(nodeid))
            return str(file.parent if file.parent.name == "lab" else file)

    if config.option.dist != "loadfile":
        return None
    config.option.loadscopereorder = False
    return ByFileOrRoom(config, log)
