"""What `framewatch-edge gate` draws: a contact sheet or a video of the frames that the gate was asked about."""

from pathlib import Path

import cv2
import numpy as np

from edge_client.gate_settings import GateDecision
from edge_client.jpeg import FrameBGR

_TILE_WIDTH_PX, _COLUMNS = 240, 8
_TILES_A_SHEET = 240
_VIDEO_WIDTH_PX, _VIDEO_FPS = 960, 4.0
_SENT_BGR, _WITHHELD_BGR = (60, 60, 255), (0, 220, 255)
_SENT_TEXT_BGR, _WITHHELD_TEXT_BGR = (255, 255, 255), (150, 150, 150)


class CannotWrite(Exception):
    def __init__(self, path: Path) -> None:
        super().__init__(f"cannot write {path}; check the folder, its rights and the space on the disk")


def _picture(frame_bgr: FrameBGR, decision: GateDecision, caption: str, width_px: int) -> FrameBGR:
    """Small, in colour where sent, with its boxes and a line of text below."""
    height, width = frame_bgr.shape[:2]
    height_px = max(1, round(height * width_px / width))
    small = cv2.resize(frame_bgr, (width_px, height_px), interpolation=cv2.INTER_AREA)
    if not decision.send:
        small = cv2.cvtColor(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    scale = max(1, width_px // 480)
    for left, top, right, bottom in decision.boxes_xyxy_rel:
        top_left = round(left * width_px), round(top * height_px)
        bottom_right = round(right * width_px), round(bottom * height_px)
        cv2.rectangle(small, top_left, bottom_right, _SENT_BGR if decision.send else _WITHHELD_BGR, scale)
    strip = np.zeros((18 * scale, width_px, 3), np.uint8)
    colour = _SENT_TEXT_BGR if decision.send else _WITHHELD_TEXT_BGR
    cv2.putText(strip, caption, (4, 13 * scale), cv2.FONT_HERSHEY_SIMPLEX, 0.4 * scale, colour, scale, cv2.LINE_AA)
    return np.vstack([small, strip]).astype(np.uint8, copy=False)


class Sheet:
    """More frames than fit go on further sheets: name-2.png, name-3.png."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._tiles: list[FrameBGR] = []
        self.written: list[Path] = []

    def add(self, frame_bgr: FrameBGR, decision: GateDecision, caption: str) -> None:
        self._tiles.append(_picture(frame_bgr, decision, caption, _TILE_WIDTH_PX))
        if len(self._tiles) == _TILES_A_SHEET:
            self.close()

    def close(self) -> None:
        if not self._tiles:
            return
        height = max(tile.shape[0] for tile in self._tiles)
        rows = -(-len(self._tiles) // _COLUMNS)
        sheet = np.zeros((rows * height, min(len(self._tiles), _COLUMNS) * _TILE_WIDTH_PX, 3), np.uint8)
        for number, tile in enumerate(self._tiles):
            y, x = number // _COLUMNS * height, number % _COLUMNS * _TILE_WIDTH_PX
            sheet[y : y + tile.shape[0], x : x + _TILE_WIDTH_PX] = tile
        self._tiles = []
        path = self._path
        if self.written:
            path = path.with_name(f"{path.stem}-{len(self.written) + 1}{path.suffix}")
        if not cv2.imwrite(str(path), sheet):
            raise CannotWrite(path)
        self.written.append(path)


class Video:
    """A frame is a quarter of a second, whatever time lay between them. MJPEG in .avi, MPEG-4 in .mp4."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer: cv2.VideoWriter | None = None
        self._size_wh = (0, 0)
        self.written: list[Path] = []

    def add(self, frame_bgr: FrameBGR, decision: GateDecision, caption: str) -> None:
        picture = _picture(
            frame_bgr, decision, caption, min(_VIDEO_WIDTH_PX, max(_TILE_WIDTH_PX, frame_bgr.shape[1]))
        )
        if self._writer is None:
            height, width = (side // 2 * 2 for side in picture.shape[:2])  # encoders want even sides
            self._size_wh = (width, height)
            codec = cv2.VideoWriter.fourcc(*("MJPG" if self._path.suffix.lower() == ".avi" else "mp4v"))
            self._writer = cv2.VideoWriter(str(self._path), codec, _VIDEO_FPS, self._size_wh)
            if not self._writer.isOpened():
                raise CannotWrite(self._path)
            self.written.append(self._path)
        if picture.shape[:2] != self._size_wh[::-1]:
            picture = cv2.resize(picture, self._size_wh).astype(np.uint8, copy=False)
        self._writer.write(picture)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.release()
