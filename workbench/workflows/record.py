"""Take stills from a camera's live stream as they come, and tell how the stream is doing."""

import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from workbench.domain import Camera, Clip, LiveRecording, Sampling, StreamKind, Taking, utc_now
from workbench.errors import FootageError, UsageError
from workbench.footage.addresses import stream_name, without_credentials
from workbench.footage.motion import ChangeDetection
from workbench.footage.pictures import LONG_SIDE_PX
from workbench.footage.privacy import covered
from workbench.footage.selection import SelectionRules
from workbench.footage.streams import LiveStill, StreamState, sample_stream
from workbench.jobs import born_at, is_running
from workbench.progress import Progress, silent
from workbench.workflows.sampling_log import SamplingLog
from workbench.workflows.still_keeper import HiddenAreasChangedError, TakenStill
from workbench.workflows.workspace import Workspace

if TYPE_CHECKING:
    from workbench.workflows.choosing import Chooser

__all__ = ["is_going_on", "record"]

_KEPT_EVERY_S = 10.0
_SLACK_S = 1.0


def record(
    workspace: Workspace,
    url: str,
    *,
    site: str,
    camera: str,
    every_s: float = 1.0,
    taking: Taking = Taking.EVERY,
    rules: SelectionRules | None = None,
    duration_s: float | None = None,
    actor: str,
    progress: Progress = silent,
) -> Sampling:
    """Sample the stream at ``url`` for ``duration_s``, or until it is stopped; what comes is kept every ten seconds.

    With ``taking`` keyframes, nothing but keyframes is decoded and those at least ``every_s`` apart are taken; with
    changes, a still is taken where the view has changed. When somebody changes meanwhile what the camera hides, the
    stills at hand are thrown away and the recording goes on, as another clip, with the new areas. An interrupt
    (Ctrl-C) ends the recording, and not the caller.

    Raises:
        FootageError: No stream, none that gives pictures, or one that is being recorded already.
        UsageError: ``rules`` that need the whole recording.
        StorageError: A full disk; what was written before stays.
    """
    if rules is not None and rules.size is not None:
        raise UsageError(
            expected="no diverse subset of a stream",
            found=f"one of {rules.size}",
            remedy="leave it out, as nobody knows yet what a stream will show",
        )
    seen_by = workspace.store.sites.camera(site, camera)
    _require_nobody_records(workspace, seen_by)
    with SamplingLog(workspace, seen_by, url, actor=actor) as log:
        chooser = _chooser(workspace, seen_by, rules, progress) if rules else None
        recording = _Recording(workspace, log, chooser, without_credentials(url), progress)
        until_s = None if duration_s is None else time.monotonic() + duration_s
        while until_s is None or time.monotonic() < until_s:
            left_s = None if until_s is None else until_s - time.monotonic()
            try:
                recording.run(url, every_s=every_s, taking=taking, duration_s=left_s)
                break
            except KeyboardInterrupt:  # the way in which a recording without an end is meant to end
                break
            except HiddenAreasChangedError:
                log.keeper.camera = workspace.store.sites.camera(site, camera)
    return log.sampling


def is_going_on(recording: LiveRecording) -> bool:
    """Tell whether the process that told of ``recording`` is still at it."""
    return recording.kind is not StreamKind.ENDED and is_running(recording.pid, recording.born_at)


