"""What reviewers decided about labellers' answers, and the answers as briefly as deciding about them needs.

Decisions are added, never changed.
"""

from dataclasses import replace
from typing import Any, NamedTuple

from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, Row, Select, Table, func, select

from workbench.domain import Annotation, Answer, Decision, DecisionKind
from workbench.store.database import Database
from workbench.store.tables import annotations, decisions, predictions

_ANSWER = TypeAdapter(Answer)
_SAID = TypeAdapter(tuple[Annotation, ...])


class BriefAnswer(NamedTuple):
    frame_id: str
    annotation_id: int
    labeller: str
    class_name: str
    caption: str


class BriefGuess(NamedTuple):
    frame_id: str
    model_version: str
    class_name: str
    score: float


class Reviews:
    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, site: str, decision: Decision) -> None:
        row = {
            "site": site,
            "frame_id": decision.frame_id,
            "kind": decision.kind.value,
            "answer": _ANSWER.dump_python(decision.answer, mode="json") if decision.answer else None,
            "said": _SAID.dump_python(decision.said, mode="json"),
            "reviewer": decision.reviewer,
            "at": decision.at,
            "note": decision.note,
        }
        self._database.insert(decisions, [row])

    def in_force(self, site: str, frame_id: str | None = None) -> dict[str, Decision]:
        """Return the newest decision about each frame, or about that one, by frame id."""
        newest = (
            select(func.max(decisions.c.id)).where(*_those(decisions, site, frame_id)).group_by(decisions.c.frame_id)
        )
        rows = self._database.rows(select(decisions).where(decisions.c.id.in_(newest)).order_by(decisions.c.id))
        return {row.frame_id: _decision(row) for row in rows}

    def about(self, site: str, frame_id: str) -> list[Decision]:
        """Return every decision about a frame, newest first."""
        query = select(decisions).where(decisions.c.site == site, decisions.c.frame_id == frame_id)
        return [_decision(row) for row in self._database.rows(query.order_by(decisions.c.id.desc()))]

    def sent_back(self, site: str) -> list[Decision]:
        """Return every decision that sent a frame back, in force or not, oldest first."""
        query = select(decisions).where(decisions.c.site == site, decisions.c.kind == DecisionKind.SENT_BACK.value)
        return [_decision(row) for row in self._database.rows(query.order_by(decisions.c.id))]

    def brief_answers(self, site: str, frame_id: str | None = None) -> list[BriefAnswer]:
        """Return what labellers said about the site, or about one frame, oldest first."""
        query = _columns(annotations, BriefAnswer._fields).where(*_those(annotations, site, frame_id))
        ordered = query.order_by(annotations.c.updated_at, annotations.c.annotation_id)
        return [BriefAnswer._make(row) for row in self._database.rows(ordered)]

    def labellers(self, site: str) -> list[str]:
        query = select(annotations.c.labeller).where(annotations.c.site == site).distinct()
        return [row.labeller for row in self._database.rows(query.order_by(annotations.c.labeller))]

    def brief_guesses(self, site: str, frame_id: str | None = None) -> list[BriefGuess]:
        query = _columns(predictions, BriefGuess._fields).where(*_those(predictions, site, frame_id))
        return [BriefGuess._make(row) for row in self._database.rows(query)]


def _columns(table: Table, names: tuple[str, ...]) -> Select[Any]:
    return select(*(table.c[name] for name in names))


def _those(table: Table, site: str, frame_id: str | None) -> list[ColumnElement[bool]]:
    return [table.c.site == site, *([] if frame_id is None else [table.c.frame_id == frame_id])]


def _decision(row: Row[Any]) -> Decision:
    """The annotations bear the frame's present id: a still that was covered since has another one."""
    return Decision(
        frame_id=row.frame_id,
        kind=DecisionKind(row.kind),
        answer=_ANSWER.validate_python(row.answer) if row.answer else None,
        said=tuple(replace(annotation, frame_id=row.frame_id) for annotation in _SAID.validate_python(row.said)),
        reviewer=row.reviewer,
        at=row.at,
        note=row.note,
    )
