"""Near-duplicates told by a perceptual hash of the stored picture.

The hash is pHash's (Zauner, "Implementation and benchmarking of perceptual image hash functions", 2010) with 16 x 16
frequencies: with the usual 8 x 8 a person who crosses a fixed camera's view changes no more bits than noise does. Of a
view with hardly any structure, such as a bare wall in the dark, noise decides the bits: such duplicates are left to the
embedding and to the change detection.
"""

import io
from collections.abc import Iterable
from typing import Any

import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from workbench.errors import FootageError

__all__ = ["HASH_BITS", "SAME_PICTURE_BITS", "SeenPictures", "picture_hash"]

HASH_BITS = 256
SAME_PICTURE_BITS = 10
"""Pictures this near are one picture. On fixed cameras 99 of 100 pairs of idle pictures, with their noise and their
compression, are within 10 bits, and 99 of 100 pairs in which 1 % of the view differs are further apart."""

_SIDE = 16
_WORDS = HASH_BITS // 64
_ENOUGH_PX = 256

Words = NDArray[np.uint64]


def picture_hash(jpeg: bytes) -> str:
    """Return the hash of a stored picture as 64 hexadecimal digits."""
    image: Image.Image = Image.open(io.BytesIO(jpeg))
    image.draft("L", (_ENOUGH_PX, _ENOUGH_PX))
    return str(imagehash.phash(image, hash_size=_SIDE))


class SeenPictures:
    """The hashes of one camera's pictures: those in the catalogue (``known``) and those kept since."""

    def __init__(self, known: Iterable[str] = (), *, same_bits: int = SAME_PICTURE_BITS) -> None:
        if not 0 <= same_bits < HASH_BITS:
            raise FootageError(
                expected=f"a distance of 0 to {HASH_BITS - 1} bits", found=f"{same_bits}", remedy="10 is the usual one"
            )
        rows = [_words(text) for text in known]
        self._same_bits = same_bits
        self._count = len(rows)
        self._hashes: Words = np.array(rows, np.uint64).reshape(-1, _WORDS)

    def __len__(self) -> int:
        return self._count

    def keep_if_new(self, text: str) -> bool:
        """Keep a picture's hash unless one within ``same_bits`` bits of it was seen; tell whether it was kept."""
        words = _words(text)
        distances = np.bitwise_count(self._hashes[: self._count] ^ words).sum(axis=1)
        if (distances <= self._same_bits).any():
            return False
        if self._count == len(self._hashes):
            self._hashes = np.concatenate([self._hashes, np.zeros((max(64, self._count), _WORDS), np.uint64)])
        self._hashes[self._count] = words
        self._count += 1
        return True


def _words(text: str) -> Words:
    """Return a hash's 256 bits as four numbers."""
    try:
        words: NDArray[Any] = np.frombuffer(bytes.fromhex(text), np.uint64)
    except ValueError:
        words = np.zeros(0, np.uint64)
    if len(words) != _WORDS:
        raise FootageError(
            expected="a picture's hash of 64 hexadecimal digits",
            found=repr(text),
            remedy="hash the stored picture anew",
        )
    return words
