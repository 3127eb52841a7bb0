"""Telling people: a command that gets the news as JSON on its standard input, an address that they are posted to."""

from __future__ import annotations

import json
import shlex
import subprocess
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

from nbprod.errors import NbprodError

if TYPE_CHECKING:
    from nbprod.model import Json
    from nbprod.settings import Production

COMMAND, WEBHOOK = "command", "webhook"
CHANNELS = (COMMAND, WEBHOOK)
_PATIENCE_SECONDS = 30


def delivery_failure(channel: str, news: Json, *, said: Production) -> str:
    """Tell the news one way if the settings name it; gives what went wrong in words, as an alert must stop nothing."""
    text = json.dumps(news)
    try:
        if channel == COMMAND and said.alert:
            _run(said.alert, text)
        elif channel == WEBHOOK and said.webhook:
            _post(said.webhook, text)
    except subprocess.CalledProcessError as error:
        last = (error.stderr or "").strip().splitlines()[-1:]
        return f"The alert's command ended with {error.returncode}{f': {last[0]}' if last else ''}."
    except subprocess.TimeoutExpired:
        return f"The alert's command did not end within {_PATIENCE_SECONDS} seconds."
    except urllib.error.HTTPError as error:
        return f"The webhook answered {error.code} {error.reason}."
    except (OSError, ValueError, NbprodError) as error:
        return f"The alert's {channel} failed: {error}"
    return ""


def _run(command: str, text: str) -> None:
    subprocess.run(  # noqa: S603 - the command that the project's settings name
        shlex.split(command),
        input=text,
        text=True,
        check=True,
        capture_output=True,
        timeout=_PATIENCE_SECONDS,
    )


def _post(address: str, text: str) -> None:
    if not address.startswith(("http://", "https://")):
        raise NbprodError(f"'{address}' is no web address.", where="[tool.nbprod.production] webhook")
    request = urllib.request.Request(  # noqa: S310 - its scheme has just been looked at
        address, data=text.encode(), headers={"Content-Type": "application/json"}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=_PATIENCE_SECONDS) as answer:  # noqa: S310 - as above
        answer.read()
