"""What an answer leaves behind isn't looked through while somebody waits, and is collected afterwards."""

import gc
import threading
import weakref

from nbprod.faces.server.garbage import Garbage


class Circle:
    """Garbage that only the collector finds."""

    def __init__(self):
        self.itself = self


def left_by(garbage, gone=None):
    """A circle that an answer left behind; `gone` is called when it is collected."""
    with garbage.left():
        circle = Circle()
        return weakref.ref(circle, gone)


def test_garbage_lies_until_it_is_collected():
    garbage = Garbage(quiet=3600)
    circle = left_by(garbage)
    gc.collect()
    assert circle() is not None
    garbage.collect()
    assert circle() is None


def test_garbage_is_collected_once_nobody_asks():
    collected = threading.Event()
    circle = left_by(Garbage(quiet=0), lambda _: collected.set())
    assert collected.wait(60)
    assert circle() is None
