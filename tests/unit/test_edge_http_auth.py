"""Logins as cameras ask for them, oddly quoted ones included."""

import hashlib

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_client.http_auth import CameraAuth, read_challenges


def answer_to(*headers, auth=None):
    auth = auth or CameraAuth("admin", "pä:ss")
    flow = auth.auth_flow(httpx.Request("GET", "http://cam/video?x=1"))
    first = next(flow)
    if "authorization" in first.headers:
        return first.headers["authorization"]
    headers = [("www-authenticate", header) for header in headers]
    try:
        return flow.send(httpx.Response(401, headers=headers)).headers["authorization"]
    except StopIteration:
        return None


def h(name, *parts):
    return hashlib.new(name, ":".join(parts).encode()).hexdigest()


@pytest.mark.parametrize(
    ("header", "name", "realm"),
    [
        ('Digest realm="cam", nonce="n", qop="auth"', "md5", "cam"),
        ('Digest realm="cam", nonce="n"', "md5", "cam"),
        ('DIGEST Realm=cam,Nonce=n,QOP="auth,auth-int",Algorithm="MD5"', "md5", "cam"),
        ('Digest realm="IP Camera(C1234)", nonce="n", stale=FALSE, algorithm=', "md5", "IP Camera(C1234)"),
        ('Digest realm="a, b", nonce="n", algorithm=sha-256, qop = "auth , auth-int" ', "sha256", "a, b"),
        ('Basic realm="cam", Digest realm="cam", nonce="n", qop=auth', "md5", "cam"),
        ('Digest realm="", nonce="n", opaque="", qop=""', "md5", ""),
    ],
)
def test_a_digest_is_answered_however_the_question_is_quoted(header, name, realm):
    got = answer_to(header)
    assert got.startswith("Digest ")
    [challenge] = read_challenges([got])
    ha1, ha2 = h(name, "admin", realm, "pä:ss"), h(name, "GET", "/video?x=1")
    p = challenge.params
    middle = [p["nc"], p["cnonce"], p["qop"]] if "qop" in p else []
    assert p["response"] == h(name, ha1, "n", *middle, ha2)
    assert (p["username"], p["uri"]) == ("admin", "/video?x=1")


def test_the_strongest_digest_is_chosen_and_basic_only_where_nothing_else_is_offered():
    md5, sha = 'Digest realm="c", nonce="m"', 'Digest realm="c", nonce="s", algorithm=SHA-256, qop="auth"'
    assert 'nonce="s"' in answer_to(md5, 'Basic realm="c"', sha)
    assert 'nonce="m"' in answer_to('Digest realm="c", nonce="x", algorithm=TOKEN', md5)
    assert answer_to('Digest realm="c", nonce="x", algorithm=TOKEN', 'Basic realm="c"').startswith("Basic ")
    assert answer_to('Digest realm="c", nonce="x", qop="auth-int"') is None


def test_a_login_that_is_not_understood_is_named():
    auth = CameraAuth("a", "b")
    assert answer_to("Bearer realm=x", "NTLM", auth=auth) is None
    assert auth.asked_for == "bearer, ntlm"


def test_the_next_request_is_answered_before_it_is_asked_and_counts_the_nonce_on():
    auth = CameraAuth("a", "b")
    assert "nc=00000001" in answer_to('Digest realm="c", nonce="n", qop="auth"', auth=auth)
    assert "nc=00000002" in answer_to(auth=auth)
    basic = CameraAuth("a", "b")
    assert answer_to("Basic realm=x", auth=basic) == answer_to(auth=basic) == "Basic YTpi"


@given(st.lists(st.text(max_size=80), max_size=3))
def test_no_challenge_raises(headers):
    for challenge in read_challenges(headers):
        assert challenge.scheme == challenge.scheme.lower()


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60))
def test_no_camera_s_question_makes_the_answer_raise(text):
    answer_to("Digest " + text)
