"""Decisions, known answers and who labels under which name come back as they went in, on each database."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from workbench.domain import (
    Annotation,
    Answer,
    Box,
    Camera,
    Clip,
    Decision,
    DecisionKind,
    Frame,
    GoldAnswer,
    OverlapRule,
    Prediction,
    Role,
    Site,
    User,
)
from workbench.errors import NotFoundError
from workbench.store import BriefAnswer, BriefGuess, Store
from workbench.workflows.workspace import Workspace

AT = datetime(2026, 3, 2, 8, tzinfo=UTC)
FIRST, SECOND = "a" * 64, "ab" * 32


@pytest.fixture
def store(workspace: Workspace) -> Store:
    """A store with two frames, the first of which ann and ben answered."""
    store = workspace.store
    store.sites.add(Site("yard", ("clear", "truck")))
    store.sites.add_camera(Camera("yard", "gate"))
    store.footage.add_clip(Clip("c" * 64, "yard", "gate", "1.mp4", AT, 2.0, (64, 48)))
    store.footage.add_frames(
        [Frame(one, "yard", "gate", "c" * 64, "1.mp4", 0.0, AT, (64, 48)) for one in (FIRST, SECOND)]
    )
    box = Box("tyre", (0.1, 0.1, 0.2, 0.2))
    said = [
        Annotation(FIRST, "clear", "Empty.", "ann@x.invalid", AT, 1, {"wet": "no"}, (box,)),
        Annotation(FIRST, "truck", "A truck.", "ben@x.invalid", AT + timedelta(minutes=1), 2),
    ]
    store.labels.change_annotations("yard", said, ())
    store.labels.add_predictions("yard", [Prediction(FIRST, "truck", "A guess.", "base@1", 0.5)])
    return store


def test_of_decisions_the_newest_is_in_force_and_all_are_kept(store: Store) -> None:
    said = tuple(store.labels.annotations("yard"))
    decisions = [
        Decision(FIRST, DecisionKind.SENT_BACK, None, said, "rosa", AT, "look behind the pallet"),
        Decision(FIRST, DecisionKind.ACCEPTED, said[0].answer, said, "rob", AT + timedelta(days=1)),
    ]
    for decision in decisions:
        store.reviews.add("yard", decision)

    assert store.reviews.about("yard", FIRST) == decisions[::-1]
    assert store.reviews.in_force("yard") == store.reviews.in_force("yard", FIRST) == {FIRST: decisions[1]}
    assert store.reviews.in_force("yard", SECOND) == {}
    assert store.reviews.sent_back("yard") == decisions[:1]


def test_answers_and_guesses_are_told_in_brief(store: Store) -> None:
    assert store.reviews.brief_answers("yard") == [
        BriefAnswer(FIRST, 1, "ann@x.invalid", "clear", "Empty."),
        BriefAnswer(FIRST, 2, "ben@x.invalid", "truck", "A truck."),
    ]
    assert store.reviews.brief_answers("yard", SECOND) == []
    assert store.reviews.brief_guesses("yard", FIRST) == [BriefGuess(FIRST, "base@1", "truck", 0.5)]
    assert store.reviews.labellers("yard") == ["ann@x.invalid", "ben@x.invalid"]


def test_known_answers_are_replaced_and_forgotten(store: Store) -> None:
    gold = GoldAnswer(SECOND, Answer("truck", "A truck.", {"wet": "yes"}), "rosa", AT)
    store.gold.put("yard", replace(gold, added_by="rob"))
    store.gold.put("yard", gold)
    assert store.gold.all("yard") == {SECOND: gold}
    assert (store.gold.remove("yard", SECOND), store.gold.remove("yard", SECOND)) == (True, False)


def test_how_much_overlaps_is_what_was_said_last(store: Store) -> None:
    assert store.gold.overlap("yard") is None
    for rule in (OverlapRule(0.2, 3), OverlapRule(0.0, 2)):
        store.gold.set_overlap("yard", rule)
        assert store.gold.overlap("yard") == rule


def test_a_user_has_one_label_account(store: Store) -> None:
    store.users.add(User("rosa", frozenset({Role.REVIEWER})), "a hash")
    assert store.users.label_account("rosa") is None
    for email in ("r@x.invalid", "rosa@x.invalid"):
        store.users.set_label_account("rosa", email)
        assert store.users.label_account("rosa") == email
    with pytest.raises(NotFoundError, match="the name of a user"):
        store.users.set_label_account("nobody", "n@x.invalid")


def test_ids_are_found_by_how_they_begin(store: Store) -> None:
    assert store.footage.beginning("yard", "ab") == [SECOND]
    assert store.footage.beginning("yard", "a") == [FIRST, SECOND]
    assert store.footage.beginning("yard", FIRST) == [FIRST]
    assert store.footage.beginning("yard", "b") == []
