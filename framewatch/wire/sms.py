"""The texts: each is one part of at most 160 GSM-7 characters, whatever the names in it are.

One character outside GSM 03.38 turns the whole text into UCS-2: 70 characters a part, several parts, several times
the price. So what GSM-7 cannot say is written as near as it can be.
"""

# ruff: noqa: RUF001  characters that look alike are what this file is about
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from framewatch.domain.troubles import Trouble, TroubleKind

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
_LEAST_NAME_SEPTETS = 8
_SILENT = frozenset({TroubleKind.CAMERA, TroubleKind.BOX})
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
    what, names, end = short_name(label), [short_name(place) for place in places] or [_UNKNOWN], _end(link)
    fixed = f"{share} at , {when}{end}"
    counted = _and_more(len(names) - 1)
    lead = _lead(septets(what + names[0] + counted + fixed), critical=critical)
    room = MAX_SEPTETS - septets(lead + fixed)
    for_names = room - septets(counted)
    what = cut(what, max(for_names // 2, for_names - septets(names[0])))
    where = _listed(names, room - septets(what))
    return _signed(f"{lead}{what}{share} at {where}, {when}", site_name, end)


def digest_text(
    *,
    places: Sequence[str],
    late: int,
    since: datetime,
    now: datetime,
    time_zone: tzinfo,
    site_name: str,
    link: str | None = None,
) -> str:
    """`Framewatch: 12 more since 21:04 (CET), 3 late: Front door, Yard. Shop`; `3 late alerts since ..` when all are.

    places: one for each alert that it tells of, at least one; the most frequent is named first. late: how many of the
    alerts came late. since: when the first was captured; its date is written when it is not today's. link and what
    gives way: as in `alert_text`.
    """
    total = len(places)
    what = f"{total} late {_plural('alert', total)}" if late == total else f"{total} more"
    some = f", {late} late" if 0 < late < total else ""
    names = tuple(short_name(place) for place, _ in Counter(places).most_common())
    sentence = Sentence(f"{what} since {moment_text(since, now, time_zone)}{some}: ", names)
    return told([sentence], site_name, link)


def silence_text(*, troubles: Sequence[Trouble], now: datetime, time_zone: tzinfo, site_name: str) -> str:
    """`Framewatch: Front door camera silent since 21:04 (CET). Shop`; at least one trouble.

    Those of a kind share a sentence; sentences that do not fit are counted. A date is written when it is not today's.
    """

    def sentence(kind: TroubleKind, of_kind: Sequence[Trouble]) -> Sentence:
        moments = sorted(trouble.since for trouble in of_kind)
        first, last = (moment_text(at, now, time_zone) for at in (moments[0], moments[-1]))
        if kind in _SILENT:
            return _subjects(
                kind, of_kind, "silent", f" since {first}" if first == last else f", first since {first}"
            )
        late_min = int(max(trouble.late_s for trouble in of_kind) // 60)
        lag = f"{late_min} min " if 0 < late_min < 120 else f"{late_min // 60} h " if late_min else ""
        wrong = {
            TroubleKind.STREAM: f"Frames are {lag}late",
            TroubleKind.VISION: "Pictures cannot be analysed",
            TroubleKind.PROCESSING: "Nothing is processed",
        }
        return Sentence(f"{wrong[kind]} since {first}")

    return told(_by_kind(troubles, sentence), site_name, None)


def back_text(
    *, troubles: Sequence[Trouble], until: datetime, now: datetime, time_zone: tzinfo, site_name: str
) -> str:
    """`Framewatch: Front door camera is back, silent 21:04 to 21:20 (CET). Shop`; at least one trouble that is over.

    until: when they were well again. Otherwise as `silence_text`.
    """
    end = moment_text(until, now, time_zone)
    zone = end[end.rindex(" ") :]

    def sentence(kind: TroubleKind, of_kind: Sequence[Trouble]) -> Sentence:
        begin = moment_text(min(trouble.since for trouble in of_kind), now, time_zone).removesuffix(zone)
        if kind in _SILENT and len(of_kind) > 1:
            return _subjects(kind, of_kind, "are back", f", silent between {begin} and {end}")
        if kind in _SILENT:
            return _subjects(kind, of_kind, "is back", f", silent {begin} to {end}")
        well = {
            TroubleKind.STREAM: f"Frames are in time again, late {begin} to {end}",
            TroubleKind.VISION: f"Pictures are analysed again, interrupted {begin} to {end}",
            TroubleKind.PROCESSING: f"Frames are processed again, interrupted {begin} to {end}",
        }
        return Sentence(well[kind])

    return told(_by_kind(troubles, sentence), site_name, None)


@dataclass(frozen=True, slots=True)
class Sentence:
    """Names between two texts that are never cut. count: how many troubles it tells of."""

    before: str
    names: Sequence[str] = ()
    after: str = ""
    count: int = 1

    @property
    def least(self) -> int:
        """The septets without which its first name would not be recognised."""
        if not self.names:
            return septets(self.before)
        return septets(
            self.before + cut(self.names[0], _LEAST_NAME_SEPTETS) + _and_more(len(self.names) - 1) + self.after
        )

    def within(self, room: int) -> str:
        names = _listed(self.names, room - septets(self.before + self.after)) if self.names else ""
        return f"{self.before}{names}{self.after}"


def told(sentences: Sequence[Sentence], site_name: str, link: str | None, *, counted: str = "trouble") -> str:
    """As many of the sentences as fit, the first one always, what the others tell of as a count.

    counted: what it is that a sentence tells of.
    """
    end = _end(link)
    for kept in range(len(sentences), 0, -1):
        left = sum(sentence.count for sentence in sentences[kept:])
        others = f". {left} more {_plural(counted, left)}" if left else ""
        least = sum(sentence.least for sentence in sentences[:kept]) + 2 * (kept - 1) + septets(others + end)
        lead = _lead(least)
        if lead:
            break
    # What is to spare goes to the names, those of the first sentence before the others.
    spare = MAX_SEPTETS - septets(lead) - least
    written = []
    for sentence in sentences[:kept]:
        written.append(sentence.within(sentence.least + spare))
        spare -= septets(written[-1]) - sentence.least
    return _signed(f"{lead}{'. '.join(written)}{others}", site_name, end)


def _by_kind(
    troubles: Sequence[Trouble], sentence: Callable[[TroubleKind, Sequence[Trouble]], Sentence]
) -> list[Sentence]:
    grouped = {kind: [trouble for trouble in troubles if trouble.kind is kind] for kind in TroubleKind}
    return [sentence(kind, of_kind) for kind, of_kind in grouped.items() if of_kind]


def _subjects(kind: TroubleKind, of_kind: Sequence[Trouble], what: str, when: str) -> Sentence:
    """`Front door camera silent since ..`, `Box attic is back ..: 4 cameras`, `3 cameras silent ..: Garage, ..`."""
    names, number = tuple(short_name(trouble.name) for trouble in of_kind), len(of_kind)
    cameras = sum(trouble.cameras for trouble in of_kind)
    theirs = f"{cameras} {_plural('camera', cameras)}" if kind is TroubleKind.BOX and cameras else ""
    if number > 1:
        they = "cameras" if kind is TroubleKind.CAMERA else "boxes"
        return Sentence(f"{number} {they}{theirs and f' ({theirs})'} {what}{when}: ", names, count=number)
    if kind is TroubleKind.CAMERA:
        return Sentence("", names, f" camera {what}{when}")
    return Sentence("Box ", names, f" {what}{when}{theirs and f': {theirs}'}")


def moment_text(at: datetime, now: datetime, time_zone: tzinfo) -> str:
    today = at.astimezone(time_zone).date() == now.astimezone(time_zone).date()
    return _moment(at, time_zone, with_date=not today)


def _plural(word: str, count: int) -> str:
    return word if count == 1 else f"{word}s"


def _moment(at: datetime, time_zone: tzinfo, *, with_date: bool) -> str:
    local = at.astimezone(time_zone)
    date = f"{local.day} {_MONTHS[local.month - 1]} " if with_date else ""
    return f"{date}{local:%H:%M} ({to_gsm7(local.tzname() or 'UTC')})"


def short_name(text: str) -> str:
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


def _listed(names: Sequence[str], room: int) -> str:
    """As many names as fit into room septets, the others as a count; the first is cut if need be."""
    # A name takes a septet and its comma two, so that no more than this can fit.
    for named in range(min(len(names), room // 2), 0, -1):
        text = ", ".join(names[:named]) + _and_more(len(names) - named)
        if septets(text) <= room:
            return text
    counted = _and_more(len(names) - 1)
    return cut(names[0], room - septets(counted)) + counted


def septets(text: str) -> int:
    """How much of the 160 a GSM-7 text takes."""
    return sum(2 if c in GSM7_EXTENDED else 1 for c in text)


def parts_of(text: str) -> int:
    """How many a carrier is paid for: of 160 septets, or 153 each in several; of 70 and 67 UTF-16 units where one
    character is not in GSM-7."""
    if all(c in GSM7_BASIC or c in GSM7_EXTENDED or c in "\n\r" for c in text):
        length, alone, joined = septets(text), MAX_SEPTETS, 153
    else:
        length, alone, joined = len(text.encode("utf-16-le")) // 2, 70, 67
    return 1 if length <= alone else -(-length // joined)


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


def is_legible(name: str) -> bool:
    """Whether every character of it can be said in a text, or one that stands for it."""
    return to_gsm7(name).count(_UNKNOWN) <= name.count(_UNKNOWN)


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
    spelt = "".join(p if p in GSM7_BASIC or p in GSM7_EXTENDED else _near(p) for p in parts)
    return spelt or _UNKNOWN


def _near(char: str) -> str:
    # Of Greek letters there are capitals alone.
    capital = char.upper()
    return _NEAR.get(char) or (capital if capital in GSM7_BASIC else _NEAR.get(capital, _UNKNOWN))
