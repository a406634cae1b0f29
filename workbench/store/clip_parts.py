"""The runs of stills that labellers are shown as videos, by the id in a video's address."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Row, select

from workbench.domain import ClipPart
from workbench.errors import NotFoundError
from workbench.store.database import Database
from workbench.store.tables import clip_parts


class ClipParts:
    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, parts: Iterable[ClipPart]) -> None:
        """Remember ``parts``; one that is known already stays as it is."""
        rows = [
            {"id": part.id, "site": part.site, "clip_id": part.clip_id, "offsets_s": list(part.offsets_s)}
            for part in parts
        ]
        self._database.insert(clip_parts, rows)

    def get(self, part_id: str) -> ClipPart:
        for row in self._database.rows(select(clip_parts).where(clip_parts.c.id == part_id)):
            return _part(row)
        raise NotFoundError(
            expected="a part of a clip that labellers are shown",
            found=f"none with the id {part_id[:12]}",
            remedy="run `workbench timeline push`, which makes what is missing",
        )

    def all(self, site: str) -> list[ClipPart]:
        return [_part(row) for row in self._database.rows(select(clip_parts).where(clip_parts.c.site == site))]


def _part(row: Row[Any]) -> ClipPart:
    return ClipPart(row.site, row.clip_id, tuple(row.offsets_s))
