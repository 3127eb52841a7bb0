"""What the loop decides reaches the user's command and address, once each, and what fails is told again."""

import json
import sys
import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace

import pytest
from projects import project, rows

from nbprod import api
from nbprod.continuous.alerts import CHANNELS, delivery_failure
from nbprod.continuous.decisions import Action, Book
from nbprod.continuous.loop import _alert
from nbprod.running.ledger import Ledger
from nbprod.settings import Production, settings_from

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@contextmanager
def listening(*answers):
    """An address that keeps what is posted to it; it answers with these codes in turn, the last one for ever."""
    heard, left = [], list(answers) or [200]

    class Hear(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            heard.append((self.headers["Content-Type"], json.loads(body)))
            self.send_response(left.pop(0) if len(left) > 1 else left[0])
            self.end_headers()

        def log_message(self, *_):
            """Silence: a test says what it has to say by failing."""

    server = HTTPServer(("127.0.0.1", 0), Hear)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/news", heard
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def keeping(folder, *, then="") -> str:
    """A command that adds the line it is told to a file, then does something more; settings hold it as text."""
    script = folder / "keep.py"
    script.write_text(
        "import pathlib, sys\n"
        f"with pathlib.Path({str(folder / 'told')!r}).open('a') as file:\n"
        "    print(sys.stdin.read(), file=file)\n"
        f"{then}\n"
    )
    return f"'{sys.executable}' '{script}'"


def told(folder) -> list[dict]:
    file = folder / "told"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def test_the_command_reads_the_news_on_its_standard_input(tmp_path):
    failure = delivery_failure("command", {"is": "ü"}, said=Production(alert=keeping(tmp_path)))
    assert (failure, told(tmp_path)) == ("", [{"is": "ü"}])


def test_the_address_is_posted_the_news_as_json():
    with listening() as (address, heard):
        failure = delivery_failure("webhook", {"is": "ü"}, said=Production(webhook=address))
    assert (failure, heard) == ("", [("application/json", {"is": "ü"})])


@pytest.mark.parametrize(
    ("channel", "said", "failure"),
    [
        ("command", {"alert": "no-such-command-at-all"}, "The alert's command failed: .*no-such-command"),
        ("command", {"alert": "an 'open quote"}, "The alert's command failed: No closing quotation"),
        (
            "command",
            {"alert": f"'{sys.executable}' -c 'raise SystemExit(\"no mail today\")'"},
            "The alert's command ended with 1: no mail today",
        ),
        ("webhook", {"webhook": "ftp://there/"}, "'ftp://there/' is no web address"),
        ("webhook", {"webhook": "http://127.0.0.1:1/"}, "The alert's webhook failed: .*refused"),
    ],
    ids=["no such command", "not to be read", "a command that fails", "another scheme", "nobody there"],
)
def test_what_goes_wrong_is_said_and_stops_nothing(channel, said, failure):
    import re

    assert re.search(failure, delivery_failure(channel, {}, said=Production(**said)))


def test_an_address_that_answers_with_an_error_was_not_told():
    with listening(503) as (address, _):
        assert "503" in delivery_failure("webhook", {}, said=Production(webhook=address))


def desk(folder, **said) -> SimpleNamespace:
    """What telling needs of a loop, with a ledger of its own; `heard` are the failures."""
    heard = []
    book = Book(ledger=Ledger(path=folder / "ledger.sqlite"), model="m")
    arena = SimpleNamespace(settings=SimpleNamespace(production=Production(**said)))
    return SimpleNamespace(book=book, arena=arena, tell=heard.append, heard=heard)


def decided(one, *actions) -> None:
    for action in actions:
        begun = one.book.begin(condition="drift", facts={}, now="2026-01-01")
        one.book.end(begun, action=action, reason=f"because of {begun.id}", now="2026-01-02")


def test_each_decision_of_note_is_told_once_and_quiet_ones_never(tmp_path):
    one = desk(tmp_path, alert=keeping(tmp_path))
    decided(one, Action.NOTHING, Action.STOPPED, Action.KEPT)
    _alert(one)
    decided(one, Action.FAILED, Action.NOTHING)
    _alert(one)
    _alert(one)
    assert [each["action"] for each in told(tmp_path)] == ["stopped", "kept", "failed"]


def test_what_an_address_did_not_take_is_told_again_and_the_command_not_twice(tmp_path):
    with listening(500, 200) as (address, heard):
        one = desk(tmp_path, alert=keeping(tmp_path), webhook=address)
        decided(one, Action.STOPPED)
        _alert(one)
        _alert(one)
    assert ([each["id"] for _, each in heard], len(told(tmp_path))) == ([1, 1], 1)
    assert one.heard == ["The webhook answered 500 Internal Server Error. The next turn tells it again."]


def test_who_is_named_later_is_not_told_the_past(tmp_path):
    before = desk(tmp_path)
    decided(before, Action.STOPPED)
    _alert(before)
    after = desk(tmp_path, alert=keeping(tmp_path))
    decided(after, Action.KEPT)
    _alert(after)
    assert [each["action"] for each in told(tmp_path)] == ["kept"]
    assert [before.book.untold(channel) for channel in CHANNELS] == [(), ()]


def test_what_was_told_is_no_reason_that_fired(tmp_path):
    one = desk(tmp_path)
    decided(one, Action.KEPT)
    _alert(one)
    assert one.book.acted_on() == frozenset()


def test_a_turn_tells_the_command_that_the_settings_name(tmp_path):
    notebook = project(tmp_path, expect="%%expect raw\nColumnValuesToNotBeNull(column='x')")
    frame = rows(days=50)
    frame.loc[5, "x"] = None
    frame.to_parquet(tmp_path / "rows.parquet")
    settings = f"[tool.nbprod.production]\nalert = {json.dumps(keeping(tmp_path))}\n"
    (tmp_path / "pyproject.toml").write_text(settings)
    assert settings_from(settings, where="here").production.alert
    decision = api.retrain(notebook, "drift", parameters={"day": 40})
    assert [(one["action"], one["reason"]) for one in told(tmp_path)] == [("stopped", decision.reason)]
