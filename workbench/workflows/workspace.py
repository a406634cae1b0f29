"""What every workflow works in: the settings, the store, the frames' files and the tracker."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from workbench.settings import Settings
from workbench.store import FrameFiles, Store, turn

if TYPE_CHECKING:
    from workbench.tracking import Tracker


@dataclass(frozen=True)
class Workspace:
    settings: Settings
    store: Store
    frame_files: FrameFiles

    @classmethod
    def open(cls, settings: Settings | None = None) -> "Workspace":
        """Open the workspace at ``settings.home``; its folders and tables are made where they are missing."""
        settings = settings or Settings.load()
        store = Store.open(settings.resolved_database_url, datasets_dir=settings.datasets_dir)
        return cls(settings, store, FrameFiles.open(settings.resolved_frames_url))

    def turn(self, work: str, site: str) -> AbstractContextManager[None]:
        """Return the lock under which one process or thread at a time does ``work`` at ``site``."""
        return turn(self.settings.run_dir / f"{work}-{site}.lock")

    @cached_property
    def tracker(self) -> "Tracker":
        """The MLflow tracker, made on first use: importing MLflow takes seconds."""
        from workbench.tracking import Tracker

        return Tracker(self.settings.resolved_tracking_uri, self.settings.artifacts_dir, job=self.settings.job)
