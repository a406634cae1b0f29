"""Damaged footage gives one sentence or what is left of it: never a crash, a hang, or something left behind."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import ExifTags, Image

from tests.footage.clips import encode, noisy_scene

VARIANTS = 60
LONGEST_S = 300.0
DEMO = Path(__file__).parents[2] / "data" / "demo"
CODECS = {
    "mp4": ("a.mp4", "libx264", {"g": "10"}),
    "ts": ("a.ts", "libx264", {"g": "10"}),
    "mkv": ("a.mkv", "libx265", {"x265-params": "log-level=none:keyint=10"}),
    "avi": ("a.avi", "mjpeg", {}),
    "gif": ("a.gif", "gif", {}),
    "webm": ("a.webm", "libvpx-vp9", {"deadline": "realtime", "cpu-used": "8", "g": "10"}),
}


@pytest.mark.parametrize("seed", range(5))
def test_damaged_footage_gives_a_sentence_or_what_is_left_of_it(tmp_path: Path, seed: int) -> None:
    clips, left = tmp_path / "clips", tmp_path / "left"
    clips.mkdir()
    left.mkdir()
    for name, codec, options in CODECS.values():
        encode(clips / name, noisy_scene((96, 64), 24, seed=seed), codec=codec, options=options)
    picture = Image.fromarray(noisy_scene((96, 64), 1, seed=seed)[0])
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = "2026:03:02 08:00:00"
    for suffix in ("jpg", "png", "webp"):
        picture.convert("RGB").save(clips / f"a.{suffix}", exif=exif)
    shutil.copy(sorted(DEMO.glob("*.mp4"))[seed], clips)
    command = [sys.executable, "-W", "error", "-m", "tests.footage.fuzzing", str(clips), str(seed), str(VARIANTS)]

    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=LONGEST_S,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "TMPDIR": str(left)},
    )

    assert done.returncode == 0, f"{done.stdout[-300:]}\n{done.stderr[-3000:]}"
    assert len(done.stdout.splitlines()) == VARIANTS
    assert "Expected" in done.stdout
    assert " stills" in done.stdout
    assert list(left.iterdir()) == []
