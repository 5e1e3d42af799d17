"""Control document: what a box is told between two edge files. It lies beside the box's edge file and is polled.

    {"form": 1, "at": "2026-11-20T08:00:00.000000Z", "until": "2026-12-01T00:00:00.000000Z",
     "cameras": {"front": {"slow_by": 4}}}

No document means that nothing is asked of the box. Nothing in one is trusted; whatever is wrong refuses it as a whole
with an EdgeControlError that says what, and the one before holds until its time is over.
"""

import json
from datetime import UTC, timedelta
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from framewatch.domain.edge_control import MOST_SLOW_BY, EdgeControl
from framewatch.domain.errors import EdgeControlError
from framewatch.domain.frames import CAMERA_ID_PATTERN
from framewatch.wire.envelope import EARLIEST_YEAR, LATEST_YEAR, first_problem, format_utc

# In the configuration bucket; user: the box's IAM user, which may read this and its edge file, and nothing else.
CONTROL_KEY = "edge/{user}/control.json"
FORM = 1
# Ten times what a box of 500 cameras needs.
MAX_BYTES = 256 * 1024
MAX_CAMERAS = 500
# A month, and some days of grace: a document that nobody writes again must not hold a box for longer.
MAX_HOLD = timedelta(days=40)


class _Part(BaseModel):
    # A later writer may add keys that this reader does not know; what it knows must be right.
    model_config = ConfigDict(extra="ignore", strict=True)


class _Camera(_Part):
    slow_by: int = Field(default=1, ge=1, le=MOST_SLOW_BY)


class _Document(_Part):
    form: Literal[1]
    at: AwareDatetime
    until: AwareDatetime
    cameras: dict[Annotated[str, StringConstraints(pattern=CAMERA_ID_PATTERN)], _Camera] = Field(
        max_length=MAX_CAMERAS
    )


def encode_edge_control(control: EdgeControl) -> bytes:
    """Cameras that are not slowed are left out. Equal ones give equal bytes. Raises EdgeControlError for what no box
    would take."""
    slowed = {camera_id: {"slow_by": by} for camera_id, by in sorted(control.slow_by.items()) if by != 1}
    document = {
        "form": FORM,
        "at": format_utc(control.at),
        "until": format_utc(control.until),
        "cameras": slowed,
    }
    data = json.dumps(document, separators=(",", ":")).encode()
    decode_edge_control(data)
    return data


def decode_edge_control(data: bytes) -> EdgeControl:
    """Raises EdgeControlError for anything that is not a whole document."""
    if len(data) > MAX_BYTES:
        raise EdgeControlError(f"bad control document: {len(data)} bytes are over the limit of {MAX_BYTES}")
    try:
        document = _Document.model_validate_json(data)
    except ValidationError as error:
        raise EdgeControlError(f"bad control document: {first_problem(error, 'document')}") from None
    for name, at in (("at", document.at), ("until", document.until)):
        if not EARLIEST_YEAR <= at.year <= LATEST_YEAR:
            raise EdgeControlError(
                f"bad control document: {name}: the year {at.year} is outside {EARLIEST_YEAR}..{LATEST_YEAR}"
            )
    if document.until - document.at > MAX_HOLD:
        raise EdgeControlError(f"bad control document: until: more than {MAX_HOLD.days} days after at")
    return EdgeControl(
        at=document.at.astimezone(UTC),
        until=document.until.astimezone(UTC),
        slow_by={camera_id: camera.slow_by for camera_id, camera in document.cameras.items() if camera.slow_by > 1},
    )
