"""The real web application as a process of its own, on a small workspace, and the browser to look at it with."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from workbench.domain import Clip, Frame, Role
from workbench.settings import Settings, quiet_environment
from workbench.workflows.accounts import add_user
from workbench.workflows.sites import add_camera, add_site
from workbench.workflows.workspace import Workspace

PASSWORDS = {"ada": "ada-has-a-password", "lin": "lin-has-a-password", "rosa": "rosa-has-a-password"}
ROLES = {"ada": Role.ENGINEER, "lin": Role.LABELLER, "rosa": Role.REVIEWER}
SITE = "yard"
START_LIMIT_S = 240.0
PATIENCE_S = 120.0
"""Longest wait for one answer, for machines that are busy with other things."""


@dataclass(frozen=True)
class App:
    """A running web application and the workspace behind it."""

    url: str
    workspace: Workspace

    @property
    def settings(self) -> Settings:
        return self.workspace.settings


@pytest.fixture(scope="session")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    port = _free_port()
    settings = Settings.load(home=tmp_path_factory.mktemp("ui"), ui_port=port, session_key="s" * 64, media_key="m" * 64)
    workspace = Workspace.open(settings)
    _fill(workspace)
    log_path = settings.home / "ui.log"
    with log_path.open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", _SERVE], env=_environment(settings), stdout=log, stderr=log
        )
    try:
        _wait_for(f"{settings.ui_url}/health", process, log_path)
        yield App(settings.ui_url, workspace)
    finally:
        process.terminate()
        process.wait(timeout=20)
        workspace.store.close()


@pytest.fixture
def nobody(app: App) -> Iterator[httpx.Client]:
    """A client that has not signed in."""
    with httpx.Client(base_url=app.url, timeout=PATIENCE_S) as client:
        yield client


@pytest.fixture
def sign_in(app: App) -> Iterator[Callable[[str], httpx.Client]]:
    """Return a function that gives a client signed in as ``ada`` (engineer), ``lin`` (labeller) or ``rosa``."""
    clients: list[httpx.Client] = []

    def signed_in(name: str) -> httpx.Client:
        client = httpx.Client(base_url=app.url, timeout=PATIENCE_S)
        clients.append(client)
        answer = client.post("/sign-in", data={"name": name, "password": PASSWORDS[name]})
        assert answer.status_code == 303, answer.text
        return client

    yield signed_in
    for client in clients:
        client.close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("Chromium is not installed (apt-get install chromium)")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield launched
        launched.close()


_SERVE = """
from workbench.ui.server import serve
from workbench.workflows.workspace import Workspace
serve(Workspace.open())
"""


def _environment(settings: Settings) -> dict[str, str]:
    return {
        **quiet_environment(),
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join(sys.path),
        "WORKBENCH_HOME": str(settings.home),
        "WORKBENCH_UI_PORT": str(settings.ui_port),
        "WORKBENCH_SESSION_KEY": settings.session_key.get_secret_value(),
        "WORKBENCH_MEDIA_KEY": settings.media_key.get_secret_value(),
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(url: str, process: subprocess.Popen[bytes], log_path: Path) -> None:
    give_up_at = time.monotonic() + START_LIMIT_S
    while time.monotonic() < give_up_at and process.poll() is None:
        try:
            if httpx.get(url).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    pytest.fail(f"the UI did not start:\n{log_path.read_text()[-2000:]}")


def _fill(workspace: Workspace) -> None:
    for name, password in PASSWORDS.items():
        add_user(workspace, name, password, [ROLES[name]], actor="test")
    add_site(workspace, SITE, ["clear", "person", "truck"], actor="test")
    add_camera(workspace, SITE, "north", actor="test")
    start = datetime(2026, 3, 2, 8, tzinfo=UTC)
    clip = Clip("c" * 64, SITE, "north", "north.mp4", start, 6.0, size_wh=(64, 48))
    workspace.store.footage.add_clip(clip)
    frames = [
        Frame(
            id=workspace.frame_files.write(_jpeg(grey=40 * index)),
            site=SITE,
            camera="north",
            clip_id=clip.id,
            clip_name=clip.name,
            offset_s=float(index),
            taken_at=start + timedelta(seconds=index),
            size_wh=(64, 48),
        )
        for index in range(6)
    ]
    workspace.store.footage.add_frames(frames)


def _jpeg(grey: int) -> bytes:
    buffer = BytesIO()
    Image.new("RGB", (64, 48), (grey, grey, grey)).save(buffer, "JPEG")
    return buffer.getvalue()
