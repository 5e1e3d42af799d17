"""Every item in the table: its keys, its body, its life.

One table, `pk` and `sk` strings, `doc` the body as JSON, `expires_at` the TTL in epoch seconds.

    pk                                    sk                     what
    F#<camera>#<day>                      <captured_at>#<frame>  a frame: written once, conditionally, last
    L#<camera>#<label>#<day>              same                   the frame again, under each name it can be found by
    W#<camera>#<day>                      same                   the frame again, when a watched label was in it
    WL#<camera>#<label>#<day>             same                   both
    DAYS#<index>                          <day>                  the days an index has frames on (index: F#cam, ...)
    SEEN#<frame>                          <label>                this frame is counted in a visit of this label
    V#<camera>#<label>                    <first_seen>#<visit>   a visit; `version` guards every write
    VD#<camera>#<day>                     same                   the visit again without its path, by its first day
    A#<camera>#<day>                      <captured_at>#<alert>  an alert
    R                                     <rule>#<scope>         what a rule remembers; `version` guards every write
    LIMITS                                LIMITS                 how many texts went out; `version` likewise
    LIMITS                                OVERRIDE               limits that an administrator has set until a time
    BUDGET                                STATE                  which cameras give what up; `version` guards writes
    BUDGET                                PIN#<camera>           a step that an administrator has set (none: for all)
    BUDGET                                CHANGE#<time>          what one decision changed
    OPEN                                  alert#<alert>          what is still to be done about an alert
    OPEN                                  held#<contact>#<alert> a text that a digest will tell of (late: of a visit)
    T#<digest of token>                   T                      what the link in a text opens
    TA#<alert>                            <digest of token>      the links of an alert
    FALSE#<rule>#<camera>                 <captured_at>#<alert>  somebody said that the alert was none
    TROUBLE                               <kind>#<name>          a camera, box or service that is silent
    TURN                                  watchdog               until when one pass of the watchdog has the troubles
    HEALTH                                <shard>                how far behind a shard's frames are processed
    H                                     <camera>#<box>         the camera's newest heartbeat from that box
    U#<subject>                           seen                   until when a user has seen what happened
    C#<camera>                            <hour>                 how many frames there were; `version` guards writes
    CD#<camera>                           <day of the site>      the same for a day of the site's zone; likewise
    COUNTED                               <camera>               until when the camera's frames are counted
    RECOUNT                               <bucket>#<camera>      frames came late: count these ten minutes again
    USE#<day of the site>                 <function>#<process>   what a process has used on that day so far
    USEDAY                                <day of the site>      the sum over the day's; `version` guards writes

Days are UTC where nothing else is said. Labels are folded. A frame's index items hold the whole body, so that a page
reads what it shows and nothing else; a label costs one small write, a thousandth of what analysing the frame costs.
All heartbeats stand in one partition, so that one query reads how every camera is: a write a minute and camera leaves
room for thousands.

A body carries the version of its form. `DAYS`, `SEEN` and `TA` items have none: that they are there is all they say.

No key can be taken for another: ids of cameras, groups, rules, contacts and frames hold no `#`, times and days have
one length, and what may hold anything (a label, and so the ids of visits and alerts) stands last, or before a day.
"""

import hashlib
from collections.abc import Iterable
from datetime import date, datetime
from typing import ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from framewatch.domain.alerts import AlertRef
from framewatch.domain.errors import NewerItem
from framewatch.domain.frames import FrameMeta
from framewatch.domain.labels import Label, fold
from framewatch.domain.visits import Visit
from framewatch.wire.envelope import format_utc


def day_of(at: datetime) -> str:
    """The UTC day, `YYYY-MM-DD`."""
    return format_utc(at)[:10]


def frame_sort_key(captured_at: datetime, frame_id: str) -> str:
    """Orders all frames of a site by time, ties by id: unique, so it serves as a page cursor."""
    return f"{format_utc(captured_at)}#{frame_id}"


def index_name(camera_id: str, label: str | None = None, watch_only: bool = False) -> str:
    """The index that answers one filter for one camera, without its day."""
    if label is None:
        return f"{'W' if watch_only else 'F'}#{camera_id}"
    return f"{'WL' if watch_only else 'L'}#{camera_id}#{fold(label)}"


def index_key(index: str, day: str) -> str:
    return f"{index}#{day}"


def days_key(index: str) -> str:
    return f"DAYS#{index}"


def frame_indexes(camera_id: str, labels: Iterable[Label], watch_hit: bool) -> list[str]:
    """Every index that a frame stands in, besides its own `F#<camera>`."""
    names = sorted({name for label in labels for name in label.names_folded})
    found = [index_name(camera_id, name) for name in names]
    if watch_hit:
        found += [index_name(camera_id, watch_only=True)]
        found += [index_name(camera_id, name, watch_only=True) for name in names]
    return found


def image_key(meta: FrameMeta) -> str:
    """Where the JPEG lies in the frames bucket."""
    return image_key_of(meta.camera_id, meta.captured_at, meta.frame_id)


def image_key_of(camera_id: str, captured_at: datetime, frame_id: str) -> str:
    return f"frames/{camera_id}/{day_of(captured_at).replace('-', '/')}/{frame_id}.jpg"


def seen_key(frame_id: str) -> str:
    return f"SEEN#{frame_id}"


def visits_key(camera_id: str, label: str) -> str:
    return f"V#{camera_id}#{fold(label)}"


