"""The edge file: which cameras this box reads, how, and where their frames go.

    cameras.yaml:12: cameras[0].sampling.evry: what is wrong; the fix

It holds no phone numbers and no passwords: `${NAME}` in a source is read from the environment. What a camera does not
say it has from `defaults`, setting by setting. Loads no OpenCV.

`python -m edge_client.config` prints the JSON Schema for editors.
"""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Self, TypeVar
from urllib.parse import parse_qsl, urlsplit

from pydantic import BaseModel, Field, StringConstraints, field_validator, model_validator

from edge_client.client import EdgeCamera
from edge_client.gate_settings import GateSettings
from edge_client.sampler import EveryNth, PerSecond, Sampling, SamplingHours
from edge_client.screen_settings import ScreenSettings
from edge_client.source import SourceError, parse_source
from framewatch.domain.errors import PermanentError
from framewatch.domain.geometry import PolygonField
from framewatch.domain.heartbeats import BOX_ID_PATTERN
from framewatch.domain.schedule import WeeklyHours
from framewatch.domain.settings_base import CameraId, Section, SiteProblems, TimeZone
from framewatch.wire.settings_model import validate_settings
from framewatch.wire.yaml_reading import Reading, read_settings, report

EXAMPLE = "config/edge.example.yaml"
_REFERENCES = re.compile(r"(\$\{[A-Za-z_][A-Za-z0-9_]*\})+")
_SECRET_QUERY_KEYS = re.compile(r"^(.*pass(word|wd|phrase)?|pwd|pw|psw|token|secret|.*key|auth)$", re.IGNORECASE)
_S = TypeVar("_S", bound=BaseModel)


class EdgeFileError(PermanentError):
    """The edge file is not usable. The message has a line for each problem."""


class EdgeFileMissing(EdgeFileError):
    """There is none, or none that this box may read, which S3 does not tell apart."""


class SamplingSection(Section):
    every: int | None = Field(default=None, ge=1, le=1_000_000, description="take every Nth frame")
    fps: float | None = Field(default=None, gt=0, le=1000, description="or at most so many frames a second")
    hours: tuple[str, ...] | None = Field(
        default=None,
        description="only then, in the box's time zone: such as mon-fri 08:00-18:00; [] in a camera: always",
    )

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if self.every is not None and self.fps is not None:
            raise ValueError("every and fps exclude each other; remove one")
        return self

    @field_validator("hours")
    @classmethod
    def _readable(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if value:
            WeeklyHours.parse(value)
        return value


class Supervision(Section):
    stall_s: float = Field(
        default=10.0, ge=2, le=3600, description="a camera without a new frame for this long is stalled"
    )
    max_memory_mib: int = Field(
        default=1024, ge=32, le=1_000_000, description="a camera's process that takes more is started again"
    )


class Stream(Section):
    name: Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9_.-]{1,128}$")] = Field(
        description="the Kinesis data stream"
    )
    region: Annotated[str, StringConstraints(pattern=r"^[a-z]{2,}(-[a-z]+)+-[0-9]+$")] | None = Field(
        default=None, description="such as eu-west-1; without it, as the AWS tools find it"
    )


class SpoolSection(Section):
    folder: str = Field(min_length=1, description="where frames wait on disk until the stream has taken them")
    max_mib: int = Field(
        default=2048, ge=16, le=10_000_000, description="at most so much of the disk; then the oldest make room"
    )


class Status(Section):
    port: int = Field(
        default=9464, ge=1, le=65_535, description="of the health and metrics page, which answers on 127.0.0.1 only"
    )


class Defaults(Section):
    sampling: SamplingSection = SamplingSection()
    gate: GateSettings = GateSettings()
    supervision: Supervision = Supervision()


class CameraSection(Section):
    id: CameraId = Field(description="lower-case letters, digits and hyphens; the same as in the site file")
    source: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)] = Field(
        description="device number, file, image folder, rtsp:// or http:// URL; passwords as ${NAME}"
    )
    enabled: bool = Field(default=True, description="false: not read, and told as disabled")
    loop: bool = Field(default=False, description="a file or folder starts again at its end")
    timeout_s: float = Field(
        default=10.0, ge=1, le=600, description="a camera that does not answer, or sends nothing, for so long is gone"
    )
    accept_self_signed: bool = Field(default=False, description="https: any certificate will do")
    sampling: SamplingSection = SamplingSection()
    gate: GateSettings = GateSettings()
    screen: bool = Field(default=True, description="false: the box's screen, if it has one, does not look at it")
    supervision: Supervision = Supervision()
    privacy_masks: tuple[PolygonField, ...] = Field(
        default=(), description="polygons of [x, y] shares (0 to 1) that are black in everything that leaves the box"
    )

    @field_validator("source")
    @classmethod
    def _no_secret(cls, value: str) -> str:
        # The value itself is never repeated: errors end up in logs.
        if _holds_a_secret(value):
            raise ValueError(
                "the source holds a password; write it as ${CAMERA_PASSWORD} and set that in the environment"
            )
        try:
            parse_source(value, _AnyName())
        except SourceError as error:
            raise ValueError(str(error)) from None
        return value


