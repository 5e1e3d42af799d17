"""The site file in S3, read anew at most once a minute.

A bad file never replaces a running good one, and neither does an S3 that does not answer.
"""

import logging
import threading
from datetime import datetime
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from framewatch.adapters.aws.errors import error_code, missing_grant, storage_errors
from framewatch.adapters.aws.object_text import read_text
from framewatch.domain.errors import FramewatchError, SiteFileError, StorageUnavailable
from framewatch.domain.site import SiteConfig
from framewatch.services.ports import Clock
from framewatch.wire.site_file import load_site_text

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

# To who may not list the bucket, S3 does not tell a file that is missing from one that may not be read.
_MISSING = {
    "NoSuchKey": "does not exist",
    "404": "does not exist",
    "AccessDenied": "does not exist, or this function may not read it",
}
_FIX = "check and upload the site file with `pynt configure`"

_log = logging.getLogger(__name__)


class S3SiteSource:
    """ports.SiteSource. Safe to share between threads: one reads, the others go on with what there is."""

    def __init__(self, s3: "S3Client", bucket: str, key: str, clock: Clock, max_age_s: float = 60.0):
        self._s3, self._bucket, self._key = s3, bucket, key
        self._clock, self._max_age_s = clock, max_age_s
        self._reading = threading.Lock()
        self._good: SiteConfig | None = None
        self._checked_at: datetime | None = None
        self._seen_etag: str | None = None  # of the newest version looked at, good or bad
        self._bad: SiteFileError | None = None  # what is wrong with that version

    def current(self) -> SiteConfig:
        """Raises SiteFileError when there never was a good file, StorageUnavailable when S3 never answered."""
        if self._good is not None and self._is_fresh():
            return self._good
        # With nothing good yet everybody waits for the first answer; later only one thread asks.
        if not self._reading.acquire(blocking=self._good is None):
            assert self._good is not None  # noqa: S101  it never turns back to None
            return self._good
        try:
            if self._good is None or not self._is_fresh():
                self._refresh()
            return self._good_or_raise()
        finally:
            self._reading.release()

    def _is_fresh(self) -> bool:
        if self._checked_at is None:
            return False
        # A clock that was set back must not keep an old file for hours.
        return 0 <= (self._clock.now() - self._checked_at).total_seconds() < self._max_age_s

    def _good_or_raise(self) -> SiteConfig:
        if self._good is not None:
            return self._good
        raise self._bad or SiteFileError(f"{self._where} could not be read")

    @property
    def _where(self) -> str:
        return f"s3://{self._bucket}/{self._key}"

    def _refresh(self) -> None:
        try:
            found = self._get_if_changed()
        except FramewatchError as error:
            if self._good is None:
                raise
            _log.warning("site file not refreshed, going on with the last good one: %s", error)
            self._checked_at = self._clock.now()
            return
        self._checked_at = self._clock.now()
        if found is None:
            return
        text, self._seen_etag = found
        try:
            self._good, self._bad = load_site_text(text, self._key), None
        except SiteFileError as error:
            self._bad = error
            kept = "the last good one stays in use" if self._good else "there is no good one yet"
            _log.error("%s (version %s) is refused, %s:\n%s", self._where, self._seen_etag, kept, error)

    def _get_if_changed(self) -> tuple[bytes, str] | None:
        """The text and its version; None when it is the version last looked at."""
        try:
            with storage_errors(f"{self._where}: read the site file"):
                if self._seen_etag is None:
                    answer = self._s3.get_object(Bucket=self._bucket, Key=self._key)
                else:
                    answer = self._s3.get_object(Bucket=self._bucket, Key=self._key, IfNoneMatch=self._seen_etag)
                return read_text(answer)
        except StorageUnavailable as error:
            code = error_code(error.__cause__) if isinstance(error.__cause__, ClientError) else ""
            if code in ("304", "NotModified"):
                return None
            if code in _MISSING:
                # Where AWS says which right is missing, that is the more useful half of the sentence.
                missing = missing_grant(error.__cause__) if isinstance(error.__cause__, ClientError) else None
                why = f"{_MISSING[code]} ({missing})" if missing else _MISSING[code]
                raise SiteFileError(f"{self._where} {why}; {_FIX}") from error
            raise
