"""The pages behind a short link: plain HTML, without scripts, that any phone's browser shows.

Labels and names are what people and models wrote. Whatever is filled into a template is escaped, unless it is markup
that was made here.
"""

from collections.abc import Iterable
from datetime import datetime, tzinfo
from html import escape
from string import Template

import pytz

from framewatch.domain.alerts import AnswerKind
from framewatch.domain.frames import BoxXYXYRel
from framewatch.services.answer_alerts import AlertPage, Picture, Who
from lambdas.alert_link import words

# No address of the page itself stands in it, for that is the secret: forms and links without one lead back to it.
_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>$title</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex, nofollow">
<meta name="referrer" content="no-referrer">
<meta name="color-scheme" content="light dark">
<meta name="format-detection" content="telephone=no, date=no, address=no, email=no">
<link rel="icon" href="/favicon.svg">
<link rel="stylesheet" href="/alert.css">
</head>
<body>
<main>
$body
</main>
</body>
</html>
"""
_ALERT = """\
<h1>$heading</h1>
<p class="facts"><strong>$confidence</strong> <time datetime="$iso">$when</time></p>
$picture
$also_seen
<section aria-labelledby="state">
<h2 id="state" class="unseen">$state_title</h2>
<ul class="state">
$state
</ul>
</section>
<section aria-labelledby="answer">
<h2 id="answer" class="unseen">$answer_title</h2>
<form method="post">
$buttons
</form>
</section>
<p class="refresh"><a href="">$refresh</a></p>"""
_PICTURE = """\
<figure>
<div class="picture"><img src="$url" alt="$alt">$box</div>
<figcaption>$caption</figcaption>
</figure>"""
# Dark below bright: to be seen on any picture, in both themes.
_BOX = """\
<svg viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true" focusable="false">\
<rect x="$x" y="$y" width="$width" height="$height" fill="none" stroke="#221400" stroke-width="5" \
vector-effect="non-scaling-stroke"/>\
<rect x="$x" y="$y" width="$width" height="$height" fill="none" stroke="#ffb224" stroke-width="3" \
vector-effect="non-scaling-stroke"/></svg>"""
_ALSO_SEEN = """\
<section class="also" aria-labelledby="also">
<h2 id="also">$title</h2>
<ul>
$lines
</ul>
</section>"""
_BUTTON = """\
<button name="answer" value="$value" aria-describedby="$value">$label</button>
<p class="hint" id="$value">$hint</p>"""
_REFUSAL = """\
<h1>$heading</h1>
<p>$message</p>
$link"""


class Html(str):
    """Markup that was made here: not escaped again."""

    __slots__ = ()


def fill(template: str, **values: str) -> Html:
    """The template with each value in its place, escaped unless it is Html."""
    return Html(
        Template(template).substitute({n: v if isinstance(v, Html) else escape(v) for n, v in values.items()})
    )


def alert_page(page: AlertPage) -> Html:
    zone = pytz.timezone(page.time_zone)
    label, place = _bdi(page.label), _bdi(page.place)
    return _whole(
        fill(
            _ALERT,
            heading=fill(words.HEADING, label=label, place=place),
            confidence=fill(words.CONFIDENCE, percent=_percent(page.confidence)),
            iso=page.captured_at.isoformat(),
            when=_moment(page.captured_at, zone, page.time_zone),
            picture=_picture(page, zone),
            also_seen=_also_seen(page, zone),
            state_title=words.STATE,
            state=_lines(_states(page, zone)),
            answer_title=words.ANSWER,
            buttons=_buttons(page),
            refresh=words.REFRESH,
        )
    )


def refusal_page(status: int, message: str | None = None, *, link: str | None = None) -> Html:
    """message: in words for people; left out, the status's own. link: what the way back to the alert is called."""
    heading, usual = words.REFUSED[status]
    back = fill('<p class="refresh"><a href="">$text</a></p>', text=link) if link else Html()
    return _whole(fill(_REFUSAL, heading=heading, message=message or usual, link=back))


def _whole(body: Html) -> Html:
    return fill(_PAGE, title=words.TITLE, body=body)


def _picture(page: AlertPage, zone: tzinfo) -> Html:
    picture = page.picture
    if picture.url is None:
        gone = words.PICTURE_GONE_DAY if page.frames_days == 1 else words.PICTURE_GONE
        return fill('<p class="gone">$text</p>', text=fill(gone, days=str(page.frames_days)))
    # An attribute holds no elements, so that names go into it as they are.
    alt = words.PICTURE if picture.box_xyxy_rel is None else words.PICTURE_BOXED
    described = Template(alt).substitute(label=page.label, place=page.place)
    return fill(
        _PICTURE, url=picture.url, alt=described, box=_box(picture.box_xyxy_rel), caption=_caption(picture, zone)
    )


