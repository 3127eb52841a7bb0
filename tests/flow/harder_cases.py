"""More small notebooks, each around one difficulty: memory that arrays share, names that modules export, state."""

from __future__ import annotations

ARRAY = "import numpy as np\na = np.arange(6.0)"

RIGHT: dict[str, tuple[str, ...]] = {
    # memory that arrays share
    "an array made without copying": (ARRAY, "b = np.array(a, copy=False)", "b[0] = 8", "out = a.sum()"),
    "a type asked for without copying": (
        ARRAY,
        "b = a.astype(float, copy=False)",
        "b[0] = 8",
        "out = a.sum()",
    ),
    "rows of an array in a list": (
        "import numpy as np\nm = np.zeros((2, 3))",
        "rows = list(m)",
        "rows[1][2] = 4",
        "out = m.sum()",
    ),
    "rows of an array in a zip": (
        "import numpy as np\nm = np.zeros((2, 3))",
        "for row, k in zip(m, [1, 2]):\n    row += k",
        "out = m.sum()",
    ),
    "what a universal function is told to write into": (
        ARRAY + "\nb = np.zeros(6)",
        "c = np.add(a, 1, b)",
        "c[0] = 5",
        "out = b.sum()",
    ),
    "a universal function in place": (ARRAY, "np.add.at(a, [0, 0], 1)", "out = a.tolist()"),
    "two arrays to write into": (
        ARRAY + "\nq = np.zeros(6)\nr = np.zeros(6)",
        "np.divmod(a, 4, out=(q, r))",
        "out = [q.sum(), r.sum()]",
    ),
    # names that modules export
    "random state of a star import": (
        "from random import *",
        "seed(3)",
        "a = random()",
        "out = [a, random()]",
    ),
    "state of a package's star import": (
        "from numpy import *\nrandom.seed(2)",
        "a = random.rand(2)",
        "out = [a.sum(), random.rand()]",
    ),
    "a star import shadows a name": ("e = len('abc')", "from math import *", "out = [round(e, 3)]"),
    "two star imports of one name": ("from math import *", "from cmath import *", "out = [str(sqrt(-1))]"),
    "a star import of settings": (
        "from matplotlib.pyplot import *",
        "rcParams['lines.linewidth'] = 5",
        "out = [rcParams['lines.linewidth']]",
    ),
}

REFUSED: dict[str, tuple[str, ...]] = {
    "a star import of a module that is not here": (
        "import sys",
        "from no_such_module_anywhere import *",
        "out = [one_of_its_names]",
    ),
    "a view of another value's memory": (
        "b = bytearray(b'abc')",
        "m = memoryview(b)",
        "m[0] = 122",
        "out = [bytes(b)]",
    ),
    "a weak reference": ("import weakref\nw = {1}", "r = weakref.ref(w)", "out = [r() is w]"),
    "a table that shares an array's memory": (
        ARRAY + "\nimport pandas as pd",
        "s = pd.Series(a, copy=False)",
        "a[0] = 99",
        "out = [s.iloc[0]]",
    ),
}
