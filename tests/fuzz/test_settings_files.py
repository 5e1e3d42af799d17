"""What administrators write, and whoever gets at their files: site, edge and price files, and camera addresses."""

import json
from copy import deepcopy
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from edge_client.config import EdgeFileError, read_edge_text
from edge_client.source import SourceError, parse_source
from framewatch.domain.errors import SiteFileError
from framewatch.wire.price_file import PriceFileError, read_price_text
from framewatch.wire.site_file import read_site_text, site_warnings
from framewatch.wire.yaml_reading import MAX_BYTES, MAX_SHOWN
from tests.fuzz import ACCESS_KEY, PASSWORD, PHONE, SECRETS, TOKEN, assert_no_secret, cases, read
from tests.fuzz.mutations import broken_yaml, changed_json, places_in, seeded

_CONFIG = Path(__file__).parents[2] / "config"
SITE = (_CONFIG / "site.example.yaml").read_text("utf-8")
EDGE = (_CONFIG / "edge.example.yaml").read_text("utf-8")
PRICES = (_CONFIG / "prices-study-2019.yaml").read_text("utf-8")
READERS = {
    "site": (read_site_text, SiteFileError, [SITE]),
    "edge": (read_edge_text, EdgeFileError, [EDGE]),
    "prices": (read_price_text, PriceFileError, [PRICES]),
}
_PLAIN = {
    kind: yaml.load(sample, yaml.BaseLoader)  # noqa: S506 - texts alone
    for kind, (_, _, (sample,)) in READERS.items()
}


def _read(kind: str, text: bytes | str):
    parse, refuses, _ = READERS[kind]
    return read(parse, text, refuses=refuses)


@cases(50)
@given(broken_yaml([SITE]))
def test_any_site_file_is_read_or_refused(text):
    found = _read("site", text)
    if found is not None:
        # What is doubtful is told in the same log.
        assert_no_secret("\n".join(site_warnings(found)).replace(PHONE, ""))


@cases(40)
@given(broken_yaml([EDGE]))
def test_any_edge_file_is_read_or_refused(text):
    _read("edge", text)


@cases(15)
@given(broken_yaml([PRICES]))
def test_any_price_file_is_read_or_refused(text):
    _read("prices", text)


@cases(60)
@given(seeded(lambda random: (kind := random.choice(sorted(READERS)), changed_json(random, _PLAIN[kind]))))
def test_settings_of_any_form_are_read_or_refused(sent):
    kind, text = sent
    # A word that looks like any other cannot be known for a secret where a word is repeated.
    _read(kind, text.replace(f'"{PASSWORD}"'.encode(), b'"a word"'))


_ADDRESSES = (f"rtsp://admin:{PASSWORD}@cam/1", f"http://cam/?user=admin&pwd={PASSWORD}&x=1")
_ODD = (10**400, -(10**400), 1e308, -1, 0, True, None, [], [[]], {}, {"a": 1}, "", "x" * 3000, *_ADDRESSES)


@pytest.mark.slow
@pytest.mark.parametrize("kind", sorted(READERS))
def test_every_setting_that_is_something_odd_is_read_or_refused(kind):
    whole = deepcopy(_PLAIN[kind])
    for holder, key in list(places_in(whole)):
        before = holder[key]
        for odd in _ODD:
            holder[key] = odd
            _read(kind, json.dumps(whole))
        holder[key] = before


_BOMBS = {
    "many unknown keys": "".join(f"k{n}: 1\n" for n in range(19_000)),
    "many unknown keys, long": "".join(f"cameraz_{n:030d}: 1\n" for n in range(6_000)),
    "many cameras without an id": "cameras:\n" + "- {}\n" * 9_000,
    "many cameras with one id": "cameras:\n" + "- {id: a}\n" * 6_500,
    "many wrong cameras": "cameras:\n" + "- {idd: 1}\n" * 9_000,
    "a list of ones": "a: [" + "1," * 120_000 + "]",
    "a list of lists": "a: [" + "[]," * 80_000 + "]",
    "many keys twice": "a: 1\n" * 40_000,
    "aliases in aliases": "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 60)),
    "an alias of itself": "a: &a [*a]",
    "many anchors": "".join(f"a{n}: &a{n} 1\n" for n in range(12_000)),
    "deep": "a: " + "[" * 100_000,
    "deep mappings": "{a: " * 60_000,
    "deep blocks": "".join(" " * n + "a:\n" for n in range(700)),
    "one long word": "site: {name: " + "a" * 250_000 + "}",
    "one long key": "a" * 250_000 + ": 1",
    "one long number": "site: {name: x, time_zone: " + "9" * 250_000 + "}",
    "one long time zone": "site: {name: x, time_zone: " + "Europe/" * 36_000 + "}",
    "quotes": "a: '" + "''" * 120_000 + "'",
    "escapes": 'a: "' + "\\u00e9" * 40_000 + '"',
    "folded": "a: >\n" + " b\n" * 80_000,
    "documents": "---\n" * 60_000,
    "comments": "#\n" * 125_000,
    "tags": "a: !!" + "x" * 250_000 + " 1",
    "merge keys": "a: &a {b: 1}\n" + "c: {<<: *a}\n" * 20_000,
    "question marks": "? " * 120_000,
    "dashes": "- " * 120_000,
    "secrets": f"site: {PASSWORD}\ncameras: [{{id: {PHONE}, source: 'rtsp://a:{PASSWORD}@c/'}}]\n{ACCESS_KEY}: 1\n"
    * 800,
}


