import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from workbench.domain import (
    Annotation,
    Answer,
    Box,
    Camera,
    Candidate,
    CandidateState,
    CaptionGuide,
    Clip,
    DatasetVersion,
    Frame,
    Gate,
    JobState,
    LabelClass,
    LabelTask,
    Prediction,
    Question,
    Role,
    Site,
    Split,
    Taxonomy,
    User,
    Verdict,
)
from workbench.errors import DatasetError, NotFoundError, PromotionError, StorageError, UsageError
from workbench.store import Store, turn
from workbench.workflows.workspace import Workspace

START = datetime(2026, 3, 2, 8, tzinfo=UTC)


def frame(number: int, *, offset_s: float | None = None) -> Frame:
    offset_s = float(number) if offset_s is None else offset_s
    return Frame(
        id=f"{number:064x}",
        site="yard",
        camera="north",
        clip_id="c" * 64,
        clip_name="north.mp4",
        offset_s=offset_s,
        taken_at=START + timedelta(seconds=offset_s),
        size_wh=(640, 360),
    )


def candidate(version: int = 1) -> Candidate:
    return Candidate(
        site="yard",
        version=version,
        run_id="r" * 32,
        dataset_id="d" * 64,
        state=CandidateState.REQUESTED,
        compared_with="base",
        gates=(Gate("beats the base", Verdict.PASS, "0.9 against 0.3"),),
        requested_by="ada",
        requested_at=START,
    )


def test_site_added_twice_is_one_site_and_other_classes_are_refused(store: Store, yard: Site) -> None:
    store.sites.add(yard)
    assert store.sites.all() == [yard]
    with pytest.raises(UsageError, match="clear, person, truck"):
        store.sites.add(Site("yard", ("a", "b")))


def test_unknown_names_are_told_with_the_known_ones(store: Store, yard: Site) -> None:
    with pytest.raises(NotFoundError, match=r"'dock'.*yard"):
        store.sites.get("dock")
    with pytest.raises(NotFoundError, match=r"'south'.*north"):
        store.sites.camera("yard", "south")


def test_frames_are_kept_once_and_every_sighting_is_found(store: Store, yard: Site) -> None:
    first, again = frame(1), frame(1, offset_s=9.0)
    assert store.footage.add_frames([frame(2), first]) == 2
    assert store.footage.add_frames([first, again]) == 0
    assert store.footage.frames("yard") == [first, frame(2)]
    assert store.footage.frame_at("yard", "north.mp4", 9.03) == first
    assert store.footage.frame_at("yard", "north.mp4", 5.0) is None


def test_two_sites_may_hold_the_same_picture(store: Store, yard: Site) -> None:
    store.sites.add(Site("copy", ("a", "b")))
    store.sites.add_camera(Camera("copy", "north"))
    store.footage.add_frames([frame(1)])
    assert store.footage.add_frames([replace(frame(1), site="copy")]) == 1
    assert store.footage.get("copy", frame(1).id).site == "copy"
    assert store.footage.frames("yard") == [frame(1)]


def test_clip_comes_back_as_it_went_in(store: Store, yard: Site) -> None:
    clip = Clip("c" * 64, "yard", "north", "north.mp4", START, 12.5, (640, 360))
    assert store.footage.add_clip(clip)
    assert not store.footage.add_clip(clip)
    assert store.footage.clips("yard", "north") == [clip]


def test_labels_come_back_as_they_went_in(store: Store, yard: Site) -> None:
    store.footage.add_frames([frame(1)])
    task = LabelTask(frame(1).id, task_id=7, project_id=3, reason="every second")
    guess = Prediction(frame(1).id, "clear", "Nothing there.", "base@1", 0.4)
    boxes = (Box("wheel", (0.1, 0.25, 0.5, 1.0)), Box("wheel", (0.0, 0.0, 0.125, 0.5)))
    said = Annotation(frame(1).id, "truck", "A truck waits.", "lena", START, 11, {"is-loaded": "yes"}, boxes)
    store.labels.set_project("yard", 3)
    store.labels.add_tasks("yard", [task])
    store.labels.add_predictions("yard", [guess, replace(guess, score=0.5)])
    store.labels.replace_annotations("yard", [said, replace(said, annotation_id=12)])
    store.labels.replace_annotations("yard", [said])
    store.labels.pin("yard", {frame(1).id: Split.TEST})
    assert store.labels.project("yard") == 3
    assert store.labels.tasks("yard") == {frame(1).id: task}
    assert store.labels.predictions("yard") == [replace(guess, score=0.5)]
    assert store.labels.annotations("yard") == [said]
    assert store.labels.pins("yard") == {frame(1).id: Split.TEST}


def test_a_site_asks_for_its_classes_until_its_taxonomy_says_more(store: Store, yard: Site) -> None:
    assert store.sites.taxonomy("yard") == Taxonomy.of(yard)
    taxonomy = Taxonomy(
        (LabelClass("clear", "Nothing moves.", "c"), LabelClass("truck")),
        CaptionGuide("One sentence.", ("A truck waits.",), ("truck",), least_words=3),
        (Question("is-loaded", "Is it loaded?"),),
        ("wheel",),
    )
    store.sites.set_taxonomy("yard", taxonomy)
    assert store.sites.taxonomy("yard") == taxonomy
    assert store.sites.get("yard").class_names == ("clear", "truck")


