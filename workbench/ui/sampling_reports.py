"""What came of the footage that was taken in: found, dropped and why, added."""

from datetime import timedelta

from markupsafe import Markup

from workbench.domain import Sampling
from workbench.ui.fragments import badge, empty_state, long_text, span_of, table, time_of
from workbench.wording import counted
from workbench.workflows.workspace import Workspace

__all__ = ["sampling_reports"]

_SHOWN = 10
_COLUMNS = ("when (UTC)", "camera", "source", "clips", "found", "dropped", "known already", "added", "took", "details")
_NUMERIC = (3, 4, 5, 6, 7)


def sampling_reports(workspace: Workspace, site: str | None) -> tuple[Markup]:
    """Return the newest reports as a table, each with its reasons below a click."""
    found = workspace.store.samplings.newest(site, _SHOWN) if site else []
    if not found:
        return (empty_state("No report yet", "It tells what was found, what was left out and why."),)
    return (table(_COLUMNS, [_row(one) for one in found], numeric=_NUMERIC),)


def _row(one: Sampling) -> list[object]:
    return [
        time_of(one.at),
        one.camera,
        long_text(one.source),
        f"{len(one.clips):,}",
        f"{one.frames_found:,}",
        f"{sum(step.dropped for step in one.steps):,}",
        f"{one.frames_known:,}",
        f"{one.frames_added:,}",
        span_of(timedelta(seconds=one.seconds)),
        _details(one),
    ]


def _details(one: Sampling) -> Markup:
    """Return what each step dropped, what told when the clips began, notes and problems."""
    steps = [f"{step.dropped:,} dropped by {step.name}: {step.reason}" for step in one.steps]
    starts = [f"{counted(count, 'clip')} began as told by: {origin}" for origin, count in one.starts.items()]
    lines = [*(Markup("<li>{}</li>").format(line) for line in [*steps, *starts, *one.notes])]
    lines += [Markup('<li class="wb-bad">{}</li>').format(problem) for problem in one.problems]
    if not lines:
        return Markup("")
    shown = badge(counted(len(one.problems), "problem"), "bad") if one.problems else Markup("steps")
    return Markup("<details><summary>{}</summary><ul>{}</ul></details>").format(shown, Markup("").join(lines))
