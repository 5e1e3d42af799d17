"""What no log, no error and no page may hold, found in a text of any length."""

import re
from collections.abc import Iterable

# By their form alone, whoever's they are.
_FORMS = {
    "a phone number": re.compile(r"(?<![\w+.])\+[1-9][0-9]{7,14}(?!\d)"),
    "a JSON web token": re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}"),
    "a presigned link": re.compile(r"(?:X-Amz-Signature|X-Amz-Security-Token|[?&]Signature)=", re.I),
    "an access key's id": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "a link of a text": re.compile(r"/a/[A-Za-z0-9]{20}\b"),
    "a password in an address": re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s/:@\"']*:[^\s/@\"'$]+@"),
    "a bearer": re.compile(r"\bBearer\s+[\w.~+/-]{8,}", re.IGNORECASE),
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
}
_AROUND = 60


def secrets_in(text: str, known: Iterable[str] = ()) -> list[str]:
    """What was found, with what stands before it, so that the line can be told. known: whole secrets of this run."""
    found = [
        f"{what} after {text[max(0, hit.start() - _AROUND) : hit.start()]!r}"
        for what, form in _FORMS.items()
        for hit in form.finditer(text)
    ]
    for secret in known:
        at = text.find(secret)
        if at >= 0:
            found.append(f"a secret of this run after {text[max(0, at - _AROUND) : at]!r}")
    return found
