"""Frames with known answers, and how much of a site several labellers answer."""

from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Row, delete, select

from workbench.domain import Answer, GoldAnswer, OverlapRule
from workbench.store.database import Database
from workbench.store.tables import gold_answers, overlap_rules

_ANSWER = TypeAdapter(Answer)


class Gold:
    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, site: str, gold: GoldAnswer) -> None:
        """Remember the known answer to a frame; one that was known before is replaced."""
        row = {
            "site": site,
            "frame_id": gold.frame_id,
            "answer": _ANSWER.dump_python(gold.answer, mode="json"),
            "added_by": gold.added_by,
            "added_at": gold.added_at,
        }
        self._database.insert(gold_answers, [row], overwrite=True)

    def remove(self, site: str, frame_id: str) -> bool:
        """Forget the known answer to a frame, and tell whether there was one."""
        of_frame = (gold_answers.c.site == site, gold_answers.c.frame_id == frame_id)
        return bool(self._database.write(delete(gold_answers).where(*of_frame)))

    def all(self, site: str) -> dict[str, GoldAnswer]:
        """Return the known answers by frame id, oldest first."""
        query = select(gold_answers).where(gold_answers.c.site == site)
        rows = self._database.rows(query.order_by(gold_answers.c.added_at, gold_answers.c.frame_id))
        return {row.frame_id: _gold(row) for row in rows}

    def overlap(self, site: str) -> OverlapRule | None:
        """Return how much of ``site`` several labellers answer; None where nobody has said."""
        rows = self._database.rows(select(overlap_rules).where(overlap_rules.c.site == site))
        return OverlapRule(rows[0].share, rows[0].labellers) if rows else None

    def set_overlap(self, site: str, rule: OverlapRule) -> None:
        row = {"site": site, "share": rule.share, "labellers": rule.labellers}
        self._database.insert(overlap_rules, [row], overwrite=True)


def _gold(row: Row[Any]) -> GoldAnswer:
    return GoldAnswer(row.frame_id, _ANSWER.validate_python(row.answer), row.added_by, row.added_at)