def visit_days_key(camera_id: str, day: str) -> str:
    """Visits of every label by the UTC day of their first sighting."""
    return f"VD#{camera_id}#{day}"


def visit_sort_key(visit: Visit) -> str:
    return f"{format_utc(visit.first_seen)}#{visit.visit_id}"


def alerts_key(camera_id: str, day: str) -> str:
    return f"A#{camera_id}#{day}"


def alert_sort_key(ref: AlertRef) -> str:
    return f"{format_utc(ref.captured_at)}#{ref.alert_id}"


RULE_STATES_KEY = "R"
LIMITS_KEY = "LIMITS"
LIMIT_OVERRIDE_SORT_KEY = "OVERRIDE"
BUDGET_KEY = "BUDGET"
BUDGET_STATE = "STATE"
OPEN_KEY = "OPEN"
LINK_SORT_KEY = "T"
_OPEN_ALERT, _HELD = "alert#", "held#"


def rule_state_sort_key(rule_id: str, scope: str) -> str:
    return f"{rule_id}#{scope}"


def budget_pin_sort_key(camera_id: str | None) -> str:
    return f"PIN#{camera_id or ''}"


def budget_change_sort_key(at: datetime) -> str:
    return f"CHANGE#{format_utc(at)}"


def open_alert_sort_key(alert_id: str) -> str:
    return f"{_OPEN_ALERT}{alert_id}"


def held_key(contact_id: str, alert_id: str) -> str:
    """What a held text is known by, and closed by."""
    return f"{contact_id}#{alert_id}"


def held_sort_key(key: str) -> str:
    return f"{_HELD}{key}"


def held_key_of(sort_key: str) -> str | None:
    """None for what is no held text."""
    return sort_key.removeprefix(_HELD) if sort_key.startswith(_HELD) else None


def token_digest(token: str) -> str:
    """What is kept of a token: with it nobody can make the link, as it takes the token to do so.

    Plain SHA-256, without salt or stretching: a token is random and long, so none can be guessed from its digest.
    """
    return hashlib.sha256(token.encode()).hexdigest()


def note_digest(by: str, text: str) -> str:
    """What a note is known by among those of its alert."""
    return hashlib.sha256(f"{by}\n{text}".encode()).hexdigest()[:32]


def link_key(digest: str) -> str:
    return f"T#{digest}"


def alert_links_key(alert_id: str) -> str:
    return f"TA#{alert_id}"


def false_alarms_key(rule_id: str, camera_id: str) -> str:
    return f"FALSE#{rule_id}#{camera_id}"


TROUBLES_KEY = "TROUBLE"
TURN_KEY = "TURN"
WATCHDOG_TURN = "watchdog"
HEALTH_KEY = "HEALTH"


SEEN_UNTIL = "seen"


def user_key(subject: str) -> str:
    """subject: the user's id in the pool, which holds no `#`."""
    return f"U#{subject}"


def trouble_sort_key(kind: str, name: str) -> str:
    return f"{kind}#{name}"


HEARTBEATS_KEY = "H"


def heartbeat_sort_key(camera_id: str, box: str) -> str:
    """Neither part can hold a `#`."""
    return f"{camera_id}#{box}"


COUNTED_KEY = "COUNTED"
RECOUNT_KEY = "RECOUNT"


def hour_counts_key(camera_id: str) -> str:
    return f"C#{camera_id}"


def day_counts_key(camera_id: str) -> str:
    """Days of the site's zone, not of UTC."""
    return f"CD#{camera_id}"


USE_DAYS_KEY = "USEDAY"


def use_key(day: date) -> str:
    return f"USE#{day.isoformat()}"


def process_sort_key(function: str, process_id: str) -> str:
    """Neither part can hold a `#`."""
    return f"{function}#{process_id}"


def recount_sort_key(bucket: datetime, camera_id: str) -> str:
    """The oldest first."""
    return f"{format_utc(bucket)}#{camera_id}"


class StoredItem(BaseModel):
    """The body of an item: read by this build, by the one before it, and by the one after it.

    `current_version` goes up when a reader of the form before would misread the new one; a further field that it may
    do without needs no new version. Of a newer version, an item that is written once is read where the fields that
    are known here are still there. One that is read, changed and written back is left alone, for what this build does
    not know of it would be gone; there every new field is a new version.
    """

    # An error of pydantic's own would repeat the value, and goes into a log.
    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)
    current_version: ClassVar[int] = 1
    written_back: ClassVar[bool] = False

    item_version: int = 1
    """Absent in what was written before items carried one: that is version 1, and stays so."""

    @classmethod
    def read(cls, doc: str | bytes) -> Self:
        """Raises NewerItem, and ValidationError for what never was such an item."""
        try:
            item = cls.model_validate_json(doc)
        except ValidationError:
            if (found := _Versioned.of(doc)) > cls.current_version:
                raise NewerItem(cls._newer(found)) from None
            raise
        if cls.written_back and item.item_version > cls.current_version:
            raise NewerItem(cls._newer(item.item_version))
        return item

    @classmethod
    def _newer(cls, found: int) -> str:
        return (
            f"{cls.__name__} of version {found}: this build knows version {cls.current_version};"
            " deploy the one that wrote it, or a later one"
        )


class _Versioned(BaseModel):
    item_version: int = 1

    @classmethod
    def of(cls, doc: str | bytes) -> int:
        try:
            return cls.model_validate_json(doc).item_version
        except ValidationError:
            return 0
