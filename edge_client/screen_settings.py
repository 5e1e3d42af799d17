"""What may be set at the screen, the model on this box that looks before vision does. Loads no OpenCV."""

import difflib
import re
from enum import StrEnum

from pydantic import Field, field_validator, model_validator

from framewatch.adapters.vision.coco import COCO_80
from framewatch.domain.labels import fold
from framewatch.domain.settings_base import LabelName, Percent, Section


class Verdict(StrEnum):
    """Of the screen, on one frame. Only NOTHING may spare it vision."""

    NOT_ASKED = "not-asked"  # the model is being loaded
    SEEN = "seen"
    NOTHING = "nothing"
    FAILED = "failed"


class ScreenSettings(Section):
    """A frame in which the model finds none of `labels` is sent all the same, and says so. Whether vision is spared
    it, the site file decides (`vision.trust_screen`)."""

    model: str = Field(min_length=1, description="ssd-mobilenet-v2, or the path of an ONNX file of the YOLOX family")
    sha256: str | None = Field(default=None, description="of the file; any other is refused")
    min_confidence: Percent = Field(
        default=15.0, description="a label counts from so many percent; low, for what is passed over here is lost"
    )
    labels: tuple[LabelName, ...] = Field(
        min_length=1, max_length=80, description="classes of COCO, such as person, car or dog"
    )

    @field_validator("model")
    @classmethod
    def _on_this_box(cls, value: str) -> str:
        if "://" in value:
            raise ValueError("a box downloads no models; put the file on it and give its path")
        return value

    @field_validator("sha256")
    @classmethod
    def _is_a_digest(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[0-9a-fA-F]{64}", value):
            raise ValueError("is not 64 hexadecimal digits; `sha256sum FILE` prints them")
        return value

    @model_validator(mode="after")
    def _can_be_seen(self) -> "ScreenSettings":
        for label in self.labels:
            if fold(label) not in COCO_80:
                near = difflib.get_close_matches(fold(label), COCO_80, 3)
                known = (
                    f"did you mean {' or '.join(near)}?" if near else "write a class of COCO, such as person or car"
                )
                raise ValueError(f"no such model can see {label!r}; {known}")
        return self
