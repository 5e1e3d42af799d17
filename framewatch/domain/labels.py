"""What was seen in a frame, and whether a watch-list word means it."""

from collections.abc import Iterable
from dataclasses import dataclass

from framewatch.domain.frames import BoxXYXYRel


def fold(name: str) -> str:
    """The form in which label names are compared and indexed: case and outer or doubled blanks do not count."""
    return " ".join(name.split()).casefold()


@dataclass(frozen=True, slots=True)
class Instance:
    """One object of a label. confidence: percent, 0..100."""

    box_xyxy_rel: BoxXYXYRel
    confidence: float


@dataclass(frozen=True, slots=True)
class Label:
    """One label of a frame, as Rekognition's DetectLabels gives it. confidence: percent, 0..100."""

    name: str
    confidence: float
    instances: tuple[Instance, ...] = ()
    parents: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()

    @property
    def names_folded(self) -> frozenset[str]:
        """Every name under which this label can be watched or searched: its own, its aliases, its parents."""
        return frozenset(fold(n) for n in (self.name, *self.aliases, *self.parents))


@dataclass(frozen=True, slots=True)
class Sighting:
    """A watched word met in a frame: the most confident label that it means."""

    watch_label: str
    label: Label

    @property
    def confidence(self) -> float:
        return self.label.confidence


def find_sightings(labels: Iterable[Label], watch_labels: Iterable[str]) -> list[Sighting]:
    """Which of the watched words are in the frame, each once, with its most confident label.

    A watch on `Vehicle` meets a `Car` (its parent), one on `Human` a `Person` (its alias).
    A label of exactly the watched name wins over one of equal confidence that is only its child.
    """
    seen = list(labels)
    sightings = []
    for word in watch_labels:
        folded = fold(word)
        meant = [label for label in seen if folded in label.names_folded]
        if meant:
            best = max(meant, key=lambda label: (label.confidence, fold(label.name) == folded, label.name))
            sightings.append(Sighting(word, best))
    return sightings
