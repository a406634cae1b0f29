"""Datasets: versions of the labels, frozen and split without leaks; what is in them, and what speaks against them."""

from dataclasses import dataclass
from typing import Any

import gradio as gr
from markupsafe import Markup

from workbench.datasets.checks import CheckReport
from workbench.domain import DatasetVersion, Role
from workbench.errors import NotFoundError
from workbench.ui.dataset_build_card import DatasetBuildCard
from workbench.ui.dataset_details import card_text, dataset_details, leak_pairs
from workbench.ui.dataset_diff_card import DatasetDiffCard, version_choices
from workbench.ui.fragments import badge, empty_state, facts, heading, loading, no_site, note, short_id, table, time_of
from workbench.ui.golden_card import GoldenCard
from workbench.ui.job_panel import JobPanel
from workbench.ui.session import one_sentence_errors, require, require_site
from workbench.ui.view import View, all_of, when_clicked
from workbench.workflows.build import dataset_of
from workbench.workflows.dataset_checks import known_checks, known_leaks, refused_leaks
from workbench.workflows.workspace import Workspace

__all__ = ["TITLE", "build"]

TITLE = "Datasets"
_SHOWN, _PAIRS = 12, 6
_COLUMNS = ("version", "made (UTC)", "train", "validation", "test", "checks", "leaks", "made after")


def build(workspace: Workspace, site: gr.Dropdown) -> View:
    gr.HTML(heading(TITLE, "Labels, frozen and split so that what is measured on was never learnt from."))
    overview = gr.HTML(loading())
    with gr.Row(equal_height=False):
        making = DatasetBuildCard(workspace, site)
        golden = GoldenCard(workspace, site)
    gr.HTML("<h3>What is in a version</h3>")
    version = gr.Dropdown(label="Version", choices=[], interactive=True)
    check = gr.Button("Check again, with every picture", size="sm", elem_classes="wb-for-engineer")
    checks = JobPanel(workspace, site, {"dataset-check": "Checking the dataset"})
    details = gr.HTML()
    with gr.Accordion("Dataset card", open=False):
        card = gr.Markdown(elem_classes="wb-dataset-card")
    comparing = DatasetDiffCard(workspace, site)
    gr.HTML("<h3>Golden set</h3>")
    golden_shown = golden.show()
    desk = _Desk(workspace, checks)
    shown = View(workspace, desk.look, [overview, version, details, card, *checks.outputs])
    everything = all_of(workspace, [shown, making.view, golden.view, golden_shown, comparing.view])
    version.input(
        desk.show_version,
        [site, version],
        [details, card],
        show_progress="hidden",
        api_name="look_dataset_version",
        api_visibility="undocumented",
    )
    when_clicked(check, desk.check_dataset, [site, version], then=checks.view, site=site)
    for ended in (making.jobs, checks):
        ended.when_ended(everything)
    golden.connect(everything)
    return everything


@dataclass(frozen=True)
class _Desk:
    workspace: Workspace
    checks: JobPanel

    def look(self, site: str | None) -> tuple[Any, ...]:
        versions = self.workspace.store.datasets.all(site)[::-1] if site else []
        newest = versions[0] if versions else None
        return (
            _overview(self.workspace, site, versions),
            gr.Dropdown(choices=version_choices(versions), value=newest.id if newest else None, visible=bool(versions)),
            *self._shown(newest),
            *self.checks.look(site),
        )

    @one_sentence_errors
    def show_version(self, site: str | None, version: str | None, request: gr.Request) -> tuple[Markup, str]:
        require(self.workspace, request)
        return self._shown(self._picked(site, version))

    @one_sentence_errors
    def check_dataset(self, site: str | None, version: str | None, request: gr.Request) -> None:
        user = require(self.workspace, request, Role.ENGINEER)
        picked = self._picked(site, version)
        self.checks.start("dataset-check", "--", picked.id, site=picked.site, user=user)

    def _shown(self, version: DatasetVersion | None) -> tuple[Markup, str]:
        if version is None:
            return Markup(""), ""
        return dataset_details(self.workspace, version), card_text(version)

    def _picked(self, site: str | None, version: str | None) -> DatasetVersion:
        if not version:
            raise NotFoundError(expected="a dataset version", found="none picked", remedy="build one first")
        return dataset_of(self.workspace, require_site(site), version)


def _overview(workspace: Workspace, site: str | None, versions: list[DatasetVersion]) -> Markup:
    if not site:
        return no_site()
    refused = _refused(workspace, site)
    if not versions:
        return refused + empty_state("No dataset yet", "Fetch labels under Label, then build a version here.")
    newest = versions[0]
    figures = {"versions so far": len(versions), "stills in the newest": f"{sum(newest.rows.values()):,}"}
    golden = workspace.store.golden_sets.all(site)
    figures["golden stills"] = f"{golden[-1].frames:,}" if golden else "none yet"
    rows = [_row(version) for version in versions[:_SHOWN]]
    return facts(figures) + refused + table(_COLUMNS, rows, numeric=(2, 3, 4))


def _row(version: DatasetVersion) -> list[object]:
    counts = [f"{count:,}" for count in version.rows.values()]
    after = short_id(version.parent_id) if version.parent_id else "–"
    leaks = known_leaks(version)
    return [
        short_id(version.id),
        time_of(version.created_at),
        *counts,
        _verdict(known_checks(version)),
        badge(leaks.outcome, "bad" if leaks.outcome == "allowed" else "good") if leaks else badge("not looked for"),
        after,
    ]


def _verdict(checks: CheckReport | None) -> Markup:
    if checks is None:
        return badge("not checked")
    if checks.failures:
        return badge(f"unfit: {len(checks.failures)}", "bad")
    return badge(f"{len(checks.findings)} to look at", "warn") if checks.findings else badge("nothing found", "good")


def _refused(workspace: Workspace, site: str) -> Markup:
    """Say why the last build was refused, if it was, and show the pairs."""
    report = refused_leaks(workspace, site)
    if report is None:
        return Markup("")
    told = (
        f"The last build was refused: {report.held_out_frames} held-out stills show what {report.other_frames} earlier "
        "ones show. Leave one of the clips out, or give a reason to allow it."
    )
    return note(told, tone="bad") + leak_pairs(workspace, site, report.leaks, most=_PAIRS)
