"""Every word of the pages. `$name` is filled in and escaped by page.py."""

from framewatch.domain.alerts import AnswerKind

TITLE = "Framewatch alert"

HEADING = "$label at $place"
CONFIDENCE = "$percent% sure"
PICTURE = "Camera picture: $label at $place"
PICTURE_BOXED = "Camera picture: $label at $place, framed"
PICTURE_CAPTION = "Taken $time, $percent% sure"
PICTURE_GONE = "The picture has been deleted: pictures of this site are kept for $days days."
PICTURE_GONE_DAY = "The picture has been deleted: pictures of this site are kept for one day."
ALSO_SEEN = "Also seen since"
ALSO_SEEN_LINE = "$place: $label, $time"
WHEN_ZONE = "$zone time"

STATE = "Answers"
NOBODY = "Nobody has answered yet."
YOU, SOMEBODY = "you", "somebody else"
TAKEN = "$who has it since $time."
TAKEN_BY_YOU = "You have it since $time."
SNOOZED_UNTIL = "Snoozed until $time by $who: no texts of this kind until then."
SNOOZE_OVER = "Snoozed by $who at $time; that is over."
CLOSED = "Closed by $who at $time."
FALSE_ALARM = "Marked as a false alarm by $who at $time."

ANSWER = "Your answer"
BUTTONS = {
    AnswerKind.TAKEN: ("I have it", "Nobody further is told."),
    AnswerKind.SNOOZED: ("Snooze 30 min", "No texts of this kind for half an hour."),
    AnswerKind.FALSE_ALARM: ("False alarm", "Kept, so that the rule can be made better."),
}
REFRESH = "Show what is new"

# By status: the page's heading and, where the error has no words for people, what to do.
REFUSED = {
    400: ("That was no answer", "Go back to the alert and press one of its buttons."),
    404: ("Nothing here", ""),
    405: ("That was no answer", "Open the link in a browser and press one of its buttons."),
    410: ("This link has expired", ""),
    429: ("Too many answers", ""),
    500: ("Something is wrong", "That was our mistake, and it is in the log. Try again."),
    503: ("Not now", "Something does not answer. Your answer may not be kept: try again in a moment."),
}
BACK = "Back to the alert"
TRY_AGAIN = "Try again"

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
