"""What every command shares: options, the workspace, progress and how results are shown."""

import dataclasses
import getpass
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as RichProgress

from workbench.progress import Progress

if TYPE_CHECKING:
    from workbench.workflows.workspace import Workspace

__all__ = [
    "JsonOption",
    "SiteOption",
    "actor_name",
    "emit",
    "errors",
    "open_workspace",
    "progress_bar",
]

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a text for people.")]
SiteOption = Annotated[str, typer.Option("--site", help="Name of the site.", show_default=False)]

output = Console()
errors = Console(stderr=True)


def open_workspace() -> "Workspace":
    """Open the workspace that ``WORKBENCH_HOME`` or the current folder names."""
    from workbench.workflows.workspace import Workspace

    return Workspace.open()


def actor_name() -> str:
    """Return whom the audit trail names for a command: the operating system's user."""
    return getpass.getuser()


def emit(value: object, as_json: bool, human: RenderableType) -> None:
    """Print ``value`` (a dataclass, mapping or sequence) as JSON, or ``human`` for a person."""
    if as_json:
        print(json.dumps(_plain(value), indent=2, ensure_ascii=False))
    else:
        output.print(human)


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """Show progress on standard error while the block runs, so that standard output stays clean."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with RichProgress(*columns, console=errors, transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def show(done: int, total: int | None, what: str) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total)
            bars.update(tasks[what], completed=done, total=total)

        yield show


def _plain(value: object) -> object:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(_plain(key)): _plain(item) for key, item in value.items()}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    return value
