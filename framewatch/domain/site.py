"""The site file's models: everything a user may set, its default, and why it is refused.

Bounds are stated here once; the JSON Schema for editors and the errors with file and line are made from them.
"""

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from framewatch.domain.alert_settings import (
    WATCH_CONTACT_ID,
    WATCH_RULE_ID,
    Alerts,
    Contact,
    Limits,
    Rule,
    Severity,
    Watch,
    Watchdog,
    Zone,
)
from framewatch.domain.budget_settings import Budget, CameraBudget
from framewatch.domain.labels import fold
from framewatch.domain.settings_base import CameraId, DisplayName, Percent, Problem, Section, SiteProblems, TimeZone
from framewatch.domain.site_checks import DEFAULT_VISION_CONFIDENCE, reference_problems

# One @, no blanks, a dot in the host: what a slip of the pen breaks. Whether anybody reads it, the mailbox says.
_EMAIL = re.compile(r"^[^@\s,;<>()]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$")
# A part of a host name, and Cognito takes none of these words.
_SIGN_IN_PREFIX = re.compile(r"^(?!.*(?:aws|amazon|cognito))[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$")
# user:password@ in a URL, unless both parts are ${NAME} references to the environment.
_LITERAL_PASSWORD = re.compile(r"^[a-z]+://[^/@]*:(?!\$\{[A-Z_][A-Z0-9_]*\}@)[^/@]+@")

# One frame may fulfil every rule, and what it leads to is one transaction, which holds 100 items: three for each rule
# and the watch list, and seven where a frame joins two visits and moves both.
MAX_RULES = 30
# What a site's cameras used in a day is one item of the table, up to 360 bytes a camera, and an item holds 400 KB;
# all their heartbeats lie in one partition (docs/scaling.md). More cameras are more stages.
MAX_CAMERAS = 1_000

Days = Annotated[int, Field(ge=1, le=3650)]


class Site(Section):
    name: DisplayName = "My site"
    time_zone: TimeZone = Field(default="UTC", description="IANA name, such as Europe/Madrid")


class Camera(Section):
    id: CameraId = Field(description="lower-case letters, digits and hyphens; never change it once frames are stored")
    name: DisplayName | None = None
    source: str | None = Field(
        default=None,
        description="device number, file, image folder, rtsp:// or http:// URL; passwords as ${NAME}",
    )
    zones: tuple[Zone, ...] = Field(default=(), description="parts of the picture that rules name")
    group: CameraId | None = Field(
        default=None, description="cameras of one group see the same people: one incident, one text"
    )
    silence_grace_s: float | None = Field(
        default=None, ge=60, le=86_400, description="instead of watchdog.grace_s, for this camera"
    )
    critical: bool = Field(
        default=False, description="gives up analyses last, and has the site budget's reserve for it"
    )
    budget: CameraBudget | None = Field(default=None, description="of its own, beside the site's")

    @field_validator("source")
    @classmethod
    def _no_password(cls, value: str | None) -> str | None:
        if value is not None and _LITERAL_PASSWORD.match(value):
            # The value itself is never repeated: errors end up in logs.
            raise ValueError(
                "the URL holds a password; write it as ${CAMERA_PASSWORD} and set that in the environment"
            )
        return value

    @property
    def display_name(self) -> str:
        return self.name or self.id

    @property
    def alert_scope(self) -> str:
        """Which cameras share incidents and snoozes: its group, or itself alone."""
        return f"group:{self.group}" if self.group else self.id


class Visits(Section):
    gap_s: float = Field(
        default=30.0,
        gt=0,
        le=86_400,
        description="a label unseen for longer than this has left; its next sighting is a new visit and a new text",
    )


class Vision(Section):
    backend: Literal["rekognition"] = "rekognition"
    min_confidence: Percent = Field(
        default=DEFAULT_VISION_CONFIDENCE, description="labels below it are not stored at all"
    )
    max_labels: int = Field(default=25, ge=1, le=100)
    reuse_near_duplicates: bool = Field(
        default=True,
        description="a frame that the edge found nearly equal to an analysed one, at most 10 minutes older, has its"
        " labels and is not analysed",
    )
    trust_screen: bool = Field(
        default=False,
        description="a frame in which the model of an edge with `screen` saw nothing that is watched is kept, and not"
        " analysed; what that model misses is missed",
    )


class Retention(Section):
    """How long things are kept. Frames go first: pictures are what weighs and what is private."""

    frames_days: Days = 30
    metadata_days: Days = 90

    @model_validator(mode="after")
    def _metadata_outlives_frames(self) -> Self:
        if self.metadata_days < self.frames_days:
            raise ValueError("metadata_days is shorter than frames_days: pictures would stay that nothing can find")
        return self


