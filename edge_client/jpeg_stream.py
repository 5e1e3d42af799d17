"""Cut whole JPEGs out of what a camera sends over HTTP, whatever stands between them.

Invariants: any split of the same bytes into reads gives the same pictures and the same count of torn ones; no bytes
raise; after each `feed` at most max_bytes and what one read brought are held.
"""

import re

# An 8K picture at the highest quality has some 10 MiB.
MAX_PICTURE_BYTES = 16 * 1024 * 1024
# What stands between two pictures is looked at this far back for a length.
_HEAD_BYTES = 4096

START = b"\xff\xd8\xff"
_END = b"\xff\xd9"
_LENGTH = re.compile(rb"content-length[ \t]{0,8}:[ \t]{0,8}([0-9]{1,9})[ \t]{0,8}\r?\n", re.IGNORECASE)
# In the coded data of a picture every FF is followed by 00 or by a restart marker; anything else ends it.
_MARKER_IN_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_STANDALONE = frozenset((0x01, *range(0xD0, 0xD8)))
_START_OF_IMAGE, _END_OF_IMAGE, _START_OF_SCAN = 0xD8, 0xD9, 0xDA
_NO_MARKER, _LEAST_MARKER = 0x00, 0xC0
# No picture is as short as this, and no camera appends as much.
_MOST_PADDING = 64


class JpegStream:
    """Cuts a stream of bytes into whole JPEGs, whatever stands between them and however the bytes were split.

    A JPEG tells its own end, so neither the boundary nor the part's headers are needed; a Content-Length that is
    right saves the search for it, and the first that is wrong is the last that is believed.
    """

    def __init__(self, max_bytes: int = MAX_PICTURE_BYTES) -> None:
        self._max_bytes = max_bytes
        self._buffer = bytearray()
        self._in_picture = False  # then the buffer starts with it
        self._claimed = 0  # its length by its header; 0: not known, or not believed
        self._lengths_are_right = True
        self._empty_part = False
        self._at = 0  # how far the buffer has been looked at
        self._in_scan = False
        self._had_scan = False
        self.torn = 0
        """Pictures that were empty, cut short or over the bound."""

    @property
    def held_bytes(self) -> int:
        return len(self._buffer)

    def feed(self, data: bytes) -> list[bytes]:
        """The pictures that `data` completed. Never raises, whatever the bytes."""
        self._buffer += data
        pictures: list[bytes] = []
        while True:
            if not self._in_picture and not self._find_start():
                return pictures
            length = self._length()
            if length is None:
                return pictures
            if length == 0:
                self.torn += 1
                self._leave_picture(len(START) - 1)
                continue
            pictures.append(bytes(self._buffer[:length]))
            self._leave_picture(length)

    def _find_start(self) -> bool:
        start = self._buffer.find(START, max(0, self._at - len(START) + 1))
        until = start if start >= 0 else len(self._buffer)
        claimed = 0
        for match in _LENGTH.finditer(self._buffer, max(0, self._at - _HEAD_BYTES), until):
            # A line far back is not this picture's, whether its bytes are still here or not.
            claimed = int(match[1]) if match.start() >= until - _HEAD_BYTES else 0
            if match.end() > self._at:  # not seen by an earlier call
                # A part that says it is empty, and was not followed by a picture but by the next part.
                self.torn += self._empty_part
                self._empty_part = int(match[1]) == 0
        if start < 0:
            # What may be the beginning of a start, or of the line with the length, stays.
            surplus = len(self._buffer) - _HEAD_BYTES
            if surplus > 0:
                del self._buffer[:surplus]
            self._at = len(self._buffer)
            return False
        self._claimed = claimed if self._lengths_are_right and _MOST_PADDING < claimed <= self._max_bytes else 0
        del self._buffer[:start]
        self._empty_part = False
        self._in_picture, self._in_scan, self._had_scan, self._at = True, False, False, 2
        return True

    def _leave_picture(self, length: int) -> None:
        del self._buffer[:length]
        self._in_picture, self._at = False, 0

    def _length(self) -> int | None:
        """Of the picture at the start of the buffer. None: more is needed. 0: it is torn."""
        if self._claimed:
            if len(self._buffer) < self._claimed:
                return None
            # Some cameras count the line end after the picture in.
            if _ends_whole(self._buffer[self._claimed - _MOST_PADDING : self._claimed]):
                return self._claimed
            self._claimed, self._lengths_are_right = 0, False
        length = self._walk()
        # Decided by the picture alone, not by how much of what follows has come already.
        if length is None:
            return 0 if len(self._buffer) > self._max_bytes else None
        return length if length <= self._max_bytes else 0

    def _walk(self) -> int | None:
        """Marker by marker (ITU T.81, B.1), so that a thumbnail inside does not end the picture."""
        buffer = self._buffer
        while True:
            if self._in_scan:
                match = _MARKER_IN_SCAN.search(buffer, self._at)
                # The last byte may be the first half of a marker.
                self._at, self._in_scan = match.start() if match else max(self._at, len(buffer) - 1), match is None
            if self._in_scan or len(buffer) < self._at + 2:
                return None
            marker = buffer[self._at + 1] if buffer[self._at] == 0xFF else _NO_MARKER
            if marker == 0xFF:  # a fill byte
                self._at += 1
            elif marker == _END_OF_IMAGE:
                return self._at + 2 if self._had_scan else 0  # an end without a picture before it
            elif marker in _STANDALONE:
                self._at += 2
            elif marker == _START_OF_IMAGE or marker < _LEAST_MARKER:
                return 0  # the next picture, in the middle of this one; or no JPEG at all
            else:
                if len(buffer) < self._at + 4:
                    return None
                self._at += 2 + int.from_bytes(buffer[self._at + 2 : self._at + 4], "big")
                self._in_scan = marker == _START_OF_SCAN
                self._had_scan = self._had_scan or self._in_scan


def is_whole(picture: bytes) -> bool:
    return picture.startswith(START) and _ends_whole(picture[-_MOST_PADDING:])


def _ends_whole(tail: bytes | bytearray) -> bool:
    return tail.rstrip(b"\r\n\0").endswith(_END)