class EdgeConfig(Section):
    box: Annotated[str, StringConstraints(pattern=BOX_ID_PATTERN)] = Field(
        description="this machine's name: lower-case letters, digits and hyphens, at most 32"
    )
    time_zone: TimeZone = Field(
        default="UTC", description="IANA name, such as Europe/Madrid: sampling hours are in it"
    )
    stream: Stream
    spool: SpoolSection
    status: Status = Status()
    control: str | None = Field(
        default=None,
        min_length=1,
        description="the control document, a path or s3://bucket/key; without it the one beside the edge file, where"
        " that lies in S3",
    )
    screen: ScreenSettings | None = Field(
        default=None, description="a model on this box that looks before vision does; none: no frame is screened"
    )
    defaults: Defaults = Defaults()
    cameras: tuple[CameraSection, ...] = Field(min_length=1, max_length=500)

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        first: dict[str, int] = {}
        found: list[tuple[tuple[str | int, ...], str]] = []
        for n, camera in enumerate(self.cameras):
            if camera.id in first:
                message = f"the id stands twice, first in cameras[{first[camera.id]}]; ids must differ"
                found.append((("cameras", n, "id"), message))
            first.setdefault(camera.id, n)
        if found:
            raise SiteProblems(found)
        return self

    def edge_camera(self, camera: CameraSection) -> EdgeCamera:
        """How it is read, with what it does not say from the defaults."""
        own, usual = camera.sampling, self.defaults.sampling
        says_rate = own.every is not None or own.fps is not None
        sampling = _sampling(own) if says_rate else _sampling(usual)
        hours = own.hours if own.hours is not None else usual.hours
        return EdgeCamera(
            camera.id,
            camera.source,
            sampling=sampling,
            loop=camera.loop,
            hours=SamplingHours(hours, self.time_zone) if hours else None,
            gate=_merged(self.defaults.gate, camera.gate),
            screen=self.screen if camera.screen else None,
            privacy_masks=camera.privacy_masks,
            timeout_s=camera.timeout_s,
            accept_self_signed=camera.accept_self_signed,
        )

    def supervision(self, camera: CameraSection) -> Supervision:
        return _merged(self.defaults.supervision, camera.supervision)


def read_edge_text(text: str | bytes, filename: str = "cameras.yaml") -> EdgeConfig:
    """Raises EdgeFileError with one line for each problem."""
    reading = Reading(example=EXAMPLE)
    data = read_settings(text, reading)
    config = None if data is None else validate_settings(EdgeConfig, data, reading)
    if reading.problems or config is None:
        raise EdgeFileError(report(filename, reading))
    return config


def edge_schema() -> dict[str, Any]:
    """The JSON Schema that editors check an edge file with."""
    schema = EdgeConfig.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "Framewatch edge file"}


def _sampling(section: SamplingSection) -> Sampling:
    if section.every is not None:
        return EveryNth(section.every)
    return PerSecond(section.fps if section.fps is not None else 1.0)


def _merged(usual: _S, own: _S) -> _S:
    return usual.model_copy(update={name: getattr(own, name) for name in own.model_fields_set})


def _holds_a_secret(source: str) -> bool:
    if "://" not in source:
        return False
    try:
        parts = urlsplit(source)
        query = parse_qsl(parts.query)
    except ValueError:
        return False  # not a URL; whoever parses it says so
    userinfo, at, _ = parts.netloc.rpartition("@")
    _, colon, password = userinfo.partition(":")
    said = password if colon else userinfo  # without a colon it is a bare token
    if at and said and not _REFERENCES.fullmatch(said):
        return True
    return any(_SECRET_QUERY_KEYS.match(key) and not _REFERENCES.fullmatch(value) for key, value in query)


class _AnyName(Mapping[str, str]):
    """An environment in which everything is set: a file is read where its passwords are not."""

    def __getitem__(self, name: str) -> str:
        return "1"

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


if __name__ == "__main__":
    json.dump(edge_schema(), sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")
