"""Real clips, encoded on the spot: a bright square moves over a grey floor, so that every frame differs; a camera."""

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from tests.footage.watching import readers
from tests.rtsp_server import RtspServer
from workbench.workflows.sites import add_camera, add_site
from workbench.workflows.workspace import Workspace

MakeClip = Callable[..., Path]

_PIXEL_FORMATS = {"gif": "rgb8", "mjpeg": "yuvj420p"}


def picture(index: int, size_wh: tuple[int, int] = (336, 64)) -> Image.Image:
    width, height = size_wh
    pixels = np.full((height, width, 3), 90, np.uint8)
    left = (index * 4) % (width - 16)
    pixels[8:24, left : left + 16] = (250, 240, 30)
    pixels[height - 8 :, :8] = (200, 0, 0)
    pixels[36:48, : 4 * (index + 1)] = (0, 0, 220)
    return Image.fromarray(pixels)


def write_clip(
    path: Path,
    *,
    codec: str = "libx264",
    frames: int = 30,
    fps: int = 10,
    times: Sequence[int] | None = None,
    rotation: int = 0,
    metadata: dict[str, str] | None = None,
    options: dict[str, str] | None = None,
) -> Path:
    """Write a clip: ``times`` are in ticks of 1/``fps`` s (else 0, 1, 2 …), ``rotation`` is counter-clockwise."""
    with av.open(str(path), "w", options=options or {}) as container:
        container.metadata.update(metadata or {})
        stream = container.add_stream(codec, rate=fps)
        stream.width, stream.height = 336, 64
        stream.pix_fmt = _PIXEL_FORMATS.get(codec, "yuv420p")
        if codec == "libx265":
            stream.options = {"x265-params": "log-level=none"}
        if codec in ("libx264", "libx265"):
            stream.gop_size = 10
        if rotation:
            stream.set_display_rotation(rotation)
        for index in range(frames):
            frame = av.VideoFrame.from_image(picture(index))
            frame.pts = times[index] if times else index
            frame.time_base = Fraction(1, fps)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.fixture
def make_clip(tmp_path: Path) -> MakeClip:
    def make(name: str = "cam.mp4", **how: object) -> Path:
        path = tmp_path / "clips" / name
        path.parent.mkdir(exist_ok=True)
        return write_clip(path, **how)  # type: ignore[arg-type]

    return make


@pytest.fixture
def workspace(workspace: Workspace) -> Workspace:
    """A workspace with the site yard and its cameras gate and dock."""
    add_site(workspace, "yard", ["clear", "truck"], actor="ann")
    for camera in ("gate", "dock"):
        add_camera(workspace, "yard", camera, actor="ann")
    return workspace


@pytest.fixture
def camera() -> Iterator[RtspServer]:
    with RtspServer() as server:
        yield server


@pytest.fixture
def no_reader_is_left() -> Iterator[None]:
    yield
    assert readers() == []
