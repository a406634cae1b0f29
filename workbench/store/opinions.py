"""What models think of pictures, kept so that none is asked twice about the same."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import delete, select

from workbench.store.database import Database
from workbench.store.tables import model_opinions

__all__ = ["KeptOpinion", "Opinions"]

_AT_ONCE = 5_000


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
        found: dict[str, KeptOpinion] = {}
        for start in range(0, len(picture_ids), _AT_ONCE):
            some = picture_ids[start : start + _AT_ONCE]
            query = select(model_opinions).where(model_opinions.c.picture_id.in_(some))
            for row in self._database.rows(query.where(model_opinions.c.asked_as == asked_as)):
                kept = {
                    **row._mapping,
                    "probabilities": np.array(row.probabilities, np.float64),
                    "embedding": np.frombuffer(row.embedding, np.float16).astype(np.float32),
                }
                found[row.picture_id] = KeptOpinion(**kept)
        return found

    def forget(self, picture_ids: Iterable[str]) -> None:
        """Drop what is known of pictures that are gone."""
        ids = list(picture_ids)
        for start in range(0, len(ids), _AT_ONCE):
            some = ids[start : start + _AT_ONCE]
            self._database.write(delete(model_opinions).where(model_opinions.c.picture_id.in_(some)))
