from __future__ import annotations

import pytest

from nbprod.flow.stars import Exports, UnreadableModuleError, exports_of

MODULES = {
    "public names of the top level": ("x = 1\n_y = 2\ndef f(): pass\nif x:\n    z = 3\n", ("f", "x", "z")),
    "a literal list": ("__all__ = ['a', '_b']\nc = 1\n", ("_b", "a")),
    "a list put together": (
        "__all__ = ['a'] + ['b']\n__all__ += ('c',)\n__all__.extend(['d'])\n__all__.remove('a')",
        ("b", "c", "d"),
    ),
    "another module's list": ("import string\n__all__ = ['x', *string.__all__[:0], 'y']", None),
    "another module's whole list": (
        "import fnmatch\n__all__ = list(set(fnmatch.__all__) | {'x'})",
        ("filter", "fnmatch", "fnmatchcase", "translate", "x"),
    ),
    "all that is there": (
        "import json\ny = 1\n__all__ = [s for s in dir() if not s.startswith('_')]",
        ("json", "y"),
    ),
    "another star": ("from fnmatch import *\nz = 1", ("filter", "fnmatch", "fnmatchcase", "translate", "z")),
    "what only types need": (
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import json\n",
        ("TYPE_CHECKING",),
    ),
}


@pytest.mark.parametrize(("source", "names"), MODULES.values(), ids=MODULES)
def test_exports_are_told_from_source(tmp_path, source, names):
    (tmp_path / "written_here.py").write_text(f"raise SystemExit  # never run\n{source}", encoding="utf-8")
    found = exports_of("written_here", folder=str(tmp_path))
    assert found == Exports(names=names) if names is not None else not found.is_complete


@pytest.mark.parametrize("module", ["cmath", "pandas", "os.path", "matplotlib.pyplot"])
def test_exports_are_what_python_binds(module):
    bound: dict[str, object] = {}
    exec(f"from {module} import *", bound)  # noqa: S102 - the oracle
    assert set(exports_of(module).names) == bound.keys() - {"__builtins__"}


def test_module_that_is_not_there_is_said_so():
    with pytest.raises(UnreadableModuleError, match="it isn't installed here"):
        exports_of("no_such_module_anywhere")
