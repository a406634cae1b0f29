"""How well a site's models suggest, by what labellers make of their suggestions; kept in MLflow by model version."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

from workbench.domain import Interval, Response
from workbench.errors import LabelStudioError, TrackingError
from workbench.labeling.suggestion_quality import Quality, VersionQuality, quality_of
from workbench.progress import Progress, silent
from workbench.store import Store
from workbench.workflows.run_kinds import SUGGESTIONS
from workbench.workflows.workspace import Workspace

if TYPE_CHECKING:
    from workbench.labeling.studio import Studio  # its SDK takes a second to load

__all__ = ["follow_quality", "measure_quality"]

_RATES = ("accept_rate", "edit_rate", "reject_rate", "words", "characters")


def measure_quality(
    store: Store, site: str, *, versions: Collection[str] | None = None, in_detail: bool = True
) -> list[VersionQuality]:
    """Return what labellers made of each model version's suggestions (or of ``versions`` alone), the newest first.

    Without detail the figures by class and by camera are left out, which take most of the time.
    """
    store.sites.get(site)
    said: defaultdict[str, list[Response]] = defaultdict(list)
    for response in store.reactions.responses(site, versions):
        said[response.model_version].append(response)
    measured = [quality_of(version, responses, in_detail=in_detail) for version, responses in said.items()]
    return sorted(measured, key=lambda one: one.last_at, reverse=True)


def follow_quality(
    workspace: Workspace, site: str, studio: "Studio", project_id: int, progress: Progress = silent
) -> str:
    """Take account of answers that have just come, and return why that could not be done, in a sentence, or nothing."""
    from workbench.workflows.reactions import read_reactions

    try:
        versions = read_reactions(workspace, site, studio, project_id, progress)
        for quality in measure_quality(workspace.store, site, versions=versions):
            _log(workspace, site, quality)
    except (LabelStudioError, TrackingError) as error:
        return str(error)
    return ""


def _log(workspace: Workspace, site: str, quality: VersionQuality) -> None:
    """Log a version's present figures to MLflow, in one run that goes on for as long as the version is used."""
    tracker, tags = workspace.tracker, {"model_version": quality.model_version}
    known = [run for run in tracker.runs(site, SUGGESTIONS) if run.tags.get("model_version") == quality.model_version]
    opened = (
        tracker.reopen(known[0].id)
        if known
        else tracker.run(site, f"suggestions of {quality.model_version}", kind=SUGGESTIONS, tags=tags)
    )
    with opened as run:
        run.log_step(quality.overall.answers, dict(_metrics(quality.overall)))
        run.log_json(asdict(quality), "quality.json")


def _metrics(overall: Quality) -> Iterator[tuple[str, float]]:
    for name in ("answers", "accepted", "edited", "rejected", "skipped"):
        yield name, float(getattr(overall, name))
    for name in _RATES:
        interval: Interval | None = getattr(overall, name)
        if interval is not None:
            yield name, interval.value
            yield f"{name}_low", interval.low
            yield f"{name}_high", interval.high
