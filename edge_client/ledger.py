"""Where every frame went, camera by camera: at any moment sampled == sent + gated + dropped + failed + waiting."""

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from edge_client.screen_settings import Verdict


@dataclass(frozen=True, slots=True)
class Account:
    """Since the start of this process. gated: by reason. recovered: of those sampled, what an earlier process had
    left in the spool. dropped: gave way to newer ones. failed: could not be sent. repeated: of those sampled, what
    nearly equals an earlier frame. screened_out: in what the screen saw nothing, screen_failed: what it could not
    look at."""

    sampled: int = 0
    sent: int = 0
    gated: Mapping[str, int] = field(default_factory=dict)
    dropped: int = 0
    failed: int = 0
    waiting: int = 0
    recovered: int = 0
    repeated: int = 0
    screened_out: int = 0
    screen_failed: int = 0


class Ledger:
    """For several threads. A look at it is never between two entries of one frame."""

    def __init__(self) -> None:
        self._accounts: dict[str, Account] = {}
        self._lock = threading.Lock()

    def _post(self, camera_id: str, **changes: int) -> None:
        with self._lock:
            account = self._accounts.get(camera_id, Account())
            self._accounts[camera_id] = replace(
                account, **{name: getattr(account, name) + change for name, change in changes.items()}
            )

    def recovered(self, camera_id: str, records: int) -> None:
        self._post(camera_id, sampled=records, recovered=records, waiting=records)

    def sampled(self, camera_id: str, *, repeats: bool = False, screen: Verdict | None = None) -> None:
        """Taken by the camera and not yet settled."""
        self._post(
            camera_id,
            sampled=1,
            waiting=1,
            repeated=int(repeats),
            screened_out=int(screen is Verdict.NOTHING),
            screen_failed=int(screen is Verdict.FAILED and not repeats),  # of a repeat it was not asked
        )

    def gated(self, camera_id: str, reason: str) -> None:
        with self._lock:
            account = self._accounts.get(camera_id, Account())
            gated = Counter(account.gated)
            gated[reason] += 1
            self._accounts[camera_id] = replace(account, sampled=account.sampled + 1, gated=dict(gated))

    def sent(self, camera_id: str) -> None:
        self._post(camera_id, sent=1, waiting=-1)

    def dropped(self, camera_id: str) -> None:
        self._post(camera_id, dropped=1, waiting=-1)

    def failed(self, camera_id: str) -> None:
        self._post(camera_id, failed=1, waiting=-1)

    def account(self, camera_id: str) -> Account:
        with self._lock:
            return self._accounts.get(camera_id, Account())

    @property
    def camera_ids(self) -> list[str]:
        with self._lock:
            return sorted(self._accounts)
