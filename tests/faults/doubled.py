"""Which texts came twice, and whether that lies in the window that docs/guarantees.md allows.

The window of one text: SNS took it and nobody was told, or it was sent and that could not be written down, or the
process died between the two. Nothing else explains a second text, and nothing explains one after the first was
written down. Requests are known from the proxy's journal, kills from whoever killed.
"""

import json
import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from itertools import pairwise
from urllib.parse import parse_qs

from framewatch.adapters.aws.clients import STORE
from tests.faults.weather import LOST_ANSWERS, Asked, Fault

Key = tuple[str, str]
"""Of an alert's item: partition and sort key."""
_TOKEN = re.compile(r"/a/(\w+)")
# Whoever asked waits for so long, and by then may have given up before the proxy sees it.
_PATIENCE_S = 0.8 * STORE.read_s


def token_in(text: str) -> str:
    """Of the link that a text ends with: each try to send has one of its own."""
    found = _TOKEN.search(text)
    if found is None:
        raise ValueError(f"a text without a link: {text!r}")
    return found[1]


def published(journal: Iterable[Asked]) -> list[tuple[str, Asked]]:
    """What SNS took, oldest first, each with the token in it."""
    taken = [asked for asked in journal if asked.operation == "Publish" and _was_done(asked)]
    taken.sort(key=lambda asked: asked.began_s)
    return [(token_in(parse_qs(asked.body.decode())["Message"][0]), asked) for asked in taken]


def unexplained(journal: Sequence[Asked], kills_s: Iterable[float], alerts: Mapping[str, Key]) -> list[str]:
    """A sentence for each text that came again outside the window. alerts: of each token, the alert's key."""
    sent: dict[Key, list[Asked]] = defaultdict(list)
    for token, asked in published(journal):
        sent[alerts[token]].append(asked)
    written = [(key, asked) for asked in journal if (key := _delivery_of(asked)) is not None]
    kills = sorted(kills_s)
    wrong = []
    for key, texts in sent.items():
        for number, (first, again) in enumerate(pairwise(texts), start=2):
            between = [each for told, each in written if told == key and first.began_s < each.began_s < again.began_s]
            if why := _outside_the_window(first, again, between, kills):
                wrong.append(f"text {number} of {key}: {why}")
    return wrong


def _outside_the_window(first: Asked, again: Asked, between: Sequence[Asked], kills_s: Sequence[float]) -> str:
    """Empty when it is inside."""
    if any(_was_told(each) and each.ended_s < again.began_s for each in between):
        return "the text before it had been written down"
    if between or not _was_told(first):  # somebody tried, and was not told that it was done
        return ""
    next_kill = bisect_left(kills_s, first.began_s)
    if next_kill < len(kills_s) and kills_s[next_kill] < again.began_s:
        return ""
    return "the answer to the one before it was not lost, nobody died, and nothing kept it from being written down"


def _was_done(asked: Asked) -> bool:
    if asked.fault in (None, Fault.LATENCY):
        return asked.status in (None, HTTPStatus.OK)  # None: whoever asked was gone when the answer came
    return asked.fault in LOST_ANSWERS


def _was_told(asked: Asked) -> bool:
    return asked.status == HTTPStatus.OK and asked.ended_s - asked.began_s < _PATIENCE_S


def _delivery_of(asked: Asked) -> Key | None:
    """The alert whose item is told of a delivery."""
    if asked.operation != "UpdateItem":
        return None
    request = json.loads(asked.body)
    if not request["UpdateExpression"].startswith("SET deliveries."):
        return None
    return request["Key"]["pk"]["S"], request["Key"]["sk"]["S"]
