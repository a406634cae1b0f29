"""``workbench up``, ``down``, ``doctor`` and ``ui``: the servers, and whether all is well."""

from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from workbench.cli.console import JsonOption, emit, open_workspace, progress_bar

__all__ = ["doctor", "down", "ui", "up"]

OnlyOption = Annotated[
    list[str] | None,
    typer.Option("--only", help="Start this server alone: label-studio, mlflow or ui; repeat it for another."),
]


def up(only: OnlyOption = None, as_json: JsonOption = False) -> None:
    """Start Label Studio, MLflow and the UI, those that do not run yet, and keep them running."""
    from workbench.workflows import services

    workspace = open_workspace()
    with progress_bar() as progress:
        running = services.up(workspace, only=only, progress=progress)
    lines = [f"{service.name} at {service.url} ({service.state})" for service in running]
    lines.append(f"Keys and passwords: {workspace.settings.local_env_file}; stop with `workbench down`.")
    emit(running, as_json, "\n".join(lines))


def down(as_json: JsonOption = False) -> None:
    """Stop the servers that `workbench up` started."""
    from workbench.workflows import services

    stopped = services.down(open_workspace())
    emit(stopped, as_json, f"Stopped {', '.join(stopped)}." if stopped else "No server of this workbench was running.")


def doctor(as_json: JsonOption = False) -> None:
    """Check every server and path that the workbench needs; exit code 1 when something is amiss."""
    from workbench.workflows import services

    checks = services.doctor(open_workspace())
    table = Table("", "Check", "Found", box=None)
    for check in checks:
        table.add_row(Text("ok", "green") if check.ok else Text("no", "bold red"), check.name, check.explanation)
    emit(checks, as_json, table)
    if not all(check.ok for check in checks):
        raise typer.Exit(1)


def ui(
    host: Annotated[str | None, typer.Option("--host", help="Address to listen on; default WORKBENCH_UI_HOST.")] = None,
    port: Annotated[int | None, typer.Option("--port", help="Port to listen on; default WORKBENCH_UI_PORT.")] = None,
) -> None:
    """Serve the UI in the foreground until it is interrupted."""
    import dataclasses

    from workbench.ui.server import serve
    from workbench.workflows.services import with_keys

    workspace = with_keys(open_workspace())
    given = {name: value for name, value in {"ui_host": host, "ui_port": port}.items() if value is not None}
    serve(dataclasses.replace(workspace, settings=workspace.settings.model_copy(update=given)))
