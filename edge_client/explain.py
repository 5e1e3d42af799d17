"""What went wrong with a source, as one sentence that says what to do. No URL in it but the redacted one."""

import signal
from collections.abc import Sequence
from enum import StrEnum

from edge_client.source import Source, SourceKind


class Cause(StrEnum):
    """What a supervisor needs to know of a failure. The first two and SETTINGS want a person; the rest may pass."""

    AUTH_FAILED = "auth-failed"
    """The camera knows us not, or forbids it: wrong password, missing right."""
    NOT_FOUND = "not-found"
    """No such file, device or path."""
    UNREACHABLE = "unreachable"
    """Refused, no route, no answer, or an error of the camera's own."""
    ENDED = "ended"
    """A live stream was closed by the other side."""
    BAD_DATA = "bad-data"
    """What it sends cannot be read."""
    CRASHED = "crashed"
    """The reading process died."""
    SETTINGS = "settings"
    """What was asked for cannot be done as it is written."""


# What FFmpeg 7 and 8 print, lower case -> what it means to the reader. The first that is found counts.
_NETWORK_CAUSES = (
    (
        ("401 unauthorized", "401 (unauthorized)", "authorization required"),
        "the camera refused the user name or password (401); check both, and that they stand in the source,"
        " best as ${NAME} from the environment (basic and MD5 digest are understood)",
    ),
    (("403 forbidden", "403 (forbidden)"), "the camera forbids it (403); check the user's rights on the camera"),
    (("404 not found", "404 (not found)"), "the camera has no such path (404); check the part after the host"),
    (("failed to resolve", "name or service not known"), "the host name is unknown; check its spelling and the DNS"),
    (("connection refused",), "nothing listens there (connection refused); check the host, the port and the camera"),
    (("no route to host", "network is unreachable"), "there is no route to the host; check the network"),
    (
        ("immediate exit requested", "timed out", "timeout"),
        "no answer in time; check that the camera is on and the host and port are right",
    ),
    (("http error 5", "server returned 5"), "the camera answered with an error of its own (5xx); restart the camera"),
    (("invalid data found", "could not find codec"), "what it sends is not a video stream; check the path"),
)
# The rest of those causes are UNREACHABLE.
_REFUSALS = ("the camera refused", "the camera forbids")
_NOT_FOUND_WHYS = frozenset(("no_file", "empty_file", "empty_folder", "no_device"))
_PATH_CAUSES = {
    "no_file": "there is no such file or folder; check the path",
    "empty_file": "the file is empty; copy it again",
    "empty_folder": "the folder holds no image (jpg, png, bmp, webp, tiff); put some in, or name another folder",
    "not_a_video": "it is not a video that can be read; play it elsewhere to check it, or convert it to MP4",
    "no_frames": "it opened, but not one frame could be decoded; convert it to MP4 (H.264)",
    "all_unreadable": "no picture that was sampled could be decoded; look at one of them in a viewer",
}


def explain_open_failure(camera_id: str, source: Source, why: str, detail: str, noise: Sequence[str]) -> str:
    """noise: the decoder's last lines on stderr."""
    return f"{camera_id}: cannot read {source.redacted}: {_cause(source, why, detail, noise)}."


def cause_of(source: Source, why: str, noise: Sequence[str]) -> Cause:
    """The arguments are those of explain_open_failure."""
    if why in _NOT_FOUND_WHYS:
        return Cause.NOT_FOUND
    if source.kind not in (SourceKind.RTSP, SourceKind.HTTP):
        return Cause.BAD_DATA
    cause = _known_network_cause(noise)
    if cause is None:
        return Cause.BAD_DATA
    if cause.startswith(_REFUSALS):
        return Cause.AUTH_FAILED
    return Cause.NOT_FOUND if "(404)" in cause else Cause.UNREACHABLE


def explain_loss(camera_id: str, source: Source, why: str, noise: Sequence[str], retry_in_s: float | None) -> str:
    """retry_in_s: None where who asks says that himself."""
    cause = "the stream ended" if why == "lost" else _cause(source, why, "", noise).split(";")[0]
    again = "" if retry_in_s is None else f"; trying again in {retry_in_s:g} s"
    return f"{camera_id}: lost {source.redacted}: {cause}{again}."


def explain_crash(camera_id: str, source: Source, returncode: int, frames_read: int, noise: Sequence[str]) -> str:
    """The child died without a last word."""
    if returncode < 0:
        how = f"the decoder crashed (signal {_signal_name(-returncode)})"
    else:
        how = f"the reader stopped unexpectedly (exit status {returncode})"
    last = _last_line(source, noise)
    said = f', saying "{last}"' if last else ""
    frames = "1 frame" if frames_read == 1 else f"{frames_read} frames"
    if returncode == -signal.SIGKILL:
        advice = "it was killed: look whether the machine ran out of memory"
    elif source.is_live:
        advice = "start it again, and restart the camera if this repeats"
    else:
        advice = "convert the file, for example to MP4 (H.264), and try again"
    return f"{camera_id}: {how} while reading {source.redacted} after {frames}{said}; {advice}."


def _cause(source: Source, why: str, detail: str, noise: Sequence[str]) -> str:
    if source.kind in (SourceKind.RTSP, SourceKind.HTTP):
        return _network_cause(source, why, noise)
    if why == "no_device":
        present = f"present: {detail}" if detail else "there is none at all"
        return f"there is no such camera device ({present}); plug it in, or pick another number"
    if why == "device_busy":
        return "the device does not open; close other programs that use it, and check the rights on it"
    if why == "unreadable_file":
        return f"the file cannot be read ({detail}); check its rights"
    return _PATH_CAUSES.get(why, f"it did not open ({why}); check it")


def _known_network_cause(noise: Sequence[str]) -> str | None:
    for line in reversed(noise):
        for marks, cause in _NETWORK_CAUSES:
            if any(mark in line.lower() for mark in marks):
                return cause
    return None


def _network_cause(source: Source, why: str, noise: Sequence[str]) -> str:
    cause = _known_network_cause(noise)
    if cause is not None:
        return cause
    last = _last_line(source, noise)
    hint = f' ("{last}")' if last else ""
    if why == "no_frames":
        return f"it answered, but sent no picture that can be decoded{hint}; check the path and the codec"
    return f"what it sends is not a video that can be read{hint}; check the path after the host"


def _last_line(source: Source, noise: Sequence[str]) -> str:
    for line in reversed(noise):
        text = source.redact(line).strip()
        if text:
            return text.rstrip(".")[:200]
    return ""


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)
