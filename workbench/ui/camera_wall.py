"""A site's cameras side by side: the newest still of each, how many there are, and how its stream is doing."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

import gradio as gr
from markupsafe import Markup

from workbench.domain import Camera, Frame, LiveRecording, StreamKind
from workbench.ui.fragments import badge, empty_state, facts, frame_link, loading, time_of
from workbench.ui.stream_card import is_recording
from workbench.ui.view import View
from workbench.wording import counted
from workbench.workflows.jobs import refresh_jobs
from workbench.workflows.record import is_going_on
from workbench.workflows.workspace import Workspace

__all__ = ["camera_wall"]

_POLL_S = 3.0
_TONES = {StreamKind.LIVE: "good", StreamKind.CONNECTING: "warn", StreamKind.WAITING: "warn"}


def camera_wall(workspace: Workspace, site: gr.Dropdown) -> View:
    """Show the site's figures above its cameras; while one is recorded it looks anew every few seconds."""
    wall = gr.HTML(loading())
    timer = gr.Timer(_POLL_S, active=False)

    def look(site: str | None) -> tuple[Markup, gr.Timer]:
        if not site:
            nothing = empty_state("No site yet", "Add one below: its name, and the classes that its stills belong to.")
            return nothing, gr.Timer(active=False)
        streams = _Streams.of(workspace, site)
        return _wall(workspace, site, streams), gr.Timer(active=streams.are_going_on)

    view = View(workspace, look, [wall, timer])
    view.show_on(timer.tick, site, name="look_cameras")
    return view


def _wall(workspace: Workspace, site: str, streams: "_Streams") -> Markup:
    cameras = workspace.store.sites.cameras(site)
    if not cameras:
        return empty_state("No camera yet", "Add one below, then take stills from its footage.")
    stills = workspace.store.footage.counts_by_camera(site)
    newest = workspace.store.footage.newest_per_camera(site, 1)
    cards = [
        _card(camera, newest[camera.name], stills.get(camera.name, 0), streams.shown(camera.name)) for camera in cameras
    ]
    wall = Markup('<div class="wb-wall">{}</div>').format(Markup("").join(cards))
    if not stills:
        return empty_state("No stills yet", "Name a video or a folder below, or record a camera's stream.") + wall
    clips = workspace.store.footage.clips(site)
    figures = {
        "cameras": len(cameras),
        "clips": f"{len(clips):,}",
        "minutes of footage": f"{sum(clip.duration_s for clip in clips) / 60:,.1f}",
        "stills": f"{sum(stills.values()):,}",
        "newest still (UTC)": time_of(max(frame.taken_at for found in newest.values() for frame in found)),
    }
    return facts(figures) + wall


@dataclass(frozen=True)
class _Streams:
    """Where the cameras stream, how their last recordings are doing, and whose recording was just asked for."""

    addresses: Mapping[str, str]
    recordings: Mapping[str, LiveRecording]
    asked_for: Set[str]

    @classmethod
    def of(cls, workspace: Workspace, site: str) -> "_Streams":
        running = {job.argv[-1] for job in refresh_jobs(workspace, site) if is_recording(job)}
        store = workspace.store.streams
        return cls(store.addresses(site), store.recordings(site), running)

    @property
    def are_going_on(self) -> bool:
        return bool(self.asked_for) or any(map(is_going_on, self.recordings.values()))

    def shown(self, camera: str) -> Markup:
        """Return how the camera's stream is doing, or how its last recording ended."""
        address, recording = self.addresses.get(camera, ""), self.recordings.get(camera)
        if recording is not None and is_going_on(recording):
            taken = f" · {recording.stills_taken:,} stills" if recording.kind is StreamKind.LIVE else ""
            return _line(badge(f"{recording.kind.value}{taken}", _TONES[recording.kind]), address, _told(recording))
        if camera in self.asked_for:
            return _line(badge("starting", "warn"), address, address)
        if recording is None:
            return _line(Markup(""), address, address)
        if recording.kind is StreamKind.ENDED:
            return _line(Markup(""), address, f"Not recorded now. {_told(recording)}")
        return _line(badge("recording broke off", "bad"), address, "The process that recorded it is gone.")


def _told(recording: LiveRecording) -> str:
    told = [recording.reason] if recording.reason else []
    if recording.reconnects:
        told.append(f"Connected again {recording.reconnects} times.")
    if recording.stills_dropped:
        told.append(f"{recording.stills_dropped:,} stills came too fast to be kept.")
    return " ".join(told)


def _line(state: Markup, address: str, told: str) -> Markup:
    return Markup('{} <span class="wb-stream" title="{}">{}</span>').format(state, address, told)


def _card(camera: Camera, newest: Sequence[Frame], stills: int, stream: Markup) -> Markup:
    badges = []
    if camera.masks:
        badges.append(badge(counted(len(camera.masks), "hidden area")))
    if camera.hides_faces:
        badges.append(badge("faces blurred"))
    view = Markup('<div class="wb-no-view"></div>')
    seen: Markup | str = "nothing yet"
    for frame in newest:
        view, seen = frame_link(frame.id, f"the newest still of {camera.name}"), time_of(frame.taken_at)
    return Markup(
        '<figure>{0}<figcaption><b title="{1}">{1}</b><span>{2} stills · {3}</span><div>{4} {5}</div></figcaption>'
        "</figure>"
    ).format(view, camera.name, f"{stills:,}", seen, Markup(" ").join(badges), stream)
