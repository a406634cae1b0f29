"""A labelled site of four days at one gate, and one whose labels have something wrong in every way."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.datasets.pictures import say, scene, take
from workbench.domain import Frame, Role, Site, User
from workbench.workflows.accounts import add_user
from workbench.workflows.workspace import Workspace

__all__ = ["Days"]

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
STILLS = 12

Days = list[list[Frame]]


@pytest.fixture
def gate(workspace: Workspace) -> Days:
    """Four days of one camera, all labelled: a truck stands somewhere else in every other still."""
    workspace.store.sites.add(Site("yard", ("clear", "truck")))
    days = [a_day(workspace, day) for day in range(4)]
    say(workspace, labels(days))
    return days


def a_day(
    workspace: Workspace, day: int, *, name: str = "", things: int | None = None, quality: int = 90
) -> list[Frame]:
    """Take a clip on a day; ``things`` is the day whose trucks stand there, the same one's where it is left out."""
    first = STILLS * (day if things is None else things)
    pictures = [
        scene(1, first + number if number % 2 else None, quality=quality, noise=1000 * day + number)
        for number in range(STILLS)
    ]
    return take(workspace, "gate", name or f"day-{day}.mp4", START + timedelta(days=day), pictures, every_s=15.0)


def labels(days: Days) -> dict[str, str]:
    return {frame.id: "truck" if number % 2 else "clear" for day in days for number, frame in enumerate(day)}


@pytest.fixture
def people(workspace: Workspace) -> dict[str, User]:
    roles = {"ada": Role.ENGINEER, "rosa": Role.REVIEWER}
    return {
        name: add_user(workspace, name, f"{name}-has-a-password", [role], actor="t") for name, role in roles.items()
    }
