"""What a run's model says of the rows that it was judged on, asked in the environment that made it.

`python -m nbprod.tracking.golden` answers in another interpreter: a model of other versions may not load in this one.
"""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbprod.errors import NbprodError
from nbprod.running.records import given_by, read_record

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nbprod.model import Record
    from nbprod.tracking.roles import Value

GOLDEN_ROWS = 10_000
# What unpickling a value of other versions raises: its modules, classes or fields are no longer what they were.
UNREADABLE = (
    ImportError,
    AttributeError,
    TypeError,
    ValueError,
    LookupError,
    EOFError,
    pickle.UnpicklingError,
)


def said(made_by: Record, model: Value, rows: Value, *, rows_of: Record, interpreters: Iterable[Path]) -> Any:
    """The predictions, by the first interpreter that can make them; raises NbprodError with the last one's reason."""
    error = NbprodError("No interpreter is left that could load the model.")
    for interpreter in dict.fromkeys(interpreters):
        try:
            return _asked(
                interpreter, [made_by.folder, model.stage, model.name, rows_of.folder, rows.stage, rows.name]
            )
        except NbprodError as one:
            error = one
    raise error


def _asked(interpreter: Path, words: list[str]) -> Any:
    import numpy as np

    with tempfile.TemporaryDirectory() as scratch:
        answer = Path(scratch) / "said.npy"
        command = [str(interpreter), "-m", "nbprod.tracking.golden", json.dumps([*words, str(answer)])]
        done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603 - our own command
        if done.returncode:
            raise NbprodError(_reason(done.stderr), where=str(interpreter))
        return np.load(answer, allow_pickle=False)


def _reason(stderr: str) -> str:
    """The exception's own words, which may be several lines: what follows the last line of code in a traceback."""
    words = stderr.strip().rpartition("\n    ")[2].partition("\n")[2] or stderr.strip()[-300:]
    return " ".join(words.split())[:300] or "It ended without a word."


def answer(words: list[str]) -> None:
    """Write the predictions into a file; what a class or a text is stands in it as text."""
    import numpy as np
    from threadpoolctl import threadpool_limits

    folder, stage, name, rows_folder, rows_stage, rows_name, file = words
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = given_by(read_record(Path(folder)), {name: stage})[name]
    rows: Any = given_by(read_record(Path(rows_folder)), {rows_name: rows_stage})[rows_name]
    with threadpool_limits(limits=1):
        predicted = np.asarray(model.predict(rows[:GOLDEN_ROWS]))  # type: ignore[attr-defined]
    np.save(file, predicted if predicted.dtype.kind in "biuf" else predicted.astype(str), allow_pickle=False)


if __name__ == "__main__":
    answer(json.loads(sys.argv[1]))
