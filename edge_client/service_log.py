"""What the unattended service prints: a sentence a line for people, or a JSON object a line for machines.

Journals keep their own time, so lines for people carry none.
"""

import json
import sys
import threading
from datetime import UTC, datetime
from typing import Literal

from framewatch.wire.envelope import format_utc


class ServiceLog:
    """For several threads. Errors go to stderr for people; for machines everything goes to stdout, in order."""

    def __init__(self, form: Literal["human", "json"] = "human", *, verbose: bool = False) -> None:
        self._form = form
        self.verbose = verbose
        self._lock = threading.Lock()

    def say(self, event: str, message: str, *, error: bool = False, camera_id: str | None = None) -> None:
        """event: a word for machines. message: what people read, whole sentences or none."""
        with self._lock:
            if self._form == "human":
                print(message, file=sys.stderr if error else sys.stdout, flush=True)
                return
            fields = {"at": format_utc(datetime.now(UTC)), "event": event, "level": "error" if error else "info"}
            if camera_id is not None:
                fields["camera_id"] = camera_id
            print(json.dumps({**fields, "message": message}), flush=True)
