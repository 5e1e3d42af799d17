"""What went wrong with a source: a cause for a machine, and one sentence that says what to do.

No URL in a sentence but the redacted one. A reader that knows what happened gives a key of `_FINDINGS`; where only
the decoder knows, its last lines on stderr tell.
"""

import signal
from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from edge_client.source import Source, SourceKind


class Cause(StrEnum):
    """What a supervisor needs to know of a failure. The first two and SETTINGS want a person; the rest may pass."""

    AUTH_FAILED = "auth-failed"
    """The camera knows us not, or forbids it: wrong password, missing right."""
    NOT_FOUND = "not-found"
    """No such device, host name, path or profile; no file, or nothing in it."""
    UNREACHABLE = "unreachable"
    """Refused, no route, no answer, or an error of the camera's own."""
    STALLED = "stalled"
    """It was there and sends nothing that counts any more."""
    ENDED = "ended"
    """A live stream was closed by the other side."""
    BAD_DATA = "bad-data"
    """What it sends cannot be read."""
    CRASHED = "crashed"
    """The reading process died."""
    SETTINGS = "settings"
    """What was asked for cannot be done as it is written."""


class _Finding(NamedTuple):
    cause: Cause
    text: str
    """What it means; what to do. `{detail}` is what the reader added."""


_LOGIN = (
    "the camera refused the user name or password (401); check both, and that they stand in the source,"
    " best as ${NAME} from the environment"
)
_FINDINGS = {
    # Cameras on the network
    "auth": _Finding(Cause.AUTH_FAILED, _LOGIN),
    "auth_ffmpeg": _Finding(Cause.AUTH_FAILED, _LOGIN + " (basic and MD5 digest are understood)"),
    "auth_scheme": _Finding(
        Cause.AUTH_FAILED,
        "the camera asks for a login that is not understood (401, {detail}); allow basic or digest on the camera",
    ),
    "forbidden": _Finding(Cause.AUTH_FAILED, "the camera forbids it (403); check the user's rights on the camera"),
    "no_path": _Finding(Cause.NOT_FOUND, "the camera has no such path (404); check the part after the host"),
    "dns": _Finding(Cause.NOT_FOUND, "the host name is unknown; check its spelling and the DNS"),
    "refused": _Finding(
        Cause.UNREACHABLE,
        "nothing listens there (connection refused); check the host, the port and the camera",
    ),
    "no_route": _Finding(Cause.UNREACHABLE, "there is no route to the host; check the network"),
    "timeout": _Finding(
        Cause.UNREACHABLE, "no answer in time; check that the camera is on and the host and port are right"
    ),
    "broken_off": _Finding(Cause.UNREACHABLE, "the connection was broken off; check the network and the camera"),
    "server_error": _Finding(
        Cause.UNREACHABLE, "the camera answered with an error of its own (5xx); restart the camera"
    ),
    "http_status": _Finding(Cause.UNREACHABLE, "the camera answered with status {detail}; check the address"),
    "certificate": _Finding(
        Cause.SETTINGS,
        "its certificate cannot be trusted ({detail}); give the camera one that can, or set"
        " accept_self_signed for this camera if the network between is yours",
    ),
    "no_tls": _Finding(
        Cause.SETTINGS, "no encrypted connection can be made with it ({detail}); use http://, or renew its software"
    ),
    "redirected": _Finding(
        Cause.SETTINGS,
        "the camera sends us on to another place ({detail}), and a password is not taken along;"
        " give that address as the source",
    ),
    "web_page": _Finding(Cause.BAD_DATA, "it answers with a web page, not with pictures; check the path"),
    "not_media": _Finding(Cause.BAD_DATA, "what it sends is not a video stream; check the path"),
    "stalled": _Finding(Cause.STALLED, "it sent nothing for {detail} s; check the camera and the network between"),
    "no_picture": _Finding(
        Cause.BAD_DATA, "it sent data for {detail} s and no whole picture; restart the camera, check the path"
    ),
    "undecodable": _Finding(
        Cause.BAD_DATA, "none of its pictures could be decoded for {detail} s; restart the camera, check its codec"
    ),
    "lost": _Finding(Cause.ENDED, "the stream ended; check the camera"),
    "no_profile": _Finding(
        Cause.NOT_FOUND,
        "the camera has no such media profile ({detail}); name one of those after the host, or none for the first",
    ),
    "no_profiles": _Finding(Cause.NOT_FOUND, "the camera has no media profile with video; set one up on the camera"),
    "not_onvif": _Finding(
        Cause.BAD_DATA,
        "it does not answer as an ONVIF camera does ({detail}); check the port, switch ONVIF on, or use rtsp://",
    ),
    # Devices and files
    "no_device": _Finding(
        Cause.NOT_FOUND, "there is no such camera device ({detail}); plug it in, or pick another number"
    ),
    "device_busy": _Finding(
        Cause.UNREACHABLE,
        "the device does not open; close other programs that use it, and check the rights on it",
    ),
    "no_file": _Finding(Cause.NOT_FOUND, "there is no such file or folder; check the path"),
    "unreadable_file": _Finding(Cause.BAD_DATA, "the file cannot be read ({detail}); check its rights"),
    "empty_file": _Finding(Cause.NOT_FOUND, "the file is empty; copy it again"),
    "empty_folder": _Finding(
        Cause.NOT_FOUND,
        "the folder holds no image (jpg, png, bmp, webp, tiff); put some in, or name another folder",
    ),
    "not_a_video": _Finding(
        Cause.BAD_DATA,
        "it is not a video that can be read; play it elsewhere to check it, or convert it to MP4",
    ),
    "no_frames": _Finding(Cause.BAD_DATA, "it opened, but not one frame could be decoded; convert it to MP4 (H.264)"),
    "all_unreadable": _Finding(
        Cause.BAD_DATA, "no picture that was sampled could be decoded; look at one of them in a viewer"
    ),
    "all_skipped": _Finding(Cause.BAD_DATA, "no picture of it can be sent: {detail}"),
}
# What FFmpeg 7 and 8 print, lower case -> a finding. The first that is found counts.
_MARKS = (
    (("401 unauthorized", "401 (unauthorized)", "authorization required"), "auth_ffmpeg"),
    (("403 forbidden", "403 (forbidden)"), "forbidden"),
    (("404 not found", "404 (not found)"), "no_path"),
    (("failed to resolve", "name or service not known"), "dns"),
    (("connection refused",), "refused"),
    (("no route to host", "network is unreachable"), "no_route"),
    (("certificate",), "certificate"),
    (("immediate exit requested", "timed out", "timeout"), "timeout"),
    (("http error 5", "server returned 5", "failed: 5"), "server_error"),
    (("invalid data found", "could not find codec"), "not_media"),
)
# Why a picture that was there could not be used.
_UNREADABLE = {
    "torn": "cut short or empty on the way; check the network and the camera's load",
    "undecodable": "not a picture that can be decoded; restart the camera if this goes on",
}
_NETWORK = (SourceKind.RTSP, SourceKind.HTTP, SourceKind.ONVIF)


