"""Pictures that nobody's camera takes: made by hand, a few bytes for any size (ITU-T T.81; PNG, third edition)."""

import struct
import zlib
from collections.abc import Iterator

from framewatch.adapters.vision.images import MAX_SCANS

SOI, EOI = b"\xff\xd8", b"\xff\xd9"
# Every block has the same two symbols, each coded as one 0 bit: all blocks are zero, and so is all coded data.
_DC_ZERO, _AC_END = 0x00, 0x00
_LONGEST_END_OF_BAND = 0xE0  # progressive: 2^14 to 2^15-1 blocks without a coefficient
_MOST_BLOCKS = 32_767


def segment(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(body) + 2) + body


def _huffman(kind: int, symbol: int) -> bytes:
    """A table with one symbol, of one bit. kind: 0x00 for DC, 0x10 for AC."""
    return segment(0xC4, bytes((kind, 1)) + bytes(15) + bytes((symbol,)))


def _frame(marker: int, width: int, height: int, components: int) -> bytes:
    parts = b"".join(bytes((n + 1, 0x11, 0)) for n in range(components))
    return segment(marker, struct.pack(">BHHB", 8, height, width, components) + parts)


def _scan(components: Iterator[int] | range, first: int, last: int) -> bytes:
    chosen = b"".join(bytes((n + 1, 0x00)) for n in components)
    return segment(0xDA, bytes((len(chosen) // 2,)) + chosen + bytes((first, last, 0)))


def _head(components: int) -> bytes:
    adobe = segment(0xEE, b"Adobe" + struct.pack(">HHHB", 100, 0, 0, 0)) if components == 4 else b""
    return SOI + adobe + segment(0xDB, b"\0" + b"\1" * 64) + _huffman(0x00, _DC_ZERO)


def _blocks(width: int, height: int) -> int:
    return -(-width // 8) * -(-height // 8)


def plain_jpeg(width: int, height: int, components: int = 3, most_bytes: int = 4_000_000) -> bytes:
    """Grey all over; 4 components: CMYK. Larger than most_bytes of data: cut short, which decoders fill up."""
    data = bytes(min(most_bytes, -(-2 * components * _blocks(width, height) // 8)))
    head = _head(components) + _huffman(0x10, _AC_END) + _frame(0xC0, width, height, components)
    return head + _scan(range(components), 0, 63) + data + EOI


def progressive_jpeg(width: int, height: int, scans: int, components: int = 3) -> bytes:
    """Grey all over, in 1 + `scans` passes over every block."""
    blocks = _blocks(width, height)
    head = _head(components) + _huffman(0x10, _LONGEST_END_OF_BAND) + _frame(0xC2, width, height, components)
    dc = _scan(range(components), 0, 0) + bytes(-(-components * blocks // 8))
    # Symbol 0, then 14 bits: 0 + 1...1 is as many blocks as one run can say.
    run, left = "", blocks
    while left > 0:
        run += "0" + format(min(left, _MOST_BLOCKS) - 2**14 if left > 2**14 else 0, "014b")
        left -= min(max(left, 2**14), _MOST_BLOCKS)
    run += "1" * (-len(run) % 8)
    coded = int(run, 2).to_bytes(len(run) // 8, "big").replace(b"\xff", b"\xff\0")
    return (
        head
        + dc
        + b"".join(_scan(range(n % components, n % components + 1), 1, 63) + coded for n in range(scans))
        + EOI
    )


def resized(jpeg: bytes, width: int, height: int) -> bytes:
    """The same file, its header saying another size."""
    at = next(n for n in range(len(jpeg)) if jpeg[n] == 0xFF and jpeg[n + 1] in (0xC0, 0xC2))
    return jpeg[: at + 5] + struct.pack(">HH", height, width) + jpeg[at + 9 :]


def turned(jpeg: bytes, orientation: int) -> bytes:
    """With an Exif orientation, 1 to 8."""
    tiff = b"II*\0" + struct.pack("<IH", 8, 1) + struct.pack("<HHIHHI", 0x0112, 3, 1, orientation, 0, 0)
    return jpeg[:2] + segment(0xE1, b"Exif\0\0" + tiff) + jpeg[2:]


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def plain_png(
    width: int, height: int, *, bits: int = 8, alpha: bool = False, interlaced: bool = False, whole: bool = True
) -> bytes:
    """Black. whole: with all of its rows, a thousandth of their size; else with none."""
    header = struct.pack(">IIBBBBB", width, height, bits, 6 if alpha else 2, 0, 0, int(interlaced))
    packer = zlib.compressobj(1)
    row = bytes(1 + width * (4 if alpha else 3) * bits // 8)
    packed = b"".join(packer.compress(row) for _ in range(height if whole else 0)) + packer.flush()
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", packed) + _chunk(b"IEND", b"")


def _chunk_of_4_gb() -> bytes:
    png = plain_png(90, 90)
    at = png.index(b"IDAT") - 4
    return png[:at] + b"\xff\xd9\x01\x32" + png[at + 4 :]


def bombs() -> dict[str, bytes]:
    """Each at most 5 MiB, what a DetectLabels request takes."""
    small = plain_jpeg(160, 120)
    return {
        "65,535 pixels a side, by its header": resized(small, 65_535, 65_535),
        "30,000 pixels a side": plain_jpeg(30_000, 30_000),
        "30,000 pixels a side, progressive": progressive_jpeg(30_000, 30_000, 3),
        "10,000 pixels a side": plain_jpeg(10_000, 10_000),
        "10,000 pixels a side, progressive": progressive_jpeg(10_000, 10_000, 10),
        "10,000 pixels a side, in as many scans as are taken": progressive_jpeg(10_000, 10_000, MAX_SCANS - 1),
        "8,000 pixels a side, in as many scans as are taken": progressive_jpeg(8_000, 8_000, MAX_SCANS - 1),
        "10,000 pixels a side, CMYK": plain_jpeg(10_000, 10_000, 4),
        "thousands of scans": progressive_jpeg(4_000, 4_000, 20_000),
        "thousands of scans of a small picture": progressive_jpeg(640, 480, 200_000),
        "a million empty segments": small[:2] + b"\xff\xfe\0\2" * 1_200_000 + small[2:],
        "millions of fill bytes": small[:2] + b"\xff" * 5_000_000 + small[2:],
        "PNG of 60,000 pixels a side, by its header": plain_png(60_000, 50_000, whole=False),
        "PNG of a chunk of 4 GB, by its header": _chunk_of_4_gb(),
        "PNG of 8,000 pixels a side, 16 bits": plain_png(8_000, 8_000, bits=16, alpha=True),
        "PNG of 8,000 pixels a side, interlaced": plain_png(8_000, 8_000, interlaced=True),
    }


def suffix_of(data: bytes) -> str:
    return ".png" if data.startswith(b"\x89PNG") else ".jpg"
