"""`[tool.nbprod]` is read as written; what is wrong in it is named."""

from __future__ import annotations

import pytest

from nbprod.errors import NbprodError
from nbprod.settings import Level, Settings, settings_from

WRONG = {
    "no TOML": ("[tool.nbprod", "p.toml: This is no TOML"),
    "unknown setting": ("[tool.nbprod]\nworker = 2", "has no setting 'worker'. Did you mean 'workers'?"),
    "unknown level": ("[tool.nbprod]\nlevel = 'big'", "level is 'big'. One of prototype, small, scale."),
    "wrong type": ("[tool.nbprod]\nworkers = 'two'", "workers is 'two', but should be a whole number"),
    "unknown severity": (
        "[tool.nbprod.severity]\nshift-into-future = 'fatal'",
        "The severity of rule 'shift-into-future' is 'fatal'. One of error, warning, note or off.",
    ),
}


def test_file_without_a_table_gives_the_defaults():
    assert settings_from("[project]\nname='x'", where="p.toml") == Settings()


def test_settings_are_read():
    text = (
        "[tool.nbprod]\nlevel = 'small'\nworkers = 2\nexclude = ['old/*']\n"
        "[tool.nbprod.stages.features]\ntime = 'ts'\n[tool.nbprod.severity]\nx = 'off'"
    )
    assert settings_from(text, where="p.toml") == Settings(
        level=Level.SMALL,
        workers=2,
        exclude=("old/*",),
        stages={"features": {"time": "ts"}},
        severity={"x": "off"},
    )


@pytest.mark.parametrize(("text", "says"), WRONG.values(), ids=WRONG)
def test_wrong_settings_are_named(text, says):
    with pytest.raises(NbprodError) as raised:
        settings_from(text, where="p.toml")
    assert says in str(raised.value)
