"""Where the cameras stream, and how the recording of each is doing."""

from dataclasses import asdict

from sqlalchemy import select

from workbench.domain import LiveRecording, StreamKind
from workbench.errors import NotFoundError
from workbench.store.database import Database
from workbench.store.tables import live_recordings, streams


class Streams:
    def __init__(self, database: Database) -> None:
        self._database = database

    def set_address(self, site: str, camera: str, *, address: str, sealed: str) -> None:
        """Remember where ``camera`` streams: ``address`` to be shown, ``sealed`` to be read with the key alone."""
        row = {"site": site, "camera": camera, "address": address, "sealed": sealed}
        self._database.insert(streams, [row], overwrite=True)

    def addresses(self, site: str) -> dict[str, str]:
        """Return where each camera that streams does so, without credentials."""
        query = select(streams.c.camera, streams.c.address).where(streams.c.site == site).order_by(streams.c.camera)
        return {row.camera: row.address for row in self._database.rows(query)}

    def sealed_address(self, site: str, camera: str) -> str:
        for row in self._database.rows(select(streams).where(streams.c.site == site, streams.c.camera == camera)):
            return str(row.sealed)
        raise NotFoundError(
            expected=f"the address at which camera {camera} streams",
            found="none",
            remedy="give it with `workbench camera add --stream`, or under Footage",
        )

    def put_recording(self, recording: LiveRecording) -> None:
        """Remember how a camera's stream is doing, in the place of what was known."""
        self._database.insert(live_recordings, [asdict(recording)], overwrite=True)

    def recordings(self, site: str) -> dict[str, LiveRecording]:
        """Return how each camera's last recording is doing, or how it ended."""
        rows = self._database.rows(select(live_recordings).where(live_recordings.c.site == site))
        return {row.camera: LiveRecording(**{**row._mapping, "kind": StreamKind(row.kind)}) for row in rows}
