"""Take footage in: sample stills of files, folders and live streams into the catalogue of a site's camera.

Running the same ingest twice adds nothing, and ``every_s`` and ``at`` on the same clip add up. A clip's row and its
frames' rows are written together or not at all; image files without a row do no harm, as their name is their content.
"""

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path, PurePath

import numpy as np

from workbench.domain import Camera, Clip, Frame, Taking, utc_now
from workbench.errors import FootageError, LabelFileError, UsageError
from workbench.footage.addresses import is_stream, stream_name, without_credentials
from workbench.footage.diversity import Embeddings
from workbench.footage.motion import ChangeDetection
from workbench.footage.pictures import Jpeg, encode_jpeg
from workbench.footage.privacy import covered
from workbench.footage.quotas import hour_of
from workbench.footage.recordings import Recording
from workbench.footage.sampling import SamplingPlan, plan_at, plan_changes, plan_every, plan_keyframes
from workbench.footage.selection import KnownStills, SelectionReport, SelectionRules, sieve
from workbench.footage.sources import FoundRecording, find_recordings
from workbench.footage.streams import sample_stream
from workbench.labeling.labels_csv import read_labels
from workbench.progress import Progress, silent
from workbench.workflows.workspace import Workspace

__all__ = ["IngestReport", "ingest"]

_STREAM_SLACK_S = 1.0
_EMBEDDED_AT_ONCE = 64


@dataclass(frozen=True)
class IngestReport:
    """``frames_known`` are those kept whose pictures the catalogue held already; ``selections`` are by clip name."""

    clips: tuple[Clip, ...]
    frames_found: int
    frames_added: int
    frames_known: int
    problems: tuple[str, ...]
    selections: Mapping[str, SelectionReport]
    seconds: float


@dataclass(frozen=True)
class _Batch:
    camera: Camera
    clip: Clip
    frames: tuple[Frame, ...]
    found: int
    kept: int
    problems: tuple[str, ...]
    selection: SelectionReport | None = None


def ingest(
    workspace: Workspace,
    source: str,
    *,
    site: str,
    camera: str,
    every_s: float = 1.0,
    taking: Taking = Taking.EVERY,
    rules: SelectionRules | None = None,
    at: Path | None = None,
    started_at: datetime | None = None,
    duration_s: float | None = None,
    actor: str,
    progress: Progress = silent,
) -> IngestReport:
    """Sample ``source`` as ``taking`` says, ``every_s`` seconds at most, or at the times that ``at`` lists for it.

    ``source`` is a video file, a folder of videos and pictures, the URL of either in an object store, or the address
    of a stream, which is read for ``duration_s``. With ``rules``, of each recording only what they leave is kept. Of a
    folder, each file that cannot be used is one of the report's problems and the others go on.

    Raises:
        FootageError: A file or stream that cannot be used, or times beyond a clip's end (nothing is stored then).
        LabelFileError: A labels file that cannot be used or lists no time of the source.
        NotFoundError: An unknown site or camera.
        StorageError: A full disk; clips that were finished before stay.
    """
    began_s = time.monotonic()
    seen_by = workspace.store.sites.camera(site, camera)
    if is_stream(source):
        if at is not None or started_at is not None or duration_s is None or rules or taking is not Taking.EVERY:
            raise UsageError(
                expected="for a stream an interval and a duration, and nothing else",
                found=f"other options for {without_credentials(source)}",
                remedy="give for example --every 1s --duration 30s",
            )
        batch = _sample_stream(workspace, source, seen_by, every_s, duration_s, progress)
        return _report([batch], [_commit(workspace, batch, actor)], [], time.monotonic() - began_s)
    if at is not None and (duration_s is not None or rules or taking is not Taking.EVERY):
        raise UsageError(
            expected="either the times of a labels file or other ways to choose stills",
            found="both",
            remedy="leave one of them out",
        )
    found = find_recordings(source)
    single = len(found) == 1 and found[0].name == PurePath(source).name
    batches, added, problems = list[_Batch](), list[int](), list[str]()
    with ExitStack() as held:
        if at is not None:
            plans = iter(_plan_at_times(found, source, single, at, held, problems))
        else:
            plans = _plans_as_they_come(found, single, _planner(taking, every_s, duration_s), problems)
        for plan in plans:
            try:
                batch = _sample_recording(workspace, plan, seen_by, started_at, rules, progress)
                added.append(_commit(workspace, batch, actor))
                batches.append(batch)
            except FootageError as error:
                _raise_or_note(error, single, plan.video.name, problems)
    return _report(batches, added, problems, time.monotonic() - began_s)


