"""What the models of every settings file are made of."""

import re
from collections.abc import Sequence
from typing import Annotated

import pytz
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from framewatch.domain.frames import CAMERA_ID_PATTERN

# ITU-T E.164: a plus, a country code that does not start with 0, at most 15 digits.
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")

Percent = Annotated[float, Field(ge=0, le=100)]
CameraId = Annotated[str, StringConstraints(pattern=CAMERA_ID_PATTERN)]
LabelName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
DisplayName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60)]


def _known_zone(value: str) -> str:
    if value not in pytz.all_timezones_set:
        shown = repr(value[:60])
        raise ValueError(f"{shown} is not a time zone; use an IANA name such as Europe/Madrid or America/New_York")
    return value


TimeZone = Annotated[str, AfterValidator(_known_zone)]


def _e164(value: str) -> str:
    if not _E164.fullmatch(value):
        # The number itself is never repeated: errors end up in logs.
        raise ValueError(
            "the phone number is not in E.164 form: a plus, the country code and the number,"
            " no blanks, such as +34600123456"
        )
    return value


Phone = Annotated[str, AfterValidator(_e164)]


Problem = tuple[tuple[str | int, ...], str]
"""A place, below the section or file that it is told of, and what is wrong there with the fix."""


class SiteProblems(ValueError):
    """Several problems of one section, each with its place below that section, so that a file can name the line."""

    def __init__(self, found: Sequence[Problem]):
        self.found = tuple(found)
        super().__init__("; ".join(message for _, message in self.found))


class Section(BaseModel):
    """Unknown keys are refused: a misspelt setting that is ignored in silence is worse than an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)
