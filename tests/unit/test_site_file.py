"""The site file loader: good files mean what they say, bad ones are told where and how."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framewatch.domain.errors import SiteFileError
from framewatch.domain.site import Deployment
from framewatch.wire.site_file import check_watch_labels, load_site_text, read_site_text, site_schema
from framewatch.wire.yaml_reading import MAX_BYTES

CONFIG = Path(__file__).parents[2] / "config"
GOOD = """\
site:
  name: Home
  time_zone: Europe/Madrid
cameras:
  - id: front
contacts:
  - id: ana
    phone: "+34600123456"
watch:
  labels: [Person, Dog]
  notify: [ana]
"""


def problems(text: str | bytes) -> list[str]:
    with pytest.raises(SiteFileError) as caught:
        load_site_text(text)
    return str(caught.value).splitlines()


def test_the_example_is_a_good_site_file_and_names_its_schema():
    text = (CONFIG / "site.example.yaml").read_text()
    assert text.startswith("# yaml-language-server: $schema=site.schema.json\n")
    config = load_site_text(text)
    assert [c.id for c in config.cameras] == ["front-door", "garage"]


def test_the_examples_deployment_is_good_once_its_marks_are_taken_away():
    text = (CONFIG / "site.example.yaml").read_text()
    before, _, section = text.partition("# deployment:\n")
    uncommented = before + "deployment:\n" + re.sub(r"^# ", "", section, flags=re.MULTILINE)
    deployment = load_site_text(uncommented).deployment
    # What has a default shows it.
    defaults = {name: value for name, value in Deployment() if value not in (None, ())}
    assert {name: getattr(deployment, name) for name in defaults} == defaults
    assert deployment.model_fields_set == set(Deployment.model_fields)


def deployment_problems(**settings_) -> list[str]:
    return problems(GOOD + f"deployment: {json.dumps(settings_)}\n")


def test_without_a_deployment_section_everything_has_its_default():
    assert load_site_text(GOOD).deployment == Deployment()
    assert load_site_text(GOOD + "deployment: {shards: 2}\n").deployment == Deployment(shards=2)


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("shards", 0, "greater than or equal to 1"),
        ("batch_size", 10_001, "less than or equal to 10000"),
        ("window_s", 301, "less than or equal to 300"),
        ("parallelization", 11, "less than or equal to 10"),
        ("reserved_concurrency", 0, "greater than or equal to 1"),
        ("log_days", 31, "should be 1, 3, 7, 14, 30, 60, 90, 180 or 365"),
        ("monthly_budget_usd", 0, "greater than 0"),
    ],
)
def test_a_deployment_that_aws_would_refuse_is_refused_here(key, value, words):
    (line,) = deployment_problems(**{key: value})
    assert line.startswith(f"site.yaml:12: deployment.{key}: ")
    assert words in line


def test_a_large_batch_without_a_window_is_refused_at_the_window():
    assert deployment_problems(batch_size=11, window_s=0)[0].startswith("site.yaml:12: deployment.window_s: is 0")
    assert load_site_text(GOOD + "deployment: {batch_size: 10, window_s: 0}\n")


@pytest.mark.parametrize(
    "address", ["ana", "ana@", "@example.com", "ana@example", "ana@@example.com", "a b@example.com", "a@b.c, d@e.f"]
)
def test_an_alarm_address_that_is_none_is_refused_at_its_place_and_not_repeated(address):
    (line,) = deployment_problems(alarm_emails=["bo@example.com", address])
    assert line == (
        "site.yaml:12: deployment.alarm_emails[1]: this is no e-mail address; write one such as ana@example.com"
    )


def test_more_addresses_than_a_budget_can_mail_are_refused():
    (line,) = deployment_problems(alarm_emails=[f"ana{n}@example.com" for n in range(11)])
    assert line == "site.yaml:12: deployment.alarm_emails: takes at most 10; remove some"


def test_a_budget_that_nobody_would_hear_of_is_refused():
    (line,) = deployment_problems(monthly_budget_usd=40)
    assert line.startswith("site.yaml:12: deployment.monthly_budget_usd: nobody would hear of it; ")
    assert load_site_text(GOOD + "deployment: {monthly_budget_usd: 40, alarm_emails: [ana@example.com]}\n")


def test_an_alarm_address_that_stands_twice_is_refused():
    (line,) = deployment_problems(alarm_emails=["ana@example.com", "Ana@Example.com"])
    assert line == "site.yaml:12: deployment.alarm_emails[1]: this address stands twice; remove one"


@pytest.mark.parametrize("prefix", ["", "-a", "a-", "A", "a.b", "a" * 64, "my-aws-site", "amazonia", "cognito1"])
def test_a_sign_in_prefix_that_cognito_refuses_is_refused_here(prefix):
    (line,) = deployment_problems(sign_in_prefix=prefix)
    assert line.startswith("site.yaml:12: deployment.sign_in_prefix: the prefix cannot be in a host name")


def test_the_exported_schema_is_the_models_own():
    stored = (CONFIG / "site.schema.json").read_text()
    assert json.loads(stored) == site_schema(), "run: python -m framewatch.wire.site_file > config/site.schema.json"


def test_the_module_prints_the_schema_file_byte_for_byte():
    printed = subprocess.run([sys.executable, "-m", "framewatch.wire.site_file"], capture_output=True, check=True)
    assert printed.stdout == (CONFIG / "site.schema.json").read_bytes()


def test_an_unknown_key_is_refused_with_its_line_and_the_near_one():
    assert problems(GOOD.replace("time_zone", "timezone")) == [
        "site.yaml:3: site.timezone: unknown key 'timezone'; did you mean 'time_zone'?"
    ]


def test_a_key_in_the_wrong_section_is_told_where_it_belongs():
    (line,) = problems(GOOD + "frames_days: 3\n")
    assert line.startswith(
        "site.yaml:12: frames_days: unknown key 'frames_days'; did you mean retention.frames_days?"
    )


def test_a_wrong_time_zone_is_refused_with_its_line_and_a_near_one():
    (line,) = problems(GOOD.replace("Europe/Madrid", "Europe/Madird"))
    assert line.startswith("site.yaml:3: site.time_zone: 'Europe/Madird' is not a time zone; ")
    assert "did you mean Europe/Madrid" in line


@pytest.mark.parametrize("phone", ['"600123456"', '"+34 600 123 456"', '"0034600123456"', '"+0600123456"', '""', "~"])
def test_a_phone_that_is_not_e164_is_refused_and_not_repeated(phone):
    (line,) = problems(GOOD.replace('"+34600123456"', phone))
    assert line.startswith("site.yaml:8: contacts[0].phone: ")
    assert "600123456" not in line.replace("+34600123456", "")


def test_an_unquoted_phone_is_text_though_yaml_reads_a_number():
    assert load_site_text(GOOD.replace('"+34600123456"', "+34600123456")).contacts[0].phone == "+34600123456"


def test_words_that_yaml_reads_as_something_else_stay_text():
    config = load_site_text("site: {name: 2024-01-01}\ncameras: [{id: no, source: 0}, {id: 12, name: 1e3}]\n")
    assert (config.site.name, config.cameras[0].id, config.cameras[0].source) == ("2024-01-01", "no", "0")
    assert (config.cameras[1].id, config.cameras[1].name) == ("12", "1e3")


def test_yes_is_not_a_number():
    assert problems("cameras: [{id: a}]\nvision:\n  max_labels: yes\n") == [
        "site.yaml:3: vision.max_labels: input should be a valid integer; correct it"
    ]


def test_every_problem_is_told_at_once_in_the_order_of_the_file():
    text = """\
