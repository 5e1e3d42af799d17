"""Rules tried on stored frames, for somebody who waits for the answer.

What it reads: of each camera and each word that a rule follows there, the label's index, newest first: one query for
each of these and for each day of the span (two, at most), and one more for each further PAGE frames. At most
MAX_FRAMES frames are replayed and MAX_ITEMS items read; what is older is left out, and said to be. Measured: 1500
frames of two visits take 0.2 s on one core, 500 alerts that each escalate 0.3 s.
"""

import heapq
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from operator import itemgetter

from framewatch.domain.errors import InvalidQuery, SiteFileError
from framewatch.domain.site import SiteConfig
from framewatch.services.callers_site import with_cameras
from framewatch.services.frame_merge import FramePages, FrameRead, end_of_day
from framewatch.services.list_filters import choose_cameras
from framewatch.services.list_pages import Span, time_of
from framewatch.services.ports import Clock, SiteSource
from framewatch.services.try_rules import TrialTables, try_rules
from framewatch.wire.api_rules import RuleTestRequest, RuleTestView
from framewatch.wire.envelope import format_utc
from framewatch.wire.frame_items import StoredFrame
from framewatch.wire.items import index_name
from framewatch.wire.site_file import load_site_text

MAX_SPAN = timedelta(hours=24)
MAX_INDEXES = 200
MAX_FRAMES = 1500
MAX_ITEMS = 15_000
MAX_ALERTS = 500
PAGE = 50
_RULES = "rules"
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class TrialDeps:
    """new_tables: empty ones, for each trial."""

    site: SiteSource
    pages: FramePages
    clock: Clock
    new_tables: Callable[[], TrialTables]


def fetch_trial(request: RuleTestRequest, deps: TrialDeps) -> RuleTestView:
    """Raises InvalidQuery, StorageUnavailable, and SiteFileError when the deployed site file never was good."""
    site = _site(request, deps)
    span = _span(request, deps.clock.now())
    indexes = [
        index_name(camera_id, word)
        for camera_id in choose_cameras([request.camera] if request.camera else (), site)
        for word in site.watch_words
        if site.rules_for(camera_id, word)
    ]
    if len(indexes) > MAX_INDEXES:
        raise InvalidQuery(
            f"camera: must be given, for all cameras and words together are {len(indexes)} indexes to read;"
            f" at most {MAX_INDEXES} are read for one test"
        )
    frames, stopped_at = _Reading(deps.pages, span).newest(indexes)
    timeline = try_rules(frames, site, deps.new_tables(), max_alerts=MAX_ALERTS)
    return RuleTestView(from_=span.first, to=span.end, stopped_at=stopped_at, timeline=timeline)


def _site(request: RuleTestRequest, deps: TrialDeps) -> SiteConfig:
    deployed = deps.site.current()
    if request.site is not None:
        try:
            given = load_site_text(request.site, "site")
        except SiteFileError as error:
            raise InvalidQuery(str(error)) from None
        # To write a camera into a file is not to be let see it.
        return with_cameras(given, {camera.id for camera in deployed.cameras})
    if request.rules is None:
        return deployed
    body = deployed.model_dump(mode="json") | {"rules": request.rules, "watch": {}}
    try:
        # JSON is YAML, too: what is wrong is told as in a site file.
        return load_site_text(json.dumps(body, ensure_ascii=False), _RULES)
    except SiteFileError as error:
        # There is no file whose line would help.
        raise InvalidQuery(re.sub(rf"(?m)^{_RULES}:\d+: ", "", str(error))) from None


def _span(request: RuleTestRequest, now: datetime) -> Span:
    end = request.to or now
    try:
        first = request.from_ or end - MAX_SPAN
    except OverflowError:
        first = end
    if first >= end:
        raise InvalidQuery("from: lies in the future; give an earlier one")
    if end - first > MAX_SPAN:
        hours = int(MAX_SPAN.total_seconds() // 3600)
        raise InvalidQuery(f"from: lies more than {hours} hours before the end; try rules on a shorter span")
    return Span(first, end)


@dataclass(slots=True)
class _Reading:
    pages: FramePages
    span: Span
    items: int = field(default=0, init=False)

    def newest(self, indexes: Sequence[str]) -> tuple[list[StoredFrame], datetime | None]:
        """Each frame once, whatever words it was found by; and before which time nothing was read, if not all was."""
        found: dict[str, StoredFrame] = {}
        for place, frame in heapq.merge(*map(self._frames, indexes), key=itemgetter(0), reverse=True):
            if frame is None or (len(found) == MAX_FRAMES and frame.frame_id not in found):
                newest_left_out = time_of(place)
                # The frames of that very moment stand on the side that is asked for next.
                kept = [f for f in found.values() if f.captured_at > newest_left_out]
                return kept, min((f.captured_at for f in kept), default=newest_left_out)
            found[frame.frame_id] = frame
        return list(found.values()), None

    def _frames(self, index: str) -> Iterator[tuple[str, StoredFrame | None]]:
        """Of one index, newest first, each with its sort key. None: what is below that key is not read any more."""
        floor, before = format_utc(self.span.first), format_utc(self.span.end)
        day = date.fromisoformat(before[:10])
        while True:
            read_to: str | None = before if before[:10] == day.isoformat() else end_of_day(day.isoformat())
            while read_to is not None:
                if self.items >= MAX_ITEMS:
                    yield read_to, None
                    return
                from_sk = floor if floor[:10] == day.isoformat() else None
                found = self.pages.query(FrameRead(index, day.isoformat(), read_to, from_sk, PAGE))
                self.items += found.items_read
                for frame in found.frames:
                    yield frame.sort_key, frame
                read_to = found.next_before_sk
            if day.isoformat() <= floor[:10]:
                return
            day -= _DAY
