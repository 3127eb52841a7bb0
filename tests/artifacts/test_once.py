"""One thing a process, however many threads ask for it at once."""

import threading
import time

from nbprod.artifacts.once import once


def test_threads_that_ask_together_get_one_thing():
    made = []

    @once
    def thing() -> object:
        time.sleep(0.05)
        made.append(object())
        return made[-1]

    got: list[object] = []
    threads = [threading.Thread(target=lambda: got.append(thing())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(made), set(got)) == (1, {made[0]})
