"""`framewatch-local rules try` as a user meets it."""

import json
import os
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest

from framewatch.adapters.vision.base import Detection
from framewatch.domain.site import SiteConfig
from framewatch.wire.timeline import Timeline
from local_cloud import cli, rules_try
from local_cloud.rules_try import timeline_lines

DATA = Path(os.environ.get("FRAMEWATCH_DATA", Path(__file__).parents[2].parent / "shared" / "data"))
CLIP = DATA / "videos" / "one-by-one-person.mp4"
YOLOX = DATA / "models" / "yolox_nano_416.onnx"
SITE = """\
site: {{name: Shop, time_zone: Europe/Madrid}}
cameras: [{{id: front, name: "Front\\u001b[31m door"}}]
contacts: [{{id: ana, phone: "+34600123456"}}, {{id: bo, phone: "+34600654321"}}]
rules: [{{id: people, labels: [Person], min_confidence: 50, notify: [ana], cool_down_s: 0{more}}}]
visits: {{gap_s: {gap_s}}}
"""


@pytest.fixture
def main(capsys):
    """Runs the command in this process; gives its exit code, standard output and standard error."""

    def run(*argv: str) -> tuple[int, str, str]:
        before = {n: signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
        try:
            code = cli.main(["rules", "try", *argv])
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        said = capsys.readouterr()
        assert "+34600" not in said.out + said.err and "Traceback" not in said.err
        return code, said.out, said.err

    return run


@pytest.fixture
def site(tmp_path):
    def write(gap_s: float = 2, more: str = "") -> str:
        path = tmp_path / "site.yaml"
        path.write_text(SITE.format(gap_s=gap_s, more=more))
        return str(path)

    return write


@pytest.fixture
def pictures(tmp_path):
    """A folder of pictures, one a second: somebody is there in the white ones."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for n, white in enumerate((0, 1, 1, 0, 0, 0, 1, 0)):
        cv2.imwrite(str(folder / f"{n}.png"), np.full((120, 160, 3), 255 * white, np.uint8))
    return str(folder)


class White:
    """A detector that takes a white picture for a person."""

    def detect(self, image_bgr: np.ndarray, min_confidence: float) -> list[Detection]:
        return [Detection("person", 90.0, (0.1, 0.1, 0.5, 0.9))] if image_bgr.mean() > 128 else []


@pytest.fixture
def white(monkeypatch):
    monkeypatch.setattr(rules_try, "load_detector", lambda *_, **__: White())


def test_the_timeline_is_told_in_clip_time_and_in_the_sites(main, site, pictures, white, tmp_path):
    code, out, _ = main(
        *("--config", site(), "--source", pictures, "--every", "1", "--start", "2026-03-14T12:00:00Z"),
        *("--json", str(tmp_path / "timeline.json")),
    )
    assert code == 0
    lines = out.splitlines()
    assert lines[0] == (
        "8 frames, 2 visits, 2 alerts, 2 texts. The clip begins at Sat 14 Mar 2026 13:00:00 (CET). Nothing was sent."
    )
    assert "     0:01.0 - 0:02.0    13:00:01  Person at Front?[31m door, 2 frames, best 90%" in lines
    (text,) = [line for line in lines if line.startswith("     0:06.0  13:00:06  people to ana: ")]
    assert "Framewatch: Person 90% at Front" in text
    told = json.loads((tmp_path / "timeline.json").read_text())
    assert [a["captured_at"] for a in told["alerts"]] == [
        "2026-03-14T12:00:01.000000Z",
        "2026-03-14T12:00:06.000000Z",
    ]


def test_what_is_withheld_and_who_would_be_told_next_are_shown(main, site, pictures, white):
    more = ", min_frames: 2, escalate_to: [bo], escalate_after_s: 60"
    code, out, _ = main("--config", site(more=more), "--source", pictures, "--every", "1")
    assert code == 0
    assert "people to bo (step 1): Framewatch: " in out
    assert "people: too-few-frames, Person at" in out and "(the rule alerted for this visit)" in out


def test_a_text_that_a_limit_holds_back_says_which(main, site, pictures, white, tmp_path):
    path = site()
    (tmp_path / "site.yaml").write_text((tmp_path / "site.yaml").read_text() + "limits: {per_contact_and_hour: 1}\n")
    _, out, _ = main("--config", path, "--source", pictures, "--every", "1")
    assert "people to ana: held: the contact's texts of the hour are used up; a digest tells" in out


def test_a_schedule_is_judged_at_the_start_that_is_given(main, site, pictures, white):
    arguments = ("--config", site(more=', schedule: ["daily 22:00-06:00"]'), "--source", pictures, "--every", "1")
    assert "0 alerts" in main(*arguments, "--start", "2026-03-14T12:00:00Z")[1]
    assert "2 alerts" in main(*arguments, "--start", "2026-03-14T22:30:00Z")[1]


def test_the_end_can_be_chosen(main, site, pictures, white):
    assert "3 frames" in main("--config", site(), "--source", pictures, "--every", "1", "--seconds", "2")[1]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "Nothing to look at: give --source"),
        (("--source", "no-such.mp4"), "there is no such file"),
        (("--config", "no-such.yaml", "--source", "{clip}"), "There is no site file no-such.yaml"),
        (("--source", "{clip}", "--start", "noon"), "--start must be an RFC 3339 time"),
        (("--source", "{clip}", "--seconds", "0"), "--seconds must be above 0"),
        (("--source", "{clip}", "--json", "no/such/folder.json"), "There is no folder"),
        (("--source", "{clip}", "--model", "no-such.onnx"), "no-such.onnx does not exist"),
        (("--source", "{clip}", "--fps", "0"), "the number must be above 0"),
        (("--source", "{clip}"), "cannot read"),
    ],
)
def test_what_cannot_be_tried_is_said_in_a_sentence(main, tmp_path, arguments, said):
    clip = tmp_path / "broken.mp4"
    clip.write_bytes(b"no video")
    code, out, err = main(*(a.format(clip=clip) for a in arguments))
    assert (code, out) == (2, "")
    assert said.lower() in err.lower() and len(err.strip().splitlines()) == 1


def test_a_wrong_rule_is_told_with_its_line(main, site, pictures):
    code, _, err = main("--config", site(more=", notify_: [x]"), "--source", pictures)
    assert code == 2 and "site.yaml:4: rules[0].notify_" in err


def test_a_rule_that_tells_nobody_is_a_warning_and_its_alerts_are_shown(main, tmp_path, pictures, white):
    file = tmp_path / "site.yaml"
    file.write_text(
        "cameras: [{id: front, name: Front}]\nrules: [{id: people, labels: [Person]}]\n", encoding="utf-8"
    )
    code, out, err = main("--config", str(file), "--source", pictures, "--every", "1")
    assert code == 0 and f"warning: {file}:2: rules[0]: nobody is told by 'people'; add notify" in err
    assert "1 visit, 1 alert, 0 texts" in out
    assert "people tells nobody: Person 90% at Front" in out


def test_an_empty_timeline_says_so():
    empty = Timeline(frames=3, visits=(), alerts=(), digests=(), withheld=())
    site = SiteConfig.model_validate({"cameras": [{"id": "front"}]})
    lines = timeline_lines(empty, site, datetime(2026, 3, 14, tzinfo=UTC) - timedelta(days=1))
    assert [line.strip() for line in lines if line.startswith("  ")] == ["none", "none", "nothing"]
    assert lines[0].startswith("3 frames, 0 visits, 0 alerts, 0 texts.")
    one = timeline_lines(empty.model_copy(update={"frames": 1}), site, datetime(2026, 3, 14, tzinfo=UTC))
    assert one[0].startswith("1 frame, 0 visits,")


@pytest.mark.slow
@pytest.mark.pixels
@pytest.mark.skipif(not (CLIP.is_file() and YOLOX.is_file()), reason=f"FRAMEWATCH_DATA has no {CLIP} or {YOLOX}")
@pytest.mark.parametrize(("gap_s", "visits"), [(2, 6), (30, 1)])
def test_six_people_in_the_real_clip_are_six_texts_or_one_as_the_gap_says(main, site, gap_s, visits):
    _, out, _ = main("--config", site(gap_s=gap_s), "--source", str(CLIP), "--fps", "1", "--model", str(YOLOX))
    assert f"{visits} visit{'s' * (visits > 1)}, {visits} alert{'s' * (visits > 1)}, {visits} text" in out
