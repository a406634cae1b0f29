"""What a file holds, told from its first bytes, as a name may say something else."""

from enum import StrEnum

__all__ = ["HEAD_BYTES", "PICTURE_SUFFIXES", "VIDEO_SUFFIXES", "Content", "content_of"]

HEAD_BYTES = 400

_VIDEO = "3gp asf avi flv gif h264 h265 hevc m4v mjpeg mjpg mkv mov mp4 mpeg mpg mts ts webm wmv"
_PICTURE = "avif bmp heic jpe jpeg jpg png tif tiff webp"
VIDEO_SUFFIXES = frozenset(f".{suffix}" for suffix in _VIDEO.split())
PICTURE_SUFFIXES = frozenset(f".{suffix}" for suffix in _PICTURE.split())


class Content(StrEnum):
    VIDEO = "video"
    PICTURE = "picture"


_SIGNATURES = (
    (0, b"\xff\xd8\xff", Content.PICTURE),  # JPEG
    (0, b"\x89PNG\r\n\x1a\n", Content.PICTURE),
    (0, b"II*\0", Content.PICTURE),  # TIFF
    (0, b"MM\0*", Content.PICTURE),
    (8, b"WEBP", Content.PICTURE),
    (8, b"AVI ", Content.VIDEO),
    (0, b"GIF8", Content.VIDEO),
    (0, b"\x1aE\xdf\xa3", Content.VIDEO),  # Matroska, WebM
    (0, b"FLV\x01", Content.VIDEO),
    (0, b"0&\xb2u\x8ef\xcf\x11", Content.VIDEO),  # ASF, WMV
    (0, b"\0\0\x01\xba", Content.VIDEO),  # MPEG program stream
    (0, b"\0\0\x01\xb3", Content.VIDEO),  # MPEG video
    (4, b"ftyp", Content.VIDEO),  # MP4, QuickTime, 3GP
    (4, b"moov", Content.VIDEO),
    (4, b"mdat", Content.VIDEO),
)
_STILL_BRANDS = (b"avif", b"heic", b"heix", b"mif1")
_TS_PACKET = 188


def content_of(head: bytes, suffix: str) -> Content | None:
    """Return what a file with the first bytes ``head`` (:data:`HEAD_BYTES` of them) holds, None for no footage.

    Bytes without a signature of their own, such as those of a raw stream, are what the name's ``suffix`` says.
    """
    if head[4:8] == b"ftyp" and head[8:12] in _STILL_BRANDS:
        return Content.PICTURE
    if head[:2] == b"BM" and head[6:10] == bytes(4):
        return Content.PICTURE
    for start, signature, content in _SIGNATURES:
        if head[start : start + len(signature)] == signature:
            return content
    if len(head) > 2 * _TS_PACKET and head[::_TS_PACKET][:3] == b"GGG":
        return Content.VIDEO
    if suffix.lower() in VIDEO_SUFFIXES:
        return Content.VIDEO
    return Content.PICTURE if suffix.lower() in PICTURE_SUFFIXES else None
