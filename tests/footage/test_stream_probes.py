"""What a stream shows when it is tried out."""

import io
import socket
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from tests.footage.cameras import jpeg_camera, served, silent_camera
from tests.rtsp_server import RtspServer
from workbench.domain import Camera, Mask
from workbench.errors import FootageError
from workbench.footage.privacy import covered
from workbench.footage.streams import probe_stream

pytestmark = pytest.mark.usefixtures("no_reader_is_left")


def test_a_probe_shows_what_a_camera_is(camera: RtspServer) -> None:
    probe = probe_stream(camera.url("/live"), timeout_s=300.0)

    assert (probe.size_wh, probe.codec_name, probe.announced_fps) == ((320, 180), "h264", 10.0)
    assert Image.open(io.BytesIO(probe.jpeg.content)).size == (320, 180)
    assert 0 < probe.first_picture_s < 300


def test_a_probe_shows_nothing_of_what_its_camera_hides() -> None:
    left_half = Mask(((0, 0), (0.5, 0), (0.5, 1), (0, 1)))
    with jpeg_camera(10_000) as place:
        prepare = partial(covered, camera=Camera("yard", "gate", (left_half,)))
        hidden = probe_stream(f"http://{place}/", timeout_s=300.0, prepare=prepare)
        small = probe_stream(f"http://{place}/", timeout_s=300.0, prepare=partial(ImageOps.scale, factor=0.5))
    pixels = np.asarray(Image.open(io.BytesIO(hidden.jpeg.content)))

    assert pixels[:, :160].max() < 12
    assert pixels[:, 180:].mean() > 40
    assert (small.jpeg.size_wh, small.size_wh, hidden.size_wh) == ((168, 32), (336, 64), (336, 64))


def test_a_probe_says_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("<html><body>A camera's own page</body></html>" * 20)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        refused = f"127.0.0.1:{listener.getsockname()[1]}"

    with served(tmp_path) as place, silent_camera() as silent:
        for url, found, timeout_s in (
            (f"rtsp://ann:s3cret@{refused}/1", "found connection refused", 300.0),
            ("rtsp://ann:s3cret@no-such-camera.invalid/1", "found no host of this name", 300.0),
            (f"rtsp://ann:s3cret@{silent}/1", "found no picture for 1 s", 1.0),
            (f"http://ann:s3cret@{place}/none.mjpg", "found no stream of this path", 300.0),
            (f"http://ann:s3cret@{place}/page.html", "found no video that can be read", 300.0),
            ("cam-7/s3cret", "found none of rtsp://", 300.0),
        ):
            with pytest.raises(FootageError, match=found) as caught:
                probe_stream(url, timeout_s=timeout_s)

            assert "s3cret" not in str(caught.value)
            assert "\n" not in str(caught.value)