class _Recording:
    """Brings stills from a stream into the catalogue, and its state into the database."""

    def __init__(
        self, workspace: Workspace, log: SamplingLog, chooser: "Chooser | None", name: str, progress: Progress
    ) -> None:
        self._store, self._log, self._chooser = workspace.store, log, chooser
        self._name, self._progress = name, progress
        self._state = StreamState(StreamKind.CONNECTING, utc_now())
        self._window: list[TakenStill] = []
        self._kept_at_s = time.monotonic()

    def run(self, url: str, *, every_s: float, taking: Taking, duration_s: float | None) -> None:
        """Record one clip; HiddenAreasChangedError when it has to begin anew."""
        camera = self._log.keeper.camera
        stills = sample_stream(
            url,
            every_s=every_s,
            duration_s=duration_s,
            keyframes_only=taking is Taking.KEYFRAMES,
            prepare=partial(covered, camera=camera),
            long_side_px=None if camera.hides_faces else LONG_SIDE_PX,  # small faces are found at full size only
            change=ChangeDetection(look_every_s=every_s) if taking is Taking.CHANGES else None,
            masks=camera.masks,
            on_state=self._heed,
            on_pause=self._keep_if_due,
        )
        with closing(stills):
            seen_s = self._keep_as_they_come(stills, camera)
        is_short = duration_s is not None and seen_s + every_s < duration_s - _SLACK_S
        if is_short and taking is Taking.EVERY and not self._log.problems:
            self._log.problems.append(f"{self._name} ended after {seen_s:.1f} s of {duration_s:g} s")

    def _keep_as_they_come(self, stills: Iterator[LiveStill], camera: Camera) -> float:
        """Return the offset of the last still, in seconds."""
        clip: Clip | None = None
        try:
            for still in stills:
                clip = replace(clip or self._new_clip(camera, still), duration_s=still.offset_s)
                self._window.append(TakenStill(clip, still.jpeg, (still.offset_s,)))
                self._progress(self._log.found + len(self._window), None, f"stills of {self._name}")
                self._keep_if_due()
        except HiddenAreasChangedError:
            raise
        except FootageError as error:
            if clip is None:
                raise
            self._log.problems.append(str(error))
        finally:
            self._keep()
        return clip.duration_s if clip else 0.0

    def _keep_if_due(self) -> None:
        if time.monotonic() - self._kept_at_s >= _KEPT_EVERY_S:
            self._keep()

    def _keep(self) -> None:
        """Bring what came since the last time into the catalogue, or what is to be chosen of it."""
        stills, self._window = self._window, []
        self._kept_at_s = time.monotonic()
        if not stills:
            return
        for still in self._chooser.choose(stills) if self._chooser else stills:
            self._log.keeper.keep(still)
        self._log.keeper.flush(stills[-1].clip)
        self._log.found += len(stills)
        if self._chooser:
            self._chooser.remember()
            self._log.steps = self._chooser.steps
        self._tell(self._state)

    def _heed(self, state: StreamState) -> None:
        self._state = state
        self._tell(state)
        if state.kind is StreamKind.WAITING:
            self._progress(0, None, f"waiting for {self._name} ({state.reason[:1].lower()}{state.reason[1:-1]})")

    def _tell(self, state: StreamState) -> None:
        camera = self._log.keeper.camera
        self._store.streams.put_recording(
            LiveRecording(
                site=camera.site,
                camera=camera.name,
                kind=StreamKind(state.kind),
                since=state.since,
                reason=state.reason,
                retry_in_s=state.retry_in_s,
                reconnects=state.reconnects,
                stills_taken=self._log.keeper.kept,
                stills_dropped=state.stills_dropped,
                pid=os.getpid(),
                born_at=born_at(os.getpid()),
            )
        )

    def _new_clip(self, camera: Camera, first: LiveStill) -> Clip:
        started_at = utc_now() - timedelta(seconds=first.offset_s)
        return Clip(
            id=hashlib.sha256(f"{self._name} {started_at.isoformat()}".encode()).hexdigest(),
            site=camera.site,
            camera=camera.name,
            name=stream_name(self._name, started_at),
            started_at=started_at,
            duration_s=0.0,
            size_wh=first.jpeg.size_wh,
        )


def _chooser(workspace: Workspace, camera: Camera, rules: SelectionRules, progress: Progress) -> "Chooser":
    from workbench.workflows.choosing import Chooser  # torch is loaded only by those who need it

    return Chooser(workspace, camera, rules, progress)


def _require_nobody_records(workspace: Workspace, camera: Camera) -> None:
    known = workspace.store.streams.recordings(camera.site).get(camera.name)
    if known is not None and is_going_on(known) and known.pid != os.getpid():
        raise FootageError(
            expected=f"nobody else to record camera {camera.name}",
            found=f"process {known.pid}, {known.kind.value} since {known.since:%Y-%m-%d %H:%M:%S} UTC",
            remedy="stop that recording first",
        )
