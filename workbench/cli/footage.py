"""``workbench ingest``."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli.console import JsonOption, SiteOption, actor_name, emit, open_workspace, progress_bar

if TYPE_CHECKING:
    from workbench.workflows.ingest import IngestReport

_SECONDS_PER_UNIT = {"ms": 0.001, "s": 1.0, "": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


def seconds(text: str) -> float:
    """Return the seconds in ``1s``, ``500ms``, ``2m`` or ``2`` (seconds)."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(ms|s|min|m|h|)", text.strip())
    value_s = float(match[1]) * _SECONDS_PER_UNIT[match[2]] if match else 0.0
    if value_s <= 0:
        raise typer.BadParameter(f"expected a time above 0 such as 1s, 500ms or 2m, but found {text!r}")
    return value_s


def utc_time(text: str) -> datetime:
    """Return the instant of an ISO 8601 text; without a zone it is UTC."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError as exc:
        raise typer.BadParameter(f"expected a time such as 2026-03-02T08:00:00Z, but found {text!r}") from exc
    return time.replace(tzinfo=time.tzinfo or UTC).astimezone(UTC)


def ingest(
    source: Annotated[str, typer.Argument(help="A video file, a folder of them, or an rtsp:// or http:// address.")],
    site: SiteOption,
    camera: Annotated[str, typer.Option("--camera", help="Name of the camera that saw it.", show_default=False)],
    every: Annotated[
        float | None, typer.Option("--every", parser=seconds, metavar="TIME", help="Take a frame every 1s, 500ms, …")
    ] = None,
    at: Annotated[
        Path | None, typer.Option("--at", help="Take the frames at the times that this labels file lists instead.")
    ] = None,
    start: Annotated[
        datetime | None,
        typer.Option("--start", parser=utc_time, metavar="ISO", help="When it began, if its name does not tell."),
    ] = None,
    duration: Annotated[
        float | None, typer.Option("--duration", parser=seconds, metavar="TIME", help="How much to read; for streams.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Take footage in: sample frames into the catalogue. The same again adds nothing."""
    from workbench.workflows import ingest as workflow

    if every is not None and at is not None:
        raise typer.BadParameter("expected either --every or --at, but found both")
    with progress_bar() as progress:
        report = workflow.ingest(
            open_workspace(),
            source,
            site=site,
            camera=camera,
            every_s=every or 1.0,
            at=at,
            started_at=start,
            duration_s=duration,
            actor=actor_name(),
            progress=progress,
        )
    emit(report, as_json, _told(report))
    if report.problems:
        raise typer.Exit(1)


def _told(report: "IngestReport") -> str:
    counted = (
        f"{report.frames_found} frames found in {len(report.clips)} clips: "
        f"{report.frames_added} added, {report.frames_known} known already."
    )
    return "\n".join([counted, *(f"Problem: {problem}" for problem in report.problems)])
