"""Pictures on their way: written down before they are written, so that what a crash leaves can be found."""

from collections.abc import Sequence

from sqlalchemy import delete, select

from workbench.store.database import Database
from workbench.store.tables import arrivals


class Arrivals:
    def __init__(self, database: Database) -> None:
        self._database = database

    def announce(self, picture_ids: Sequence[str]) -> None:
        """Say that these are about to be written; to be called outside of the transaction that makes them known."""
        self._database.insert(arrivals, [{"picture_id": id_} for id_ in dict.fromkeys(picture_ids)])

    def settle(self, picture_ids: Sequence[str]) -> None:
        """Say, in the transaction that makes them known, that these have arrived."""
        self._database.write(delete(arrivals).where(arrivals.c.picture_id.in_(picture_ids)))

    def unsettled(self) -> list[str]:
        """Return the ids of pictures that were announced and did not arrive, or not yet."""
        return [row.picture_id for row in self._database.rows(select(arrivals.c.picture_id))]