# What reads the text is one for all three.
_BOMBED = [("site", name) for name in sorted(_BOMBS)] + [
    (kind, name) for kind in ("edge", "prices") for name in ("many unknown keys", "many wrong cameras", "secrets")
]


@pytest.mark.parametrize(("kind", "name"), _BOMBED)
def test_a_file_of_the_largest_size_and_worst_form_is_refused_in_a_second(kind, name):
    text = _BOMBS[name]
    assert len(text.encode()) <= MAX_BYTES
    parse, refuses, _ = READERS[kind]
    with pytest.raises(refuses) as caught:
        read(parse, text, refuses=())
    said = str(caught.value)
    assert_no_secret(said)
    assert len(said.splitlines()) <= MAX_SHOWN + 1 and len(said) < 50_000


# -- addresses --------------------------------------------------------------------------------------------------

_ENVIRONMENT = {
    "CAM_PW": PASSWORD,
    "KEY": TOKEN,
    "HOST": "cam.test",
    "PORT": "554",
    "URL": f"rtsp://u:{PASSWORD}@h/1",
}
_URL_PARTS = (
    *("rtsp://", "rtsps://", "http://", "https://", "onvif://", "ftp://", "RTSP://", "rtsp:/", "file:///", "concat:"),
    *(
        "u",
        ":",
        "@",
        "/",
        "?",
        "#",
        "%40",
        "%",
        "%zz",
        "${CAM_PW}",
        "${KEY}",
        "${HOST}",
        "${PORT}",
        "${URL}",
        "${NONE}",
        "${",
        "}",
    ),
    *(
        "cam.test",
        "[::1]",
        "[",
        "]",
        "[fe80::1%25eth0]",
        "127.0.0.1",
        ":554",
        ":0",
        ":99999",
        ":x",
        "stream",
        "pwd=",
        "&",
    ),
    *(
        PASSWORD,
        ".",
        "..",
        "~",
        "0",
        "/dev/video0",
        " ",
        "\t",
        "\n",
        "\x00",
        "ü",
        "☃.test",
        "xn--",
        "\u2100",
        "\uff0f",
        "\ud800",
    ),
)


@cases(70)
@given(seeded(lambda random: "".join(random.choice(_URL_PARTS) for _ in range(random.randrange(10)))))
def test_any_address_is_taken_apart_without_its_secrets_or_refused(text):
    said = read(parse_source, text, _ENVIRONMENT, refuses=SourceError)
    # Written out where a URL has no password, or in the path of a file, it is a name.
    if said is not None and "://" in said.target and PASSWORD not in text:
        assert PASSWORD not in said.redacted
        assert PASSWORD not in said.redact(f"cannot open {said.target}: 401")


@cases(20)
@given(st.text(alphabet="ab:/@. ${}%é", max_size=60))
def test_redacting_any_text_leaves_no_login(text):
    source = parse_source("rtsp://admin:${CAM_PW}@cam/1", _ENVIRONMENT)
    said = read(source.redact, f"{text} {PASSWORD} rtsp://x:{PASSWORD}y@h/", refuses=())
    assert not [secret for secret in SECRETS if secret in said]


@pytest.mark.parametrize(
    "text", ["a" * 4096, "a" * 4095 + ":", "a://" * 1024, "a" * 2000 + "://" + "b" * 2000, "a:" * 2048]
)
def test_redacting_the_longest_line_takes_no_time(text):
    source = parse_source("rtsp://admin:${CAM_PW}@cam/1", _ENVIRONMENT)
    for _ in range(20):
        read(source.redact, text, refuses=())


@pytest.mark.parametrize("text", ["~nobody-of-this-name/clip.mp4", "a\0b", "~\0", "~\ud800", "\ud800"])
def test_a_path_that_no_file_can_have_is_refused(text):
    assert read(parse_source, text, {}, refuses=SourceError) is None
