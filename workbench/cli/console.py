"""What every command shares: options, the workspace, progress and how results are shown."""

import dataclasses
import getpass
import json
import signal
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime
from enum import Enum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as RichProgress
from rich.text import Text

from workbench.cli.progress_lines import ProgressLines
from workbench.progress import Progress

if TYPE_CHECKING:
    from workbench.workflows.workspace import Workspace

__all__ = [
    "DatasetOption",
    "JsonOption",
    "SiteOption",
    "actor_name",
    "emit",
    "errors",
    "open_workspace",
    "progress_bar",
    "warn",
]

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a text for people.")]
DatasetOption = Annotated[
    str | None, typer.Option("--dataset", help="Id of a dataset version, or how it begins; the latest if left out.")
]
SiteOption = Annotated[str, typer.Option("--site", help="Name of the site.", show_default=False)]

# What is shown comes from files, people and models, so a `[` in it is no markup: styles are put on with `Text`.
output = Console(markup=False, highlight=False)
errors = Console(stderr=True, markup=False, highlight=False)


def open_workspace(site: str | None = None) -> "Workspace":
    """Open the workspace that ``WORKBENCH_HOME`` or the current folder names; a job then shows that it lives.

    NotFoundError where it has no ``site``: called before a workflow is imported, it tells so before models' libraries
    load.
    """
    from workbench.jobs import start_heartbeat
    from workbench.workflows.workspace import Workspace

    workspace = Workspace.open()
    if workspace.settings.job:
        start_heartbeat(workspace.settings.logs_dir / f"{workspace.settings.job}.log")
    if site is not None:
        workspace.store.sites.get(site)
    return workspace


def actor_name() -> str:
    """Return whom the audit trail names for a command: the operating system's user."""
    return getpass.getuser()


def emit(value: object, as_json: bool, human: RenderableType) -> None:
    """Print ``value`` (a dataclass, mapping or sequence) as JSON, or ``human`` for a person."""
    if as_json:
        print(json.dumps(_plain(value), indent=2, ensure_ascii=False))
    else:
        output.print(human, soft_wrap=isinstance(human, str | Text))


def warn(text: str) -> None:
    """Tell a person what went wrong without ending the work."""
    errors.print(Text(text, style="yellow"), soft_wrap=True)


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """Show progress on standard error while the block runs: bars on a terminal, lines in a log.

    In the block a request to end (SIGTERM) interrupts as Ctrl-C does, so that long work undoes what it left unfinished.
    """
    with ExitStack() as undo:
        undo.callback(signal.signal, signal.SIGTERM, signal.signal(signal.SIGTERM, signal.default_int_handler))
        if errors.is_terminal:
            yield undo.enter_context(_bars())
        else:
            lines = ProgressLines(partial(errors.print, soft_wrap=True))
            yield lines
            lines.end()


@contextmanager
def _bars() -> Iterator[Progress]:
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
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
