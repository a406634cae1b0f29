"""What models think of pictures, kept so that none is asked twice about the same."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select

from workbench.store.database import Database
from workbench.store.tables import model_opinions

__all__ = ["KeptOpinion", "Opinions"]


@dataclass(frozen=True, eq=False)
class KeptOpinion:
    """``probabilities`` are ``[classes]``, ``embedding`` is ``[width]``; the caption may not have been asked for.

    ``asked_as`` is a digest of everything that decides what the model says.
    """

    picture_id: str
    asked_as: str
    model_version: str
    probabilities: NDArray[np.float64]
    embedding: NDArray[np.float32]
    caption: str | None
    caption_log_likelihood: float | None


class Opinions:
    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, opinions: Sequence[KeptOpinion]) -> None:
        """Remember ``opinions``; an earlier one of the same model about the same picture gives way."""
        rows = [
            {
                **vars(one),
                "probabilities": one.probabilities.tolist(),
                "embedding": one.embedding.astype(np.float16).tobytes(),
            }
            for one in opinions
        ]
        self._database.insert(model_opinions, rows, overwrite=True)

    def of(self, picture_ids: Sequence[str], *, asked_as: str) -> dict[str, KeptOpinion]:
        """Return by picture those that are known; embeddings have half precision."""
        query = select(model_opinions).where(model_opinions.c.asked_as == asked_as)
        found: dict[str, KeptOpinion] = {}
        for row in self._database.rows_among(query, model_opinions.c.picture_id, picture_ids):
            kept = {
                **row._mapping,
                "probabilities": np.array(row.probabilities, np.float64),
                "embedding": np.frombuffer(row.embedding, np.float16).astype(np.float32),
            }
            found[row.picture_id] = KeptOpinion(**kept)
        return found

    def forget(self, picture_ids: Iterable[str]) -> None:
        """Drop what is known of pictures that are gone."""
        self._database.delete_among(model_opinions.c.picture_id, picture_ids)
