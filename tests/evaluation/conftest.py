"""A site with a stored dataset, newer footage and a base that is small enough to be asked in a test."""

import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.tuning.conftest import CAPTIONS, CLASS_NAMES, base_dir, one_thread
from workbench.datasets import Manifest, ManifestRow, save_dataset
from workbench.domain import Camera, Clip, DatasetVersion, Frame, Site, Split, utc_now
from workbench.progress import silent
from workbench.settings import Settings
from workbench.workflows.workspace import Workspace

__all__ = ["base_dir", "harbour", "one_thread"]

START = datetime(2026, 3, 1, tzinfo=UTC)
SIZE_WH = (64, 36)
CLIP_SPLITS = (*[Split.TRAIN] * 5, Split.VALIDATION, Split.TEST, Split.TEST)
NEWER_CLIPS = 5
FRAMES_PER_CLIP = 5


@pytest.fixture
def harbour(tmp_path: Path, base_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """Cameras dock (labelled, then newer footage that is much brighter) and gate (nothing yet)."""
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("WORKBENCH_BASE_MODEL", str(base_dir))
    workspace = Workspace.open(Settings.load())
    workspace.store.sites.add(Site("harbour", CLASS_NAMES))
    for camera in ("dock", "gate"):
        workspace.store.sites.add_camera(Camera("harbour", camera))
    labelled = [_clip(workspace, place, brightness=0) for place in range(len(CLIP_SPLITS))]
    for place in range(len(CLIP_SPLITS), len(CLIP_SPLITS) + NEWER_CLIPS):
        _clip(workspace, place, brightness=110)
    workspace.store.datasets.add(_version(workspace, labelled))
    yield workspace
    workspace.store.close()


def _clip(workspace: Workspace, place: int, *, brightness: int) -> list[Frame]:
    started_at = START + timedelta(minutes=place)
    clip = Clip(f"{place:064x}", "harbour", "dock", f"dock_{place}.mp4", started_at, 10.0, SIZE_WH)
    workspace.store.footage.add_clip(clip)
    frames = []
    for second in range(FRAMES_PER_CLIP):
        frame_id = workspace.frame_files.write(_jpeg(place, second, brightness))
        taken_at = started_at + timedelta(seconds=second)
        frames.append(Frame(frame_id, "harbour", "dock", clip.id, clip.name, float(second), taken_at, SIZE_WH))
    workspace.store.footage.add_frames(frames)
    return frames


def _jpeg(place: int, second: int, brightness: int) -> bytes:
    rng = np.random.default_rng(100 * place + second)
    pixels = rng.integers(20, 70, (SIZE_WH[1], SIZE_WH[0], 3)) + brightness
    if (place + second) % 2:
        pixels[12:30, 20:50] += 70
    jpeg = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(jpeg, "JPEG", quality=90)
    return jpeg.getvalue()


def _version(workspace: Workspace, clips: list[list[Frame]]) -> DatasetVersion:
    rows = tuple(
        ManifestRow(
            frame_id=frame.id,
            camera=frame.camera,
            clip_id=frame.clip_id,
            clip_name=frame.clip_name,
            offset_s=frame.offset_s,
            taken_at=frame.taken_at,
            class_name=CLASS_NAMES[(place + second) % 2],
            caption=CAPTIONS[(place + second) % 2],
            split=split,
            annotators=("ada",),
        )
        for place, (frames, split) in enumerate(zip(clips, CLIP_SPLITS, strict=True))
        for second, frame in enumerate(frames)
    )
    manifest = Manifest("harbour", CLASS_NAMES, rows)
    path = save_dataset(manifest, workspace.settings.datasets_dir, {}, progress=silent)
    counts = {split: len(manifest.of(split)) for split in Split}
    return DatasetVersion(manifest.id, "harbour", None, str(path), counts, utc_now())
