from __future__ import annotations

import ast
import re

import pytest
from IPython.core.inputtransformer2 import TransformerManager

from nbprod.flow.ipython import cell_magic, python_text

SAME_AS_IPYTHON = {
    "plain Python": "x = 1\ny = x % 2\n",
    "line magic": "%matplotlib inline\nx = 1\n",
    "indented magic": "if True:\n    %matplotlib inline\n    x = 1\n",
    "shell": "!ls -la | grep x\n",
    "shell in a block": "for f in files:\n    !wc $f\n",
    "shell output assigned": "files = !ls *.csv\n",
    "shell output assigned to a pair": "a, b = !ls\n",
    "double bang": "!!ls\n",
    "magic assigned": "r = %sql select 1\n",
    "help": "len?\n",
    "double help": "pd.DataFrame??\n",
    "help before": "?len\n",
    "search": "np.*load*?\n",
    "continued magic": "%config \\\n   X.y = 1\n",
    "continued shell": "!echo a \\\n  b\nx = 1\n",
    "percent within an expression over lines": "x = (7\n % y)\n",
    "percent within a string": 's = """\n%magic\n!shell\n"""\n',
    "backslash continuation": "x = 7 \\\n % 3\n",
    "bang inequality": "ok = a != b\n",
    "string formatting": "s = '%d rows' % n\n",
    "question in a comment": "x = 1  # really?\n",
    "quotes in a comment": "# don't\n%precision 3\n",
    "prompt": ">>> x = 1\n>>> y = 2\n",
    "foreign cell": "%%bash\nls\necho 'a'\n",
    "sql cell": "%%sql\nselect * from t\n",
    "foreign cell after a blank line": "\n%%html\n<b>x</b>\n",
    "nested triple quotes": "x = '''a\"b'''\n%who\n",
    "keyword comparison": "f(a=1,\n  b=2)\n!pwd\n",
    "semicolon": "x = 1;\nplot(x);\n",
    "decorator": "@f\ndef g(): pass\n%who\n",
    "async": "await f()\n",
    "shell with equals": "!FOO=1 run\n",
    "comparison with modulo": "x == y %z\n",
}


@pytest.mark.parametrize("source", SAME_AS_IPYTHON.values(), ids=SAME_AS_IPYTHON)
def test_syntax_means_what_ipython_makes_of_it(source):
    theirs = ast.dump(ast.parse(TransformerManager().transform_cell(source)))
    ours = ast.dump(ast.parse(python_text(source)))
    assert _normal(ours) == _normal(theirs)


def _normal(dump: str) -> str:
    """The dump without what no magic cares for: runs of blanks and a body's last newline."""
    return re.sub(r" +", " ", dump).replace("\\\\n'", "'").replace("' ", "'")


@pytest.mark.parametrize("source", SAME_AS_IPYTHON.values(), ids=SAME_AS_IPYTHON)
def test_lines_keep_their_number(source):
    assert python_text(source).count("\n") == source.count("\n")


PYTHON_WITHIN = {
    "timed cell": ("%%time\nx = 1", "\nx = 1"),
    "timed cell after the stage's own line": ("\n%%time\nx = 1", "\n\nx = 1"),
    "timed statement": ("%time x = f(1)", "x = f(1)"),
    "assigned timed expression": ("x = %time f(1)", "x = f(1)"),
    "timed twice": ("%%capture\n%%time\nx = 1", "\n\nx = 1"),
    "captured": (
        "%%capture out\nprint(1)",
        "out = get_ipython().run_cell_magic('capture', 'out', '')\nprint(1)",
    ),
    "magic in a timed cell": ("%%time\n%who\nx", "\nget_ipython().run_line_magic('who', '')\nx"),
    "foreign output bound": (
        "%%bash --out x\nls",
        "x = get_ipython().run_cell_magic('bash', '--out x', 'ls')\n",
    ),
    "magic without its mark": ("pip install x", "get_ipython().run_line_magic('pip', 'install x')"),
    "a variable named like a magic": ("ls = 1\nls + 1", "ls = 1\nls + 1"),
    "only a magic": ("%%time", ""),
}


@pytest.mark.parametrize(("source", "python"), PYTHON_WITHIN.values(), ids=PYTHON_WITHIN)
def test_python_within_magics_stands_as_it_is(source, python):
    assert python_text(source) == python


def test_cell_magic_is_found_after_blank_lines():
    magic = cell_magic("\n\n%%timeit -n 3\nf()")
    assert magic is not None
    assert (magic.name, magic.rest, magic.line) == ("timeit", "-n 3", 3)
