"""ONVIF: the library's client against a camera's answers on 127.0.0.1, and the search."""

import argparse
from datetime import timedelta

import pytest
import yaml

from edge_client import discover
from edge_client.client import EdgeCamera
from edge_client.events import CameraFailed, Opened
from edge_client.explain import Cause
from edge_client.onvif import look_up, resolve
from edge_client.opening import OpenFailed
from edge_client.sampler import EveryNth
from tests.cameras.gstreamer import PASSWORD, USER, GStreamerCamera
from tests.cameras.onvif import ELSEWHERE, NoOnvifCamera, OnvifCamera, OnvifFinder, SilentOnvifCamera
from tests.edge_run import Outcome, after

PROFILES = {
    "main": (1920, 1080, "H264", f"rtsp://{ELSEWHERE}:8554/live?ch=1&sub=0"),
    "sub": (640, 360, "JPEG", f"rtsp://{ELSEWHERE}/sub"),
}


def asked(camera, login=("admin", "right"), timeout_s=10.0):
    return look_up("127.0.0.1", camera.port, *login, timeout_s)


def test_every_stream_is_told_at_the_host_that_was_asked_whatever_host_the_camera_names():
    with OnvifCamera(PROFILES) as camera:
        main, sub = asked(camera)
    assert (main.token, main.name, main.width, main.height, main.codec) == (
        "main",
        "name of main",
        1920,
        1080,
        "H264",
    )
    assert main.rtsp_url == "rtsp://127.0.0.1:8554/live?ch=1&sub=0" and sub.rtsp_url == "rtsp://127.0.0.1/sub"
    assert main.snapshot_url == "http://127.0.0.1/snap.jpg?channel=1"


@pytest.mark.parametrize("skew", [timedelta(days=-4000), timedelta(hours=-1), timedelta(hours=9)])
def test_a_camera_whose_clock_is_wrong_still_takes_the_password(skew):
    with OnvifCamera(PROFILES, skew=skew) as camera:
        assert len(asked(camera)) == 2


def test_a_camera_without_snapshots_still_tells_its_streams():
    with OnvifCamera(PROFILES, snapshots=False) as camera:
        assert [profile.snapshot_url for profile in asked(camera)] == [None, None]


@pytest.mark.parametrize(
    ("make", "password", "why"),
    [
        (lambda: OnvifCamera(PROFILES), "hunter2", "auth"),
        (lambda: OnvifCamera({}), "right", "no_profiles"),
        (lambda: SilentOnvifCamera({}), "right", "timeout"),
        (lambda: NoOnvifCamera({}), "right", "not_onvif"),
    ],
)
def test_each_way_in_which_a_look_up_fails_has_a_name(make, password, why):
    with make() as camera, pytest.raises(OpenFailed) as failed:
        asked(camera, ("admin", password), timeout_s=2.0)
    assert failed.value.why == why and "hunter2" not in repr(failed.value)


def test_a_source_becomes_the_stream_it_names_with_the_password_encoded():
    with OnvifCamera(PROFILES, login=("admin", "p@ss/#")) as camera:
        base = f"onvif://admin:p%40ss%2F%23@{camera.host}"
        assert resolve(base, 10) == "rtsp://admin:p%40ss%2F%23@127.0.0.1:8554/live?ch=1&sub=0"
        assert resolve(base + "/sub", 10) == "rtsp://admin:p%40ss%2F%23@127.0.0.1/sub"
        assert resolve(base + "/name%20of%20sub", 10).endswith("/sub")
        with pytest.raises(OpenFailed) as failed:
            resolve(base + "/third", 10)
    assert failed.value.why == "no_profile" and failed.value.detail == "it has main, sub"


