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
    from collections.abc import Iterator

    from nbprod.model import Json
    from nbprod.settings import Production

_PATIENCE_SECONDS = 30


def alert(news: Json, *, said: Production) -> tuple[str, ...]:
    """Tell whoever is to be told; gives what went wrong, as an alert that fails must stop nothing."""
    text = json.dumps(news)
    return tuple(_failures(text, said))


def _failures(text: str, said: Production) -> Iterator[str]:
    if said.alert:
        try:
            subprocess.run(  # noqa: S603 - the command that the project's settings name
                shlex.split(said.alert),
                input=text,
                text=True,
                check=True,
                capture_output=True,
                timeout=_PATIENCE_SECONDS,
            )
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            yield f"The alert's command failed: {error}"
    if said.webhook:
        try:
            _post(said.webhook, text)
        except (OSError, ValueError, NbprodError) as error:
            yield f"The webhook failed: {error}"


def _post(address: str, text: str) -> None:
    if not address.startswith(("http://", "https://")):
        raise NbprodError(f"'{address}' is no web address.", where="[tool.nbprod.production] webhook")
    request = urllib.request.Request(  # noqa: S310 - its scheme has just been looked at
        address, data=text.encode(), headers={"Content-Type": "application/json"}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=_PATIENCE_SECONDS) as answer:  # noqa: S310 - as above
        answer.read()
