"""Whether a model on this box sees anything in a frame that is watched. Off unless the edge file asks for it.

Invariants: a frame is held up for PATIENCE_S at most; whatever goes wrong, the frame is not screened out; each kind
of trouble is told once, and every frame it concerns is counted.
"""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from edge_client.jpeg import FrameBGR
from edge_client.screen_settings import ScreenSettings, Verdict
from framewatch.adapters.vision.base import Detection, ObjectDetector
from framewatch.adapters.vision.load import load_detector
from framewatch.domain.errors import PermanentError
from framewatch.domain.labels import fold

# Twice what the slower model takes on one slow core. The next frame is a second away.
PATIENCE_S = 1.0
_MESSAGE_CHARS = 300
_UNSCREENED = "Put that right on this box, or in the edge file's `screen`; until then every frame goes unscreened."


class Screen:
    """One camera's. Not for several threads; the model works in one of its own."""

    def __init__(
        self,
        settings: ScreenSettings,
        on_trouble: Callable[[str], None],
        *,
        load: Callable[[ScreenSettings], ObjectDetector] | None = None,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._labels = frozenset(map(fold, settings.labels))
        self._min_confidence = settings.min_confidence
        self._on_trouble = on_trouble
        self._patience_s = patience_s
        self._told: set[str] = set()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="screen")
        self._model = self._thread.submit(load or _load, settings)
        self._looking: Future[list[Detection]] | None = None

    def look(self, frame_bgr: FrameBGR) -> Verdict:
        """frame_bgr: uint8 (H, W, 3); it is not changed."""
        if not self._model.done():
            return Verdict.NOT_ASKED
        try:
            model = self._model.result()
            if self._looking is not None and not self._looking.done():
                raise TimeoutError
            self._looking = self._thread.submit(model.detect, frame_bgr, self._min_confidence)
            found = self._looking.result(self._patience_s)
        except TimeoutError:
            return self._failed(f"its model takes longer than {self._patience_s:g} s; use a smaller one")
        except PermanentError as error:
            return self._failed(str(error))
        except Exception as error:  # noqa: BLE001 - whatever a model does, the camera goes on
            return self._failed(f"its model failed ({type(error).__name__})")
        return Verdict.SEEN if any(thing.class_name in self._labels for thing in found) else Verdict.NOTHING

    def _failed(self, why: str) -> Verdict:
        if why not in self._told:
            self._told.add(why)
            self._on_trouble(f"the screen is passed over: {why[:_MESSAGE_CHARS]}")
        return Verdict.FAILED


def try_screen(
    settings: ScreenSettings, frame_bgr: FrameBGR, *, load: Callable[[ScreenSettings], ObjectDetector] | None = None
) -> tuple[bool, str]:
    """Whether it works on this box, and a line that says how, or what is wrong and what to do."""
    try:
        model = (load or _load)(settings)
        model.detect(frame_bgr, settings.min_confidence)  # the first takes longer than any other
        started_s = time.monotonic()
        found = model.detect(frame_bgr, settings.min_confidence)
        took_s = time.monotonic() - started_s
    except PermanentError as error:
        return False, f"screen: {str(error)[:_MESSAGE_CHARS]}. {_UNSCREENED}"
    except Exception as error:  # noqa: BLE001 - as in the service
        return False, f"screen: its model {settings.model} failed ({type(error).__name__}). {_UNSCREENED}"
    said = f"screen: {model.name} takes {took_s * 1000:.0f} ms a picture"
    if took_s > PATIENCE_S:
        return False, f"{said}, and a frame waits {PATIENCE_S:g} s for it: use a smaller one. {_UNSCREENED}"
    labels = frozenset(map(fold, settings.labels))
    seen = sorted({thing.class_name for thing in found} & labels)
    return True, f"{said}; this one shows {', '.join(seen) or 'none of its labels'}"


def _load(settings: ScreenSettings) -> ObjectDetector:
    return load_detector(settings.model, sha256=settings.sha256)
