"""Tuned encoders of the sites' search, and their embeddings of pictures: two encoders' are never mixed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import delete, select

from workbench.store.database import Database
from workbench.store.tables import search_embeddings, search_encoders

__all__ = ["ChosenEncoder", "SearchEncoders"]


@dataclass(frozen=True)
class ChosenEncoder:
    """The run whose adapter a site searches with, and the SHA-256 of that adapter's manifest."""

    site: str
    run_id: str
    adapter_digest: str
    chosen_by: str
    chosen_at: datetime


class SearchEncoders:
    def __init__(self, database: Database) -> None:
        self._database = database

    def choose(self, encoder: ChosenEncoder) -> None:
        """Let the site search with ``encoder`` from now on; embeddings that no site has a use for are dropped."""
        with self._database.transaction():
            self._database.insert(search_encoders, [vars(encoder)], overwrite=True)
            self._drop_unused()

    def choose_base(self, site: str) -> None:
        """Let the site search with the base again."""
        with self._database.transaction():
            self._database.write(delete(search_encoders).where(search_encoders.c.site == site))
            self._drop_unused()

    def of(self, site: str) -> ChosenEncoder | None:
        """Return what the site has chosen; None is the base."""
        for row in self._database.rows(select(search_encoders).where(search_encoders.c.site == site)):
            return ChosenEncoder(**row._mapping)
        return None

    def put_embeddings(self, adapter_digest: str, embeddings: Mapping[str, NDArray[np.float32]]) -> None:
        """Remember ``embeddings`` ``[width]`` by picture, in half precision."""
        rows = [
            {"picture_id": id_, "adapter_digest": adapter_digest, "embedding": row.astype(np.float16).tobytes()}
            for id_, row in embeddings.items()
        ]
        self._database.insert(search_embeddings, rows, overwrite=True)

    def embeddings(self, adapter_digest: str, picture_ids: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """Return those that are known by picture."""
        query = select(search_embeddings).where(search_embeddings.c.adapter_digest == adapter_digest)
        rows = self._database.rows_among(query, search_embeddings.c.picture_id, picture_ids)
        return {row.picture_id: np.frombuffer(row.embedding, np.float16).astype(np.float32) for row in rows}

    def forget(self, picture_ids: Iterable[str]) -> None:
        """Drop what is known of pictures that are gone."""
        self._database.delete_among(search_embeddings.c.picture_id, picture_ids)

    def _drop_unused(self) -> None:
        used = select(search_encoders.c.adapter_digest)
        self._database.write(delete(search_embeddings).where(search_embeddings.c.adapter_digest.not_in(used)))