def _planner(taking: Taking, every_s: float, duration_s: float | None) -> Callable[[Recording], SamplingPlan]:
    if taking is Taking.KEYFRAMES:
        return lambda recording: plan_keyframes(recording, every_s, until_s=duration_s)
    if taking is Taking.CHANGES:
        return lambda recording: plan_changes(recording, ChangeDetection(look_every_s=every_s), until_s=duration_s)
    return lambda recording: plan_every(recording, every_s, until_s=duration_s)


def _plans_as_they_come(
    found: Sequence[FoundRecording], single: bool, plan: Callable[[Recording], SamplingPlan], problems: list[str]
) -> Iterator[SamplingPlan]:
    """Open one recording after the other; of an object store, so, one copy is on the disk at a time."""
    for recording in found:
        try:
            with recording.opened() as opened:
                yield plan(opened)
        except FootageError as error:
            _raise_or_note(error, single, recording.name, problems)


def _plan_at_times(
    found: Sequence[FoundRecording], source: str, single: bool, at: Path, held: ExitStack, problems: list[str]
) -> list[SamplingPlan]:
    """Look at every recording that the labels file names before any frame is stored."""
    times_s = _times_by_video(at)
    plans: list[SamplingPlan] = []
    beyond: list[str] = []
    for recording in found:
        if recording.name not in times_s:
            continue
        try:
            video = held.enter_context(recording.opened())
        except FootageError as error:
            _raise_or_note(error, single, recording.name, problems)
            continue
        late_s = video.timeline.beyond_end(times_s[recording.name])
        if late_s:
            told = f"{recording.name} ends at {video.timeline.duration_s:.2f} s, but {_seconds(late_s)} asked for"
            (problems if video.damage else beyond).append(told)
        plans.append(plan_at(video, [time_s for time_s in times_s[recording.name] if time_s not in late_s]))
    if beyond:
        raise FootageError(
            expected="times within the clips",
            found="; ".join(beyond),
            remedy=f"correct time_s in {at}; nothing was stored",
        )
    if not plans and not problems:
        raise LabelFileError(
            expected=f"rows for {PurePath(source).name} in {at}",
            found=f"rows for {', '.join(sorted(times_s))} only",
            remedy="write the file's name into the column video",
        )
    return plans


def _times_by_video(at: Path) -> dict[str, list[float]]:
    times_s: dict[str, list[float]] = {}
    for row in read_labels(at, class_names=None):
        times_s.setdefault(row.video, []).append(row.time_s)
    return times_s


def _sample_recording(
    workspace: Workspace,
    plan: SamplingPlan,
    camera: Camera,
    started_at: datetime | None,
    rules: SelectionRules | None,
    progress: Progress,
) -> _Batch:
    recording = plan.video
    clip = _known_or_new(
        workspace,
        Clip(
            id=recording.digest(),
            site=camera.site,
            camera=camera.name,
            name=recording.name,
            started_at=recording.start(started_at).at,
            duration_s=recording.timeline.duration_s,
            size_wh=recording.size_wh,
        ),
        started_at,
    )
    problems = [f"{recording.name}: {recording.damage}"] if recording.damage else []
    stills = plan.stills(
        on_damage=problems.append, on_look=lambda count: progress(count, len(plan.instants_s), recording.name)
    )
    jpegs = ((offset_s, encode_jpeg(covered(still.image(), camera))) for offset_s, still in stills)
    if rules is None:
        kept, selection = list(_stored(workspace, clip, plan, jpegs)), None
    else:
        kept, selection = _selected(workspace, clip, plan, jpegs, rules)
    frames = tuple(frame for of_still in kept for frame in of_still)
    found = selection.found if selection else len(kept)
    return _Batch(camera, clip, frames, found, len(kept), tuple(problems), selection)


def _stored(
    workspace: Workspace, clip: Clip, plan: SamplingPlan, jpegs: Iterable[tuple[float, Jpeg]]
) -> Iterator[list[Frame]]:
    """Store the pictures and yield for each its frames, one for every instant at which it is to be found."""
    for offset_s, jpeg in jpegs:
        frame_id = workspace.frame_files.write(jpeg.content)
        instants_s = sorted(plan.instants_s[offset_s], key=lambda instant_s: abs(instant_s - offset_s))
        yield [_frame(clip, frame_id, instant_s, jpeg.size_wh) for instant_s in instants_s]


