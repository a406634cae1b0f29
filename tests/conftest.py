"""Fixtures that every test may use: a workspace of its own in a temporary folder, and the real services."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from workbench.domain import Camera, Site
from workbench.settings import NO_TELEMETRY, Settings
from workbench.store import Store
from workbench.workflows.workspace import Workspace

pytest_plugins = ["tests.services"]

SHARED_FOOTAGE = Path(__file__).resolve().parents[2] / "shared" / "footage"


_SHARING_FOLDERS = {"models", "promotion", "store", "tuning", "ui"}
"""Folders whose tests share something that is dear to make: a trained model, a server, a browser."""
_LONGEST = ("label-studio", "test_demo.py", "ui", "tuning", "models", "promotion", "store")
"""Groups of some minutes. They are begun first, so that no worker is left with one when the others have ended."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep tests that share something dear on one worker, where several run side by side."""
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_group_of(item)))
    places = {group: place for place, group in enumerate(_LONGEST)}
    items.sort(key=lambda item: places.get(_group_of(item), len(places)))


def _group_of(item: pytest.Item) -> str:
    if "label_studio" in getattr(item, "fixturenames", ()):
        return "label-studio"
    folder = item.path.parent.name
    return folder if folder in _SHARING_FOLDERS else str(item.path.relative_to(Path(__file__).parent))


@pytest.fixture(autouse=True)
def _no_telemetry(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in NO_TELEMETRY.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    workspace = Workspace.open(Settings.load(home=tmp_path / "home"))
    yield workspace
    workspace.store.close()


@pytest.fixture
def store(workspace: Workspace) -> Store:
    return workspace.store


@pytest.fixture
def yard(store: Store) -> Site:
    """A site with one camera, both in the store."""
    site = Site("yard", ("clear", "person", "truck"))
    store.sites.add(site)
    store.sites.add_camera(Camera("yard", "north"))
    return site


@pytest.fixture(scope="session")
def shared_footage() -> Path:
    """The folder of real clips, which the project does not carry."""
    if not SHARED_FOOTAGE.is_dir():
        pytest.skip(f"real footage is not at {SHARED_FOOTAGE}")
    return SHARED_FOOTAGE
