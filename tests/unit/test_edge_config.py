"""The edge file: a good one means what it says, a bad one is told where and how, and no password stands in it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from edge_client.config import EdgeFileError, edge_schema, read_edge_text
from edge_client.gate_settings import GateSettings
from edge_client.sampler import EveryNth, PerSecond

CONFIG = Path(__file__).parents[2] / "config"
HEAD = "box: attic\nstream: {name: frames}\nspool: {folder: /tmp/spool}\n"


def read(cameras, head=HEAD):
    return read_edge_text(f"{head}cameras:\n{cameras}")


def problems(text):
    with pytest.raises(EdgeFileError) as caught:
        read_edge_text(text)
    return str(caught.value).splitlines()


def camera(**settings):
    config = read(f"  - {json.dumps({'id': 'yard', 'source': '0', **settings})}\n")
    return config.edge_camera(config.cameras[0])


def test_the_example_is_good_and_names_its_schema():
    text = (CONFIG / "edge.example.yaml").read_text()
    assert text.startswith("# yaml-language-server: $schema=edge.schema.json\n")
    config = read_edge_text(text)
    cameras = [config.edge_camera(c) for c in config.cameras]
    assert [c.camera_id for c in cameras] == ["front-door", "garage", "yard"]
    assert cameras[0].sampling == EveryNth(30) and cameras[0].gate.zones and cameras[0].privacy_masks
    assert cameras[1].sampling == PerSecond(0.5) and cameras[1].hours.time_zone == "Europe/Madrid"
    assert not config.cameras[2].enabled


def test_the_examples_defaults_are_the_defaults():
    config = read_edge_text((CONFIG / "edge.example.yaml").read_text())
    bare = read("  - {id: yard, source: 0}\n")
    assert config.defaults.gate == bare.defaults.gate == GateSettings()
    assert config.defaults.supervision == bare.defaults.supervision
    assert bare.edge_camera(bare.cameras[0]).sampling == PerSecond(config.defaults.sampling.fps)
    assert (config.status, config.spool.max_mib) == (bare.status, bare.spool.max_mib)


def test_the_exported_schema_is_the_models_own():
    printed = subprocess.run([sys.executable, "-m", "edge_client.config"], capture_output=True, check=True)
    assert printed.stdout == (CONFIG / "edge.schema.json").read_bytes(), (
        "run: python -m edge_client.config > config/edge.schema.json"
    )
    assert json.loads(printed.stdout) == json.loads(json.dumps(edge_schema()))


def test_what_a_camera_says_goes_before_the_defaults_setting_by_setting():
    defaults = (
        "defaults: {sampling: {fps: 2, hours: [daily 08:00-20:00]}, gate: {keepalive_s: 10, sensitivity: 0.7},"
        " supervision: {stall_s: 20}}\n"
    )
    config = read(
        "  - {id: a, source: 0}\n"
        "  - {id: b, source: 1, sampling: {every: 5}, gate: {sensitivity: 0.1}, supervision: {max_memory_mib: 64}}\n"
        "  - {id: c, source: 2, sampling: {hours: []}}\n",
        HEAD + defaults,
    )
    a, b, c = (config.edge_camera(camera) for camera in config.cameras)
    assert a.sampling == PerSecond(2) and a.hours.texts == ("daily 08:00-20:00",)
    assert b.sampling == EveryNth(5) and b.hours == a.hours
    assert (b.gate.sensitivity, b.gate.keepalive_s) == (0.1, 10)
    assert c.hours is None and c.sampling == PerSecond(2)
    supervision = config.supervision(config.cameras[1])
    assert (supervision.stall_s, supervision.max_memory_mib) == (20, 64)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (
            "id: a, source: 0, sampling: {evry: 3}",
            "cameras[0].sampling.evry: unknown key 'evry'; did you mean 'every'?",
        ),
        ("id: a, source: 0, sampling: {every: 3, fps: 2}", "cameras[0].sampling: every and fps exclude each other"),
        ("id: a, source: 0, sampling: {hours: [monday]}", "cameras[0].sampling.hours: 'monday' is not days"),
        ("id: a, source: 0, gate: {sensitivity: 2}", "cameras[0].gate.sensitivity: input should be less than"),
        ("id: a, source: ftp://h", "cameras[0].source: ftp:// is not a source this client reads"),
        ("id: a, source: 0, privacy_masks: [[[0, 0], [1, 1]]]", "cameras[0].privacy_masks[0]: a polygon needs"),
        ("id: Front Door, source: 0", "cameras[0].id: is not an id; use lower-case letters"),
        ("id: a", "cameras[0].source: is missing; add it"),
    ],
)
def test_a_mistake_is_told_with_its_line_its_place_and_the_fix(line, says):
    [problem] = problems(f"{HEAD}cameras:\n  - {{{line}}}\n")
    assert problem.startswith(f"cameras.yaml:5: {says}")


def test_the_control_document_lies_where_the_file_says():
    assert read("  - {id: yard, source: 0}\n").control is None
    assert read("  - {id: yard, source: 0}\n", HEAD + "control: s3://bucket/control.json\n").control is not None
    assert problems(HEAD + "control: ''\ncameras:\n  - {id: yard, source: 0}\n")[0].startswith(
        "cameras.yaml:4: control:"
    )


def test_two_cameras_of_one_id_are_refused_at_the_second():
    [problem] = problems(HEAD + "cameras:\n  - {id: a, source: 0}\n  - {id: b, source: 1}\n  - {id: a, source: 2}\n")
    assert problem == "cameras.yaml:7: cameras[2].id: the id stands twice, first in cameras[0]; ids must differ"


def test_an_unknown_time_zone_is_told_with_the_near_ones():
    [problem] = problems("time_zone: Europe/Madrit\n" + HEAD + "cameras:\n  - {id: a, source: 0}\n")
    assert problem.startswith("cameras.yaml:1: time_zone: ") and "did you mean Europe/Madrid" in problem


def test_an_empty_file_says_which_example_to_start_from():
    assert problems("") == ["cameras.yaml:1: file: the file is empty; start from config/edge.example.yaml"]


@pytest.mark.parametrize(
    "source",
    [
        "rtsp://admin:hunter2@10.0.0.9/x",
        "RTSP://admin:hunter2@10.0.0.9/x",
        "rtsp://admin:pre${PW}hunter2@10.0.0.9/x",
        "http://hunter2@10.0.0.9/x",
        "http://10.0.0.9/x?user=admin&pwd=hunter2",
        "http://10.0.0.9/x?loginpas=1&password=hunter2",
        "http://10.0.0.9/x?api_key=hunter2",
    ],
)
def test_a_password_in_the_file_is_refused_and_not_repeated(source):
    [problem] = problems(f"{HEAD}cameras:\n  - {{id: a, source: '{source}'}}\n")
    assert "cameras[0].source: the source holds a password; write it as ${CAMERA_PASSWORD}" in problem
    assert "hunter2" not in problem


@pytest.mark.parametrize("source", ["rtsp://u:p/hunter2@h/x", "rtsp://u:p#hunter2@h/x", "rtsp://u:p?hunter2@h/x"])
def test_a_password_that_breaks_its_url_is_refused_too_and_not_repeated(source):
    [problem] = problems(f"{HEAD}cameras:\n  - {{id: a, source: '{source}'}}\n")
    assert "hunter2" not in problem


@pytest.mark.parametrize(
    "source",
    [
        "rtsp://${USER}:${PW}@10.0.0.9:554/x",
        "rtsp://admin:${PW}@10.0.0.9/x?channel=1&subtype=0",
        "http://${TOKEN}@10.0.0.9/x",
        "http://10.0.0.9/x?user=admin&pwd=${PW}",
        "${WHOLE_URL}",
        "rtsp://10.0.0.9/x",
        "0",
        "/clips/a@b.mp4",
    ],
)
def test_references_to_the_environment_are_taken_whether_it_holds_them_or_not(source):
    assert camera(source=source).source == source
