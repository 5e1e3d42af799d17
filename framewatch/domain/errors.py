"""One tree of errors, split by the only question a caller asks: would trying again help?

Adapters translate the errors of the outside world into these; nothing above an adapter sees botocore or cv2.
Messages say what happened, where, and what to do. They never hold a secret or a whole phone number.
"""


class FramewatchError(Exception):
    """Base of every error that Framewatch raises on purpose."""


class RetryableError(FramewatchError):
    """The same call may succeed later: throttling, a time-out, a service that is down."""


class PermanentError(FramewatchError):
    """The same call can never succeed: trying again only costs money."""


class EnvelopeError(PermanentError):
    """A stream record is not a readable frame envelope. Only that record is rejected."""


class HeartbeatError(PermanentError):
    """A stream record that says it is a heartbeat is not a readable one. Only that record is rejected."""


class EdgeControlError(PermanentError):
    """What a box was given as its control document is not a readable one. The one before stays."""


class ImageRejected(PermanentError):
    """The picture itself cannot be analysed: not a JPEG or PNG, too small, too large."""


class FrameTooLarge(PermanentError):
    """A frame does not fit a stream record even at the lowest quality and size."""


class FrameTooSmall(PermanentError):
    """A frame has a side that vision refuses."""


class UnknownCamera(PermanentError):
    """A frame or heartbeat names a camera that the site file does not hold."""


class SiteFileError(PermanentError):
    """The site file is wrong; the message gives file, line and the fix for each problem."""


class InvalidQuery(PermanentError):
    """A request parameter or cursor is wrong; the message names it and says what is allowed."""


class UnknownAlert(PermanentError):
    """There is no such alert, or it has outlived its time in the table."""


class NotForThisCaller(PermanentError):
    """The caller's role would do, and yet it is not theirs to do."""


class NotesFull(PermanentError):
    """The alert has as many notes as one may have."""


class UnknownSnooze(PermanentError):
    """The rule was never snoozed on these cameras."""


class LinkRefused(PermanentError):
    """A link from a text opens nothing: it never did, or was revoked; the message says what to do, and not which."""


class LinkExpired(LinkRefused):
    """The link was good once. Only who was sent it can learn this."""


class LinkUsedUp(LinkRefused):
    """The link takes no further answer; it can still be looked at."""


class VisionThrottled(RetryableError):
    """The vision service asks for fewer requests a second."""


class VisionUnavailable(RetryableError):
    """The vision service failed or did not answer in time."""


class VisionDenied(RetryableError):
    """The vision service refused our credentials: a grant is missing. Retried, for a grant can be given."""


class StorageUnavailable(RetryableError):
    """A store (S3, DynamoDB, SQS) failed, throttled, refused our credentials or did not answer in time."""


class NewerItem(RetryableError):
    """A newer build wrote this item in a form that this one must not touch. Retried: that build may be on its way."""


class NotificationUnavailable(RetryableError):
    """The text message service failed or throttled."""


class NotificationRejected(PermanentError):
    """The text can never be delivered as asked: the number is invalid or has opted out."""


class WriteConflict(RetryableError):
    """Somebody else wrote the same item first; read it again and decide anew."""
