"""What was asked about frames, what models guessed and what people answered."""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Row, Select, Table, bindparam, delete, func, select, update

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

    def projects(self) -> dict[str, int]:
        """Return the numbers of the Label Studio projects by site, of the sites that have one."""
        query = select(sites.c.name, sites.c.labelstudio_project).where(sites.c.labelstudio_project.is_not(None))
        return {row.name: row.labelstudio_project for row in self._database.rows(query.order_by(sites.c.name))}

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

    def tasks(self, site: str, frame_ids: Collection[str] | None = None) -> dict[str, LabelTask]:
        """Return the site's tasks by frame id, or those about ``frame_ids`` alone."""
        query = _without_site(label_tasks).where(label_tasks.c.site == site)
        if frame_ids is None:
            rows: Iterable[Row[Any]] = self._database.rows(query)
        else:
            rows = self._database.rows_among(query, label_tasks.c.frame_id, frame_ids)
        return {row.frame_id: LabelTask(**row._mapping) for row in rows}

    def frames_of(self, site: str, project_id: int | None, task_ids: Collection[int]) -> dict[int, str]:
        """Return the ids of the frames that these tasks of a project ask about, by task number, of tasks known."""
        query = select(label_tasks).where(label_tasks.c.site == site, label_tasks.c.project_id == project_id)
        rows = self._database.rows_among(query, label_tasks.c.task_id, task_ids)
        return {row.task_id: row.frame_id for row in rows}

    def add_predictions(self, site: str, made: Sequence[Prediction]) -> None:
        """Remember what a model said; the same model version on the same frame overwrites."""
        rows = [{"site": site, **asdict(prediction)} for prediction in made]
        self._database.insert(predictions, rows, overwrite=True)

    def predictions(self, site: str) -> list[Prediction]:
        rows = self._database.rows(_without_site(predictions).where(predictions.c.site == site))
        return [Prediction(**row._mapping) for row in rows]

    def replace_annotations(self, site: str, new: Sequence[Annotation]) -> None:
        """Make ``new`` the whole of what people said about the site."""
        with self._database.transaction():
            gone = {annotation.annotation_id for annotation in self.annotations(site)}
            self.change_annotations(site, new, gone - {annotation.annotation_id for annotation in new})

    def change_annotations(self, site: str, put: Sequence[Annotation], gone: Iterable[int]) -> None:
        """Add or overwrite the annotations ``put``, by their numbers, and remove those of the numbers ``gone``."""
        of_number = (annotations.c.site == site, annotations.c.annotation_id == bindparam("of_number"))
        numbers = list(gone)
        with self._database.transaction():
            before = self.annotations(site, {*numbers, *(annotation.annotation_id for annotation in put)})
            self._database.write_each(
                delete(annotations).where(*of_number), [{"of_number": number} for number in numbers]
            )
            rows = [{"site": site, **asdict(annotation)} for annotation in put]
            self._database.insert(annotations, rows, overwrite=True)
            refresh_states(self._database, site, {annotation.frame_id for annotation in (*before, *put)})

    def annotations(self, site: str, numbers: Collection[int] | None = None) -> list[Annotation]:
        """Return what people said about the site, oldest first; with ``numbers`` those alone, in any order."""
        query = _without_site(annotations).where(annotations.c.site == site)
        if numbers is None:
            ordered = query.order_by(annotations.c.updated_at, annotations.c.annotation_id)
            return [_annotation(row) for row in self._database.rows(ordered)]
        return [_annotation(row) for row in self._database.rows_among(query, annotations.c.annotation_id, numbers)]

    def count_annotations(self, site: str) -> int:
        query = select(func.count()).select_from(annotations).where(annotations.c.site == site)
        return int(self._database.rows(query)[0][0])

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
        of_project = (imported_answers.c.site == site, imported_answers.c.project_id == project_id)
        query = select(imported_answers.c.frame_id, imported_answers.c.digest).where(*of_project)
        rows = self._database.rows_among(query, imported_answers.c.frame_id, answers)
        known = {(row.frame_id, row.digest) for row in rows}
        return {
            frame_id: [answer for answer in said if (frame_id, _digest(answer)) not in known]
            for frame_id, said in answers.items()
        }

    def with_imported(self, site: str, project_id: int) -> set[str]:
        """Return the ids of the frames of which :meth:`add_imported` has seen an answer."""
        query = select(imported_answers.c.frame_id).distinct()
        rows = self._database.rows(
            query.where(imported_answers.c.site == site, imported_answers.c.project_id == project_id)
        )
        return {row.frame_id for row in rows}

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