@pytest.mark.parametrize(
    ("make", "path", "cause", "says"),
    [
        (lambda: OnvifCamera(PROFILES), "", Cause.AUTH_FAILED, "user name or password (401)"),
        (lambda: OnvifCamera(PROFILES, login=("admin", "hunter2")), "/x", Cause.NOT_FOUND, "(it has main, sub)"),
        (lambda: SilentOnvifCamera({}), "", Cause.UNREACHABLE, "no answer in time"),
        (lambda: NoOnvifCamera({}), "", Cause.BAD_DATA, "does not answer as an ONVIF camera does"),
    ],
)
def test_a_camera_that_cannot_be_asked_fails_in_one_sentence_without_its_password(capfd, make, path, cause, says):
    with make() as camera:
        source = f"onvif://admin:hunter2@{camera.host}{path}"
        outcome = Outcome(EdgeCamera("yard", source, EveryNth(1), timeout_s=3.0))
    [failed] = outcome.of(CameraFailed)
    assert failed.cause is cause and says in failed.message and failed.message.count(". ") == 0
    assert failed.message.startswith(f"yard: cannot read onvif://admin:***@{camera.host}{path}: ")
    assert "hunter2" not in outcome.text and capfd.readouterr() == ("", "")


@pytest.mark.slow
def test_an_onvif_source_is_asked_for_its_address_and_read(monkeypatch):
    monkeypatch.setenv("CAM_PW", PASSWORD)
    with GStreamerCamera("h264", login="basic") as stream:
        profiles = {"main": (320, 240, "H264", f"rtsp://{ELSEWHERE}:{stream.port}/live")}
        with OnvifCamera(profiles, login=(USER, PASSWORD)) as camera:
            source = f"onvif://{USER}:${{CAM_PW}}@{camera.host}"
            outcome = Outcome(EdgeCamera("yard", source, EveryNth(5)), after(2))
    assert outcome.report.ok and outcome.of(Opened)[0].source == source and PASSWORD not in outcome.text


SCOPES = ("onvif://www.onvif.org/name/Front%20Door", "onvif://www.onvif.org/hardware/C1234%1b[31m")


def test_a_search_lists_what_answers_and_believes_no_address_but_the_sender_s():
    with OnvifFinder((SCOPES, f"http://{ELSEWHERE}:8000/onvif/device_service"), (("urn:printer",), "x")) as finder:
        found = discover.find_cameras("127.0.0.1", 0.6, group="127.0.0.1", port=finder.port)
    assert found == [discover.FoundCamera("127.0.0.1", 8000, "Front Door", "C1234?[31m")]
    assert finder.questions == 6


def run(*arguments, env):
    parser = argparse.ArgumentParser()
    discover.add_parser(parser.add_subparsers())
    return discover.run(parser.parse_args(["discover", *arguments]), env)


def test_discover_prints_lines_that_can_be_pasted_and_no_password(capsys):
    with OnvifCamera(PROFILES, login=("admin", "hunter2")) as camera:
        code = run("--host", camera.host, "--user", "admin", "--password-env", "YARD_PW", env={"YARD_PW": "hunter2"})
    out, err = capsys.readouterr()
    assert code == 0 and err == "" and "hunter2" not in out
    assert yaml.safe_load(out) == [
        {"id": "camera-127-0-0-1", "source": "rtsp://admin:${YARD_PW}@127.0.0.1:8554/live?ch=1&sub=0"}
    ]
    assert "# main: 1920x1080 H264" in out and "# sub: 640x360 JPEG" in out
    assert '#   source: "http://admin:${YARD_PW}@127.0.0.1/snap.jpg?channel=1"' in out


def test_discover_says_what_is_missing_and_what_a_camera_refused(capsys):
    assert run("--host", "h", "--user", "a", env={}) == 2
    assert "the environment does not hold CAM_PW" in capsys.readouterr().err
    assert run("--host", "h", env={}) == 2
    assert run("--interface", "192.0.2.1", env={}) == 2
    assert "cannot ask from 192.0.2.1" in capsys.readouterr().err
    with OnvifCamera(PROFILES) as camera:
        assert run("--host", camera.host, "--user", "admin", env={"CAM_PW": "hunter2"}) == 1
    assert "refused the user name or password (401)" in capsys.readouterr().err
