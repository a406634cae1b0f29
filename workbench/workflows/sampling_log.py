"""What an ingest or a recording did, written down when it ends, also when it is broken off."""

import time
from collections import Counter
from contextlib import suppress
from types import TracebackType

from workbench.domain import Camera, Sampling, SelectionStep, utc_now
from workbench.errors import StorageError, WorkbenchError
from workbench.footage.addresses import without_credentials
from workbench.wording import one_line
from workbench.workflows.still_keeper import StillKeeper
from workbench.workflows.workspace import Workspace

__all__ = ["SamplingLog"]


class SamplingLog:
    """Counts while the block runs; afterwards ``sampling`` is what came of it, and the catalogue has it too.

    What changed nothing leaves no audit event, and what was broken off before it read anything leaves nothing.
    """

    sampling: Sampling

    def __init__(self, workspace: Workspace, camera: Camera, source: str, *, actor: str) -> None:
        self.keeper = StillKeeper(workspace, camera, actor=actor)
        self.found = 0
        self.steps: tuple[SelectionStep, ...] = ()
        self.starts: Counter[str] = Counter()
        self.problems: list[str] = []
        self.notes: list[str] = []
        self._store = workspace.store
        self._source = without_credentials(source) if "://" in source else source
        self._actor = actor
        self._at, self._began_s = utc_now(), time.monotonic()

    def __enter__(self) -> "SamplingLog":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None:
            self._write()
        elif self.keeper.clips:
            self.problems.append(str(error) if isinstance(error, WorkbenchError) else "It was stopped.")
            with suppress(StorageError):
                self._write()

    def _write(self) -> None:
        keeper = self.keeper
        self.sampling = Sampling(
            site=keeper.camera.site,
            camera=keeper.camera.name,
            source=self._source,
            actor=self._actor,
            at=self._at,
            seconds=round(time.monotonic() - self._began_s, 2),
            clips=tuple(clip.name for clip in keeper.clips.values()),
            since=keeper.since,
            until=keeper.until,
            frames_found=self.found,
            frames_added=keeper.added,
            frames_known=keeper.kept - keeper.added,
            steps=self.steps,
            starts=dict(self.starts),
            problems=tuple(map(one_line, self.problems)),
            notes=tuple(map(one_line, self.notes)),
        )
        with self._store.transaction():
            self._store.samplings.add(self.sampling)
            if keeper.added or keeper.new_clips:
                self._store.audit.append(
                    actor=self._actor, action="footage.ingest", subject=keeper.camera.site, detail=self._detail()
                )

    def _detail(self) -> dict[str, object]:
        return {
            "camera": self.sampling.camera,
            "source": self.sampling.source,
            "clips": len(self.sampling.clips),
            "frames_found": self.sampling.frames_found,
            "frames_added": self.sampling.frames_added,
            "dropped": {step.name: step.dropped for step in self.sampling.steps},
        }
