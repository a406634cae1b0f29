"""Take footage in: sample stills of files and folders into the catalogue of a site's camera.

Running the same ingest twice adds nothing, and ``every_s`` and ``at`` on the same clip add up. Stills are written with
their rows, some at a time; an ingest that was cut off is completed by running it again.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path, PurePath

from workbench.domain import Camera, Clip, Sampling, Taking
from workbench.errors import FootageError, LabelFileError, UsageError
from workbench.footage.addresses import is_stream, without_credentials
from workbench.footage.motion import ChangeDetection
from workbench.footage.pictures import LONG_SIDE_PX, encode_jpeg
from workbench.footage.privacy import covered
from workbench.footage.recordings import Recording
from workbench.footage.sampling import SamplingPlan, plan_at, plan_changes, plan_every, plan_keyframes
from workbench.footage.selection import SelectionRules
from workbench.footage.sources import FoundRecording, find_recordings
from workbench.labeling.formats.file_label import Instant
from workbench.labeling.formats.reading import read_labels
from workbench.progress import Progress, silent
from workbench.wording import one_line
from workbench.workflows.record import record
from workbench.workflows.sampling_log import SamplingLog
from workbench.workflows.still_keeper import HiddenAreasChangedError, TakenStill
from workbench.workflows.workspace import Workspace

__all__ = ["ingest"]


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
) -> Sampling:
    """Sample ``source`` as ``taking`` says, ``every_s`` seconds at most, or at the times that ``at`` lists for it.

    ``source`` is a video file, a folder of videos and pictures, the URL of either in an object store, or the address
    of a stream (see :func:`~workbench.workflows.record.record`). With ``rules`` only what they leave of all of it is
    kept. Of a folder, each file that cannot be used is one of the report's problems and the others go on.

    Raises:
        FootageError: A file or stream that cannot be used, or times beyond a clip's end (nothing is stored then).
        LabelFileError: A labels file that cannot be used or lists no time of the source.
        NotFoundError: An unknown site or camera.
        StorageError: A full disk; what was written before stays.
    """
    seen_by = workspace.store.sites.camera(site, camera)
    if is_stream(source):
        if at is not None or started_at is not None:
            raise UsageError(
                expected="for a stream no labels file and no start",
                found=f"one of them for {without_credentials(source)}",
                remedy="leave it out: a stream is sampled from now on",
            )
        return record(
            workspace,
            source,
            site=site,
            camera=camera,
            every_s=every_s,
            taking=taking,
            rules=rules,
            duration_s=duration_s,
            actor=actor,
            progress=progress,
        )
    if at is not None and (duration_s is not None or rules or taking is not Taking.EVERY):
        raise UsageError(
            expected="either the times of a labels file or other ways to choose stills",
            found="both",
            remedy="leave one of them out",
        )
    own = (workspace.frame_files.address, str(workspace.settings.datasets_dir), str(workspace.settings.artifacts_dir))
    found = find_recordings(source, own=own)
    single = len(found) == 1 and found[0].name == PurePath(source).name
    with SamplingLog(workspace, seen_by, source, actor=actor) as log, ExitStack() as held:
        if at is not None:
            plans = iter(_plan_at_times(found, source, single, at, held, log.problems))
        else:
            planner = _planner(taking, every_s, duration_s, seen_by)
            plans = _plans_as_they_come(found, single, planner, log.problems)
        take = _Taking(workspace, log, seen_by, started_at, single, progress)
        if rules is None:
            take.all(plans)
        else:
            take.chosen(plans, rules)
    return log.sampling


class _Taking:
    """One ingest on its way."""

    def __init__(
        self,
        workspace: Workspace,
        log: SamplingLog,
        camera: Camera,
        given_start: datetime | None,
        single: bool,
        progress: Progress,
    ) -> None:
        self._workspace, self._log, self._camera = workspace, log, camera
        self._given_start, self._single, self._progress = given_start, single, progress
        self._read: list[Clip] = []

    def all(self, plans: Iterator[SamplingPlan]) -> None:
        """Keep every still, clip after clip."""
        for plan in plans:
            try:
                for still in self._stills(plan):
                    self._log.found += 1
                    self._log.keeper.keep(still)
                self._log.keeper.flush(self._read[-1])
            except HiddenAreasChangedError:
                raise
            except FootageError as error:
                self._log.keeper.drop()
                _raise_or_note(error, self._single, plan.video.name, self._log.problems)

    def chosen(self, plans: Iterator[SamplingPlan], rules: SelectionRules) -> None:
        """Keep what ``rules`` leave of all clips together."""
        from workbench.workflows.choosing import Chooser  # torch is loaded only by those who need it

        chooser = Chooser(self._workspace, self._camera, rules, self._progress)
        for still in chooser.choose(self._stills_of_all(plans)):
            self._log.keeper.keep(still)
        for clip in self._read:
            self._log.keeper.flush(clip)
        chooser.remember()
        self._log.found, self._log.steps = chooser.found, chooser.steps

    def _stills_of_all(self, plans: Iterator[SamplingPlan]) -> Iterator[TakenStill]:
        for plan in plans:
            try:
                yield from self._stills(plan)
            except FootageError as error:
                _raise_or_note(error, self._single, plan.video.name, self._log.problems)

    def _stills(self, plan: SamplingPlan) -> Iterator[TakenStill]:
        """Yield the covered stills of one recording."""
        recording, problems = plan.video, self._log.problems
        clip = self._clip(recording)
        self._read.append(clip)
        if recording.damage:
            problems.append(f"{recording.name}: {recording.damage}")
        if recording.note:
            self._log.notes.append(f"{recording.name}: {recording.note}")
        found = plan.stills(
            on_damage=problems.append,
            on_look=lambda count: self._progress(count, len(plan.instants_s), one_line(recording.name)),
        )
        names = recording.picture_names
        long_side_px = None if self._camera.hides_faces else LONG_SIDE_PX  # small faces are found at full size only
        for offset_s, still in found:
            jpeg = encode_jpeg(covered(still.image(long_side_px=long_side_px), self._camera))
            instants_s = sorted(plan.instants_s[offset_s], key=lambda instant_s: abs(instant_s - offset_s))
            yield TakenStill(clip, jpeg, tuple(instants_s), names.get(offset_s, ""))

    def _clip(self, recording: Recording) -> Clip:
        start = recording.start(self._given_start)
        _require_calendar(start.at, recording)
        clip = _known_or_new(
            self._workspace,
            Clip(
                id=recording.digest(),
                site=self._camera.site,
                camera=self._camera.name,
                name=recording.name,
                started_at=start.at,
                duration_s=recording.timeline.duration_s,
                size_wh=recording.size_wh,
            ),
            self._given_start,
        )
        self._log.starts[start.origin] += 1
        return clip


def _planner(
    taking: Taking, every_s: float, duration_s: float | None, camera: Camera
) -> Callable[[Recording], SamplingPlan]:
    if taking is Taking.KEYFRAMES:
        return lambda recording: plan_keyframes(recording, every_s, until_s=duration_s)
    if taking is Taking.CHANGES:
        change = ChangeDetection(look_every_s=every_s)
        return lambda recording: plan_changes(recording, change, until_s=duration_s, masks=camera.masks)
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
    for label in read_labels(at):
        if isinstance(label.shown, Instant):
            times_s.setdefault(label.shown.video, []).append(label.shown.time_s)
    return times_s


def _known_or_new(workspace: Workspace, clip: Clip, given_start: datetime | None) -> Clip:
    """Return the clip as the catalogue knows it; FootageError when ``clip`` contradicts the catalogue."""
    alike = workspace.store.footage.clips_like(clip)
    for known in alike:
        if known.id == clip.id:
            if known.camera != clip.camera or given_start not in (None, known.started_at):
                raise FootageError(
                    expected=f"{clip.name} as it is known: camera {known.camera}, start {known.started_at.isoformat()}",
                    found=f"camera {clip.camera}, start {clip.started_at.isoformat()}",
                    remedy="give the known camera and leave out --start",
                )
            return known
    for known in alike:
        raise FootageError(
            expected=f"one recording named {clip.name} at site {clip.site}, as labels name it",
            found=f"another one with other contents, of camera {known.camera}",
            remedy="rename the file",
        )
    return clip


def _require_calendar(started_at: datetime, recording: Recording) -> None:
    try:
        started_at + timedelta(seconds=recording.timeline.duration_s)
    except OverflowError as exc:
        raise FootageError(
            expected=f"a start of {recording.name} after which its {recording.timeline.duration_s:.0f} s have dates",
            found=started_at.isoformat(),
            remedy="give the real one with --start",
        ) from exc


def _raise_or_note(error: FootageError, single: bool, name: str, problems: list[str]) -> None:
    if single:
        raise error
    problems.append(f"{name}: {error}")


def _seconds(times_s: Sequence[float]) -> str:
    return f"{', '.join(f'{time_s:g} s' for time_s in times_s)} {'is' if len(times_s) == 1 else 'are'}"
