"""What holds for all tests: interrupts are heard, and what takes long is begun first."""

from __future__ import annotations

import signal

# A job in the background of a shell is started deaf to interrupts, and so is all that it starts: a test that cancels a
# run would wait for the run's end.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
