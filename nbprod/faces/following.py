"""A run in a process of its own that tells what happens as JSON lines: how the server runs pipelines.

`python -m nbprod.faces.following NOTEBOOK OPTIONS`, where OPTIONS are `api.run`'s as one JSON object.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from nbprod import api, wire
from nbprod.errors import NbprodError

if TYPE_CHECKING:
    from nbprod.model import Event


def main() -> int:
    """Run the notebook's pipeline; a run that can't start is told as `{"kind": "refused", "message": ...}`."""
    notebook, options = sys.argv[1], json.loads(sys.argv[2])
    # What cells print must not stand among the events.
    events = sys.stdout
    sys.stdout = sys.stderr

    def tell(event: Event) -> None:
        print(json.dumps(wire.plain(event)), file=events, flush=True)

    try:
        api.run(notebook, on_event=tell, **options)
    except NbprodError as error:
        print(json.dumps({"kind": "refused", "message": str(error)}), file=events, flush=True)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
