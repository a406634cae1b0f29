"""What is known of a frame follows it when its picture, and so its id, changes."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, Table, create_engine, func, select

from workbench.domain import (
    Annotation,
    Answer,
    Basis,
    Camera,
    Contest,
    Decision,
    DecisionKind,
    Frame,
    GoldAnswer,
    LabelTask,
    Prediction,
    Preference,
    Site,
    Split,
)
from workbench.errors import StorageError
from workbench.store import FrameFilter, FrameState, NamedPicture, ReadAnswer, Store
from workbench.store.frame_references import referring
from workbench.store.tables import sightings
from workbench.workflows.workspace import Workspace

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
PROJECT = 7
TABLES = [reference.table for reference in referring()]


def frame(number: int, *, offset_s: float | None = None, site: str = "yard") -> Frame:
    offset_s = float(number) if offset_s is None else offset_s
    at = START + timedelta(seconds=offset_s)
    return Frame(f"{number:064x}", site, "north", "c" * 64, "north.mp4", offset_s, at, (640, 360))


def covered(one: Frame, number: int) -> Frame:
    return replace(one, id=f"{number:064x}")


@pytest.fixture
def known(store: Store, yard: Site) -> Store:
    """Two frames, each with a row in every table that refers to frames."""
    store.footage.add_frames([frame(1), frame(1, offset_s=5.0), frame(2)])
    tell_everything(store, [frame(1), frame(2)])
    return store


def tell_everything(store: Store, frames: list[Frame]) -> None:
    said = [Annotation(one.id, "truck", "A truck.", "lena", START, number) for number, one in enumerate(frames)]
    store.labels.replace_annotations("yard", said)
    for one in frames:
        store.labels.add_tasks("yard", [LabelTask(one.id, int(one.id, 16), PROJECT, "pushed")])
        guess = Prediction(one.id, "clear", f"Seen in {one.id[-4:]}.", "base@1", 0.4)
        store.labels.add_predictions("yard", [guess, replace(guess, model_version=f"run@{one.id[-4:]}")])
        store.labels.pin("yard", {one.id: Split.TEST})
        answers = [Answer("truck", "A truck."), Answer("clear", f"Said of {one.id[-4:]}.")]
        store.labels.add_imported("yard", PROJECT, {one.id: answers})
        store.pictures.put("yard", [NamedPicture("north", f"{one.id[-4:]}.jpg", one.id)])
        store.suggestions.ask("yard", [one.id])
        decision = Decision(one.id, DecisionKind.ACCEPTED, Answer("truck", "A truck."), (), "rosa", START)
        store.reviews.add("yard", decision)
        store.gold.put("yard", GoldAnswer(one.id, Answer("truck", "A truck."), "rosa", START))
        preference = Preference(one.id, "rosa", "a@1", START)
        store.comparisons.add(Contest.of("yard", "5" * 64, "test", "a@1", "b@1"), preference)
        store.reactions.put("yard", [ReadAnswer(int(one.id, 16), one.id, "base@1", Basis.PARENT, False, START)])


@pytest.fixture
def connection(workspace: Workspace) -> Iterator[Connection]:
    """A connection past the store, to look at what it wrote."""
    engine = create_engine(workspace.settings.resolved_database_url)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def rows_about(connection: Connection, table: Table, frame_id: str) -> list[dict[str, Any]]:
    rows = connection.execute(select(table).where(table.c.frame_id == frame_id).order_by(*table.primary_key))
    found = [dict(row._mapping) for row in rows]
    connection.rollback()
    return found


def test_every_table_that_refers_to_a_frame_has_rows_in_this_test(known: Store, connection: Connection) -> None:
    assert {table.name for table in TABLES} >= {"sightings", "label_tasks", "predictions", "annotations", "split_pins"}
    for table in TABLES:
        assert rows_about(connection, table, frame(1).id), f"add a row of {table.name} to tell_everything"


def test_all_that_is_known_follows_to_the_new_id(known: Store, connection: Connection) -> None:
    before = {table: rows_about(connection, table, frame(1).id) for table in TABLES}
    others = {table: rows_about(connection, table, frame(2).id) for table in TABLES}
    new = covered(frame(1), 77)
    assert known.footage.replace("yard", {frame(1).id: new}) == 1
    for table in TABLES:
        assert rows_about(connection, table, frame(1).id) == []
        moved = [{**row, "frame_id": new.id} for row in before[table]]
        assert rows_about(connection, table, new.id) == moved, table.name
        assert rows_about(connection, table, frame(2).id) == others[table], table.name
    assert known.footage.frames("yard") == [new, frame(2)]
    assert known.footage.frame_at("yard", "north.mp4", 5.0) == new
    assert known.footage.page("yard", FrameFilter(state=FrameState.LABELLED), limit=9) == [new, frame(2)]


def test_a_new_id_that_is_there_already_takes_the_rows_in(known: Store, connection: Connection) -> None:
    own = {table: rows_about(connection, table, frame(2).id) for table in TABLES}
    old = {table: rows_about(connection, table, frame(1).id) for table in TABLES}
    assert known.footage.replace("yard", {frame(1).id: frame(2)}) == 1
    assert known.footage.frames("yard") == [frame(2)]
    for table in TABLES:
        assert rows_about(connection, table, frame(1).id) == []
        merged = rows_about(connection, table, frame(2).id)
        keys = [column.name for column in table.primary_key]
        expected = {tuple(row[key] for key in keys): row for row in own[table]}
        for row in old[table]:
            moved = {**row, "frame_id": frame(2).id}
            expected.setdefault(tuple(moved[key] for key in keys), moved)
        assert {tuple(row[key] for key in keys): row for row in merged} == expected, table.name
    assert known.labels.tasks("yard") == {frame(2).id: LabelTask(frame(2).id, 2, PROJECT, "pushed")}
    assert len(known.labels.predictions("yard")) == 3
    assert len(known.labels.annotations("yard")) == 2


def test_two_frames_that_become_one_and_one_that_stays(known: Store) -> None:
    new = covered(frame(1), 77)
    replaced = known.footage.replace(
        "yard", {frame(1).id: new, frame(2).id: covered(frame(2), 77), "0f" * 32: covered(frame(3), 78)}
    )
    assert replaced == 2
    assert known.footage.frames("yard") == [new]
    assert known.footage.replace("yard", {new.id: new}) == 0
    assert known.footage.frames("yard") == [new]


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
def test_a_new_id_may_be_another_ones_old_id(known: Store, order: tuple[int, int]) -> None:
    plan = {1: frame(2), 2: covered(frame(2), 77)}
    assert known.footage.replace("yard", {frame(number).id: plan[number] for number in order}) == 2
    left = known.footage.frames("yard")
    assert left == ([covered(frame(2), 77)] if order == (1, 2) else [frame(2), covered(frame(2), 77)])
    assert set(known.labels.tasks("yard")) == {one.id for one in left}


def test_replacing_again_after_a_cut_changes_nothing(known: Store) -> None:
    plan = {frame(1).id: covered(frame(1), 77), frame(2).id: covered(frame(2), 78)}
    assert known.footage.replace("yard", plan) == 2
    assert known.footage.replace("yard", plan) == 0
    assert [one.id for one in known.footage.frames("yard")] == [f"{77:064x}", f"{78:064x}"]


def test_the_same_picture_at_another_site_stays(known: Store) -> None:
    known.sites.add(Site("copy", ("a", "b")))
    known.sites.add_camera(Camera("copy", "north"))
    known.footage.add_frames([frame(1, site="copy")])
    assert known.footage.sites_with(frame(1).id) == ["copy", "yard"]
    known.footage.replace("yard", {frame(1).id: covered(frame(1), 77)})
    assert known.footage.sites_with(frame(1).id) == ["copy"]
    assert known.footage.frames("copy") == [frame(1, site="copy")]
    assert known.footage.frame_at("copy", "north.mp4", 1.0) == frame(1, site="copy")


def test_the_state_of_the_frame_that_takes_rows_in_follows(known: Store) -> None:
    known.footage.add_frames([frame(3)])
    assert known.footage.counts_by_state("yard")[FrameState.UNLABELLED] == 1
    known.footage.replace("yard", {frame(1).id: frame(3)})
    assert known.footage.counts_by_state("yard") == {
        FrameState.UNLABELLED: 0,
        FrameState.IN_LABELLING: 0,
        FrameState.LABELLED: 2,
    }


def test_it_happens_wholly_or_not_at_all(known: Store, connection: Connection) -> None:
    before = {table: rows_about(connection, table, frame(1).id) for table in TABLES}
    unknown_camera = replace(covered(frame(2), 78), camera="attic")
    with pytest.raises(StorageError):
        known.footage.replace("yard", {frame(1).id: covered(frame(1), 77), frame(2).id: unknown_camera})
    assert {table: rows_about(connection, table, frame(1).id) for table in TABLES} == before
    assert connection.execute(select(func.count()).select_from(sightings)).scalar_one() == 3
    assert known.footage.frames("yard") == [frame(1), frame(2)]