def _caption(picture: Picture, zone: tzinfo) -> Html:
    at = picture.captured_at.astimezone(zone)
    return fill(words.PICTURE_CAPTION, time=f"{at:%H:%M:%S}", percent=_percent(picture.confidence))


def _box(box: BoxXYXYRel | None) -> Html:
    if box is None:
        return Html()
    x0, y0, x1, y1 = (round(100 * min(max(v, 0.0), 1.0), 2) for v in box)
    return fill(_BOX, x=f"{x0:g}", y=f"{y0:g}", width=f"{x1 - x0:.4g}", height=f"{y1 - y0:.4g}")


def _also_seen(page: AlertPage, zone: tzinfo) -> Html:
    if not page.also_seen:
        return Html()
    lines = _lines(
        fill(
            words.ALSO_SEEN_LINE,
            place=_bdi(s.place),
            label=_bdi(s.label),
            time=_hour(s.captured_at, page.now, zone),
        )
        for s in page.also_seen
    )
    return fill(_ALSO_SEEN, title=words.ALSO_SEEN, lines=lines)


def _states(page: AlertPage, zone: tzinfo) -> list[Html]:
    said = []
    for kind, who, at in page.given:
        time = _hour(at, page.now, zone)
        if kind is AnswerKind.TAKEN and who.is_reader:
            said.append(fill(words.TAKEN_BY_YOU, time=time))
        elif kind is AnswerKind.TAKEN:
            said.append(fill(words.TAKEN, who=_subject(who), time=time))
        elif kind is AnswerKind.FALSE_ALARM:
            said.append(fill(words.FALSE_ALARM, who=_named(who), time=time))
        elif kind is AnswerKind.CLOSED:
            said.append(fill(words.CLOSED, who=_named(who), time=time))
        elif page.snoozed_until is None:
            said.append(fill(words.SNOOZE_OVER, who=_named(who), time=time))
    if not page.given:
        said.append(fill(words.NOBODY))
    if page.snoozed_until is not None:
        who = page.snoozed_by or Who(None, False)
        said.append(fill(words.SNOOZED_UNTIL, time=_hour(page.snoozed_until, page.now, zone), who=_named(who)))
    return said


def _buttons(page: AlertPage) -> Html:
    """Those that would still change something: the first who takes it, or calls it false, stands."""
    given = {kind for kind, _, _ in page.given} - {AnswerKind.SNOOZED}
    rows = [
        fill(_BUTTON, value=kind, label=label, hint=hint)
        for kind, (label, hint) in words.BUTTONS.items()
        if kind not in given
    ]
    return Html("\n".join(rows))


def _lines(lines: Iterable[Html]) -> Html:
    return Html("\n".join(f"<li>{line}</li>" for line in lines))


def _bdi(text: str) -> Html:
    """Keeps marks of writing direction in a name from turning around what follows it."""
    return fill("<bdi>$text</bdi>", text=text)


def _named(who: Who) -> str:
    if who.is_reader:
        return words.YOU
    return _bdi(who.name) if who.name else words.SOMEBODY


def _subject(who: Who) -> str:
    """The same, at the beginning of a sentence."""
    named = _named(who)
    return named if isinstance(named, Html) else named[:1].upper() + named[1:]


def _percent(confidence: float) -> str:
    # Rounded down, as in the text: nothing claims more than was seen.
    return str(int(confidence))


def _moment(at: datetime, zone: tzinfo, zone_name: str) -> str:
    """`Sat 21 Nov 2026, 21:04:17 CET, Europe/Madrid time`; `.., 20:04:17 UTC` where the zone is called just that."""
    local = at.astimezone(zone)
    day = f"{words.DAYS[local.weekday()]} {local.day} {words.MONTHS[local.month - 1]} {local.year}"
    when = f"{day}, {local:%H:%M:%S} {local.tzname()}"
    if zone_name.removeprefix("Etc/") == local.tzname():
        return when
    return f"{when}, {Template(words.WHEN_ZONE).substitute(zone=zone_name)}"


def _hour(at: datetime, now: datetime, zone: tzinfo) -> str:
    """`21:05`; with its day where that is not today, with its zone where the clock has been or will be changed."""
    local, today = at.astimezone(zone), now.astimezone(zone)
    hour = f"{local:%H:%M}"
    if local.tzname() != today.tzname():
        hour += f" {local.tzname()}"
    return hour if local.date() == today.date() else f"{local.day} {words.MONTHS[local.month - 1]} {hour}"
