"""Add a camera, or give one the address of its stream, after a look at what it shows; and add a site."""

import base64
from dataclasses import dataclass
from typing import Any

import gradio as gr
from markupsafe import Markup

from workbench.domain import Role
from workbench.footage.streams import StreamProbe
from workbench.ui.session import one_sentence_errors, require, require_site, site_names
from workbench.ui.view import View, card, when_clicked
from workbench.workflows.sites import add_camera, add_site, try_stream
from workbench.workflows.workspace import Workspace

__all__ = ["CameraCard"]


class CameraCard:
    def __init__(self, workspace: Workspace, site: gr.Dropdown) -> None:
        self._desk, self._site = _Desk(workspace), site
        with card("Add a camera", Role.ENGINEER):
            self._name = gr.Textbox(label="Camera name", placeholder="dock-north", max_length=63)
            self._address = gr.Textbox(
                label="Address of its stream, if it has one",
                placeholder="rtsp://user:password@10.0.0.7/stream1",
                info="Kept encrypted; nobody is shown the password again. A known camera gets the new address.",
            )
            with gr.Row():
                self._try = gr.Button("Try the stream")
                self._add = gr.Button("Add camera", variant="primary")
            self._shown = gr.HTML()
            gr.HTML("<h3>Add a site</h3>")
            self._site_name = gr.Textbox(label="Site name", placeholder="harbour-depot", max_length=63)
            self._classes = gr.Textbox(label="Classes that its stills belong to", placeholder="clear, person, forklift")
            self._add_site = gr.Button("Add site")

    def connect(self, then: View) -> None:
        """Show ``then`` anew after a camera or a site was added."""
        camera = [self._name, self._address]
        self._try.click(
            self._desk.try_stream, [self._site, *camera], self._shown, show_progress="minimal", api_name="try_stream"
        )
        clears = [*camera, self._shown]
        when_clicked(self._add, self._desk.add_camera, [self._site, *camera], clears=clears, then=then, site=self._site)
        new = [self._site_name, self._classes]
        when_clicked(self._add_site, self._desk.add_site, new, clears=[self._site, *new], then=then, site=self._site)


@dataclass(frozen=True)
class _Desk:
    workspace: Workspace

    @one_sentence_errors
    def try_stream(self, site: str | None, name: str, address: str, request: gr.Request) -> Markup:
        """Connect to the address, or to the known camera's own where none is typed, and show what comes."""
        require(self.workspace, request, Role.ENGINEER)
        probe = try_stream(self.workspace, site=require_site(site), camera=name.strip(), stream=address.strip() or None)
        return _picture(probe)

    @one_sentence_errors
    def add_camera(self, site: str | None, name: str, address: str, request: gr.Request) -> tuple[str, str, str]:
        user = require(self.workspace, request, Role.ENGINEER)
        stream = address.strip() or None
        add_camera(self.workspace, require_site(site), name.strip(), stream=stream, actor=user.name)
        return "", "", ""

    @one_sentence_errors
    def add_site(self, name: str, classes: str, request: gr.Request) -> tuple[Any, str, str]:
        user = require(self.workspace, request, Role.ENGINEER)
        site = add_site(
            self.workspace,
            name.strip(),
            [part.strip() for part in classes.split(",") if part.strip()],
            actor=user.name,
        )
        return gr.Dropdown(choices=site_names(self.workspace), value=site.name), "", ""


def _picture(probe: StreamProbe) -> Markup:
    width, height = probe.size_wh
    fps = f"{probe.announced_fps:g} frames a second" if probe.announced_fps else "no frame rate announced"
    told = f"It works: {width} × {height}, {probe.codec_name}, {fps}; a picture after {probe.first_picture_s:.1f} s."
    return Markup(
        '<figure class="wb-probe"><img alt="the first picture" src="data:image/jpeg;base64,{}">'
        "<figcaption>{}</figcaption></figure>"
    ).format(base64.b64encode(probe.jpeg.content).decode(), told)
