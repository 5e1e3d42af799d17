"""Run cameras into a stream: one child process a camera, one producer for all of them."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from edge_client.events import EdgeEvent
from edge_client.sampler import EveryNth, Sampling

if TYPE_CHECKING:
    from mypy_boto3_kinesis.client import KinesisClient

DEFAULT_SAMPLING = EveryNth(30)


@dataclass(frozen=True, slots=True)
class EdgeCamera:
    """One camera and how to read it.

    source: device number, file, image folder, rtsp://, http:// or https:// URL; `${NAME}` comes from the environment.
    pace: matters for clips and folders alone. "realtime" plays at the clip's speed and stamps the wall clock;
        "fast" reads as fast as it can and stamps base_time + media time.
    base_time: for "fast", when the clip's first frame happened (aware). By default the start of the run less the
        clip's length, so that the last frame is about now.
    loop: a clip starts again at its end; sequence and capture time go on rising.
    reopen: a live source that worked and dropped is opened again, with backoff.
    """

    camera_id: str
    source: str
    sampling: Sampling = DEFAULT_SAMPLING
    pace: Literal["realtime", "fast"] = "realtime"
    loop: bool = False
    base_time: datetime | None = None
    reopen: bool = True


@dataclass(slots=True)
class CameraCounters:
    """sampled == gated + sent + dropped + failed when `run_edge` has returned. gated: 0 until there is a motion gate."""

    read: int = 0
    sampled: int = 0
    gated: int = 0
    sent: int = 0
    dropped: int = 0
    failed: int = 0
    errors: list[str] = field(default_factory=list)


@dataclass(slots=True)
class EdgeReport:
    cameras: dict[str, CameraCounters]
    errors: list[str]
    """Every camera's sentences and the stream's own, in the order they happened."""

    @property
    def ok(self) -> bool:
        """No camera failed and no frame was lost. Frames dropped by a live source do not count as lost."""
        return not self.errors and all(c.failed == 0 for c in self.cameras.values())


def run_edge(
    cameras: Sequence[EdgeCamera],
    kinesis_client: "KinesisClient",
    stream_name: str,
    *,
    on_event: Callable[[EdgeEvent], None] = lambda _: None,
    stop: threading.Event | None = None,
    flush_timeout_s: float = 15.0,
) -> EdgeReport:
    """Blocks until every source has ended or `stop` is set; then no child is left and what was buffered is sent.

    A camera that fails is reported, and the others go on. Sending what is left takes at most flush_timeout_s after a
    stop; what is still unsent then is counted as failed. Raises ValueError for two cameras of one id or a malformed
    one; nothing has been started then. An exception out of `on_event` stops the run and comes out here.
    """
    raise NotImplementedError
