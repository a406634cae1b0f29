"""Keeps the state that stands beside each frame in step with the tasks and annotations that it follows from."""

from collections.abc import Iterable

from sqlalchemy import bindparam, update

from workbench.store.database import Database
from workbench.store.tables import frame_state, frames

__all__ = ["refresh_states"]


def refresh_states(database: Database, site: str, frame_ids: Iterable[str]) -> None:
    """Work out anew the states of these frames; to be called in the transaction that changed what they follow from."""
    of_frame = (frames.c.site == bindparam("of_site"), frames.c.id == bindparam("of_frame"))
    database.write_each(
        update(frames).where(*of_frame).values(state=frame_state),
        [{"of_site": site, "of_frame": frame_id} for frame_id in frame_ids],
    )
