"""`framewatch-local cost` and `pynt estimate` as a user meets them."""

import csv
import io
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from local_cloud import cli
from local_cloud.cost import options_of

REPO = Path(__file__).parents[2]
SITE = """\
cameras: [{id: a}, {id: b}, {id: c}]
contacts:
  - {id: ana, phone: "+442079460000"}
  - {id: bo, phone: "+442079460001"}
  - {id: mail, topic: true}
rules:
  - {id: one, labels: [Person], notify: [ana, bo, mail]}
  - {id: two, labels: [Car], notify: [ana]}
retention: {frames_days: 7, metadata_days: 14}
deployment: {shards: 2, log_days: 7}
"""


@pytest.fixture
def main(capsys):
    """Runs the command in this process; gives its exit code, standard output and standard error."""

    def run(*argv: str) -> tuple[int, str, str]:
        before = {n: signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
        try:
            code = cli.main(["cost", *argv])
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def test_six_cameras_are_answered_in_the_first_line(main) -> None:
    code, out, _ = main("--cameras", "6")
    assert code == 0
    assert out.splitlines()[0] == (
        "6 cameras, 1 frame/s for 24 h, 30 % sent after the gate: about 4,715 USD a month (157 a day),"
        " most of it Rekognition (83 %)."
    )
    assert out.splitlines()[0] in (REPO / "README.md").read_text(encoding="utf-8")


def test_the_table_shows_quantities_tiers_free_tiers_and_what_nobody_looked_up(main) -> None:
    _, out, _ = main("--cameras", "6")
    lines = {line.split("  ")[1].strip(): line for line in out.splitlines() if line.startswith("  ")}
    assert lines["image"].endswith(
        "155,520    4,665,600                3,932.48  1,000,000 x 0.001, 3,665,600 x 0.0008 *"
    )
    assert "1,000,000 free" in lines["call, arm64"]
    assert "* at prices that nobody has looked up, as the price file says of each: images_analysed" in out
    # On-demand prices of the table were looked up, and say so by saying nothing.
    assert not lines["write unit, on demand"].endswith("*")


def test_free_tiers_are_left_out_on_request(main) -> None:
    for option in (("--no-free-tier",), ("--free-tier", "none")):
        _, out, _ = main(*option)
        assert "1,000,000 free" not in out
        assert "none are taken off" in out


def test_alternatives_stand_side_by_side(main) -> None:
    code, out, _ = main("--cameras", "6", "--compare", "fps=0.5", "--compare", "gate-share=1 region=us-east-1")
    assert code == 0
    head = next(line for line in out.splitlines() if line.startswith("USD a month"))
    assert head.split("  ")[-1] == "gate-share=1 region=us-east-1"
    vision = next(line for line in out.splitlines() if line.startswith("Rekognition")).split()[1:]
    assert vision == ["3,932.48", "2,066.24", "10,531.20"]  # 2,332,800 and 15,552,000 images
    assert "Prices of eu-west-1, the newest read on 2026-10-07; us-east-1" in out


def test_json_and_csv_say_the_same_as_the_table(main) -> None:
    found = json.loads(main("--cameras", "6", "--compare", "fps=0.5", "--format", "json")[1])
    assert found["plan"]["cameras"] == 6
    assert found["frames_per_day"]["sent"] == "155520"
    assert found["month"]["services"]["Rekognition"] == "3932.48"
    assert [a["changes"] for a in found["alternatives"]] == ["fps=0.5"]
    rows = list(csv.DictReader(io.StringIO(main("--cameras", "6", "--compare", "fps=0.5", "--format", "csv")[1])))
    images = {row["plan"]: row for row in rows if row["kind"] == "images_analysed"}
    assert (images["this plan"]["per_day"], images["this plan"]["usd_per_month"]) == ("155520", "3932.48")
    assert images["fps=0.5"]["checked"] == "false"
    total = sum(float(row["usd_per_month"]) for row in rows if row["plan"] == "this plan")
    assert total == pytest.approx(float(found["usd_per_month"]))


def test_a_site_file_says_cameras_retention_shards_and_who_is_told(main, tmp_path) -> None:
    path = tmp_path / "site.yaml"
    path.write_text(SITE)
    found = json.loads(main("--config", str(path), "--format", "json")[1])
    plan = found["plan"]
    assert (plan["cameras"], plan["retention_days"], plan["metadata_days"]) == (3, 7, 14)
    assert (plan["shards"], plan["log_days"], plan["texts_per_alert"]) == (2, 7, 1.5)
    (texts,) = [line for line in found["month"]["lines"] if line["kind"] == "sms_parts"]
    assert texts["shares"][0]["usd_each"] == "0.04"  # their numbers are British
    assert json.loads(main("--config", str(path), "--cameras", "9", "--format", "json")[1])["plan"]["cameras"] == 9


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("--cameras", "six"), "--cameras six: input should be a valid integer; it is meant to say how many cameras"),
        (("--fps", "0"), "--fps 0: input should be greater than 0; it is meant to say frames a second"),
        (("--gate-share", "30"), "--gate-share 30: input should be less than or equal to 1; it is"),
        (("--sms-country", "IT"), "The price table aws-eu-west-1 has no price for a text to IT, only for ES"),
        (("--region", "sa-east-1"), "There are no prices for the region sa-east-1, only for eu-west-1, us-east-1"),
        (("--cameras", "100", "--shards", "1"), "These cameras send 4.5 MB/s"),
        (("--compare", "speed=3"), "--compare 'speed=3': there is no 'speed' to change; there are cameras, hours"),
        (("--compare", "fps"), "--compare 'fps': write what changes as name=value"),
        (("--compare", "fps=often"), "--compare 'fps=often': --fps often: input should be a valid number"),
        (("--compare", "free_tier=all"), "free_tier is one of none, always, first-year"),
        (("--config", "nowhere.yaml"), "nowhere.yaml cannot be read: No such file"),
        (("--prices", "nowhere.yaml"), "nowhere.yaml cannot be read (No such file"),
    ],
)
def test_what_cannot_be_answered_is_one_sentence(main, argv, said) -> None:
    code, out, err = main(*argv)
    assert (code, out) == (2, "")
    assert said in err
    assert len(err.splitlines()) == 1
    assert err.endswith(".\n")


def test_a_bad_site_file_is_told_with_its_lines(main, tmp_path) -> None:
    path = tmp_path / "site.yaml"
    path.write_text("cameras: []\n")
    code, _, err = main("--config", str(path))
    assert code == 2
    assert "site.yaml:1: cameras: needs at least 1" in err


def test_a_reader_who_has_seen_enough_is_no_error() -> None:
    command = f"{sys.executable} -m local_cloud.cli cost --format csv | head -1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False, timeout=60)
    assert done.stdout.startswith("plan,service,kind")
    assert done.stderr == ""


def test_a_tasks_keywords_are_the_commands_options() -> None:
    assert options_of({"cameras": "6", "gate_share": "1", "compare": "fps=0.5;hours=8"}) == [
        *("--cameras", "6"),
        *("--gate-share", "1"),
        *("--compare", "fps=0.5"),
        *("--compare", "hours=8"),
    ]