site:
  time_zone: Mars/Olympus
cameras:
  - id: Front Door
  - id: back
    sorce: 0
  - id: back
contacts:
  - id: ana
    phone: "123"
watch:
  labels: [Person, Car, person]
  min_confidence: 10
  notify: [ana, bob]
visits:
retention:
  frames_days: 90
  metadata_days: 30
"""
    found = problems(text)
    assert [line.split(": ")[0:2] for line in found] == [
        ["site.yaml:2", "site.time_zone"],
        ["site.yaml:4", "cameras[0].id"],
        ["site.yaml:6", "cameras[1].sorce"],
        ["site.yaml:7", "cameras[2].id"],
        ["site.yaml:10", "contacts[0].phone"],
        ["site.yaml:12", "watch.labels[2]"],
        ["site.yaml:13", "watch.min_confidence"],
        ["site.yaml:14", "watch.notify[1]"],
        ["site.yaml:15", "visits"],
        ["site.yaml:16", "retention"],
    ]


def test_a_contact_that_watch_names_but_nobody_defines_is_told_at_watch():
    assert problems(GOOD.replace("notify: [ana]", "notify: [bob]")) == [
        "site.yaml:11: watch.notify[0]: watch.notify names the contact 'bob', which is not among contacts (ana)"
    ]


def test_a_damaged_contact_does_not_raise_a_second_alarm_at_watch():
    assert len(problems(GOOD.replace("id: ana", "id: Ana!"))) == 1


def test_missing_cameras_are_told():
    assert problems("site: {name: x}\n") == ["site.yaml:1: cameras: is missing; add it"]
    assert problems("cameras: []\n") == ["site.yaml:1: cameras: needs at least 1; add one"]


def test_a_key_that_stands_twice_is_refused_with_both_lines():
    assert problems("cameras: [{id: a}]\nvisits: {gap_s: 1}\nvisits: {gap_s: 2}\n") == [
        "site.yaml:3: visits: the key 'visits' stands twice, first in line 2; remove one"
    ]


WATCHED = "cameras: [{id: a}]\nwatch: {labels: [Person]}\n"
ESCALATED = """cameras: [{id: a}]
contacts: [{id: ana, phone: "+12025550123"}, {id: bob, phone: "+12025550124"}]
rules: [{id: r, labels: [Person], notify: [ana], escalate_to: [bob]}]
"""
TOO_MUCH = "9" * 400  # for a float


@pytest.mark.parametrize(
    ("text", "start", "what"),
    [
        ("site:\n  name: [x\n", "site.yaml:2: file: ", "not valid YAML in column 9"),
        ('site:\n  name: "x\nvisits: {gap_s: 9}\n', "site.yaml:2: file: ", "not valid YAML in column 9"),
        ("cameras:\n  - [\n\n\n", "site.yaml:2: file: ", "not valid YAML"),
        ("site:\n\tname: x\n", "site.yaml:2: file: ", "not valid YAML in column 1: "),
        ("site:\n  name: é\x07\n", "site.yaml:2: file: ", "the character #x0007 may not stand here"),
        ("a: b: c", "site.yaml:1: file: ", "not valid YAML"),
        ("site: *nothing", "site.yaml:1: file: ", "undefined alias"),
        ("cameras: []\n---\nx: 1", "site.yaml:2: file: ", "single document"),
        ("", "site.yaml:1: file: ", "is empty; start from"),
        ("# only a comment\n", "site.yaml:1: file: ", "is empty; start from"),
        ("- a\n- b\n", "site.yaml:1: file: ", "holds no settings"),
        ("~", "site.yaml:1: file: ", "holds no settings"),
        (b"site:\n  name: caf\xe9\n", "site.yaml:2: file: ", "not UTF-8"),
        ("site:\n  name: a\x00b\n", "site.yaml:2: file: ", "#x0000 may not stand here"),
        ('site: {name: "\\ud800"}\ncameras: [{id: a}]', "site.yaml:1: file: ", "invalid Unicode character"),
        ("cameras: [{id: a}]\nvisits: {gap_s: .nan}", "site.yaml:2: visits.gap_s: ", "finite"),
        ("cameras: [{id: a}]\nvisits: {gap_s: !!int x}", "site.yaml:2: visits.gap_s: ", "not a number"),
        ("cameras: [{id: a}]\nvisits: {<<: {gap_s: 2}}", "site.yaml:2: visits: ", "merge keys"),
        (f"{WATCHED}vision: {{min_confidence: {TOO_MUCH}}}", "site.yaml:3: vision.min_confidence: ", "100"),
        (f"{ESCALATED}alerts: {{link_hours: {TOO_MUCH}}}", "site.yaml:4: alerts.link_hours: ", "168"),
        ("? [a]\n: b\ncameras: [{id: a}]", "site.yaml:1: file: ", "a key must be a word"),
        ("cameras: [{id: !!python/object/apply:os.getcwd []}]", "site.yaml:1: cameras[0].id: ", "YAML tag"),
        ("[" * 5_000, "site.yaml:1: file: ", "deep"),
        ("x: " * 1 + "[" * 20 + "]" * 20, "site.yaml:1: x", "12 levels"),
        ("cameras: &a [*a]", "site.yaml:1: cameras[0]: ", "alias"),
        ("#" * (MAX_BYTES + 1), "site.yaml:1: file: ", "more than the limit"),
    ],
)
def test_a_text_that_is_no_site_file_is_told_why(text, start, what):
    lines = problems(text)
    assert any(line.startswith(start) and what in line for line in lines), lines
    assert len(lines) == 1


def test_an_alias_bomb_is_refused_before_it_grows():
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    assert any("alias" in line for line in problems("\n".join(levels)))


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm():
    assert load_site_text(("\ufeff" + GOOD.replace("\n", "\r\n")).encode()).cameras[0].id == "front"


SECRETS = ["hunter2hunter2", "AKIAIOSFODNN7EXAMPLE", "+34600999888", "0b8f3c1d2e4f5a6b7c8d9e0f1a2b3c4d5e6f"]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize(
    "text",
    [
        "cameras: [{{id: a, source: 'rtsp://user:{0}@host/1'}}]",
        "cameras: [{{id: '{0}:!'}}]",
        "cameras: [{{id: a}}]\ncontacts: [{{id: b, phone: '{0}x'}}]",
        "cameras: [{{id: a}}]\nsite: {{time_zone: 'x://me:{0}@host'}}",
        "cameras: [{{id: a}}]\nsite: {{time_zone: 'x://host/?pwd={0}'}}",
        "cameras: [{{id: a}}]\n'{0}:': 1",
        "cameras: [{{id: a}}]\nwatch: {{min_confidence: '{0}'}}",
        "cameras: [{{id: a}}]\nvision: {{backend: '{0}'}}",
        "cameras: [{{id: a}}]\nvision: '{0}",
        "cameras: [{{id: a}}]\nvision: !!int '{0}'",
    ],
)
def test_a_message_never_repeats_a_secret(text, secret):
    assert secret not in "\n".join(problems(text.format(secret)))


def test_a_label_that_a_closed_backend_never_sees_is_an_error_with_line_and_near_names():
    site = read_site_text(GOOD.replace("Dog", "persn"), "config/site.yaml")
    found = check_watch_labels(site, frozenset({"Person", "Human", "Car"}))
    assert found.errors == [
        "config/site.yaml:10: watch.labels[1]: 'persn' can never be seen by this vision backend; did you mean Person?"
    ]
    assert found.warnings == []


def test_an_unknown_label_is_only_a_warning_for_an_open_list():
    site = read_site_text(GOOD.replace("Dog", "Otter"))
    found = check_watch_labels(site, frozenset({"Person"}), closed=False)
    assert found.errors == []
    assert len(found.warnings) == 1 and found.warnings[0].startswith("site.yaml:10: watch.labels[1]: 'Otter'")


def test_label_names_are_checked_as_they_are_matched():
    site = read_site_text(GOOD.replace("Dog", '"  human  BEING "'))
    assert check_watch_labels(site, frozenset({"person", "Human Being"})).errors == []
    assert check_watch_labels(site, None) == check_watch_labels(site, frozenset({"Person", "human being"}))


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet=st.sampled_from("ab:-[]{}&*!?|>#'\"\n\t %@,.0123~\x00\ud800é"), max_size=60) | st.binary())
def test_any_text_is_read_or_refused_with_a_line(text):
    try:
        load_site_text(text)
    except SiteFileError as error:
        assert all(line.startswith("site.yaml:") for line in str(error).splitlines()) and str(error)


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["id", "phone", "name", "labels", "notify", "gap_s", "alarm_emails", "zones", "escalate_to", "x"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(
            [
                "site",
                "cameras",
                "contacts",
                "watch",
                "rules",
                "alerts",
                "watchdog",
                "visits",
                "vision",
                "deployment",
                "y",
            ]
        ),
        _VALUES,
    )
)
def test_any_shape_of_settings_is_read_or_refused_with_a_line(settings_):
    try:
        load_site_text(json.dumps(settings_))
    except SiteFileError as error:
        assert all(line.startswith("site.yaml:1: ") for line in str(error).splitlines()) and str(error)
