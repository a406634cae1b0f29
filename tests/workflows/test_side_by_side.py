"""People judge two models' answers without seeing whose is whose, and the win rate knows how sure it is."""

from datetime import UTC, datetime, timedelta

import pytest

from workbench.domain import Camera, Clip, DatasetVersion, Frame, Site, Split, utc_now
from workbench.errors import DatasetError, NotFoundError, UsageError
from workbench.workflows.measured import measured
from workbench.workflows.side_by_side import Table, contest_between, next_pair, prefer, standing
from workbench.workflows.workspace import Workspace

CLASSES = ("clear", "truck")
CLIPS, FRAMES_PER_CLIP = 10, 4
START = datetime(2026, 3, 1, tzinfo=UTC)
ALIKE = 4
"""Frames at the end about which both say the same."""


@pytest.fixture
def frames(workspace: Workspace) -> list[str]:
    store = workspace.store
    store.sites.add(Site("yard", CLASSES))
    store.sites.add_camera(Camera("yard", "north"))
    ids = []
    for place in range(CLIPS):
        started_at = START + timedelta(hours=place)
        clip = Clip(f"{place:064x}", "yard", "north", f"north_{place}.mp4", started_at, 10.0, (64, 36))
        store.footage.add_clip(clip)
        new = [
            Frame(
                f"{place * FRAMES_PER_CLIP + second:064x}",
                "yard",
                "north",
                clip.id,
                clip.name,
                float(second),
                started_at + timedelta(seconds=second),
                (64, 36),
            )
            for second in range(FRAMES_PER_CLIP)
        ]
        store.footage.add_frames(new)
        ids += [frame.id for frame in new]
    return ids


def measure(
    workspace: Workspace, frames: list[str], version: str, model: str, captions: list[str], dataset: str = "d1"
) -> str:
    """Write what ``workbench evaluate`` leaves behind of a model's answers; returns the run's id."""
    tags = {"model": model, "model_version": version, "split": "test"}
    with workspace.tracker.run("yard", f"{model} on test", kind="evaluate", tags=tags) as run:
        counts = {split: len(frames) for split in Split}
        run.log_dataset(DatasetVersion(dataset * 32, "yard", None, "nowhere", counts, utc_now()), "test")
        answers = {
            "model_version": version,
            "class_names": list(CLASSES),
            "frame_ids": frames,
            "probabilities": [[0.9, 0.1]] * len(frames),
            "captions": captions,
        }
        run.log_json(answers, "answers.json")
    return run.id


@pytest.fixture
def table(workspace: Workspace, frames: list[str]) -> Table:
    """The tuned model says "new …", the base "old …", but both the same about the last frames."""
    alike = ["The yard is clear."] * ALIKE
    measure(workspace, frames, "base@1", "base", [f"old {frame}" for frame in frames[:-ALIKE]] + alike)
    measure(workspace, frames, "base@1+adapter@2", "tuned", [f"new {frame}" for frame in frames[:-ALIKE]] + alike)
    return contest_between(workspace, "yard", "tuned", "base")


def judge_all(workspace: Workspace, table: Table, person: str, likes: str) -> list[str]:
    """Judge until nothing is left, always for the caption that begins so; returns the sides that were taken."""
    sides = []
    while pair := next_pair(workspace, table, person):
        sides.append("left" if pair.left.caption.startswith(likes) else "right")
        prefer(workspace, table, pair.frame_id, sides[-1], actor=person)
    return sides


def test_sides_are_shuffled_and_what_is_preferred_is_counted_for_the_right_model(
    workspace: Workspace, table: Table, frames: list[str]
) -> None:
    sides = judge_all(workspace, table, "ada", likes="new")
    assert len(sides) == len(frames) - ALIKE
    assert 0.25 < sides.count("left") / len(sides) < 0.75
    told = standing(workspace, table)
    assert (told.wins, told.draws, told.losses, told.people, told.alike) == (len(sides), 0, 0, 1, ALIKE)
    assert told.win_rate is not None
    assert told.win_rate.value == told.win_rate.high == 1
    assert 0.6 < told.win_rate.low < 0.97

    judge_all(workspace, table, "lin", likes="old")
    told = standing(workspace, table)
    assert (told.wins, told.losses, told.people) == (len(sides), len(sides), 2)
    assert told.win_rate is not None
    assert told.win_rate.value == 0.5
    event = workspace.store.audit.events()[-1]
    assert (event.actor, event.action, event.detail["preferred"]) == ("lin", "compare.prefer", "base@1")


def test_each_person_sees_an_order_and_sides_of_their_own(workspace: Workspace, table: Table) -> None:
    ada, lin = (next_pair(workspace, table, person) for person in ("ada", "lin"))
    assert ada is not None
    assert lin is not None
    assert ada.frame_id != lin.frame_id
    assert [table.sides(frame, "ada") for frame in table.differing] != [
        table.sides(frame, "lin") for frame in table.differing
    ]


def test_the_same_contest_named_the_other_way_round_turns_the_rate(workspace: Workspace, table: Table) -> None:
    judge_all(workspace, table, "ada", likes="new")
    turned = contest_between(workspace, "yard", "base", "tuned")
    assert next_pair(workspace, turned, "ada") is None
    assert standing(workspace, turned).losses == standing(workspace, table).wins


def test_a_later_preference_of_the_same_person_counts_instead(workspace: Workspace, table: Table) -> None:
    frame_id = table.differing[0]
    for side in ("left", "neither"):
        prefer(workspace, table, frame_id, side, actor="ada")
    told = standing(workspace, table)
    assert (told.wins, told.draws, told.losses, told.judged) == (0, 1, 0, 1)


def test_the_beginning_of_a_runs_id_names_a_model(workspace: Workspace, frames: list[str]) -> None:
    alike = ["The yard is clear."] * len(frames)
    first = measure(workspace, frames, "base@1+adapter@2", "ab12", alike)
    measure(workspace, frames, "base@1+adapter@3", "ab34", alike)
    measure(workspace, frames, "base@1", "base", alike)
    assert contest_between(workspace, "yard", "ab1", "base").challenger == "base@1+adapter@2"
    assert contest_between(workspace, "yard", first[:12], "base").challenger == "base@1+adapter@2"
    with pytest.raises(UsageError, match=r"one run's id as ab, but found ab34, ab12; give more"):
        contest_between(workspace, "yard", "ab", "base")


def test_what_cannot_be_compared_is_told(workspace: Workspace, table: Table, frames: list[str]) -> None:
    with pytest.raises(UsageError, match="two different models"):
        contest_between(workspace, "yard", "base", "champion")
    with pytest.raises(NotFoundError, match="workbench evaluate --site yard --model other"):
        contest_between(workspace, "yard", "other", "base")
    measure(workspace, frames, "base@1+adapter@3", "newer", ["x"] * len(frames), dataset="d2")
    with pytest.raises(DatasetError, match="on the same frames"):
        contest_between(workspace, "yard", "newer", "base")
    with pytest.raises(UsageError, match="take the next one"):
        prefer(workspace, table, frames[-1], "left", actor="ada")
    assert {one.tuned_run for one in measured(workspace, "yard")} == {"base", "tuned", "newer"}
