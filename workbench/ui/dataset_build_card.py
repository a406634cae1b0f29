"""Build a version: what goes to test whole, what is left out, and why leaks may stay."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from workbench.domain import Role
from workbench.ui.fragments import note
from workbench.ui.job_panel import JobPanel
from workbench.ui.session import one_sentence_errors, require, require_site
from workbench.ui.view import View, card, when_clicked
from workbench.workflows.workspace import Workspace

__all__ = ["DatasetBuildCard", "clip_choices"]

_EXPLAINED = (
    "Stills that were taken close together never end up in different parts, and held-out stills never show what "
    "training stills show."
)


class DatasetBuildCard:
    def __init__(self, workspace: Workspace, site: gr.Dropdown) -> None:
        with card("Freeze the labels", Role.ENGINEER):
            gr.HTML(note(_EXPLAINED))
            cameras = gr.Dropdown(
                label="Cameras that go to test whole, if any", choices=[], multiselect=True, interactive=True
            )
            clips = gr.Dropdown(label="Clips to leave out, if any", choices=[], multiselect=True, interactive=True)
            reason = gr.Textbox(
                label="Reason to allow leaks, if they are wanted",
                max_length=2000,
                info="Recorded with the version, on its card and in the audit trail.",
            )
            build = gr.Button("Build dataset", variant="primary")
            self.jobs = JobPanel(workspace, site, {"dataset-build": "Building the dataset"})
        desk = _Desk(workspace, self.jobs)
        self.view = View(workspace, desk.look, [cameras, clips, *self.jobs.outputs])
        when_clicked(
            build, desk.build_dataset, [site, cameras, clips, reason], clears=[reason], then=self.jobs.view, site=site
        )


def clip_choices(workspace: Workspace, site: str | None) -> list[str]:
    return sorted({clip.name for clip in workspace.store.footage.clips(site)}) if site else []


@dataclass(frozen=True)
class _Desk:
    workspace: Workspace
    jobs: JobPanel

    def look(self, site: str | None) -> tuple[Any, ...]:
        store = self.workspace.store
        cameras = [camera.name for camera in store.sites.cameras(site)] if site else []
        return (
            gr.Dropdown(choices=cameras, value=[]),
            gr.Dropdown(choices=clip_choices(self.workspace, site), value=[]),
            *self.jobs.look(site),
        )

    @one_sentence_errors
    def build_dataset(
        self, site: str | None, cameras: list[str] | None, clips: list[str] | None, reason: str, request: gr.Request
    ) -> str:
        user = require(self.workspace, request, Role.ENGINEER)
        options = [f"--hold-out-camera={camera}" for camera in cameras or ()]
        options += [f"--leave-out-clip={clip}" for clip in clips or ()]
        options += [f"--allow-leaks={reason.strip()}"] if reason.strip() else []
        self.jobs.start("dataset-build", *options, site=require_site(site), user=user)
        return ""
