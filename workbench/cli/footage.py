"""``workbench ingest``."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli.console import JsonOption, SiteOption, actor_name, emit, open_workspace, progress_bar
from workbench.domain import Taking
from workbench.wording import counted

if TYPE_CHECKING:
    from workbench.domain import Sampling
    from workbench.footage.selection import SelectionRules

__all__ = [
    "DistinctOption",
    "PerCameraOption",
    "PerHourOption",
    "emit_sampling",
    "ingest",
    "seconds",
    "selection_rules",
    "utc_time",
]

DistinctOption = Annotated[
    bool, typer.Option("--distinct", help="Leave out near-duplicates, also of stills taken before.")
]
PerHourOption = Annotated[int | None, typer.Option(min=0, help="Have at most so many of the camera in an hour.")]
PerCameraOption = Annotated[int | None, typer.Option(min=0, help="Have at most so many of the camera.")]
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
        return time.replace(tzinfo=time.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError) as exc:
        raise typer.BadParameter(f"expected a time such as 2026-03-02T08:00:00Z, but found {text!r}") from exc


def ingest(
    source: Annotated[
        str, typer.Argument(help="A video, a folder of videos or pictures, an s3:// URL, or an rtsp:// address.")
    ],
    site: SiteOption,
    camera: Annotated[str, typer.Option("--camera", help="Name of the camera that saw it.", show_default=False)],
    every: Annotated[
        float | None, typer.Option("--every", parser=seconds, metavar="TIME", help="Take a frame every 1s, 500ms, …")
    ] = None,
    taking: Annotated[
        Taking, typer.Option("--take", help="At even intervals; keyframes alone (fast); or where the view changes.")
    ] = Taking.EVERY,
    distinct: DistinctOption = False,
    at_most: Annotated[
        int | None, typer.Option(min=1, help="Keep so many of all of the source, as different as can be.")
    ] = None,
    per_hour: PerHourOption = None,
    per_camera: PerCameraOption = None,
    at: Annotated[
        Path | None, typer.Option("--at", help="Take the frames at the times that this labels file lists instead.")
    ] = None,
    start: Annotated[
        datetime | None,
        typer.Option("--start", parser=utc_time, metavar="ISO", help="When it began, if its name does not tell."),
    ] = None,
    duration: Annotated[
        float | None, typer.Option("--duration", parser=seconds, metavar="TIME", help="How much to read.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Take footage in: sample frames into the catalogue. The same again adds nothing."""
    from workbench.workflows import ingest as workflow

    if every is not None and at is not None:
        raise typer.BadParameter("expected either --every or --at, but found both")
    with progress_bar() as progress:
        sampling = workflow.ingest(
            open_workspace(),
            source,
            site=site,
            camera=camera,
            every_s=every or 1.0,
            taking=taking,
            rules=selection_rules(distinct, at_most, per_hour, per_camera),
            at=at,
            started_at=start,
            duration_s=duration,
            actor=actor_name(),
            progress=progress,
        )
    emit_sampling(sampling, as_json)


def selection_rules(
    distinct: bool, at_most: int | None, per_hour: int | None, per_camera: int | None
) -> "SelectionRules | None":
    """Return what the options ask for, None where they ask for nothing."""
    from workbench.footage.quotas import Quota
    from workbench.footage.selection import SelectionRules

    if not distinct and at_most is None and per_hour is None and per_camera is None:
        return None
    quota = Quota(per_camera=per_camera, per_hour=per_hour)
    if distinct:
        return SelectionRules(quota=quota, size=at_most)
    return SelectionRules(same_picture_bits=None, same_view_distance=None, quota=quota, size=at_most)


def emit_sampling(sampling: "Sampling", as_json: bool) -> None:
    """Print what came of an ingest or a recording; with problems the command fails."""
    emit(sampling, as_json, _told(sampling))
    if sampling.problems:
        raise typer.Exit(1)


def _told(sampling: "Sampling") -> str:
    rate = sampling.frames_found / max(sampling.seconds, 0.01)
    found = (
        f"{counted(sampling.frames_found, 'frame')} found in {counted(len(sampling.clips), 'clip')}: "
        f"{sampling.frames_added} added, {sampling.frames_known} known already, in {sampling.seconds:.1f} s "
        f"({rate:.1f} frames a second)."
    )
    origins = ", ".join(f"{origin} ({count})" for origin, count in sampling.starts.items())
    starts = [f"When the clips began was told by: {origins}."] if origins else []
    dropped = [f"{step.dropped} dropped by {step.name}: {step.reason}." for step in sampling.steps if step.dropped]
    notes = [f"Note: {note}." for note in sampling.notes]
    return "\n".join([found, *starts, *dropped, *notes, *(f"Problem: {problem}" for problem in sampling.problems)])
