"""All of a site's stills, a page at a time: by camera, by how far their labelling is, by time."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import gradio as gr
from markupsafe import Markup

from workbench.errors import UsageError
from workbench.store import Cursor, FrameFilter, FrameState
from workbench.ui.fragments import empty_state, frame_grid, note
from workbench.ui.session import one_sentence_errors, require
from workbench.ui.view import View
from workbench.workflows.workspace import Workspace

__all__ = ["frame_browser"]

_PAGE_FRAMES = 24
_QUIETLY: Any = {"show_progress": "hidden", "api_visibility": "undocumented"}
_ANY = "any"
_STATES = {
    _ANY: None,
    "nobody asked yet": FrameState.UNLABELLED,
    "waiting for an answer": FrameState.IN_LABELLING,
    "answered": FrameState.LABELLED,
}
_Places = list[list[str]]
"""Where the page shown and those before it begin: the time and id of the last still before each."""


def frame_browser(workspace: Workspace, site: gr.Dropdown) -> View:
    with gr.Row():
        camera = gr.Dropdown(label="Seen by", choices=[_ANY], value=_ANY, interactive=True)
        state = gr.Dropdown(label="Labelling", choices=list(_STATES), value=_ANY, interactive=True)
        since = gr.Textbox(label="From (UTC)", placeholder="2026-03-02 08:00", max_length=32)
        until = gr.Textbox(label="To (UTC)", placeholder="2026-03-02 18:00", max_length=32)
    stills = gr.HTML()
    with gr.Row():
        newer = gr.Button("Newer", interactive=False, size="sm")
        older = gr.Button("Older", interactive=False, size="sm")
    places = gr.State([])
    browser = _Browser(workspace)
    page = [stills, newer, older, places]
    asked = [site, camera, state, since, until]
    for event in (camera.input, state.input, since.submit, since.blur, until.submit, until.blur):
        event(browser.first, asked, page, api_name="look_first", **_QUIETLY)
    newer.click(browser.newer, [*asked, places], page, api_name="look_newer", **_QUIETLY)
    older.click(browser.older, [*asked, places], page, api_name="look_older", **_QUIETLY)
    return View(workspace, browser.look, [camera, *page])


@dataclass(frozen=True)
class _Browser:
    workspace: Workspace

    def look(self, site: str | None) -> tuple[Any, ...]:
        """Return the newest stills of all cameras."""
        names = [camera.name for camera in self.workspace.store.sites.cameras(site)] if site else []
        return gr.Dropdown(choices=[_ANY, *names], value=_ANY), *self._page(site, FrameFilter(), [])

    @one_sentence_errors
    def first(
        self, site: str | None, camera: str, state: str, since: str, until: str, request: gr.Request
    ) -> tuple[Any, ...]:
        require(self.workspace, request)
        return self._page(site, _filter(camera, state, since, until), [])

    @one_sentence_errors
    def older(
        self, site: str | None, camera: str, state: str, since: str, until: str, places: _Places, request: gr.Request
    ) -> tuple[Any, ...]:
        require(self.workspace, request)
        return self._page(site, _filter(camera, state, since, until), places)

    @one_sentence_errors
    def newer(
        self, site: str | None, camera: str, state: str, since: str, until: str, places: _Places, request: gr.Request
    ) -> tuple[Any, ...]:
        require(self.workspace, request)
        return self._page(site, _filter(camera, state, since, until), places[:-2])

    def _page(self, site: str | None, only: FrameFilter, places: _Places) -> tuple[Any, ...]:
        """Return the page after the last of ``places``, and the places with its own end added."""
        footage = self.workspace.store.footage
        after = Cursor(datetime.fromisoformat(places[-1][0]), places[-1][1]) if places else None
        found = footage.page(site, only, limit=_PAGE_FRAMES + 1, after=after, newest_first=True) if site else []
        shown, more = found[:_PAGE_FRAMES], len(found) > _PAGE_FRAMES
        ends = [*places, [shown[-1].taken_at.isoformat(), shown[-1].id]] if shown else places
        if not shown:
            html = empty_state("No such stills", "Widen the filters above, or take stills from footage.")
        else:
            told = f"{footage.count(str(site), only):,} stills; newest first."
            grid = frame_grid((frame.id, f"{frame.taken_at:%m-%d %H:%M:%S} · {frame.camera}") for frame in shown)
            html = Markup("{}{}").format(note(told), grid)
        return html, gr.Button(interactive=bool(places)), gr.Button(interactive=more), ends


def _filter(camera: str, state: str, since: str, until: str) -> FrameFilter:
    return FrameFilter(
        camera=None if camera == _ANY else camera,
        state=_STATES[state],
        since=_instant(since),
        until=_instant(until),
    )


def _instant(text: str) -> datetime | None:
    if not text.strip():
        return None
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError as exc:
        raise UsageError(
            expected="a time such as 2026-03-02 08:00", found=text.strip(), remedy="correct it or leave it empty"
        ) from exc
    return at.replace(tzinfo=at.tzinfo or UTC)