def _selected(
    workspace: Workspace, clip: Clip, plan: SamplingPlan, jpegs: Iterable[tuple[float, Jpeg]], rules: SelectionRules
) -> tuple[list[list[Frame]], SelectionReport]:
    """Store the pictures that ``rules`` leave, with what the catalogue holds of the camera in mind."""
    by_hour = Counter(map(hour_of, workspace.store.footage.taken_at(clip.site, clip.camera)))
    offered: dict[int, tuple[float, tuple[int, int]]] = {}
    with sieve(rules, KnownStills(by_hour=by_hour)) as waiting:
        for offset_s, jpeg in jpegs:
            number = waiting.offer(jpeg.content, clip.started_at + timedelta(seconds=offset_s))
            if number is not None:
                offered[number] = offset_s, jpeg.size_wh
        selection = waiting.settle(partial(_embeddings, workspace))
        chosen = ((offered[number][0], Jpeg(waiting.jpeg(number), offered[number][1])) for number in selection.kept)
        return list(_stored(workspace, clip, plan, chosen)), selection.report


def _embeddings(workspace: Workspace, jpegs: Iterator[bytes]) -> Embeddings:
    from workbench.models.dual_encoder import load_dual_encoder  # torch is loaded only by those who need it
    from workbench.workflows.predict import decode_image

    encoder = load_dual_encoder(workspace.settings.dual_encoder_dir)
    rows = [np.zeros((0, encoder.width), dtype=np.float32)]
    while some := list(islice(jpegs, _EMBEDDED_AT_ONCE)):
        rows.append(encoder.embed_images([decode_image(jpeg) for jpeg in some]))
    return np.concatenate(rows)


def _sample_stream(
    workspace: Workspace, url: str, camera: Camera, every_s: float, duration_s: float, progress: Progress
) -> _Batch:
    started_at = utc_now()
    seen: list[tuple[str, float, tuple[int, int]]] = []
    problems: list[str] = []
    try:
        for still in sample_stream(
            url, every_s=every_s, duration_s=duration_s, prepare=partial(covered, camera=camera)
        ):
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
        site=camera.site,
        camera=camera.name,
        name=name,
        started_at=started_at,
        duration_s=seen[-1][1],
        size_wh=seen[-1][2],
    )
    frames = [_frame(clip, frame_id, offset_s, size_wh) for frame_id, offset_s, size_wh in seen]
    return _Batch(camera, clip, tuple(frames), len(frames), len(frames), tuple(problems))


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
        if workspace.store.sites.camera(clip.site, clip.camera) != batch.camera:
            for frame in batch.frames:
                if not footage.sites_with(frame.id):
                    workspace.frame_files.delete(frame.id)
            raise FootageError(
                expected=f"what camera {clip.camera} hides to stay the same while {clip.name} is read",
                found="other hidden areas since",
                remedy="take the stills again; those read with the old ones are gone",
            )
        is_new = footage.add_clip(clip)
        added = footage.add_frames(batch.frames)
        if is_new or added:
            detail = {
                "camera": clip.camera,
                "clip": clip.name,
                "clip_id": clip.id,
                "frames_found": batch.found,
                "frames_added": added,
                "dropped": {step.name: step.dropped for step in batch.selection.steps} if batch.selection else {},
            }
            workspace.store.audit.append(actor=actor, action="footage.ingest", subject=clip.site, detail=detail)
    return added


def _frame(clip: Clip, frame_id: str, offset_s: float, size_wh: tuple[int, int]) -> Frame:
    taken_at = clip.started_at + timedelta(seconds=offset_s)
    return Frame(frame_id, clip.site, clip.camera, clip.id, clip.name, round(offset_s, 6), taken_at, size_wh)


def _raise_or_note(error: FootageError, single: bool, name: str, problems: list[str]) -> None:
    if single:
        raise error
    problems.append(f"{name}: {error}")


def _report(batches: Sequence[_Batch], added: Sequence[int], problems: Sequence[str], seconds: float) -> IngestReport:
    return IngestReport(
        clips=tuple(batch.clip for batch in batches),
        frames_found=sum(batch.found for batch in batches),
        frames_added=sum(added),
        frames_known=sum(batch.kept for batch in batches) - sum(added),
        problems=(*problems, *(problem for batch in batches for problem in batch.problems)),
        selections={batch.clip.name: batch.selection for batch in batches if batch.selection},
        seconds=round(seconds, 2),
    )


def _seconds(times_s: Sequence[float]) -> str:
    return f"{', '.join(f'{time_s:g} s' for time_s in times_s)} {'is' if len(times_s) == 1 else 'are'}"
