"""Stretches of clips: people mark them on videos of the stored stills, and each becomes a suggestion for its stills.

A stretch says the class and nothing else, so it is no answer: the labeller of a still completes it with a caption.
Nothing but stored stills, with what they hide, goes into a video, which is made when somebody asks for it.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

from workbench.domain import Answer, ClipPart, Frame, Site, Taxonomy
from workbench.errors import NotFoundError, StorageError, UsageError
from workbench.footage.still_video import stills_to_mp4
from workbench.labeling.timelines import FPS, PartTask
from workbench.progress import Progress, silent
from workbench.workflows.file_suggestions import suggest
from workbench.workflows.images import ClipLinks
from workbench.workflows.task_board import TaskBoard, open_studio
from workbench.workflows.workspace import Workspace

__all__ = ["SOURCE", "TimelinePull", "TimelinePush", "clip_video", "pull_timelines", "push_timelines", "stills_of"]

SOURCE = "timeline"
"""Under which name Label Studio shows what stretches suggest."""

_PART_STILLS = 240
"""One minute of video at most."""
_LEAST_STILLS = 2


@dataclass(frozen=True)
class TimelinePush:
    project_url: str
    created: int
    renewed: int


@dataclass(frozen=True)
class TimelinePull:
    """``stills`` lie in a stretch of one class; of these ``suggested`` ones got it and ``withdrawn`` ones lost another.

    ``contradictory`` stills lie in stretches of several classes, and ``without_task`` ones nobody was asked about.
    """

    stretches: int
    stills: int
    suggested: int
    withdrawn: int
    contradictory: int
    without_task: int


def push_timelines(workspace: Workspace, site: str, *, actor: str, progress: Progress = silent) -> TimelinePush:
    """Ask people about the clips of ``site``, in parts of at most 240 stills; running it again adds what is new.

    Raises:
        UsageError: The taxonomy has no timeline.
        LabelStudioError: Label Studio does not answer.
    """
    known, taxonomy = _with_timeline(workspace, site)
    studio, links = open_studio(workspace), ClipLinks(workspace.settings)
    with workspace.turn("timeline", site):
        project_id = studio.ensure_timelines(known, taxonomy)
        parts = [*workspace.store.clip_parts.all(site), *_new_parts(workspace, site)]
        workspace.store.clip_parts.add(parts)
        asked = studio.parts(project_id)
        missing = [part.id for part in parts if part.id not in asked]
        studio.add_parts(project_id, {part_id: links.sign(part_id) for part_id in missing}, progress)
        stale = {part_id: task for part_id, task in asked.items() if links.is_stale(task.video_url, part_id)}
        urls = {task.task_id: (part_id, links.sign(part_id)) for part_id, task in stale.items()}
        studio.renew_video_urls(urls, progress)
    if missing or stale:
        detail = {"created": len(missing), "renewed": len(stale)}
        workspace.store.audit.append(actor=actor, action="timeline.push", subject=site, detail=detail)
    return TimelinePush(studio.project_url(project_id), len(missing), len(stale))


def pull_timelines(workspace: Workspace, site: str, *, actor: str, progress: Progress = silent) -> TimelinePull:
    """Make the stretches that people marked suggestions for the stills' tasks that nobody has answered yet.

    A suggestion of a stretch that is marked otherwise by now is changed or withdrawn.

    Raises:
        NotFoundError: Nobody was asked about clips yet.
        LabelStudioError: Label Studio does not answer.
    """
    known = workspace.store.sites.get(site)
    project_id = open_studio(workspace).find_timelines(known)
    if project_id is None:
        raise NotFoundError(
            expected=f"a project with clips of site {site}", found="none", remedy="run `workbench timeline push` first"
        )
    with TaskBoard.held(workspace, site, progress) as board:
        tasks = board.studio.parts(project_id)
        classes = _classes_by_frame(workspace, site, tasks)
        marked = {frame_id: next(iter(names)) for frame_id, names in classes.items() if len(names) == 1}
        open_ = {frame_id: task.task_id for frame_id, task in board.tasks.items() if not task.answers}
        wanted = {open_[frame_id]: name for frame_id, name in marked.items() if frame_id in open_}
        before = board.studio.suggestions_of(board.project_id, SOURCE)
        gone = [number for task_id, (number, name) in before.items() if wanted.get(task_id) != name]
        board.studio.withdraw_suggestions(gone, progress)
        new = {
            frame_id: {SOURCE: Answer(marked[frame_id], "")}
            for frame_id, task_id in open_.items()
            if task_id in wanted and before.get(task_id, (0, ""))[1] != wanted[task_id]
        }
        suggest(workspace, board, new, progress)
    report = TimelinePull(
        stretches=sum(len(task.stretches) for task in tasks.values()),
        stills=len(marked),
        suggested=len(new),
        withdrawn=len(gone),
        contradictory=len(classes) - len(marked),
        without_task=len(marked.keys() - board.tasks.keys()),
    )
    if new or gone:
        detail = {"suggested": report.suggested, "withdrawn": report.withdrawn}
        workspace.store.audit.append(actor=actor, action="timeline.pull", subject=site, detail=detail)
    return report


def stills_of(workspace: Workspace, part_id: str) -> tuple[str | None, ...]:
    """Return the ids of the stills that the part's video shows, as they are stored now; None for one that is gone."""
    part = workspace.store.clip_parts.get(part_id)
    by_offset = _by_offset(workspace.store.footage.frames(part.site, clip_id=part.clip_id))
    return tuple(by_offset.get(offset_s) for offset_s in part.offsets_s)


