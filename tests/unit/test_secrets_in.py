"""The search itself: it finds what it is for, and leaves alone what may be said."""

import pytest

from tests.secrets_in import secrets_in


@pytest.mark.parametrize(
    "text",
    [
        'texted {"to": "+34600123456"}',
        "Authorization: eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJlMmM1In0.c2ln",
        "GET /frames/front/1.jpg?X-Amz-Algorithm=AWS4&X-Amz-Signature=0a1b",
        "token &x-amz-security-token=FwoG",
        "key AKIAIOSFODNN7EXAMPLE",
        "Framewatch: Person at Yard https://d1.cloudfront.net/a/Ab3Ab3Ab3Ab3Ab3Ab3Ab",
        "rtsp://admin:hunter2@192.0.2.1/live refused",
        "sent 'authorization': 'Bearer abcdefgh12'",
        "-----BEGIN RSA PRIVATE KEY-----",
    ],
)
def test_what_must_not_be_said_is_found(text: str) -> None:
    assert len(secrets_in(f"a line\n{text}\nanother")) >= 1


@pytest.mark.parametrize(
    "text",
    [
        "SNS could not text +34...56",
        "[SMS to +12...123]",
        "route GET /a/{token} 404",
        "https://d1.cloudfront.net/a/<token>",
        "rtsp://viewer:${CAM_PW}@192.0.2.1/live",
        "http://127.0.0.1:8080/v1/frames at 2026-11-21T20:05:17.000000+00:00",
        "front.20260101T000000Zabcdef.0000000002",
        '{"confidence": 1.5e+10, "offset": "+02:00", "ratio": 3+12345678}',
        "arn:aws:sns:us-east-1:000000000000:framewatch-dev-notify-AlertTopic",
    ],
)
def test_what_may_be_said_is_left_alone(text: str) -> None:
    assert secrets_in(text) == []


def test_a_secret_that_is_known_is_found_wherever_it_stands_and_is_not_repeated() -> None:
    (told,) = secrets_in("and then: k9Xq in the middle", ["k9Xq", "absent"])
    assert told == "a secret of this run after 'and then: '"
