"""How well visits and texts fit what happened in a clip.

    python -m tests.alert_exam

prints it for one-by-one-person.mp4, in which six persons come into an empty room one after the other, 2.7 to 6 s
apart: what two models saw at one frame a second (tests/events), under several settings.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from tests.recorded_clips import PRESENT_S, alerts_s, replayed, spans_s

Span = tuple[float, float]

# Presences are noted by eye to half a second, and frames are a second apart.
SLACK_S = 1.0


@dataclass(frozen=True, slots=True)
class Score:
    """visits, texts: for each true presence, how many visits overlap it and how many texts were of it.

    false_visits, false_texts: those of no presence. delays_s: from the moment somebody came in to the first frame
    that was told, for each presence that was told.
    """

    visits: tuple[int, ...]
    texts: tuple[int, ...]
    false_visits: int
    false_texts: int
    delays_s: tuple[float, ...]

    @property
    def told(self) -> int:
        return sum(n > 0 for n in self.texts)


def score(visits: Sequence[Span], texts: Sequence[float], present: Sequence[Span]) -> Score:
    """All in seconds of the clip: visits from first to last sighting, texts by the capture of their frame."""
    of_presence = [[t for t in texts if a - SLACK_S <= t <= b + SLACK_S] for a, b in present]
    return Score(
        visits=tuple(sum(_meets(visit, presence) for visit in visits) for presence in present),
        texts=tuple(len(found) for found in of_presence),
        false_visits=sum(not any(_meets(visit, presence) for presence in present) for visit in visits),
        false_texts=sum(not any(a - SLACK_S <= t <= b + SLACK_S for a, b in present) for t in texts),
        delays_s=tuple(round(min(found) - a, 1) for (a, _), found in zip(present, of_presence, strict=True) if found),
    )


def recorded_score(name: str, *, gap_s: float, cool_down_s: float, min_confidence: float) -> tuple[int, Score]:
    """How many visits there were, and the score of what was recorded of one-by-one-person.mp4."""
    world = replayed(name, gap_s=gap_s, cool_down_s=cool_down_s, min_confidence=min_confidence)
    spans = spans_s(world, "Person")
    return len(spans), score(spans, alerts_s(world), PRESENT_S)


def _meets(visit: Span, presence: Span) -> bool:
    return visit[0] <= presence[1] + SLACK_S and visit[1] >= presence[0] - SLACK_S


def main() -> None:
    print(
        "| model | gap_s | cool_down_s | min_confidence | visits | texts | of the six, told | false texts | delay |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    models = (("SSD MobileNet v2", "one-by-one-ssd"), ("yolox_nano_416", "one-by-one-yolox"))
    for (model, name), gap_s, cool_down_s, confidence in product(models, (2, 3, 30), (0, 60), (50, 80)):
        visits, found = recorded_score(name, gap_s=gap_s, cool_down_s=cool_down_s, min_confidence=confidence)
        texts = sum(found.texts) + found.false_texts
        delay = f"{min(found.delays_s):g} to {max(found.delays_s):g} s"
        row = (model, gap_s, cool_down_s, confidence, visits, texts, found.told, found.false_texts, delay)
        print("| " + " | ".join(map(str, row)) + " |")


if __name__ == "__main__":
    main()
