"""A site's cameras side by side: the newest still of each, how many there are, and what happens there now."""

from collections.abc import Sequence

from markupsafe import Markup

from workbench.domain import Camera, Frame, JobState
from workbench.footage.addresses import is_stream
from workbench.ui.fragments import badge, empty_state, facts, frame_link, time_of
from workbench.workflows.jobs import refresh_jobs
from workbench.workflows.workspace import Workspace

__all__ = ["camera_wall"]


def camera_wall(workspace: Workspace, site: str | None) -> tuple[Markup]:
    """Return the site's figures above its cameras, or what to do first."""
    if not site:
        return (empty_state("No site yet", "Add one below: its name, and the classes that its stills belong to."),)
    cameras = workspace.store.sites.cameras(site)
    if not cameras:
        return (empty_state("No camera yet", "Add one below, then take stills from its footage."),)
    stills = workspace.store.footage.counts_by_camera(site)
    newest = workspace.store.footage.newest_per_camera(site, 1)
    recording = _recording(workspace, site)
    cards = [
        _camera_card(camera, newest[camera.name], stills.get(camera.name, 0), camera.name in recording)
        for camera in cameras
    ]
    wall = Markup('<div class="wb-wall">{}</div>').format(Markup("").join(cards))
    if not stills:
        return (
            empty_state("No stills yet", "Name a video, a folder or a stream below and take stills from it.") + wall,
        )
    clips = workspace.store.footage.clips(site)
    figures = {
        "cameras": len(cameras),
        "clips": f"{len(clips):,}",
        "minutes of footage": f"{sum(clip.duration_s for clip in clips) / 60:,.1f}",
        "stills": f"{sum(stills.values()):,}",
        "newest still (UTC)": time_of(max(frame.taken_at for found in newest.values() for frame in found)),
    }
    return (facts(figures) + wall,)


def _recording(workspace: Workspace, site: str) -> set[str]:
    """Return the cameras whose streams are being read now."""
    running = [job for job in refresh_jobs(workspace, site) if job.kind == "ingest" and job.state is JobState.RUNNING]
    live = [job.argv for job in running if is_stream(job.argv[-1])]
    return {argv[argv.index("--camera") + 1] for argv in live}


def _camera_card(camera: Camera, newest: Sequence[Frame], stills: int, is_recording: bool) -> Markup:
    badges = [badge("recording", "good")] if is_recording else []
    if camera.masks:
        badges.append(badge(f"{len(camera.masks)} hidden {'area' if len(camera.masks) == 1 else 'areas'}"))
    if camera.hides_faces:
        badges.append(badge("faces blurred"))
    view = Markup('<div class="wb-no-view"></div>')
    seen: Markup | str = "nothing yet"
    for frame in newest:
        view, seen = frame_link(frame.id, f"the newest still of {camera.name}"), time_of(frame.taken_at)
    return Markup(
        '<figure>{0}<figcaption><b title="{1}">{1}</b><span>{2} stills · {3}</span><div>{4}</div></figcaption></figure>'
    ).format(view, camera.name, f"{stills:,}", seen, Markup(" ").join(badges))