class Deployment(Section):
    """What runs in the cloud, and how much of it. Read when the templates are written, and by nothing that runs."""

    shards: int | None = Field(
        default=None,
        ge=1,
        le=500,
        description="a fixed number, 1 MB a second each; left out, the stream grows by itself, and costs more idle",
    )
    batch_size: int = Field(
        default=100,
        ge=1,
        le=10_000,
        description="frames for one call of the image processor at most; a payload holds 6 MB, some forty frames",
    )
    window_s: int = Field(
        default=1, ge=0, le=300, description="how long a frame waits for company at most, and every text with it"
    )
    parallelization: int = Field(
        default=1,
        ge=1,
        le=10,
        description="image processors for each shard; raise it together with the account's DetectLabels quota",
    )
    reserved_concurrency: int | None = Field(
        default=None,
        ge=1,
        le=10_000,
        description="image processors at once, at most; no other function of the account can take them."
        " Below shards times parallelization frames wait; left out, they share what the account has",
    )
    log_days: Literal[1, 3, 7, 14, 30, 60, 90, 180, 365] = Field(
        default=30, description="how long logs are kept; CloudWatch Logs knows these spans only"
    )
    alarm_emails: tuple[str, ...] = Field(
        default=(),
        max_length=10,  # what AWS Budgets takes
        description="who hears of alarms and of the budget; each address confirms alarms once, by a link",
    )
    monthly_budget_usd: float | None = Field(
        default=None, gt=0, le=1_000_000, description="a mail is sent when the account's bill is about to pass it"
    )
    sms_spend_limit_usd: float = Field(
        default=1,
        gt=0,
        le=1_000_000,
        description="what SNS lets the account spend on texts a month, which only AWS raises;"
        " an alarm rings at four fifths of it",
    )
    sign_in_prefix: str | None = Field(
        default=None,
        description="first part of the sign-in pages' host name, unique in the region;"
        " left out, framewatch-<stage>-<account>. Changing it moves the pages",
    )

    @model_validator(mode="after")
    def _batches_have_time(self) -> Self:
        # As the Lambda API demands; CloudFormation would say so after minutes, and roll back.
        if self.batch_size > 10 and self.window_s == 0:
            raise SiteProblems(
                [
                    (
                        ("window_s",),
                        "is 0, which Lambda takes for a batch_size of at most 10 only; set it to at least 1",
                    )
                ]
            )
        return self

    @model_validator(mode="after")
    def _budget_is_heard(self) -> Self:
        if self.monthly_budget_usd is not None and not self.alarm_emails:
            raise SiteProblems(
                [(("monthly_budget_usd",), "nobody would hear of it; name an address in deployment.alarm_emails")]
            )
        return self

    @field_validator("alarm_emails")
    @classmethod
    def _addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        # The address itself is never repeated: errors end up in logs.
        wrong = [
            ((n,), "this is no e-mail address; write one such as ana@example.com")
            for n, address in enumerate(value)
            if not _EMAIL.match(address)
        ]
        folded = [address.casefold() for address in value]
        wrong += [((n,), "this address stands twice; remove one") for n, a in enumerate(folded) if a in folded[:n]]
        if wrong:
            raise SiteProblems(wrong)
        return value

    @field_validator("sign_in_prefix")
    @classmethod
    def _host_label(cls, value: str | None) -> str | None:
        if value is not None and not _SIGN_IN_PREFIX.match(value):
            raise ValueError(
                "the prefix cannot be in a host name of Cognito; use lower-case letters, digits and hyphens, at most"
                " 63, a letter or digit at both ends, and none of the words aws, amazon and cognito"
            )
        return value


