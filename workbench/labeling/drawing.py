"""Which frames are drawn for something: by their ids alone, so that it stays the same whatever comes and goes."""

import hashlib

__all__ = ["is_drawn", "place_of"]


def place_of(frame_id: str, purpose: str) -> float:
    """Return a number from 0 to 1 that is even over frames, and for another ``purpose`` independent."""
    digest = hashlib.sha256(f"{purpose}\n{frame_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def is_drawn(frame_id: str, purpose: str, share: float) -> bool:
    """Tell whether the frame is among the ``share`` of all; a larger share keeps those of a smaller one."""
    return place_of(frame_id, purpose) < share