def test_what_a_file_said_is_known_by_project_frame_and_answer(store: Store, yard: Site) -> None:
    store.footage.add_frames([frame(1), frame(2)])
    said = {frame(1).id: [Answer("clear", "Empty.")], frame(2).id: [Answer("person", "A man.")]}
    store.labels.add_imported("yard", 7, {frame(1).id: said[frame(1).id]})
    store.labels.add_imported("yard", 7, {frame(1).id: said[frame(1).id]})
    assert store.labels.without_imported("yard", 7, said) == {
        frame(1).id: [],
        frame(2).id: [Answer("person", "A man.")],
    }
    assert store.labels.without_imported("yard", 8, said) == said
    assert store.labels.without_imported("yard", 7, {frame(1).id: [Answer("person", "Empty.")]}) == {
        frame(1).id: [Answer("person", "Empty.")]
    }


def test_turns_are_taken_one_after_the_other(tmp_path: Path) -> None:
    seen: list[str] = []

    def work(name: str) -> None:
        with turn(tmp_path / "locks" / "one.lock"):
            seen.append(f"{name} begins")
            time.sleep(0.05)
            seen.append(f"{name} ends")

    threads = [threading.Thread(target=work, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [step[0] for step in seen[::2]] == [step[0] for step in seen[1::2]]


def test_a_lock_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="lock file"), turn(tmp_path / "file" / "one.lock"):
        pass


def test_dataset_is_found_by_a_unique_prefix(workspace: Workspace, store: Store, yard: Site) -> None:
    with pytest.raises(DatasetError, match="dataset build"):
        store.datasets.latest("yard")
    version = DatasetVersion(
        "ab" * 32, "yard", None, str(workspace.settings.datasets_dir / "x"), {Split.TRAIN: 3}, START
    )
    store.datasets.add(version)
    assert store.datasets.get("abab") == version == store.datasets.latest("yard")
    with pytest.raises(NotFoundError, match="0 of them"):
        store.datasets.get("ff")


def test_decision_is_taken_once(store: Store, yard: Site) -> None:
    store.promotions.add(candidate())
    approved = replace(candidate(), state=CandidateState.APPROVED, decided_by="rita", decided_at=START)
    store.promotions.decide(approved)
    assert store.promotions.all("yard") == [approved]
    with pytest.raises(PromotionError, match="approved by rita"):
        store.promotions.decide(replace(approved, state=CandidateState.REJECTED))


def test_only_one_of_many_concurrent_promotions_wins(store: Store, yard: Site) -> None:
    outcomes: list[str] = []

    def move(version: int) -> None:
        try:
            store.promotions.move_champion("yard", expected=None, new=version)
            outcomes.append("won")
        except PromotionError:
            outcomes.append("lost")

    threads = [threading.Thread(target=move, args=(version,)) for version in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["lost"] * 7 + ["won"]
    assert store.promotions.champion("yard") in range(1, 9)


def test_transaction_happens_wholly_or_not_at_all(store: Store, yard: Site) -> None:
    def add_and_fail() -> None:
        with store.transaction():
            store.footage.add_frames([frame(1)])
            store.promotions.move_champion("yard", expected=99, new=1)

    with pytest.raises(PromotionError):
        add_and_fail()
    assert store.footage.frames("yard") == []


def test_a_database_of_an_earlier_release_gets_the_columns_that_came_later(workspace: Workspace, yard: Site) -> None:
    workspace.store.promotions.add(candidate())
    job = workspace.store.jobs.add(kind="tune", site="yard", argv=["x"], started_by="ada", log_path="x.log")
    engine = create_engine(workspace.settings.resolved_database_url)
    with engine.begin() as connection:
        for table, column in (
            ("candidates", "decision_note"),
            ("candidates", "adapter_digest"),
            ("jobs", "cancelled_by"),
        ):
            connection.execute(text(f"ALTER TABLE {table} DROP COLUMN {column}"))
    engine.dispose()
    reopened = Workspace.open(workspace.settings).store
    assert reopened.promotions.get("yard", 1) == candidate()
    assert reopened.jobs.all() == [job]
    reopened.close()


def test_audit_chain_holds_until_someone_edits_it(workspace: Workspace) -> None:
    trail = workspace.store.audit
    for version in (1, 2, 3):
        trail.append(actor="rita", action="promote.approve", subject="yard", detail={"version": version})
    assert trail.verify() == 3
    assert [event.detail["version"] for event in trail.events("yard")] == [1, 2, 3]
    engine = create_engine(workspace.settings.resolved_database_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE audit_events SET actor = 'mallory' WHERE sequence = 2"))
    engine.dispose()
    with pytest.raises(StorageError, match="event 2"):
        trail.verify()


def test_concurrent_audit_events_form_one_chain(store: Store) -> None:
    def append(actor: str) -> None:
        for _ in range(5):
            store.audit.append(actor=actor, action="test", subject="chain")

    threads = [threading.Thread(target=append, args=(f"actor-{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.audit.verify() == 20


def test_users_and_jobs_come_back(store: Store) -> None:
    rita = User("rita", frozenset({Role.REVIEWER, Role.ENGINEER}))
    store.users.add(rita, "hash")
    assert store.users.all() == [rita]
    assert store.users.password_hash("rita") == "hash"
    job = store.jobs.add(kind="tune", site="yard", argv=["workbench", "tune"], started_by="ada", log_path="x.log")
    store.jobs.update(replace(job, state=JobState.DONE, exit_code=0, ended_at=START))
    assert store.jobs.get(job.id).state is JobState.DONE
    assert [found.id for found in store.jobs.all("yard")] == [job.id]