class SiteConfig(Section):
    site: Site = Site()
    cameras: tuple[Camera, ...] = Field(min_length=1, max_length=MAX_CAMERAS)
    contacts: tuple[Contact, ...] = ()
    watch: Watch = Watch()
    rules: tuple[Rule, ...] = Field(default=(), max_length=MAX_RULES)
    alerts: Alerts = Alerts()
    limits: Limits = Limits()
    watchdog: Watchdog = Watchdog()
    budget: Budget = Budget()
    visits: Visits = Visits()
    vision: Vision = Vision()
    retention: Retention = Retention()
    deployment: Deployment = Deployment()

    @model_validator(mode="after")
    def _references_hold(self) -> Self:
        found = reference_problems(self.model_dump(mode="json", exclude_unset=True))
        if found:
            raise SiteProblems(found)
        return self

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Without what was worked out from the values before: pydantic would copy that, too."""
        copied = super().model_copy(update=update, deep=deep)
        for name in copied.__dict__.keys() - type(self).model_fields:
            del copied.__dict__[name]
        return copied

    def camera(self, camera_id: str) -> Camera | None:
        return self._camera_by_id.get(camera_id)

    @cached_property
    def _camera_by_id(self) -> dict[str, Camera]:
        return {camera.id: camera for camera in self.cameras}

    def contact(self, contact_id: str) -> Contact | None:
        return next((c for c in self.all_contacts if c.id == contact_id), None)

    def rule(self, rule_id: str) -> Rule | None:
        return next((r for r in self.all_rules if r.id == rule_id), None)

    @cached_property
    def all_contacts(self) -> tuple[Contact, ...]:
        """With the one whose number stands in the watch list."""
        phone = self.watch.phone
        return (*self.contacts, Contact(id=WATCH_CONTACT_ID, phone=phone)) if phone else self.contacts

    @cached_property
    def all_rules(self) -> tuple[Rule, ...]:
        """With the watch list, which is a rule like the others."""
        watch = self.watch
        if not watch.labels:
            return self.rules
        notify = (*watch.notify, WATCH_CONTACT_ID) if watch.phone else watch.notify
        as_rule = Rule(
            id=WATCH_RULE_ID,
            labels=watch.labels,
            min_confidence=watch.min_confidence,
            notify=notify,
            cool_down_s=watch.cool_down_s,
        )
        return (as_rule, *self.rules)

    @cached_property
    def watch_words(self) -> tuple[str, ...]:
        """The labels whose visits are followed, each once (case does not count)."""
        words: dict[str, str] = {}
        for rule in self.all_rules:
            for word in rule.anchor_labels:
                words.setdefault(fold(word), word)
        return tuple(words.values())

    def rules_for(self, camera_id: str, word: str) -> list[Rule]:
        """Those that a visit of this watched word on this camera may fulfil."""
        camera = self.camera(camera_id)
        zone_ids = [z.id for z in camera.zones] if camera else []
        return [
            rule
            for rule in self.all_rules
            if rule.covers(camera_id, zone_ids) and fold(word) in {fold(w) for w in rule.anchor_labels}
        ]

    @cached_property
    def texted_phones(self) -> dict[str, str]:
        """By contact id: the numbers that a rule, the watchdog or the budget may text."""
        named = {c for r in self.all_rules for c in (*r.notify, *r.escalate_to)}
        named |= {*self.watchdog.notify, *self.budget.notify}
        return {c.id: c.phone for c in self.all_contacts if c.id in named and c.phone is not None}

    @cached_property
    def watchdog_contacts(self) -> tuple[str, ...]:
        """Ids of who hears that something is silent."""
        if self.watchdog.notify:
            return self.watchdog.notify
        return tuple(dict.fromkeys(c for r in self.all_rules if r.severity is not Severity.NOTICE for c in r.notify))

    @cached_property
    def has_budget(self) -> bool:
        return self.budget.is_set or any(c.budget is not None for c in self.cameras)

    @cached_property
    def has_reserve(self) -> bool:
        """Where every camera is critical, none is before the others."""
        return self.budget.reserve_share > 0 and {c.critical for c in self.cameras} == {True, False}

    @property
    def budget_contacts(self) -> tuple[str, ...]:
        """Ids of who hears of the budget."""
        return self.budget.notify or self.watchdog_contacts

    def doubts(self) -> list[Problem]:
        """What may be meant as it is, but rarely is; each with its place and the fix."""
        found: list[Problem] = []
        watch, named = self.watch, {c for r in self.all_rules for c in (*r.notify, *r.escalate_to)}
        if watch.labels and not watch.notify and not watch.phone:
            found.append(
                (("watch", "labels"), "nobody is told of these; add `phone: ...` or `notify: [...]` beside them")
            )
        if not watch.labels and (watch.notify or watch.phone):
            found.append((("watch",), "says who is told, and not of what; add labels: [Person]"))
        found += [
            (("rules", n), f"nobody is told by {rule.id!r}; add notify, or severity: notice if it is meant so")
            for n, rule in enumerate(self.rules)
            if not rule.notify and not rule.escalate_to and rule.severity is not Severity.NOTICE
        ]
        found += [
            (("contacts", n), f"no rule, watch list or watchdog names {contact.id!r}, who is never told")
            for n, contact in enumerate(self.contacts)
            if contact.id not in named and contact.id not in (*self.watchdog.notify, *self.budget.notify)
        ]
        found += self._budget_doubts()
        budget, granted = self.limits.monthly_budget_usd, self.deployment.sms_spend_limit_usd
        if budget is not None and budget > granted:
            found.append(
                (
                    ("limits", "monthly_budget_usd"),
                    f"SNS stops before it, at deployment.sms_spend_limit_usd ({granted:g}); have AWS raise that",
                )
            )
        return found

    def _budget_doubts(self) -> list[Problem]:
        found: list[Problem] = []
        if not self.has_budget and self.budget.model_fields_set:
            found.append((("budget",), "names no amount; add per_month_usd or per_day_usd"))
        if self.has_budget and not any(
            contact.phone for c in self.budget_contacts if (contact := self.contact(c)) is not None
        ):
            found.append((("budget",), "nobody would be told of its steps; name a contact with a phone in notify"))
        if self.budget.is_set and "reserve_share" in self.budget.model_fields_set and not self.has_reserve:
            whom = "every camera" if all(c.critical for c in self.cameras) else "no camera"
            found.append((("budget", "reserve_share"), f"{whom} is critical, so that nothing is kept in reserve"))
        for n, camera in enumerate(self.cameras):
            if camera.critical and not self.budget.is_set:
                found.append(
                    (("cameras", n, "critical"), "there is no site budget it could have a reserve of; add budget")
                )
            if camera.critical and camera.budget is not None:
                message = "its own budget stops the analysis of a critical camera, too; leave it out if it must not"
                found.append((("cameras", n, "budget"), message))
        return found
