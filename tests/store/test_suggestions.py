"""What is asked for, shown and made of suggestions comes back as it went in, on each database."""

from datetime import UTC, datetime, timedelta

import pytest

from workbench.domain import Annotation, Answer, Basis, Camera, Frame, Prediction, Site
from workbench.store import CurrentModel, ReadAnswer, Store, Suggester
from workbench.workflows.workspace import Workspace

AT = datetime(2026, 3, 2, 8, tzinfo=UTC)
FRAMES = [f"{number:064x}" for number in range(4)]
SUGGESTED = Answer("truck", "A truck.")


@pytest.fixture
def store(workspace: Workspace) -> Store:
    """Four frames; a model said something about the first three, and somebody about the last three."""
    store = workspace.store
    store.sites.add(Site("yard", ("clear", "truck")))
    store.sites.add_camera(Camera("yard", "gate"))
    at = [AT + timedelta(seconds=number) for number in range(4)]
    store.footage.add_frames(
        [Frame(one, "yard", "gate", "c1", "a.mp4", float(n), at[n], (64, 48)) for n, one in enumerate(FRAMES)]
    )
    guesses = [Prediction(one, SUGGESTED.class_name, SUGGESTED.caption, "base@1", 0.5) for one in FRAMES[:3]]
    store.labels.add_predictions("yard", guesses)
    said = [Annotation(FRAMES[n], "clear", "Empty.", "lin@site", at[n], n) for n in (1, 2, 3)]
    store.labels.change_annotations("yard", said, ())
    return store


def read(
    number: int, version: str | None = "base@1", *, is_skip: bool = False, at: datetime | None = None
) -> ReadAnswer:
    at = at or AT + timedelta(seconds=number)
    return ReadAnswer(number, FRAMES[number], version, Basis.PARENT if version else Basis.NONE, is_skip, at)


def test_the_list_has_the_newest_first_and_each_frame_once(store: Store) -> None:
    for one in (0, 1, 2, 0):
        store.suggestions.ask("yard", [FRAMES[one]])
    assert store.suggestions.asked("yard", 9) == [FRAMES[0], FRAMES[2], FRAMES[1]]
    assert (store.suggestions.asked("yard", 1), store.suggestions.count_asked("yard")) == ([FRAMES[0]], 3)
    store.suggestions.settle("yard", FRAMES[:2])
    assert store.suggestions.asked("yard", 9) == [FRAMES[2]]
    assert store.suggestions.asked("port", 9) == []


def test_there_is_one_suggester_and_one_current_model(store: Store) -> None:
    assert (store.suggestions.suggester("yard"), store.suggestions.model("yard")) == (None, None)
    for number in (7, 8):
        store.suggestions.set_suggester("yard", Suggester(number, AT, number == 8))
        store.suggestions.set_model("yard", CurrentModel(f"champion {number}", f"base@{number}"))
    assert store.suggestions.suggester("yard") == Suggester(8, AT, True)
    assert store.suggestions.model("yard") == CurrentModel("champion 8", "base@8")
    assert store.suggestions.retire("yard")
    assert store.suggestions.suggester("yard") is None
    assert set(store.suggestions.made("yard", "base@1", FRAMES)) == set(FRAMES[:3])
    assert store.suggestions.made("yard", "base@2", FRAMES) == {}


def test_answers_are_read_once_and_again_when_they_change(store: Store) -> None:
    assert store.reactions.unread("yard") == {1: FRAMES[1], 2: FRAMES[2]}
    store.reactions.put("yard", [read(1), read(2, None)])
    assert store.reactions.unread("yard") == {}
    changed = Annotation(FRAMES[2], "truck", "A truck.", "lin@site", AT + timedelta(minutes=1), 2)
    store.labels.change_annotations("yard", [changed], ())
    assert store.reactions.unread("yard") == {2: FRAMES[2]}


def test_responses_join_what_was_suggested_with_what_was_said(store: Store) -> None:
    store.reactions.put("yard", [read(1), read(2, None), read(3)])
    store.reactions.replace_skips("yard", [read(0, is_skip=True)])
    mark = store.reactions.mark("yard")
    skip, answer = store.reactions.responses("yard")
    assert (skip.said, skip.suggested, skip.at) == (None, SUGGESTED, AT)
    assert (answer.said, answer.basis, answer.camera) == (Answer("clear", "Empty."), Basis.PARENT, "gate")
    assert store.reactions.responses("yard", ["base@2"]) == []
    assert len(store.reactions.responses("yard", ["base@1"])) == 2

    store.labels.change_annotations("yard", (), [1])
    assert [one.said for one in store.reactions.responses("yard")] == [None]
    assert store.reactions.mark("yard") != mark
    store.reactions.replace_skips("yard", [])
    assert store.reactions.responses("yard") == []


def test_a_version_that_is_shown_already_is_no_news(store: Store) -> None:
    for version in ("base@1", "base@1", "base@2", "base@1"):
        store.reactions.show("yard", 7, version)
    assert [one.model_version for one in store.reactions.shown("yard", 7)] == ["base@1", "base@2", "base@1"]
    assert store.reactions.shown("yard", 8) == []
