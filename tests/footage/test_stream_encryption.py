"""A camera that speaks TLS: a real RTSP server with a certificate that it signed itself."""

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from tests.rtsp_server import RtspServer, write_certificate
from workbench.errors import FootageError
from workbench.footage.stream_messages import LiveStill
from workbench.footage.stream_reading import Reading


def stills(url: str) -> Iterator[LiveStill]:
    messages = Reading(url, every_s=0.5, duration_s=None, timeout_s=60.0).messages()
    return (message for message in messages if isinstance(message, LiveStill))


def test_a_camera_with_a_certificate_of_its_own_is_sampled_and_what_it_refuses_is_told(tmp_path: Path) -> None:
    with RtspServer("ann", "s3cret", certificate=write_certificate(tmp_path / "camera.pem")) as camera:
        url = camera.url("/live", userinfo="ann:s3cret@")
        offsets_s = [still.offset_s for still in islice(stills(url), 2)]
        for refused, told in (
            (camera.url("/live", userinfo="ann:wr0ng@"), "that user and password are refused"),
            (url.replace("rtsps:", "rtsp:"), "whether the camera speaks TLS there"),
        ):
            with pytest.raises(FootageError, match=told) as caught:
                next(stills(refused))
            assert not re.search("s3cret|wr0ng|ann:", str(caught.value))

    assert url.startswith("rtsps:")
    assert offsets_s == pytest.approx([0.0, 0.5], abs=0.2)


def test_an_encrypted_address_of_a_camera_that_speaks_in_the_clear_is_told(camera: RtspServer) -> None:
    with pytest.raises(FootageError, match=r"that the connection broke; check .* whether the camera speaks TLS there"):
        next(stills(camera.url("/live").replace("rtsp:", "rtsps:")))
