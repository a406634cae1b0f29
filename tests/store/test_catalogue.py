"""A catalogue of many frames: pages, counts and states, each answered by an index."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, event, inspect, text
from sqlalchemy.engine import Engine

from workbench.domain import Annotation, Camera, Frame, LabelTask, Site
from workbench.store import Cursor, FrameFilter, FrameState, Store
from workbench.workflows.workspace import Workspace

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
CAMERAS = ("dock", "gate", "north")
ASKED, ANSWERED = range(30), range(20)


def frame(number: int) -> Frame:
    """Two frames a second in turn of three cameras, two clips each; the order of ids is not that of time."""
    offset_s = float(number // 2)
    return Frame(
        id=f"{number * 7919 % 99991:064x}",
        site="yard",
        camera=CAMERAS[number % 3],
        clip_id=f"{number % 6:064x}",
        clip_name=f"clip-{number % 6}.mp4",
        offset_s=offset_s,
        taken_at=START + timedelta(seconds=offset_s),
        size_wh=(640, 360),
    )


FRAMES = sorted(map(frame, range(60)), key=Cursor.of)


@pytest.fixture
def catalogue(store: Store, yard: Site) -> Store:
    """Sixty frames, of which the oldest thirty were asked about and the oldest twenty answered."""
    for camera in CAMERAS:
        store.sites.add_camera(Camera("yard", camera))
    store.footage.add_frames(FRAMES[::-1])
    ask(store, [FRAMES[number].id for number in ASKED])
    answer(store, [FRAMES[number].id for number in ANSWERED])
    return store


def ask(store: Store, frame_ids: Sequence[str]) -> None:
    store.labels.add_tasks("yard", [LabelTask(frame_id, 1, 1, "pushed") for frame_id in frame_ids])


def answer(store: Store, frame_ids: Sequence[str]) -> None:
    said = [Annotation(of, "clear", "Nothing.", "lena", START, number) for number, of in enumerate(frame_ids)]
    store.labels.replace_annotations("yard", said)


def state_of(number: int) -> FrameState:
    if number in ANSWERED:
        return FrameState.LABELLED
    return FrameState.IN_LABELLING if number in ASKED else FrameState.UNLABELLED


def meets(number: int, only: FrameFilter) -> bool:
    one = FRAMES[number]
    return (
        only.camera in (None, one.camera)
        and only.clip_id in (None, one.clip_id)
        and only.state in (None, state_of(number))
        and (only.since is None or one.taken_at >= only.since)
        and (only.until is None or one.taken_at <= only.until)
    )


FILTERS = [
    FrameFilter(),
    FrameFilter(camera="gate"),
    FrameFilter(since=START + timedelta(seconds=7), until=START + timedelta(seconds=22)),
    FrameFilter(clip_id=f"{4:064x}"),
    *(FrameFilter(state=state) for state in FrameState),
    FrameFilter("dock", START + timedelta(seconds=2), START + timedelta(seconds=8), FrameState.LABELLED),
    FrameFilter("gate", clip_id=f"{4:064x}", state=FrameState.UNLABELLED),
    FrameFilter(camera="nowhere"),
]


def test_pages_follow_each_other_without_gap_or_repeat(catalogue: Store) -> None:
    for only in FILTERS:
        expected = [one for number, one in enumerate(FRAMES) if meets(number, only)]
        assert all_pages(catalogue, only, newest_first=False) == expected, only
        assert all_pages(catalogue, only, newest_first=True) == expected[::-1], only
        assert list(catalogue.footage.frame_ids("yard", only)) == [one.id for one in expected], only
        assert catalogue.footage.count("yard", only) == len(expected), only


def all_pages(store: Store, only: FrameFilter, *, newest_first: bool) -> list[Frame]:
    seen: list[Frame] = []
    after: Cursor | None = None
    while page := store.footage.page("yard", only, limit=7, after=after, newest_first=newest_first):
        assert len(page) <= 7
        seen += page
        after = Cursor.of(page[-1])
    return seen


def test_frames_that_arrive_meanwhile_move_no_page(catalogue: Store) -> None:
    first = catalogue.footage.page("yard", limit=7, newest_first=True)
    late = replace(FRAMES[-1], id="f" * 64, taken_at=FRAMES[-1].taken_at + timedelta(days=1), offset_s=86_400.0)
    catalogue.footage.add_frames([late])
    second = catalogue.footage.page("yard", limit=7, after=Cursor.of(first[-1]), newest_first=True)
    assert [*first, *second] == FRAMES[: -14 - 1 : -1]


def test_newest_and_counts_of_each_camera(catalogue: Store) -> None:
    catalogue.sites.add_camera(Camera("yard", "attic"))
    newest = catalogue.footage.newest_per_camera("yard", 4)
    assert list(newest) == ["attic", *CAMERAS]
    assert newest == {
        camera: [one for one in reversed(FRAMES) if one.camera == camera][:4] for camera in ("attic", *CAMERAS)
    }
    assert catalogue.footage.counts_by_camera("yard") == dict.fromkeys(CAMERAS, 20)


def test_ids_are_streamed_in_pieces(catalogue: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.store.footage._IDS_AT_ONCE", 20)
    assert list(catalogue.footage.frame_ids("yard")) == [one.id for one in FRAMES]
    assert catalogue.footage.by_id("yard", (one.id for one in FRAMES)) == {one.id: one for one in FRAMES}


def test_only_known_ids_are_found(catalogue: Store) -> None:
    asked = [FRAMES[3].id, "0f" * 32]
    assert catalogue.footage.known("yard", asked) == {FRAMES[3].id}
    assert catalogue.footage.by_id("yard", asked) == {FRAMES[3].id: FRAMES[3]}
    assert catalogue.footage.known("dock", asked) == set()


def test_unasked_frames_come_oldest_first(catalogue: Store) -> None:
    catalogue.labels.remove_tasks("yard", [FRAMES[5].id])
    expected = [FRAMES[5].id, *(one.id for one in FRAMES[30:])]
    assert catalogue.footage.unasked("yard") == expected
    assert catalogue.footage.unasked("yard", limit=3) == expected[:3]
    assert catalogue.footage.unasked("yard", limit=0) == []


def test_states_follow_tasks_and_answers(catalogue: Store) -> None:
    footage = catalogue.footage
    assert footage.counts_by_state("yard") == {
        FrameState.UNLABELLED: 30,
        FrameState.IN_LABELLING: 10,
        FrameState.LABELLED: 20,
    }
    answer(catalogue, [FRAMES[19].id, FRAMES[29].id, FRAMES[40].id])
    assert list(footage.frame_ids("yard", FrameFilter(state=FrameState.LABELLED))) == [
        FRAMES[19].id,
        FRAMES[29].id,
        FRAMES[40].id,
    ]
    catalogue.labels.remove_tasks("yard", [FRAMES[number].id for number in (0, 29)])
    assert footage.counts_by_state("yard") == {
        FrameState.UNLABELLED: 30,
        FrameState.IN_LABELLING: 27,
        FrameState.LABELLED: 3,
    }
    answer(catalogue, [])
    assert footage.counts_by_state("yard")[FrameState.LABELLED] == 0
    assert footage.counts_by_state("dock") == dict.fromkeys(FrameState, 0)


def test_states_are_filled_in_where_an_earlier_release_kept_none(workspace: Workspace, catalogue: Store) -> None:
    before = catalogue.footage.counts_by_state("yard")
    engine = create_engine(workspace.settings.resolved_database_url)
    with engine.begin() as connection:
        for index in ("frames_by_state_and_time", "frames_by_camera_state_and_time", "sightings_of_frame"):
            connection.execute(text(f"DROP INDEX {index}"))
        connection.execute(text("ALTER TABLE frames DROP COLUMN state"))
    reopened = Workspace.open(workspace.settings).store
    assert reopened.footage.counts_by_state("yard") == before
    assert {"frames_by_state_and_time", "frames_by_camera_state_and_time"} <= indexes(engine, "frames")
    assert "sightings_of_frame" in indexes(engine, "sightings")
    engine.dispose()
    reopened.close()


def indexes(engine: Engine, table: str) -> set[str | None]:
    return {index["name"] for index in inspect(engine).get_indexes(table)}


QUERIES: dict[str, Callable[[Store], object]] = {
    "page": lambda store: [
        store.footage.page("yard", only, limit=5, after=after, newest_first=newest_first)
        for only in FILTERS
        for after in (None, Cursor.of(FRAMES[30]))
        for newest_first in (False, True)
    ],
    "newest_per_camera": lambda store: store.footage.newest_per_camera("yard", 5),
    "count": lambda store: [store.footage.count("yard", only) for only in FILTERS],
    "counts_by_camera": lambda store: store.footage.counts_by_camera("yard"),
    "counts_by_state": lambda store: store.footage.counts_by_state("yard"),
    "frame_ids": lambda store: [list(store.footage.frame_ids("yard", only)) for only in FILTERS],
    "unasked": lambda store: store.footage.unasked("yard", limit=5),
    "by_id": lambda store: store.footage.by_id("yard", [one.id for one in FRAMES]),
    "frame_at": lambda store: store.footage.frame_at("yard", "clip-4.mp4", 5.0),
    "replace": lambda store: store.footage.replace("yard", {FRAMES[0].id: replace(FRAMES[0], id="e" * 64)}),
}


NARROWEST = {
    "JOIN sightings": "offset_s>? AND offset_s<?",
    "frames.clip_id = ?": "frames_of_clip_by_time",
    "frames.camera = ? AND frames.state = ?": "frames_by_camera_state_and_time",
    "SELECT count(*)": "COVERING INDEX",
}
"""What the first step of the plan has to say of a statement that contains a part; the first part found counts."""


@pytest.mark.parametrize("workspace", ["sqlite"], indirect=True)
@pytest.mark.parametrize("name", QUERIES)
def test_no_query_reads_a_whole_table_or_sorts_a_whole_stretch(catalogue: Store, name: str) -> None:
    with plans() as seen:
        QUERIES[name](catalogue)
    assert seen
    for statement, plan in seen:
        whole = [step for step in plan if step.startswith("SCAN ")]
        of_site = [step for step in plan if step.endswith("(site=?)") and statement.startswith(("UPDATE", "DELETE"))]
        sorts = [step for step in plan if step == "USE TEMP B-TREE FOR ORDER BY" and "sightings" not in statement]
        assert not whole + of_site + sorts, f"{statement}\n{plan}"
        for part, step in NARROWEST.items():
            if part in statement:
                assert step in plan[0], f"{statement}\n{plan}"
                break


@contextmanager
def plans() -> Iterator[list[tuple[str, list[str]]]]:
    """Collect SQLite's plan of every statement that touches rows of frames inside the block."""
    seen: list[tuple[str, list[str]]] = []

    def explain(connection: Connection, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        if not statement.startswith(("SELECT", "UPDATE", "DELETE")) or "frame" not in statement:
            return
        steps = cursor.connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters[0] if many else parameters)
        seen.append((statement, [step[3] for step in steps]))

    event.listen(Engine, "before_cursor_execute", explain)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", explain)
