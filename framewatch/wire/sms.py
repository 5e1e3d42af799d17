"""The text message of an alert: one part of at most 160 GSM-7 characters, whatever the names in it are.

One character outside GSM 03.38 turns the whole text into UCS-2: 70 characters a part, several parts, several times
the price. So what GSM-7 cannot say is written as near as it can be.
"""

# ruff: noqa: RUF001  characters that look alike are what this file is about
import unicodedata
from datetime import datetime, tzinfo

MAX_SEPTETS = 160
# GSM 03.38 basic set; its line breaks and its escape are left out on purpose: a name must not forge a second line.
GSM7_BASIC = frozenset(
    "@£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
# Each costs two: the escape and itself.
GSM7_EXTENDED = frozenset("^{}\\[~]|€")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# What decomposition alone does not bring to GSM-7.
_NEAR = {
    "‘": "'", "’": "'", "‚": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"',
    "–": "-", "—": "-", "‐": "-", "‑": "-", "−": "-", "·": ".", "•": "*", "×": "x", "`": "'", "´": "'",
    "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "þ": "th", "Þ": "Th", "ı": "i",
    "œ": "oe", "Œ": "OE", "ħ": "h", "Ħ": "H", "ŧ": "t", "Ŧ": "T", "ẞ": "SS",
    "Α": "A", "Β": "B", "Ε": "E", "Ζ": "Z", "Η": "H", "Ι": "I", "Κ": "K", "Μ": "M", "Ν": "N", "Ο": "O",
    "Ρ": "P", "Τ": "T", "Υ": "Y", "Χ": "X",
}  # fmt: skip
_UNKNOWN = "?"
# The longest that a name may be in the text; what is short leaves its room to the others.
_LABEL_SEPTETS = 40
_PLACE_SEPTETS = 40


def sms_text(
    *, label: str, confidence: float, place: str, captured_at: datetime, time_zone: tzinfo, site_name: str
) -> str:
    """`Framewatch: Person 97% at Front door, 21 Nov 04:17 (CET). Shop`, in the site's own time.

    confidence: percent. The zone's short name tells the two hours apart that a clock change doubles.
    """
    local = captured_at.astimezone(time_zone)
    when = f"{local.day} {_MONTHS[local.month - 1]} {local:%H:%M} ({to_gsm7(local.tzname() or 'UTC')})"
    # Rounded down: a text never claims more than was seen.
    what = f"{cut(to_gsm7(label), _LABEL_SEPTETS)} {int(confidence)}%"
    text = f"Framewatch: {what} at {cut(to_gsm7(place), _PLACE_SEPTETS)}, {when}."
    room = MAX_SEPTETS - septets(text) - 1
    site = cut(to_gsm7(site_name), room)
    return f"{text} {site}" if site else text


def septets(text: str) -> int:
    """How much of the 160 a GSM-7 text takes."""
    return sum(2 if c in GSM7_EXTENDED else 1 for c in text)


def cut(text: str, limit: int) -> str:
    """At most limit septets; a text that was cut says so with two dots."""
    if septets(text) <= limit:
        return text
    kept = ""
    for c in text:
        if septets(kept + c) > limit - 2:
            break
        kept += c
    return f"{kept.rstrip()}.." if limit > 2 else ""


def to_gsm7(text: str) -> str:
    """On one line, every character in GSM-7: accents that it lacks are dropped, other scripts become `?`."""
    spelt = "".join(_spell(c) for c in unicodedata.normalize("NFC", text))
    return " ".join(spelt.split())


def _spell(char: str) -> str:
    if char in GSM7_BASIC or char in GSM7_EXTENDED:
        return char
    if char.isspace() or unicodedata.category(char) in {"Cc", "Zl", "Zp", "Zs"}:
        return " "
    if unicodedata.category(char) in {"Cf", "Mn", "Me"}:  # invisible: joiners, direction marks, variation selectors
        return ""
    if char in _NEAR:
        return _NEAR[char]
    # NFKD takes é apart into e and its accent, and ﬁ into fi.
    parts = [p for p in unicodedata.normalize("NFKD", char) if not unicodedata.combining(p)]
    spelt = "".join(p if p in GSM7_BASIC or p in GSM7_EXTENDED else _NEAR.get(p, _UNKNOWN) for p in parts)
    return spelt or _UNKNOWN
