"""The real web application as a process of its own, on a small workspace, and the browser to look at it with."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Browser, expect, sync_playwright
from playwright.sync_api import Page as BrowserPage

from tests.services import free_port
from tests.ui.page import Page
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

SignIn = Callable[[str], httpx.Client]
PageOf = Callable[[str], Page]


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
    """The app of one small site, shared by the tests."""
    workspace = Workspace.open(Settings.load(home=tmp_path_factory.mktemp("ui"), **app_settings()))
    fill(workspace)
    with serving(workspace) as app:
        yield app
    workspace.store.close()


def app_settings() -> dict[str, object]:
    """Return the settings that every app of the tests has."""
    return {"ui_port": free_port(), "session_key": "s" * 64, "media_key": "m" * 64}


@contextmanager
def serving(workspace: Workspace) -> Iterator[App]:
    """Serve ``workspace`` by a process of its own, to three people whose names and roles are ``ROLES``."""
    settings = workspace.settings
    for name, password in PASSWORDS.items():
        add_user(workspace, name, password, [ROLES[name]], actor="test")
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


@pytest.fixture
def nobody(app: App) -> Iterator[httpx.Client]:
    """A client that has not signed in."""
    with httpx.Client(base_url=app.url, timeout=PATIENCE_S) as client:
        yield client


@pytest.fixture
def sign_in(app: App) -> Iterator[SignIn]:
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


@pytest.fixture
def page_of(sign_in: SignIn) -> PageOf:
    """Return a function that gives the open page of whoever ``sign_in`` signs in."""
    return lambda name: Page(sign_in(name)).load()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("Chromium is not installed (apt-get install chromium)")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture
def new_window(browser: Browser) -> Iterator[Callable[[], BrowserPage]]:
    """Return a function that opens an empty window, 800 pixels wide, that shares nothing with the others."""
    expect.set_options(timeout=PATIENCE_S * 1000)
    windows: list[BrowserPage] = []

    def opened() -> BrowserPage:
        windows.append(browser.new_page(viewport={"width": 800, "height": 900}))
        windows[-1].set_default_timeout(PATIENCE_S * 1000)
        return windows[-1]

    yield opened
    for window in windows:
        window.close()


def enter(window: BrowserPage, url: str, name: str) -> None:
    """Let ``name`` sign in at ``url``."""
    window.goto(url)
    window.get_by_label("Name").fill(name)
    window.get_by_label("Password").fill(PASSWORDS[name])
    window.get_by_role("button", name="Sign in").click()
    expect(window.get_by_text(ROLES[name], exact=True)).to_be_visible()


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
        "WORKBENCH_FETCH_EVERY_S": "0",
        "WORKBENCH_HOME": str(settings.home),
        "WORKBENCH_UI_PORT": str(settings.ui_port),
        "WORKBENCH_SESSION_KEY": settings.session_key.get_secret_value(),
        "WORKBENCH_MEDIA_KEY": settings.media_key.get_secret_value(),
        "WORKBENCH_LABELSTUDIO_URL": settings.labelstudio_url,
        "WORKBENCH_LABELSTUDIO_TOKEN": settings.labelstudio_token.get_secret_value(),
    }


def _wait_for(url: str, process: subprocess.Popen[bytes], log_path: Path) -> None:
    give_up_at = time.monotonic() + START_LIMIT_S
    while time.monotonic() < give_up_at and process.poll() is None:
        try:
            if httpx.get(url).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    pytest.fail(f"the UI did not start:\n{log_path.read_text()[-2000:]}")


def fill(workspace: Workspace) -> None:
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
