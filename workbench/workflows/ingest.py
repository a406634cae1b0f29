"""Take footage in: sample stills of files, folders and live streams into the catalogue of a site's camera.

Running the same ingest twice adds nothing, and ``every_s`` and ``at`` on the same clip add up. A clip's row and its
frames' rows are written together or not at all; image files without a row do no harm, as their name is their content.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from workbench.domain import Clip, Frame, utc_now
from workbench.errors import FootageError, LabelFileError, UsageError
from workbench.footage.addresses import is_stream, stream_name, without_credentials
from workbench.footage.files import file_sha256, video_files
from workbench.footage.pictures import encode_jpeg
from workbench.footage.sampling import SamplingPlan, plan_at, plan_every
from workbench.footage.start_times import start_time
from workbench.footage.streams import sample_stream
from workbench.footage.video import open_video
from workbench.labeling.labels_csv import read_labels
from workbench.progress import Progress, silent
from workbench.workflows.workspace import Workspace

__all__ = ["IngestReport", "ingest"]

_STREAM_SLACK_S = 1.0


@dataclass(frozen=True)
class IngestReport:
    """``frames_known`` are those of ``frames_found`` whose pictures the catalogue held already."""

    clips: tuple[Clip, ...]
    frames_found: int
    frames_added: int
    frames_known: int
    problems: tuple[str, ...]


@dataclass(frozen=True)
class _Batch:
    clip: Clip
    frames: tuple[Frame, ...]
    found: int
    problems: tuple[str, ...]


def ingest(
    workspace: Workspace,
    source: str,
    *,
    site: str,
    camera: str,
    every_s: float = 1.0,
    at: Path | None = None,
    started_at: datetime | None = None,
    duration_s: float | None = None,
    actor: str,
    progress: Progress = silent,
) -> IngestReport:
    """Sample ``source`` every ``every_s`` seconds, or at the times that the labels file ``at`` lists for it.

    ``source`` is a video file, a folder of them, or the address of a stream, which is read for ``duration_s``. Of a
    folder, each file that cannot be used is one of the report's problems and the others go on.

    Raises:
        FootageError: A file or stream that cannot be used, or times beyond a clip's end (nothing is stored then).
        LabelFileError: A labels file that cannot be used or lists no time of the source.
        NotFoundError: An unknown site or camera.
        StorageError: A full disk; clips that were finished before stay.
    """
    workspace.store.sites.camera(site, camera)
    if is_stream(source):
        if at is not None or started_at is not None or duration_s is None:
            raise UsageError(
                expected="for a stream a duration, and neither a labels file nor a start time",
                found=f"other options for {without_credentials(source)}",
                remedy="give for example --every 1s --duration 30s",
            )
        batch = _sample_stream(workspace, source, site, camera, every_s, duration_s, progress)
        return _report([batch], [_commit(workspace, batch, actor)], [])
    if at is not None and duration_s is not None:
        raise UsageError(
            expected="either the times of a labels file or a duration", found="both", remedy="leave one of them out"
        )
    plans, problems = _plan_all(Path(source), every_s, at, duration_s)
    batches, added = [], []
    for plan in plans:
        try:
            batch = _sample_file(workspace, plan, site, camera, started_at, progress)
            added.append(_commit(workspace, batch, actor))
            batches.append(batch)
        except FootageError as error:
            _raise_or_note(error, Path(source), plan.video.path, problems)
    return _report(batches, added, problems)


def _plan_all(
    source: Path, every_s: float, at: Path | None, duration_s: float | None
) -> tuple[list[SamplingPlan], list[str]]:
    """Look at every file before any frame is stored."""
    times_s = _times_by_video(at) if at is not None else None
    plans: list[SamplingPlan] = []
    problems: list[str] = []
    beyond: list[str] = []
    for path in video_files(source):
        if times_s is not None and path.name not in times_s:
            continue
        try:
            video = open_video(path)
        except FootageError as error:
            _raise_or_note(error, source, path, problems)
            continue
        if times_s is None:
            plans.append(plan_every(video, every_s, until_s=duration_s))
            continue
        late_s = video.timeline.beyond_end(times_s[path.name])
        if late_s:
            told = f"{path.name} ends at {video.timeline.duration_s:.2f} s, but {_seconds(late_s)} asked for"
            (problems if video.damage else beyond).append(told)
        plans.append(plan_at(video, [time_s for time_s in times_s[path.name] if time_s not in late_s]))
    if beyond:
        raise FootageError(
            expected="times within the clips",
            found="; ".join(beyond),
            remedy=f"correct time_s in {at}; nothing was stored",
        )
    if times_s is not None and not plans and not problems:
        raise LabelFileError(
            expected=f"rows for {source.name} in {at}",
            found=f"rows for {', '.join(sorted(times_s))} only",
            remedy="write the file's name into the column video",
        )
    return plans, problems


def _times_by_video(at: Path) -> dict[str, list[float]]:
    times_s: dict[str, list[float]] = {}
    for row in read_labels(at, class_names=None):
        times_s.setdefault(row.video, []).append(row.time_s)
    return times_s


def _sample_file(
    workspace: Workspace, plan: SamplingPlan, site: str, camera: str, started_at: datetime | None, progress: Progress
) -> _Batch:
    video, path = plan.video, plan.video.path
    clip = _known_or_new(
        workspace,
        Clip(
            id=file_sha256(path),
            site=site,
            camera=camera,
            name=path.name,
            started_at=started_at or start_time(path, created_at=video.created_at),
            duration_s=video.timeline.duration_s,
            size_wh=video.size_wh,
        ),
        started_at,
    )
    problems = [f"{path.name}: {video.damage}"] if video.damage else []
    frames: list[Frame] = []
    found = 0
    for offset_s, still in video.stills(sorted(plan.instants_s), on_damage=problems.append):
        jpeg = encode_jpeg(still.image())
        frame_id = workspace.frame_files.write(jpeg.content)
        instants_s = sorted(plan.instants_s[offset_s], key=lambda instant_s: abs(instant_s - offset_s))
        frames += [_frame(clip, frame_id, instant_s, jpeg.size_wh) for instant_s in instants_s]
        found += 1
        progress(found, len(plan.instants_s), path.name)
    return _Batch(clip, tuple(frames), found, tuple(problems))


def _sample_stream(
    workspace: Workspace, url: str, site: str, camera: str, every_s: float, duration_s: float, progress: Progress
) -> _Batch:
    started_at = utc_now()
    seen: list[tuple[str, float, tuple[int, int]]] = []
    problems: list[str] = []
    try:
        for still in sample_stream(url, every_s=every_s, duration_s=duration_s):
            if not seen:
                started_at = utc_now()
            seen.append((workspace.frame_files.write(still.jpeg.content), still.offset_s, still.jpeg.size_wh))
            progress(len(seen), None, without_credentials(url))
    except FootageError as error:
        if not seen:
            raise
        problems.append(str(error))
    if not problems and seen[-1][1] + every_s < duration_s - _STREAM_SLACK_S:
        problems.append(f"{without_credentials(url)} ended after {seen[-1][1]:.1f} s of {duration_s:g} s")
    name = stream_name(url, started_at)
    clip = Clip(
        id=hashlib.sha256(f"{without_credentials(url)} {started_at.isoformat()}".encode()).hexdigest(),
        site=site,
        camera=camera,
        name=name,
        started_at=started_at,
        duration_s=seen[-1][1],
        size_wh=seen[-1][2],
    )
    frames = [_frame(clip, frame_id, offset_s, size_wh) for frame_id, offset_s, size_wh in seen]
    return _Batch(clip, tuple(frames), len(frames), tuple(problems))


def _known_or_new(workspace: Workspace, clip: Clip, given_start: datetime | None) -> Clip:
    """Return the clip as the catalogue knows it; FootageError when ``clip`` contradicts the catalogue."""
    for known in workspace.store.footage.clips(clip.site):
        if known.id == clip.id:
            if known.camera != clip.camera or given_start not in (None, known.started_at):
                raise FootageError(
                    expected=f"{clip.name} as it is known: camera {known.camera}, start {known.started_at.isoformat()}",
                    found=f"camera {clip.camera}, start {clip.started_at.isoformat()}",
                    remedy="give the known camera and leave out --start",
                )
            return known
        if known.name == clip.name:
            raise FootageError(
                expected=f"one recording named {clip.name} at site {clip.site}, as labels name it",
                found=f"another one with other contents, of camera {known.camera}",
                remedy="rename the file",
            )
    return clip


def _commit(workspace: Workspace, batch: _Batch, actor: str) -> int:
    """Write the clip and its frames and return how many frames are new."""
    clip, footage = batch.clip, workspace.store.footage
    with workspace.store.transaction():
        is_new = footage.add_clip(clip)
        added = footage.add_frames(batch.frames)
        if is_new or added:
            detail = {"camera": clip.camera, "clip": clip.name, "clip_id": clip.id, "frames_added": added}
            workspace.store.audit.append(actor=actor, action="footage.ingest", subject=clip.site, detail=detail)
    return added


def _frame(clip: Clip, frame_id: str, offset_s: float, size_wh: tuple[int, int]) -> Frame:
    taken_at = clip.started_at + timedelta(seconds=offset_s)
    return Frame(frame_id, clip.site, clip.camera, clip.id, clip.name, round(offset_s, 6), taken_at, size_wh)


def _raise_or_note(error: FootageError, source: Path, path: Path, problems: list[str]) -> None:
    if not source.is_dir():
        raise error
    problems.append(f"{path.name}: {error}")


def _report(batches: Sequence[_Batch], added: Sequence[int], problems: Sequence[str]) -> IngestReport:
    found = sum(batch.found for batch in batches)
    return IngestReport(
        clips=tuple(batch.clip for batch in batches),
        frames_found=found,
        frames_added=sum(added),
        frames_known=found - sum(added),
        problems=(*problems, *(problem for batch in batches for problem in batch.problems)),
    )


def _seconds(times_s: Sequence[float]) -> str:
    return f"{', '.join(f'{time_s:g} s' for time_s in times_s)} {'is' if len(times_s) == 1 else 'are'}"