def clip_video(workspace: Workspace, frame_ids: Iterable[str | None]) -> bytes:
    """Return the stills with these ids as an MP4 file, one a frame."""
    return stills_to_mp4([_still(workspace, frame_id) for frame_id in frame_ids], fps=FPS)


def _with_timeline(workspace: Workspace, site: str) -> tuple[Site, Taxonomy]:
    known, taxonomy = workspace.store.sites.get(site), workspace.store.sites.taxonomy(site)
    if not taxonomy.timeline:
        raise UsageError(
            expected=f"a taxonomy of {site} with a timeline",
            found="none",
            remedy="write `timeline: true`, or the classes whose stretches are marked, and `workbench taxonomy set` it",
        )
    return known, taxonomy


def _new_parts(workspace: Workspace, site: str) -> Iterator[ClipPart]:
    """Yield runs of the stills that no part shows yet."""
    shown: defaultdict[str, set[float]] = defaultdict(set)
    for part in workspace.store.clip_parts.all(site):
        shown[part.clip_id].update(part.offsets_s)
    offsets: defaultdict[str, list[float]] = defaultdict(list)
    for frame in workspace.store.footage.frames(site):
        if frame.offset_s not in shown[frame.clip_id]:
            offsets[frame.clip_id].append(frame.offset_s)
    for clip_id, new in offsets.items():
        yield from _parts(site, clip_id, sorted(new))


def _parts(site: str, clip_id: str, offsets_s: Sequence[float]) -> Iterator[ClipPart]:
    for start in range(0, len(offsets_s), _PART_STILLS):
        run = tuple(offsets_s[start : start + _PART_STILLS])
        if len(run) >= _LEAST_STILLS:
            yield ClipPart(site, clip_id, run)


def _classes_by_frame(workspace: Workspace, site: str, tasks: Mapping[str, PartTask]) -> dict[str, set[str]]:
    """Return the classes of the stretches that each still lies in, by frame id."""
    classes: defaultdict[str, set[str]] = defaultdict(set)
    marked = [part for part in workspace.store.clip_parts.all(site) if part.id in tasks and tasks[part.id].stretches]
    for clip_id, parts in groupby(sorted(marked, key=attrgetter("clip_id")), key=attrgetter("clip_id")):
        frames = _by_offset(workspace.store.footage.frames(site, clip_id=clip_id))
        for part in parts:
            for stretch in tasks[part.id].stretches:
                for offset_s in frames.keys() & set(part.offsets_of(stretch)):
                    classes[frames[offset_s]].add(stretch.class_name)
    return dict(classes)


def _by_offset(frames: Iterable[Frame]) -> dict[float, str]:
    return {frame.offset_s: frame.id for frame in frames}


def _still(workspace: Workspace, frame_id: str | None) -> bytes | None:
    try:
        return workspace.frame_files.read(frame_id) if frame_id else None
    except StorageError:
        return None
