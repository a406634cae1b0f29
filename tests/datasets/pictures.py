"""Small pictures, and what is remembered of them as if they had been compared when they were taken."""

import hashlib
import io
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache

import numpy as np
from PIL import Image

from workbench.domain import Annotation, Camera, Clip, Frame
from workbench.footage.fingerprints import picture_hash
from workbench.store import Print
from workbench.workflows.frame_looks import encoder_digest
from workbench.workflows.workspace import Workspace

__all__ = ["a_jpeg", "compare_beforehand", "say", "scene", "take"]

_WIDTH = 16


def a_jpeg(rgb: tuple[int, int, int]) -> bytes:
    """Return a bare picture of one colour."""
    buffer = io.BytesIO()
    Image.new("RGB", (32, 24), rgb).save(buffer, format="JPEG")
    return buffer.getvalue()


@cache
def scene(place: int, thing: int | None = None, *, quality: int = 90, noise: int = 0) -> bytes:
    """Return a picture of a place, with something that is somewhere else for each number; ``noise`` is the sensor's."""
    pixels = np.random.default_rng(place).integers(40, 160, (9, 12, 3)).repeat(10, axis=0).repeat(10, axis=1)
    if thing is not None:
        draw = np.random.default_rng(1000 + thing)
        top, left = draw.integers(0, 50), draw.integers(0, 80)
        pixels[top : top + 40, left : left + 40] = draw.integers(0, 255, (40, 40, 3)) // 2 + draw.integers(0, 120, 3)
    pixels = pixels + np.random.default_rng(noise).integers(-3, 4, pixels.shape)
    buffer = io.BytesIO()
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def compare_beforehand(workspace: Workspace, frames: Sequence[Frame]) -> None:
    """Remember true hashes, and embeddings that tell every picture from every other, as an ingest does."""
    encoder = encoder_digest(workspace)
    workspace.store.prints.put(
        [
            Print(frame.id, _hash_of(workspace.frame_files.read(frame.id)), _embedding(frame.id), encoder)
            for frame in frames
        ]
    )


_hash_of = cache(picture_hash)


def _embedding(frame_id: str) -> "np.ndarray[tuple[int, ...], np.dtype[np.float32]]":
    drawn = np.random.default_rng(int(frame_id[:8], 16)).normal(size=_WIDTH)
    return (drawn / np.linalg.norm(drawn)).astype(np.float32)


def take(
    workspace: Workspace,
    camera: str,
    name: str,
    started_at: datetime,
    pictures: Sequence[bytes],
    *,
    every_s: float = 1.0,
) -> list[Frame]:
    """Store a clip of ``yard`` whose stills are ``pictures``, compared as they are taken; the camera is made."""
    store, size_wh = workspace.store, (120, 90)
    clip_id = hashlib.sha256(name.encode()).hexdigest()
    store.sites.add_camera(Camera("yard", camera))
    store.footage.add_clip(Clip(clip_id, "yard", camera, name, started_at, len(pictures) * every_s, size_wh))
    frames = [
        Frame(
            workspace.frame_files.write(jpeg),
            "yard",
            camera,
            clip_id,
            name,
            place * every_s,
            started_at + timedelta(seconds=place * every_s),
            size_wh,
        )
        for place, jpeg in enumerate(pictures)
    ]
    store.footage.add_frames(frames)
    compare_beforehand(workspace, frames)
    return frames


def say(workspace: Workspace, classes: Mapping[str, str], *, who: str = "lea") -> None:
    """Let one person have said which class each frame shows, and nothing else have been said."""
    said_at = datetime(2026, 4, 1, tzinfo=UTC)
    workspace.store.labels.replace_annotations(
        "yard",
        [
            Annotation(frame_id, class_name, f"A {class_name} by the gate.", who, said_at, number)
            for number, (frame_id, class_name) in enumerate(classes.items())
        ],
    )
