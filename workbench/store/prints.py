"""Hashes and embeddings of pictures, kept so that near ones are found without reading all pictures again."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select

from workbench.store.database import Database
from workbench.store.tables import picture_prints

__all__ = ["Print", "Prints"]


@dataclass(frozen=True, eq=False)
class Print:
    """A picture's perceptual hash (64 hexadecimal digits) and its embedding ``[width]`` by ``encoder``."""

    picture_id: str
    hash: str
    embedding: NDArray[np.float32]
    encoder: str


class Prints:
    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, prints: Sequence[Print]) -> None:
        """Remember ``prints``; one of an earlier encoder gives way."""
        rows = {
            one.picture_id: {
                "picture_id": one.picture_id,
                "hash": one.hash,
                "embedding": one.embedding.astype(np.float16).tobytes(),
                "encoder": one.encoder,
            }
            for one in prints
        }
        self._database.insert(picture_prints, list(rows.values()), overwrite=True)

    def of(self, picture_ids: Sequence[str], *, encoder: str) -> dict[str, Print]:
        """Return by picture those that are known and were made by ``encoder``; embeddings have half precision."""
        query = select(picture_prints).where(picture_prints.c.encoder == encoder)
        found: dict[str, Print] = {}
        for row in self._database.rows_among(query, picture_prints.c.picture_id, picture_ids):
            embedding = np.frombuffer(row.embedding, np.float16).astype(np.float32)
            found[row.picture_id] = Print(row.picture_id, row.hash, embedding, row.encoder)
        return found

    def forget(self, picture_ids: Iterable[str]) -> None:
        """Drop what is known of pictures that are gone."""
        self._database.delete_among(picture_prints.c.picture_id, picture_ids)
