"""A real RTSP server that a test may kill, freeze and start again; ``make test`` installs what it needs."""

import os
import signal
import subprocess
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.services import free_port

_PYTHON = "/usr/bin/python3"
_PIPELINE = Path(__file__).with_name("rtsp_pipeline.py")


def write_certificate(path: Path) -> Path:
    """Write a certificate such as a camera makes for itself, and its key, to one PEM file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "camera")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    as_text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(as_text + certificate.public_bytes(Encoding.PEM))
    return path


class RtspServer:
    """A camera at ``url("/live")``; entered, it runs, also after it was killed and started again.

    With ``certificate`` (PEM, with its key) and credentials it speaks TLS alone.
    """

    def __init__(self, *credentials: str, certificate: Path | None = None) -> None:
        self._port = free_port()
        self._options = ["--login", *credentials] if credentials else []
        self._scheme = "rtsp"
        if certificate is not None:
            self._options += ["--certificate", str(certificate)]
            self._scheme = "rtsps"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.kill()

    def url(self, path: str, *, userinfo: str = "") -> str:
        return f"{self._scheme}://{userinfo}127.0.0.1:{self._port}{path}"

    def start(self) -> None:
        _require_gstreamer()
        argv = [_PYTHON, "-I", str(_PIPELINE), str(self._port), *self._options]
        self._process = subprocess.Popen(argv, stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"ready\n"

    def kill(self) -> None:
        """End it as a power cut would: without a word to those who watch."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)


@cache
def _gstreamer_misses() -> str:
    probe = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer"
    try:
        return subprocess.run([_PYTHON, "-I", "-c", probe], capture_output=True, text=True, check=False).stderr
    except FileNotFoundError:
        return f"no {_PYTHON}"


def _require_gstreamer() -> None:
    if (misses := _gstreamer_misses()) and "CI" not in os.environ:
        pytest.skip(f"GStreamer's RTSP server is not installed (make rtsp-server): {misses.splitlines()[-1]}")
    assert not misses
