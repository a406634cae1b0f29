"""What labellers make of the model's suggestions, version by version."""

import gradio as gr
from markupsafe import Markup

from workbench.domain import Interval, Role
from workbench.labeling.suggestion_quality import Quality, VersionQuality
from workbench.ui.fragments import badge, empty_state, explained, loading, long_text, no_site, note, table
from workbench.ui.view import View, card
from workbench.wording import counted
from workbench.workflows.prelabel_quality import measure_quality
from workbench.workflows.suggesting import current_version
from workbench.workflows.workspace import Workspace

__all__ = ["SuggestionFigures", "prelabel_card"]

_MOST_VERSIONS = 4
_EXPLAINED = (
    "Shares are of the answers that began with a suggestion. In brackets: between which shares the true one lies, with "
    "95 % certainty. MLflow draws them over time, in the site's runs “suggestions of …”."
)
_COLUMNS = {
    "model": "the version that made the suggestions",
    "answers": "answers that began with one of its suggestions; stills that were skipped are not among them",
    "accepted": "class and caption were kept",
    "caption edited": "the class was kept and the caption changed",
    "class changed": "another class was chosen",
    "words changed": "how much of the edited captions is other words than suggested",
    "skipped": "stills that somebody skipped although there was a suggestion",
}


def prelabel_card(workspace: Workspace) -> View:
    reactions = SuggestionFigures(workspace)
    with card("Suggestions of the model", Role.ENGINEER):
        shown = gr.HTML(loading())
    return View(workspace, lambda site: (reactions.shown(site),), [shown])


class SuggestionFigures:
    """How often labellers keep what each version suggests; measured anew only when somebody has answered."""

    def __init__(self, workspace: Workspace) -> None:
        self._store = workspace.store
        self._measured: dict[str, tuple[object, list[VersionQuality]]] = {}

    def shown(self, site: str | None) -> Markup:
        if not site:
            return no_site()
        waiting = _waiting(self._store.suggestions.count_asked(site))
        return waiting + _versions(self._of(site), current_version(self._store, site))

    def _of(self, site: str) -> list[VersionQuality]:
        mark = self._store.reactions.mark(site)
        known_mark, versions = self._measured.get(site, (None, []))
        if known_mark != mark:
            versions = measure_quality(self._store, site, in_detail=False)
            self._measured[site] = mark, versions
        return versions


def _versions(versions: list[VersionQuality], current: str) -> Markup:
    if not versions:
        return empty_state(
            "Nobody has answered a suggestion yet",
            "Once labellers have, “Fetch labels” shows here how often they keep what the model suggests.",
        )
    head = [explained(term, meaning) for term, meaning in _COLUMNS.items()]
    newest = versions[:_MOST_VERSIONS]
    rows = table(head, [_row(version, current) for version in newest], numeric=range(1, len(head)))
    older = len(versions) - len(newest)
    more = f" {counted(older, 'older version')} left out here: `workbench label quality` has them." if older else ""
    return note(_EXPLAINED + more) + rows


def _row(version: VersionQuality, current: str) -> list[object]:
    overall: Quality = version.overall
    in_use = badge("in use now", "good") if version.model_version == current else Markup("")
    return [
        long_text(version.model_version) + in_use,
        f"{overall.answers:,}",
        _share(overall.accepted, overall.accept_rate),
        _share(overall.edited, overall.edit_rate),
        _share(overall.rejected, overall.reject_rate),
        _part(overall.words),
        f"{overall.skipped:,}",
    ]


def _share(count: int, rate: Interval | None) -> str:
    return "–" if rate is None else f"{count:,} · {_part(rate)}"


def _part(interval: Interval | None) -> str:
    return "–" if interval is None else f"{interval.value:.0%} ({100 * interval.low:.0f}–{interval.high:.0%})"


def _waiting(count: int) -> Markup:
    if not count:
        return Markup("")
    verb = "waits" if count == 1 else "wait"
    return note(f"{counted(count, 'still')} {verb} for a suggestion that a labeller asked for by opening the task.")