def explain_open_failure(camera_id: str, source: Source, why: str, detail: str, noise: Sequence[str]) -> str:
    """noise: the decoder's last lines on stderr."""
    return f"{camera_id}: cannot read {source.redacted}: {_words(source, why, detail, noise)}."


def explain_loss(
    camera_id: str, source: Source, why: str, noise: Sequence[str], retry_in_s: float | None, *, detail: str = ""
) -> str:
    """retry_in_s: None where who asks says that himself."""
    words = _words(source, why, detail, noise).split(";")[0]
    again = "" if retry_in_s is None else f"; trying again in {retry_in_s:g} s"
    return f"{camera_id}: lost {source.redacted}: {words}{again}."


def cause_of(source: Source, why: str, noise: Sequence[str]) -> Cause:
    """Of a failure to open and of a loss alike."""
    finding = _finding(source, why, noise)
    return finding.cause if finding else Cause.BAD_DATA


def explain_unreadable(camera_id: str, source: Source, reason: str) -> str:
    """reason: a key of _UNREADABLE."""
    return f"{camera_id}: {source.redacted}: skipped a picture: {_UNREADABLE.get(reason, reason)}."


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


def _finding(source: Source, why: str, noise: Sequence[str]) -> _Finding | None:
    """What the reader knows counts; what it only saw fail, the decoder's lines explain. None: nobody knows."""
    if source.kind not in _NETWORK or why not in ("unreachable", "no_frames"):
        return _FINDINGS.get(why)
    for line in reversed(noise):
        for marks, key in _MARKS:
            if any(mark in line.lower() for mark in marks):
                return _FINDINGS[key]
    return None


def _words(source: Source, why: str, detail: str, noise: Sequence[str]) -> str:
    if why == "no_device":
        detail = f"present: {detail}" if detail else "there is none at all"
    finding = _finding(source, why, noise)
    last = _last_line(source, noise)
    if finding:
        # Not str.format: a detail may hold what a camera sent, braces and all.
        return finding.text.replace("{detail}", source.redact(detail) or last)
    if source.kind not in _NETWORK:
        return f"it did not open ({why}); check it"
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
