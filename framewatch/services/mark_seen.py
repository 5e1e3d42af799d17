"""Until when somebody has seen what happened: a mark of each user's own, which only moves on."""

import logging
from dataclasses import dataclass
from datetime import timedelta

from framewatch.domain.access import Caller
from framewatch.services.ports import Clock, SeenTable, SiteSource
from framewatch.wire.api_actions import SeenRequest
from framewatch.wire.api_people import MeView

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SeenDeps:
    site: SiteSource
    seen: SeenTable
    clock: Clock


def fetch_me(caller: Caller, seen: SeenTable) -> MeView:
    """Raises RetryableError."""
    return MeView.of(caller, seen.get(caller.subject))


def mark_seen(request: SeenRequest, caller: Caller, deps: SeenDeps) -> MeView:
    """What has not happened yet is not seen: a page whose clock is ahead means now. Raises RetryableError."""
    now = deps.clock.now()
    # What is older is kept no longer than this, so that the mark is of no more use either.
    expires_at = now + timedelta(days=deps.site.current().retention.metadata_days)
    stands = deps.seen.move(caller.subject, min(request.until, now), now, expires_at)
    _log.info("seen by %s until %s", caller.by, stands.isoformat())
    return MeView.of(caller, stands)
