"""The real Label Studio, started once for all tests, and workspaces wired to it.

Projects are told apart by their site's name, so a test that shares the server gives its site a name of its own.
"""

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from uuid import uuid4

import pytest
from PIL import Image
from pydantic import SecretStr

from workbench.domain import Camera, Clip, Frame, Site
from workbench.settings import Settings
from workbench.workflows import services
from workbench.workflows.workspace import Workspace

WORKBENCH_ADDRESS = "127.77.0.1"
"""The one reserved address that the tests' Label Studio may post to."""

CLIP = "gate.mp4"
STARTED_AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
FRAMES = 12
"""Of the bench, whose one clip has a frame a second."""


@dataclass(frozen=True)
class LabelStudioServer:
    url: str
    token: str
    home: Path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def label_studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabelStudioServer]:
    """A Label Studio of the tests' own, with its administrator's token."""
    home = tmp_path_factory.mktemp("label-studio")
    urls = {"labelstudio_url": f"http://127.0.0.1:{free_port()}", "public_url": f"http://{WORKBENCH_ADDRESS}"}
    workspace = Workspace.open(Settings.load(home=home, **urls))
    with services.started(workspace, only={"label-studio"}) as starting:
        starting.wait()
        settings = starting.workspace.settings
        yield LabelStudioServer(settings.labelstudio_url, settings.labelstudio_token.get_secret_value(), home)
    workspace.store.close()


@pytest.fixture
def label_studio_workspace(label_studio: LabelStudioServer, tmp_path: Path) -> Iterator[Workspace]:
    """A new workspace that uses the tests' Label Studio."""
    settings = Settings.load(
        home=tmp_path / "labelling",
        labelstudio_url=label_studio.url,
        labelstudio_token=SecretStr(label_studio.token),
        media_key=SecretStr("key of the tests"),
    )
    workspace = Workspace.open(settings)
    yield workspace
    workspace.store.close()


@pytest.fixture
def labelled_site(label_studio_workspace: Workspace) -> Site:
    """A site with one camera in that workspace; its name, and so its project, is this test's own."""
    site = Site(f"yard-{uuid4().hex[:8]}", ("clear", "person", "reach-truck"))
    label_studio_workspace.store.sites.add(site)
    label_studio_workspace.store.sites.add_camera(Camera(site.name, "north"))
    return site


@pytest.fixture
def bench(label_studio_workspace: Workspace, labelled_site: Site) -> Workspace:
    """A workspace whose site has a clip with one stored frame a second."""
    store = label_studio_workspace.store
    clip = Clip("c" * 64, labelled_site.name, "north", CLIP, STARTED_AT, float(FRAMES), (64, 48))
    store.footage.add_clip(clip)
    store.footage.add_frames(
        [
            Frame(
                id=label_studio_workspace.frame_files.write(grey_jpeg(second)),
                site=labelled_site.name,
                camera="north",
                clip_id=clip.id,
                clip_name=CLIP,
                offset_s=float(second),
                taken_at=STARTED_AT + timedelta(seconds=second),
                size_wh=(64, 48),
            )
            for second in range(FRAMES)
        ]
    )
    return label_studio_workspace


def grey_jpeg(level: int) -> bytes:
    buffer = BytesIO()
    Image.new("RGB", (64, 48), (level * 20, level * 20, level * 20)).save(buffer, "JPEG")
    return buffer.getvalue()
