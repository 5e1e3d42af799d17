"""Sources: what is understood, and that no secret gets out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_client.source import SourceError, SourceKind, parse_source

ENV = {"CAM_USER": "admin@home", "CAM_PW": "p@ss:w/rd #1%", "HOST": "10.0.0.9", "PORT": "8554"}


@pytest.mark.parametrize(
    ("text", "kind", "target", "redacted"),
    [
        ("0", SourceKind.DEVICE, "0", "device 0"),
        ("/dev/video2", SourceKind.DEVICE, "2", "/dev/video2"),
        ("/clips/a.mp4", SourceKind.PATH, "/clips/a.mp4", "/clips/a.mp4"),
        ("rtsp://cam.local/live", SourceKind.RTSP, "rtsp://cam.local/live", "rtsp://cam.local/live"),
        ("http://cam:8080/mjpg", SourceKind.HTTP, "http://cam:8080/mjpg", "http://cam:8080/mjpg"),
        ("RTSP://a:hunter2@h/x", SourceKind.RTSP, "rtsp://a:hunter2@h/x", "rtsp://a:***@h/x"),
        ("http://sometoken@h/x", SourceKind.HTTP, "http://sometoken@h/x", "http://***@h/x"),
        ("http://h/x?usr=a&pwd=b", SourceKind.HTTP, "http://h/x?usr=a&pwd=b", "http://h/x?***"),
        (
            "rtsp://${CAM_USER}:${CAM_PW}@${HOST}:${PORT}/1",
            SourceKind.RTSP,
            "rtsp://admin%40home:p%40ss%3Aw%2Frd%20%231%25@10.0.0.9:8554/1",
            "rtsp://${CAM_USER}:${CAM_PW}@${HOST}:${PORT}/1",
        ),
        ("rtsp://a:p@ss@h/x", SourceKind.RTSP, "rtsp://a:p@ss@h/x", "rtsp://a:***@h/x"),
    ],
)
def test_a_source_is_understood(text, kind, target, redacted):
    source = parse_source(text, ENV)
    assert (source.kind, source.target, source.redacted) == (kind, target, redacted)


def test_a_relative_path_becomes_absolute_so_that_it_is_no_ffmpeg_protocol(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    source = parse_source("concat:a.mp4|b.mp4", {})
    assert source.target == str(tmp_path / "concat:a.mp4|b.mp4")


def test_a_whole_url_may_come_from_the_environment():
    source = parse_source("${CAM}", {"CAM": "rtsp://me:s3cret@h/x"})
    assert (source.kind, source.target, source.redacted) == (SourceKind.RTSP, "rtsp://me:s3cret@h/x", "${CAM}")
    assert "s3cret" not in source.redact("while opening rtsp://me:s3cret@h/x: s3cret is wrong")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is empty"),
        ("   ", "is empty"),
        ("rtsp://u:${MISSING}@h/x", "set MISSING"),
        ("ftp://h/x.mp4", "ftp:// is not a source"),
        ("file:///etc/passwd", "file:// is not a source"),
        ("rtsp:///x", "no readable host"),
        ("rtsp://u:hunt/er2@h/x", "no readable host"),
        ("rtsp://u:12/hunter2@h/x", "no readable host"),
        ("rtsp://u:hunt#er2@h/x", "no readable host"),
        ("rtsp://u:hunt?er2@h/x", "no readable host"),
        ("rtsp://h:99999/hunter2", "no readable host"),
        ("rtsp://u:hunter2 @h/x", "blank or a control"),
        ("rtsp://u:hunter2\n@h/x", "blank or a control"),
        ("rtsp://${BAD}/x", "from the environment puts a blank"),
    ],
)
def test_a_source_that_is_not_understood_says_why_and_leaks_nothing(text, says):
    with pytest.raises(SourceError, match=says) as caught:
        parse_source(text, {"BAD": "h\r\nX: hunter2"})
    assert "hunt" not in str(caught.value)


@given(
    password=st.text(
        st.characters(codec="utf-8", exclude_categories=["C"], exclude_characters="*"), min_size=6, max_size=20
    )
)
def test_no_form_of_a_password_survives_redacting(password):
    source = parse_source("rtsp://admin:${PW}@cam/live", {"PW": password})
    encoded = source.target.removeprefix("rtsp://admin:").removesuffix("@cam/live")
    assert source.redacted == "rtsp://admin:${PW}@cam/live"
    for form in (password, encoded):
        assert form not in source.redact(f"401 for {source.target} ({form}) {form}")
        assert form not in repr(source).replace(source.redacted, "")


def test_a_stranger_s_credentials_are_masked_too():
    assert parse_source("0", {}).redact("tcp://u:p@h failed") == "tcp://***@h failed"
