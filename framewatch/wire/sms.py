"""The text message of an alert: one part of at most 160 GSM-7 characters, whatever the names in it are.

One character outside GSM 03.38 turns the whole text into UCS-2: 70 characters a part, several parts, several times
the price. So what GSM-7 cannot say is written as near as it can be.
"""

# ruff: noqa: RUF001  characters that look alike are what this file is about
import unicodedata
from collections.abc import Callable, Sequence
from datetime import datetime, tzinfo

MAX_SEPTETS = 160
# GSM 03.38 basic set; its line breaks and its escape are left out on purpose: a name must not forge a second line.
GSM7_BASIC = frozenset(
    "@£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
# Each costs two: the escape and itself.
GSM7_EXTENDED = frozenset("^{}\\[~]|€")
_IN_A_LINK = (GSM7_BASIC | GSM7_EXTENDED) - {" "}
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
# The longest that one name may be in a text; what is short leaves its room to the others.
_NAME_SEPTETS = 40
MAX_LINK_SEPTETS = 90
"""A longer link leaves too little room for what happened; see `alert_text`."""


def alert_text(
    *,
    label: str,
    confidence: float,
    places: Sequence[str],
    captured_at: datetime,
    time_zone: tzinfo,
    site_name: str,
    link: str | None,
    critical: bool = False,
) -> str:
    """`Framewatch: Person 97% at Front door, 21 Nov 04:17 (CET). Shop https://..`, in the site's own time.

    confidence: percent. places: the first is named whatever the room; those that do not fit are counted, as in
    `Front door and 2 more`. The zone's short name tells the two hours apart that a clock change doubles.
    link: the last word, whole or not at all: one of more than MAX_LINK_SEPTETS, with a blank or outside GSM-7 is
    left out, because an alert without a link is better than none. Where room is short the site's name gives way
    first, then the word Framewatch, and then the names are cut.
    """
    # Rounded down: a text never claims more than was seen.
    share, when = f" {int(confidence)}%", _moment(captured_at, time_zone, with_date=True)
    what, names, end = _name(label), [_name(place) for place in places] or [_UNKNOWN], _end(link)
    fixed = f"{share} at , {when}{end}"
    counted = _and_more(len(names) - 1)
    lead = _lead(septets(what + names[0] + counted + fixed), critical=critical)
    room = MAX_SEPTETS - septets(lead + fixed)
    for_names = room - septets(counted)
    what = cut(what, max(for_names // 2, for_names - septets(names[0])))
    where = _listed(names, room - septets(what), lambda named: _and_more(len(names) - named))
    return _signed(f"{lead}{what}{share} at {where}, {when}", site_name, end)


def _moment(at: datetime, time_zone: tzinfo, *, with_date: bool) -> str:
    local = at.astimezone(time_zone)
    date = f"{local.day} {_MONTHS[local.month - 1]} " if with_date else ""
    return f"{date}{local:%H:%M} ({to_gsm7(local.tzname() or 'UTC')})"


def _name(text: str) -> str:
    # A name of nothing that can be seen still takes a place in the sentence.
    return cut(to_gsm7(text), _NAME_SEPTETS) or _UNKNOWN


def _lead(least: int, *, critical: bool = False) -> str:
    """How a text begins, when what follows takes at least so many septets."""
    whole, short = ("URGENT Framewatch: ", "URGENT: ") if critical else ("Framewatch: ", "")
    return whole if septets(whole) + least <= MAX_SEPTETS else short


def _end(link: str | None) -> str:
    usable = link and set(link) <= _IN_A_LINK and septets(link) <= MAX_LINK_SEPTETS
    return f". {link}" if usable else "."


def _signed(text: str, site_name: str, end: str) -> str:
    """The text, the site's name as far as there is room for it, and the link."""
    site = cut(to_gsm7(site_name), MAX_SEPTETS - septets(text + end) - 1)
    return f"{text}. {site}{end[1:]}" if site else f"{text}{end}"


def _and_more(count: int) -> str:
    return f" and {count} more" if count else ""


def _listed(names: Sequence[str], room: int, rest: Callable[[int], str]) -> str:
    """As many names as fit into room septets, then rest(how many are named); the first is cut if need be."""
    # A name takes a septet and its comma two, so that no more than this can fit.
    for named in range(min(len(names), room // 2), 0, -1):
        text = ", ".join(names[:named]) + rest(named)
        if septets(text) <= room:
            return text
    return cut(names[0], room - septets(rest(1))) + rest(1)


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
