"""How a source is to be opened, and that it could not be. Loads no OpenCV: what looks for cameras needs it too."""

import os
from dataclasses import dataclass

# Over TCP as in service; libraries' own messages would bury a command's words.
_DECODER_ENV_HERE = {
    "OPENCV_FFMPEG_CAPTURE_OPTIONS": "rtsp_transport;tcp",
    "OPENCV_FFMPEG_LOGLEVEL": "-8",
    "OPENCV_LOG_LEVEL": "ERROR",
}


def decode_in_this_process() -> None:
    """For a command that does. Before OpenCV is loaded, which reads its settings then; what is set already stays."""
    for name, value in _DECODER_ENV_HERE.items():
        os.environ.setdefault(name, value)


class OpenFailed(Exception):
    """why: a key of explain.py."""

    def __init__(self, why: str, detail: str = "") -> None:
        super().__init__(why, detail)
        self.why = why
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Opening:
    """timeout_s: a camera that sends nothing for this long is gone, whatever its socket says.

    poll_every_s: how often a snapshot address is asked.
    """

    timeout_s: float = 10.0
    accept_self_signed: bool = False
    poll_every_s: float = 1.0
