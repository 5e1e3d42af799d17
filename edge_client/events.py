"""What `run_edge` reports while it runs. Every event names its camera; times are aware and in UTC.

`on_event` is called from several threads, but never from two at once, and a camera's events come in order:

    Opened ( FrameSampled (FrameSent | FrameFailed | FrameDropped) | FrameGated | CameraWarning | CameraLost Opened )*
    then CameraEnded | CameraFailed

A live source that changes its picture size is Opened again in between, and FramesUnreadable may come at any time.
There are two liberties: FrameSent, FrameFailed and FrameDropped of a frame may come after its camera's last event,
since what is buffered is still sent, and frames that are retried come out of order. Every FrameSampled is followed
by exactly one of FrameSent, FrameFailed and FrameDropped before `run_edge` returns.
"""

from dataclasses import dataclass
from datetime import datetime

from edge_client.explain import Cause
from edge_client.gate_settings import WithheldReason
from edge_client.screen_settings import Verdict


@dataclass(frozen=True, slots=True)
class Opened:
    """The source delivered its first picture: at the start, after a loss, or of another size. source: redacted."""

    camera_id: str
    source: str
    width: int
    height: int
    fps: float | None
    duration_s: float | None
    """None for a live source, and where the clip does not say."""
    frame_count: int | None = None
    """Of a clip or a folder, as it says itself."""
    codec: str | None = None


@dataclass(frozen=True, slots=True)
class FrameSampled:
    camera_id: str
    frame_id: str
    captured_at: datetime
    media_time_s: float
    """Position in the clip (the same again in the next pass of a loop); for a live source, since it was opened."""
    read_at: datetime
    """Wall clock when the picture was grabbed, whatever captured_at says."""
    width: int
    height: int
    loop: int
    """Which pass over the clip, from 0."""
    repeats: bool = False
    """It nearly equals an earlier frame, whose labels it may have."""
    screen: Verdict | None = None
    """What the screen said of it, or of the frame that it repeats; None without a screen."""


@dataclass(frozen=True, slots=True)
class FrameGated:
    """A sampled frame that the motion gate kept back. It got no id, no JPEG and no FrameSampled."""

    camera_id: str
    reason: WithheldReason
    captured_at: datetime
    media_time_s: float


@dataclass(frozen=True, slots=True)
class FrameSent:
    camera_id: str
    frame_id: str
    shard_id: str
    sequence_number: str
    sent_at: datetime
    tries: int


@dataclass(frozen=True, slots=True)
class FrameFailed:
    """This frame never got into the stream. message: a sentence."""

    camera_id: str
    frame_id: str
    message: str


@dataclass(frozen=True, slots=True)
class FrameDropped:
    """A live source was faster than the stream: its oldest waiting frame made room for a newer one."""

    camera_id: str
    frame_id: str


@dataclass(frozen=True, slots=True)
class FramesUnreadable:
    """Pictures that came and could not be used: none of them is sampled, none is lost without a count.

    reason: `torn` (empty, or cut short on the way), `undecodable` (taken, and no picture in it), `too_large`,
    `too_small`.
    A CameraWarning says each reason in words, once for each time the source is opened.
    """

    camera_id: str
    reason: str
    count: int


@dataclass(frozen=True, slots=True)
class CameraWarning:
    """Something was skipped and reading goes on, such as an unreadable image in a folder."""

    camera_id: str
    message: str


@dataclass(frozen=True, slots=True)
class CameraLost:
    """A live source went away after it had worked; it is opened again in `retry_in_s` seconds."""

    camera_id: str
    message: str
    retry_in_s: float
    cause: Cause = Cause.ENDED


@dataclass(frozen=True, slots=True)
class CameraEnded:
    """Nothing more will be read, and nothing is wrong: the clip ended, or a stop was asked."""

    camera_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class CameraFailed:
    """Nothing more will be read. message: one sentence with the camera, the redacted source and what to do."""

    camera_id: str
    message: str
    cause: Cause = Cause.SETTINGS


EdgeEvent = (
    Opened
    | FrameSampled
    | FrameGated
    | FrameSent
    | FrameFailed
    | FrameDropped
    | FramesUnreadable
    | CameraWarning
    | CameraLost
    | CameraEnded
    | CameraFailed
)
