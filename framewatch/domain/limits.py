"""How many texts may go out."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class LimitState:
    version: int = 0


@dataclass(frozen=True, slots=True)
class Held:
    """One alert that was not texted to a contact. reason: `limit` or `late`. at: the injected clock."""

    contact_id: str
    camera_id: str
    reason: str
    at: datetime
    captured_at: datetime
