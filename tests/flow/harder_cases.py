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
    # modules, and what is put into them
    "a module got at through its package": (
        "import xml.dom\nimport xml.dom.minidom as dom",
        "out = [xml.dom.minidom.Node.TEXT_NODE]",
    ),
    "a list put into a module": (
        "import string\nstring.own = []\nstring.own.append(1)",
        "string.own.append(2)",
        "out = list(string.own)",
    ),
    "an attribute set by name": ("import json", "setattr(json, 'own', [1])", "out = json.own + [3]"),
    "options set in a loop": (
        "import pandas as pd",
        "for key, value in {'display.max_rows': 7}.items():\n    pd.set_option(key, value)",
        "out = [pd.get_option('display.max_rows')]",
    ),
    "what %timeit changes": ("x = []", "%timeit -n 2 -r 1 x.append(1)", "out = [len(x)]"),
    # classes
    "a metaclass that registers": (
        (
            "REG = {}\nclass M(type):\n    def __new__(cls, name, bases, members):\n"
            "        made = super().__new__(cls, name, bases, members)\n        REG[name] = 1\n        return made"
        ),
        "class A(metaclass=M):\n    pass",
        "out = [REG]",
    ),
    "a class with types in brackets": (
        (
            "from typing import Generic, TypeVar\nT = TypeVar('T')\nclass Box(Generic[T]):\n"
            "    def __init__(self, v):\n        self.v = v"
        ),
        "b = Box[list]([len('a')])",
        "b.v.append(2)",
        "out = [b.v]",
    ),
    "a method that belongs to an object": (
        "class A:\n    def __init__(self):\n        self.n = 0\n    def inc(self):\n        self.n += 1\na = A()",
        "f = a.inc",
        "f()",
        "out = [a.n]",
    ),
    "flags joined": (
        "from enum import Flag, auto\nclass P(Flag):\n    R = auto()\n    W = auto()",
        "p = P.R",
        "p |= P.W",
        "out = [p == P.R | P.W]",
    ),
    "an object that counts lookups": (
        (
            "class K:\n    def __init__(self):\n        self.n = 0\n    def __hash__(self):\n        self.n += 1\n"
            "        return 1\nk = K()"
        ),
        "d = {k: 1}",
        "out = [k.n > 0]",
    ),
    # objects in the cells of tables
    "a list in a cell changed through the table": (
        "import pandas as pd\nxs = [len('a')]",
        "df = pd.DataFrame({'o': [xs, [5]]})",
        "df.loc[0, 'o'].append(3)",
        "out = [xs]",
    ),
    "lists in a column changed one by one": (
        "import pandas as pd\ndf = pd.DataFrame({'o': [[1], [2]]})",
        "for one in df['o']:\n    one.append(7)",
        "out = df.o.tolist()",
    ),
    "lists in a column changed by apply": (
        "import pandas as pd\ndf = pd.DataFrame({'o': [[1], [2]]})",
        "df['o'].apply(lambda one: one.append(7))",
        "out = df.o.tolist()",
    ),
    "a copied table shares what its cells hold": (
        "import pandas as pd\ns = pd.Series([[1], [2]])",
        "t = s.copy()",
        "t[0].append(5)",
        "out = s.tolist()",
    ),
    "records of a table share what its cells hold": (
        "import pandas as pd\ndf = pd.DataFrame({'o': [[1], [2]]})",
        "rows = df.to_dict('records')",
        "rows[0]['o'].append(5)",
        "out = df.o.tolist()",
    ),
    # what the standard library does
    "a view of a dictionary": ("d = {'a': 1}\nks = d.keys()", "d['b'] = 2", "out = sorted(ks)"),
    "a value that a reduction hands back": (
        "from functools import reduce\nd = {}",
        "r = reduce(lambda acc, x: (acc.update({x: 1}), acc)[1], 'ab', d)",
        "r['z'] = 2",
        "out = [sorted(d)]",
    ),
    "a dictionary that makes what is read": (
        "from collections import defaultdict\nd = defaultdict(list)",
        "x = d['k']",
        "x.append(1)",
        "out = [dict(d)]",
    ),
    "a chain of dictionaries writes to its first": (
        "from collections import ChainMap\nx = {}\nc = ChainMap(x, {'k': 1})",
        "c['k'] = 5",
        "out = [x]",
    ),
    "a function extended by type": (
        "from functools import singledispatch\n@singledispatch\ndef f(x):\n    return 'any'",
        "@f.register\ndef _(x: int):\n    return 'int'",
        "out = [f(1), f('a')]",
    ),
    "text printed into a buffer": (
        "import io\nb = io.StringIO()",
        "b.write('a')",
        "b.write('z')",
        "out = [b.getvalue()]",
    ),
    "arithmetic set through its own name": (
        "import decimal\nctx = decimal.getcontext()",
        "ctx.prec = 5",
        "out = [str(decimal.Decimal(1) / 7)]",
    ),
    "a folder added to where modules are": (
        "import sys",
        "sys.path += ['/no/such/folder']",
        "out = ['/no/such/folder' in sys.path]",
    ),
    "rows that a database gives": (
        "import sqlite3",
        "con = sqlite3.connect(':memory:')\nrows = con.execute('select 1').fetchall()\ncon.close()",
        "out = rows + []",
    ),
    # functions that take along what they hold
    "a function with state of its own": (
        "def count(acc=[]):\n    acc.append(1)\n    return len(acc)",
        "a = count()",
        "b = count()",
        "out = [a, b]",
    ),
    "a default argument changed from outside": (
        "OPTS={'k':[1]}\ndef f(o=OPTS):\n    return o['k']",
        "OPTS['k'].append(2)",
        "out=list(f())",
    ),
    "an attribute of a function": ("def f(): return f.k\nf.k=3", "out=[f()]"),
    "a default argument that was computed": (
        "import pandas as pd\ns = pd.Series([1.0, 3.0])",
        "m = s.mean()",
        "def fill(x, v=m):\n    return [v if one is None else one for one in x] + [m]",
        "m = 0.0",
        "out = fill([None, 1.0])",
    ),
    "a default argument that is another name's object": (
        "acc = list('a')",
        "def add(x, to=acc):\n    to.append(x)",
        "add('b')",
        "out = list(acc)",
    ),
    "a lambda in a list reads a name set later": (
        "fs = []\nk = sum([1])",
        "fs.append(lambda: k)",
        "k = sum([50])",
        "out = [f() for f in fs]",
    ),
    "a function made inside another reads a name set later": (
        "def make(n):\n    held = [n]\n    def get():\n        return held[0] + k\n    return get",
        "k = len('a')\ng = make(len('abc'))",
        "k = len('abcdefgh')",
        "out = [g()]",
    ),
    "a generator closed over": (
        "import numpy as np\ndef make(seed):\n    r = np.random.default_rng(seed)\n    return lambda: r.random()",
        "d = make(1)",
        "a = d()",
        "b = d()",
        "out = [a, b]",
    ),
}

REFUSED: dict[str, tuple[str, ...]] = {
    "a function that remembers what it did": (
        "from functools import lru_cache\ncalls = []\n@lru_cache\ndef f(x):\n    calls.append(x)\n    return x",
        "f(1)",
        "f(1)",
        "out = list(calls)",
    ),
    "a walk through folders": ("import os\nw = os.walk('.')", "a = next(w)[0]", "out = [a, len(list(w))]"),
    "a queue": ("import queue\nq = queue.Queue()", "q.put(1)", "out = [q.get()]"),
    "a class's list changed through an instance": (
        "class B:\n    shared = []",
        "b, c = B(), B()",
        "b.shared.append(1)",
        "out = [c.shared]",
    ),
    "instances of a class written anew": (
        "class A:\n    def who(self):\n        return 'old'",
        "x = A()",
        "class A:\n    def who(self):\n        return 'new'",
        "out = [x.who(), A().who()]",
    ),
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
