"""What cameras send: pictures, streams of pictures, and ONVIF's answers."""

import re

import cv2
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from edge_client.jpeg import decode_picture
from edge_client.jpeg_stream import JpegStream
from edge_client.onvif import look_up
from edge_client.opening import OpenFailed
from framewatch.adapters.vision.images import decode, read_header
from framewatch.domain.errors import ImageRejected
from tests.cameras.http import picture
from tests.cameras.onvif import ELSEWHERE, OnvifCamera, fault
from tests.fuzz import PASSWORD, bounded, cases, read
from tests.fuzz.mutations import broken, edited, seeded
from tests.fuzz.pictures import plain_jpeg, plain_png, progressive_jpeg, turned

_NOISE = np.random.default_rng(1).integers(0, 255, (96, 128, 3), np.uint8)


def _coded(extension: str, *options: int) -> bytes:
    return cv2.imencode(extension, _NOISE, list(options))[1].tobytes()


PICTURES = [
    _coded(".jpg"),
    _coded(".jpg", cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
    _coded(".jpg", cv2.IMWRITE_JPEG_RST_INTERVAL, 2),
    turned(picture(1), 6),
    plain_jpeg(96, 96, 4),
    progressive_jpeg(96, 96, 5),
    _coded(".png"),
    plain_png(90, 90, bits=16, alpha=True),
    plain_png(90, 90, interlaced=True),
]
# A size that a flipped bit makes of a small one is decoded too, if it is the picture's own to say: not under fuzz.
_MOST_PIXELS = 4_000_000


def _look(data: bytes):
    header = read_header(data)
    if header.width_px * header.height_px > _MOST_PIXELS:
        return None
    return decode(data, header, model_input_px=(300, 300))


@cases(60)
@given(broken(PICTURES))
def test_any_picture_is_pixels_or_refused_at_the_vision_server(data):
    image = read(_look, data, refuses=ImageRejected)
    assert image is None or (image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3)


@cases(40)
@given(broken(PICTURES[:6]))
def test_any_picture_is_pixels_or_none_at_the_edge(data):
    try:
        header = read_header(data)
    except ImageRejected:
        header = None
    if header is not None and header.width_px * header.height_px > _MOST_PIXELS:
        return
    image = read(decode_picture, data, refuses=())
    assert image is None or (image.dtype == np.uint8 and image.ndim == 3)


_PARTS = [b"--b\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n" % (len(p), p) for p in PICTURES[:4]]


@cases(50)
@given(
    seeded(lambda random: b"".join(edited(random, random.choice(_PARTS)) for _ in range(random.randrange(1, 4)))),
    st.integers(50, 5000),
)
def test_any_stream_gives_whole_pictures_and_holds_no_more_than_its_bound(sent, step):
    def feed():
        stream, found = JpegStream(max_bytes=50_000), []
        for at in range(0, len(sent), step):
            found += stream.feed(sent[at : at + step])
            assert stream.held_bytes <= 50_000 + step
        return found

    for jpeg in read(feed, refuses=()):
        assert jpeg.startswith(b"\xff\xd8\xff") and b"\xff\xd9" in jpeg and len(jpeg) <= 50_000


_PROFILES = {"main": (1920, 1080, "H264", f"rtsp://{ELSEWHERE}/main?a=1"), "sub": (640, 360, "JPEG", "rtsp://x/sub")}
_URLS = (
    *("file:///etc/passwd", "concat:/etc/passwd|/x", "/etc/passwd", "rtsp://[", "rtsp://x:99999/", "rtsp://x:y/", ""),
    *(
        "http://x/clip.mp4",
        "RTSP://x/1",
        "rtsps://u:p@evil.test:322/1",
        "subfile,,start,0,end,9,,:/etc/passwd",
        "udp://@:1",
    ),
)


class _BrokenOnvif(OnvifCamera):
    """Answers every question, one of them with something else."""

    def __init__(self, edits, url):
        super().__init__({"main": (*_PROFILES["main"][:3], url), "sub": _PROFILES["sub"]}, login=("admin", PASSWORD))
        self._edits = edits

    def answer(self, request):
        try:
            status, text = super().answer(request)
        except KeyError:  # it is asked for a profile that its own answer, edited, made up
            status, text = "400 Bad Request", fault("ter:NoProfile", "no such profile")
        return status, self._edits.pop(self.asked[-1], lambda same: same)(text)


def _without(tag):
    return lambda text: text.replace(f"<{tag}>", "<tt:Other>").replace(f"</{tag}>", "</tt:Other>")


def _without_body(text):
    return re.sub("<s:Body>.*</s:Body>", "<s:Body/>", text, flags=re.DOTALL)


_EDITS = st.sampled_from(
    [
        lambda text: text[: len(text) // 2],
        lambda text: "",
        lambda text: text.replace("<?xml version='1.0'?>", '<!DOCTYPE x [<!ENTITY a "aaaa">]>'),
        lambda text: text.replace("<s:Body>", "<s:Body>" + "<a>" * 5000),
        lambda text: text.replace("1920", "9" * 5000),
        lambda text: text.replace("1920", "-1"),
        lambda text: text.replace(">", ">\x00", 1),
        lambda text: text.replace("token=", "tokem="),
        lambda text: text.replace("H264", "<b/>"),
        lambda text: text + "x",
        _without_body,
        *map(
            _without, ("tt:Uri", "tt:Width", "tt:Resolution", "tt:UTCDateTime", "tds:XAddr", "tt:Encoding", "tt:Year")
        ),
    ]
)
_OPERATIONS = st.sampled_from(
    ["GetSystemDateAndTime", "GetServices", "GetProfiles", "GetStreamUri", "GetSnapshotUri"]
)


@example({"GetStreamUri": _without_body}, _PROFILES["main"][3])
@example({"GetSnapshotUri": _without_body}, _PROFILES["main"][3])
@cases(2)
@given(st.dictionaries(_OPERATIONS, _EDITS, max_size=2), st.sampled_from((*_URLS, _PROFILES["main"][3])))
def test_any_answers_of_an_onvif_camera_give_streams_of_its_own_host_or_a_reason(edits, url):
    with _BrokenOnvif(dict(edits), url) as camera, bounded(most_cpu_s=10):  # the library reads its schemas each time
        try:
            profiles = look_up("127.0.0.1", camera.port, "admin", PASSWORD, 5.0)
        except OpenFailed as refused:
            assert PASSWORD not in f"{refused.why} {refused.detail}"
            return
    for profile in profiles:
        assert profile.rtsp_url.startswith(("rtsp://127.0.0.1", "rtsps://127.0.0.1"))
        assert "@" not in profile.rtsp_url


@pytest.mark.parametrize("url", _URLS)
def test_only_rtsp_addresses_of_a_camera_reach_the_decoder_that_would_open_files_too(url):
    with OnvifCamera({"main": (*_PROFILES["main"][:3], url)}, login=("admin", PASSWORD)) as camera:
        try:
            found = [profile.rtsp_url for profile in look_up("127.0.0.1", camera.port, "admin", PASSWORD, 5.0)]
        except OpenFailed as refused:
            assert refused.why in ("no_profiles", "not_onvif")
            return
    assert found in (["rtsp://127.0.0.1/1"], ["rtsps://127.0.0.1:322/1"])
