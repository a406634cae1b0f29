"""What was asked about frames, what models guessed and what people answered."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Row, Select, Table, bindparam, delete, select, update

from workbench.domain import Annotation, Answer, Box, LabelTask, Prediction, Split
from workbench.store.database import Database
from workbench.store.frame_states import refresh_states
from workbench.store.tables import annotations, imported_answers, label_tasks, predictions, sites, split_pins


class Labels:
    def __init__(self, database: Database) -> None:
        self._database = database

    def project(self, site: str) -> int | None:
        """Return the number of the site's Label Studio project, if it has one."""
        rows = self._database.rows(select(sites.c.labelstudio_project).where(sites.c.name == site))
        return rows[0].labelstudio_project if rows else None

    def set_project(self, site: str, project_id: int) -> None:
        self._database.write(update(sites).where(sites.c.name == site).values(labelstudio_project=project_id))

    def add_tasks(self, site: str, tasks: Sequence[LabelTask]) -> None:
        """Remember which task asks about which frame; a frame asked about again moves to its new task."""
        with self._database.transaction():
            self._database.insert(label_tasks, [{"site": site, **asdict(task)} for task in tasks], overwrite=True)
            refresh_states(self._database, site, [task.frame_id for task in tasks])

    def remove_tasks(self, site: str, frame_ids: Iterable[str]) -> None:
        """Forget the tasks that asked about these frames."""
        of_frame = (label_tasks.c.site == site, label_tasks.c.frame_id == bindparam("of_frame"))
        gone = list(frame_ids)
        with self._database.transaction():
            self._database.write_each(
                delete(label_tasks).where(*of_frame), [{"of_frame": frame_id} for frame_id in gone]
            )
            refresh_states(self._database, site, gone)

    def tasks(self, site: str) -> dict[str, LabelTask]:
        """Return the site's tasks by frame id."""
        rows = self._database.rows(_without_site(label_tasks).where(label_tasks.c.site == site))
        return {row.frame_id: LabelTask(**row._mapping) for row in rows}

    def add_predictions(self, site: str, made: Sequence[Prediction]) -> None:
        """Remember what a model said; the same model version on the same frame overwrites."""
        rows = [{"site": site, **asdict(prediction)} for prediction in made]
        self._database.insert(predictions, rows, overwrite=True)

    def predictions(self, site: str) -> list[Prediction]:
        rows = self._database.rows(_without_site(predictions).where(predictions.c.site == site))
        return [Prediction(**row._mapping) for row in rows]

    def replace_annotations(self, site: str, new: Sequence[Annotation]) -> None:
        """Make ``new`` the whole of what people said about the site."""
        answered = select(annotations.c.frame_id).where(annotations.c.site == site).distinct()
        with self._database.transaction():
            before = {row.frame_id for row in self._database.rows(answered)}
            self._database.write(delete(annotations).where(annotations.c.site == site))
            self._database.insert(annotations, [{"site": site, **asdict(annotation)} for annotation in new])
            refresh_states(self._database, site, before ^ {annotation.frame_id for annotation in new})

    def annotations(self, site: str) -> list[Annotation]:
        """Return what people said about the site, oldest first."""
        query = (
            _without_site(annotations)
            .where(annotations.c.site == site)
            .order_by(annotations.c.updated_at, annotations.c.annotation_id)
        )
        return [_annotation(row) for row in self._database.rows(query)]

    def add_imported(self, site: str, project_id: int, answers: Mapping[str, Sequence[Answer]]) -> None:
        """Remember the answers by frame id that a file brought into a Label Studio project."""
        rows = [
            {"site": site, "project_id": project_id, "frame_id": frame_id, "digest": _digest(answer)}
            for frame_id, said in answers.items()
            for answer in said
        ]
        self._database.insert(imported_answers, rows)

    def without_imported(
        self, site: str, project_id: int, answers: Mapping[str, Sequence[Answer]]
    ) -> dict[str, list[Answer]]:
        """Return of ``answers`` those that :meth:`add_imported` has not seen; a frame may keep none."""
        query = select(imported_answers.c.frame_id, imported_answers.c.digest)
        rows = self._database.rows(
            query.where(imported_answers.c.site == site, imported_answers.c.project_id == project_id)
        )
        known = {(row.frame_id, row.digest) for row in rows}
        return {
            frame_id: [answer for answer in said if (frame_id, _digest(answer)) not in known]
            for frame_id, said in answers.items()
        }

    def pin(self, site: str, splits: Mapping[str, Split]) -> None:
        """Fix the split of frames, by frame id."""
        rows = [{"site": site, "frame_id": frame_id, "split": split.value} for frame_id, split in splits.items()]
        self._database.insert(split_pins, rows, overwrite=True)

    def pins(self, site: str) -> dict[str, Split]:
        rows = self._database.rows(select(split_pins).where(split_pins.c.site == site))
        return {row.frame_id: Split(row.split) for row in rows}


def _annotation(row: Row[Any]) -> Annotation:
    boxes = tuple(Box(box["label"], tuple(box["xyxy"])) for box in row.boxes)
    return Annotation(**{**row._mapping, "boxes": boxes})


def _digest(answer: Answer) -> str:
    """Return what tells answers apart; one of class and caption alone has the digest of earlier releases."""
    words = [answer.class_name, answer.caption]
    if answer.replies or answer.boxes:
        words.append(json.dumps(asdict(answer), sort_keys=True))
    return hashlib.sha256("\n".join(words).encode()).hexdigest()


def _without_site(table: Table) -> Select[Any]:
    return select(*(column for column in table.c if column.name != "site"))
