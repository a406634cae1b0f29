"""Stretches of clips: have people mark them, and make suggestions of them; shown where the site's taxonomy has some."""

from dataclasses import dataclass
from typing import Any

import gradio as gr
from markupsafe import Markup

from workbench.domain import Role
from workbench.ui.fragments import note, page_link
from workbench.ui.job_panel import JobPanel
from workbench.ui.session import one_sentence_errors, require, require_site
from workbench.ui.view import View, card, when_clicked
from workbench.workflows.workspace import Workspace

__all__ = ["TimelineCard"]

_EXPLAINED = (
    "Clips are shown as videos of their stored stills, one still a frame. A stretch that is marked suggests its class "
    "for its stills; their labellers add the captions."
)


class TimelineCard:
    def __init__(self, workspace: Workspace, site: gr.Dropdown) -> None:
        with card("Stretches of clips", Role.ENGINEER, Role.LABELLER) as shown:
            gr.HTML(note(_EXPLAINED))
            url = f"{workspace.settings.labelstudio_url.rstrip('/')}/projects"
            gr.HTML(Markup('<p class="wb-line">{}</p>').format(page_link(url, "Open the projects in Label Studio ↗")))
            with gr.Row():
                push = gr.Button("Ask about clips")
                pull = gr.Button("Fetch stretches")
            titles = {"timeline-push": "Asking about clips", "timeline-pull": "Fetching stretches"}
            self.jobs = JobPanel(workspace, site, titles)
        desk = _Desk(workspace, self.jobs)
        self.view = View(workspace, desk.look, [shown, *self.jobs.outputs])
        when_clicked(push, desk.push_timelines, [site], then=self.jobs.view, site=site)
        when_clicked(pull, desk.pull_timelines, [site], then=self.jobs.view, site=site)


@dataclass(frozen=True)
class _Desk:
    workspace: Workspace
    jobs: JobPanel

    def look(self, site: str | None) -> tuple[Any, ...]:
        has_timeline = bool(site and self.workspace.store.sites.taxonomy(site).timeline)
        return gr.Column(visible=has_timeline), *self.jobs.look(site)

    @one_sentence_errors
    def push_timelines(self, site: str | None, request: gr.Request) -> None:
        user = require(self.workspace, request, Role.ENGINEER)
        self.jobs.start("timeline-push", site=require_site(site), user=user)

    @one_sentence_errors
    def pull_timelines(self, site: str | None, request: gr.Request) -> None:
        user = require(self.workspace, request, Role.ENGINEER, Role.LABELLER)
        self.jobs.start("timeline-pull", site=require_site(site), user=user)
