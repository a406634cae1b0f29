"""What counts, what waits for a reviewer, what he decides and what of it reaches datasets: without Label Studio."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from tests.services import free_port
from workbench.domain import (
    Annotation,
    Box,
    Clip,
    Decision,
    DecisionKind,
    Frame,
    LabelTask,
    OverlapRule,
    Prediction,
    Role,
    Site,
    User,
    Verdict,
)
from workbench.errors import AccessError, LabelStudioError, NotFoundError, UsageError
from workbench.labeling.drawing import is_drawn
from workbench.store import Store
from workbench.workflows.accounts import set_label_account
from workbench.workflows.agreement import measure_agreement
from workbench.workflows.answers import (
    counting_annotations,
    decided_answers,
    label_account,
    named_frame,
    settled_answers,
)
from workbench.workflows.gold import add_gold, gold_standings, remove_gold, score_labellers
from workbench.workflows.handing_out import share_out
from workbench.workflows.labeller_standing import standing_of
from workbench.workflows.review_answers import accept_answer, fix_answer, send_back
from workbench.workflows.review_queue import Reason, case_about, decided_cases, review_queue
from workbench.workflows.workspace import Workspace

SITE = "yard"
AT = datetime(2026, 3, 2, 8, tzinfo=UTC)
CLIPS, FRAMES_OF_CLIP = 10, 3
FRAMES = [f"{number:064x}" for number in range(CLIPS * FRAMES_OF_CLIP)]
UNDRAWN = [frame_id for frame_id in FRAMES if not is_drawn(frame_id, "spot check", 0.05)]
"""Frames that wait for a reviewer only if something is the matter with them."""


@pytest.fixture
def bench(workspace: Workspace, yard: Site) -> Workspace:
    """A workspace with frames of ten clips, and rosa and rob, who review."""
    for number in range(CLIPS):
        clip = Clip(f"{number:064x}", SITE, "north", f"{number}.mp4", AT + timedelta(hours=number), 3.0, (64, 48))
        workspace.store.footage.add_clip(clip)
        workspace.store.footage.add_frames(
            [
                Frame(
                    FRAMES[number * FRAMES_OF_CLIP + second],
                    SITE,
                    "north",
                    clip.id,
                    clip.name,
                    float(second),
                    clip.started_at + timedelta(seconds=second),
                    (64, 48),
                )
                for second in range(FRAMES_OF_CLIP)
            ]
        )
    for name in ("rosa", "rob"):
        workspace.store.users.add(User(name, frozenset({Role.REVIEWER})), "no password fits")
    return workspace


def reviewer(bench: Workspace, name: str = "rosa") -> User:
    return bench.store.users.get(name)


def say(
    bench: Workspace,
    frame_id: str,
    labeller: str,
    class_name: str,
    caption: str = "",
    *,
    number: int | None = None,
    minute: int = 0,
) -> Annotation:
    """Put an answer into the store as a pull does."""
    known = bench.store.labels.annotations(SITE)
    annotation = Annotation(
        frame_id=frame_id,
        class_name=class_name,
        caption=caption or f"A {class_name}.",
        labeller=f"{labeller}@site.invalid",
        updated_at=AT + timedelta(minutes=minute),
        annotation_id=number or len(known) + 1,
        replies={"wet": "no"},
        boxes=(Box("tyre", (0.1, 0.1, 0.2, 0.2)),),
    )
    bench.store.labels.change_annotations(SITE, [annotation], ())
    return annotation


def guess(bench: Workspace, frame_id: str, class_name: str, score: float, version: str = "base@1") -> None:
    bench.store.labels.add_predictions(SITE, [Prediction(frame_id, class_name, "A guess.", version, score)])


def actions(store: Store) -> list[str]:
    return [event.action for event in store.audit.events(SITE)]


def test_decisions_and_known_answers_follow_a_still_that_was_covered(bench: Workspace) -> None:
    say(bench, FRAMES[0], "ann", "person")
    accept_answer(bench, site=SITE, frame_id=FRAMES[0], annotation_id=1, actor=reviewer(bench))
    add_gold(bench, site=SITE, frame_id=FRAMES[1], class_name="truck", caption="A truck.", actor=reviewer(bench))
    for old, new in ((FRAMES[0], "e" * 64), (FRAMES[1], "f" * 64)):
        bench.store.footage.replace(SITE, {old: replace(bench.store.footage.get(SITE, old), id=new)})

    assert decided_answers(bench.store, SITE).keys() == {"e" * 64, "f" * 64}
    assert not case_about(bench.store, SITE, "e" * 64).has_changed


def test_most_urgent_frames_come_first_and_settled_ones_not_at_all(bench: Workspace) -> None:
    agreed, disagreed, unsure, sure, alone = UNDRAWN[:5]
    for labeller, class_name in (("ann", "clear"), ("ben", "clear")):
        say(bench, agreed, labeller, class_name)
    for frame_id, score in ((unsure, 0.4), (sure, 0.9)):
        say(bench, frame_id, "ann", "clear")
        guess(bench, frame_id, "truck", score)
    for labeller, class_name in (("ann", "person"), ("ben", "truck")):
        say(bench, disagreed, labeller, class_name)
    say(bench, alone, "ann", "clear")

    queue = review_queue(bench.store, SITE, limit=50)
    assert [(case.frame.id, case.reason) for case in queue.cases] == [
        (disagreed, Reason.DISAGREEMENT),
        (sure, Reason.MODEL),
        (unsure, Reason.MODEL),
    ]
    assert queue.waiting == {Reason.DISAGREEMENT: 1, Reason.MODEL: 2}
    (second,) = review_queue(bench.store, SITE, limit=1, skipped=[disagreed]).cases
    assert second.frame.id == sure


def test_some_of_what_nobody_doubts_is_drawn_for_a_spot_check(bench: Workspace) -> None:
    drawn = [frame_id for frame_id in FRAMES if is_drawn(frame_id, "spot check", 0.05)]
    assert drawn, "the ids of this test have to hold some"
    for frame_id in FRAMES:
        say(bench, frame_id, "ann", "clear")
    found = review_queue(bench.store, SITE, limit=50).cases
    assert {case.frame.id for case in found} == set(drawn)
    assert {case.reason for case in found} == {Reason.SPOT_CHECK}


def test_an_adapters_guess_is_shown_before_the_bases(bench: Workspace) -> None:
    say(bench, FRAMES[0], "ann", "clear")
    guess(bench, FRAMES[0], "truck", 0.9)
    guess(bench, FRAMES[0], "person", 0.5, "base@1+adapter@2")
    shown = case_about(bench.store, SITE, FRAMES[0]).guess
    assert shown is not None
    assert shown.class_name == "person"


def test_an_accepted_answer_wins_and_names_who_had_a_say(bench: Workspace) -> None:
    say(bench, FRAMES[0], "ann", "person", "A man.")
    say(bench, FRAMES[0], "ben", "truck", "A truck.", minute=1)
    assert settled_answers(bench.store, SITE)[FRAMES[0]].answer.class_name == "truck", "the newest counts until then"

    accept_answer(bench, site=SITE, frame_id=FRAMES[0], annotation_id=1, actor=reviewer(bench), note="a man indeed")

    settled = decided_answers(bench.store, SITE)[FRAMES[0]]
    assert (settled.answer.class_name, settled.answer.caption, settled.answer.replies) == (
        "person",
        "A man.",
        {"wet": "no"},
    )
    assert settled.people == ("ann@site.invalid", "ben@site.invalid", "rosa")
    assert settled_answers(bench.store, SITE)[FRAMES[0]] == settled
    assert review_queue(bench.store, SITE, limit=50).cases == ()
    event = bench.store.audit.events(SITE)[-1]
    assert (event.actor, event.action, event.detail["labeller"]) == ("rosa", "answer.accept", "ann@site.invalid")
    assert event.detail["said"] == {"ann@site.invalid": "person", "ben@site.invalid": "truck"}


def test_a_decision_outlives_what_labellers_do_later_and_says_so(bench: Workspace) -> None:
    say(bench, FRAMES[0], "ann", "person")
    fix_answer(bench, site=SITE, frame_id=FRAMES[0], class_name="truck", caption=" A lorry. ", actor=reviewer(bench))
    (decided,) = decided_cases(bench.store, SITE, limit=5)[0]
    assert (decided.has_changed, decided.reason) == (False, None)

    say(bench, FRAMES[0], "ann", "clear", number=1, minute=5)
    (changed,) = decided_cases(bench.store, SITE, limit=5)[0]
    assert (changed.has_changed, changed.reason) == (True, Reason.CHANGED)
    assert decided_answers(bench.store, SITE)[FRAMES[0]].answer.caption == "A lorry."

    bench.store.labels.change_annotations(SITE, (), [1])
    (withdrawn,) = decided_cases(bench.store, SITE, limit=5)[0]
    assert (withdrawn.has_changed, withdrawn.reason, withdrawn.said) == (True, None, ())
    assert settled_answers(bench.store, SITE)[FRAMES[0]].answer.class_name == "truck"


def test_a_later_answer_that_says_the_same_needs_no_look(bench: Workspace) -> None:
    say(bench, FRAMES[0], "ann", "person")
    accept_answer(bench, site=SITE, frame_id=FRAMES[0], annotation_id=1, actor=reviewer(bench))
    say(bench, FRAMES[0], "ben", "person", "Somebody.")
    assert review_queue(bench.store, SITE, limit=50).cases == ()


def test_a_fix_keeps_the_replies_and_boxes_of_the_answer_it_starts_from(bench: Workspace) -> None:
    say(bench, FRAMES[0], "ann", "person")
    decision = fix_answer(
        bench, site=SITE, frame_id=FRAMES[0], class_name="truck", caption="A lorry.", based_on=1, actor=reviewer(bench)
    )
    assert decision.answer is not None
    assert (decision.answer.replies, decision.answer.boxes) == (
        {"wet": "no"},
        (Box("tyre", (0.1, 0.1, 0.2, 0.2)),),
    )


@pytest.mark.parametrize(
    ("class_name", "caption", "found"), [("lorry", "A lorry.", "'lorry' and a caption"), ("truck", " ", "no caption")]
)
def test_a_fix_without_class_or_caption_is_refused(bench: Workspace, class_name: str, caption: str, found: str) -> None:
    say(bench, FRAMES[0], "ann", "person")
    with pytest.raises(UsageError, match=found):
        fix_answer(bench, site=SITE, frame_id=FRAMES[0], class_name=class_name, caption=caption, actor=reviewer(bench))
    assert bench.store.reviews.in_force(SITE) == {}


def test_only_a_reviewer_decides_whatever_the_face_says(bench: Workspace) -> None:
    say(bench, FRAMES[0], "ann", "person")
    bench.store.users.add(User("lin", frozenset({Role.LABELLER, Role.ENGINEER})), "no password fits")
    pretender = User("lin", frozenset({Role.REVIEWER}))
    for decide in (
        lambda: accept_answer(bench, site=SITE, frame_id=FRAMES[0], annotation_id=1, actor=pretender),
        lambda: fix_answer(bench, site=SITE, frame_id=FRAMES[0], class_name="truck", caption="A.", actor=pretender),
        lambda: send_back(bench, site=SITE, frame_id=FRAMES[0], note="again", actor=pretender),
        lambda: add_gold(bench, site=SITE, frame_id=FRAMES[0], actor=pretender),
        lambda: remove_gold(bench, site=SITE, frame_id=FRAMES[0], actor=pretender),
    ):
        with pytest.raises(AccessError, match="a user with the role reviewer"):
            decide()
    assert actions(bench.store) == []


def test_nobody_decides_about_his_own_answer(bench: Workspace) -> None:
    say(bench, FRAMES[0], "ann", "person")
    say(bench, FRAMES[0], "Rosa", "truck")
    say(bench, FRAMES[1], "r.bauer", "truck")
    say(bench, FRAMES[1], "ann", "person")
    for name, frame_id, annotation_id in (("rosa", FRAMES[0], 1), ("rob", FRAMES[1], 4)):
        set_label_account(bench, "rob", "r.bauer@site.invalid", actor="test")
        with pytest.raises(AccessError, match=r"who did not answer frame .* himself"):
            accept_answer(bench, site=SITE, frame_id=frame_id, annotation_id=annotation_id, actor=reviewer(bench, name))
    assert [case.frame.id for case in review_queue(bench.store, SITE, limit=50, reviewer=reviewer(bench)).cases] == [
        FRAMES[1]
    ]
    assert len(review_queue(bench.store, SITE, limit=50).cases) == 2
    accept_answer(bench, site=SITE, frame_id=FRAMES[0], annotation_id=1, actor=reviewer(bench, "rob"))


def test_an_account_is_known_by_what_was_told_or_by_its_name_alone(bench: Workspace) -> None:
    names = ["rosa@a.invalid", "rosalind@a.invalid", "rob@a.invalid", "rob@b.invalid"]
    assert label_account(bench.store, reviewer(bench), names) == "rosa@a.invalid"
    assert label_account(bench.store, reviewer(bench, "rob"), names) is None
    set_label_account(bench, "rob", "rob@b.invalid", actor="test")
    assert label_account(bench.store, reviewer(bench, "rob"), names) == "rob@b.invalid"
    with pytest.raises(UsageError, match="an e-mail address"):
        set_label_account(bench, "rob", "rob", actor="test")
    with pytest.raises(NotFoundError, match="the name of a user"):
        set_label_account(bench, "nobody", "a@b.invalid", actor="test")


def test_a_decision_about_answers_that_changed_meanwhile_is_refused(bench: Workspace) -> None:
    say(bench, FRAMES[0], "ann", "person")
    seen = case_about(bench.store, SITE, FRAMES[0]).seen
    say(bench, FRAMES[0], "ann", "truck", number=1, minute=1)
    with pytest.raises(UsageError, match="look at them again"):
        accept_answer(bench, site=SITE, frame_id=FRAMES[0], annotation_id=1, actor=reviewer(bench), seen=seen)


def test_what_nobody_said_cannot_be_decided_about(bench: Workspace) -> None:
    with pytest.raises(NotFoundError, match="a frame of site yard that somebody answered"):
        accept_answer(bench, site=SITE, frame_id=FRAMES[0], annotation_id=1, actor=reviewer(bench))
    say(bench, FRAMES[0], "ann", "person")
    with pytest.raises(NotFoundError, match=r"choose one of 1 \(ann@site\.invalid\)"):
        accept_answer(bench, site=SITE, frame_id=FRAMES[0], annotation_id=7, actor=reviewer(bench))


def test_nothing_is_written_down_that_label_studio_was_not_told(
    bench: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbench.labeling.connection._PAUSES_S", ())
    say(bench, FRAMES[0], "ann", "person")
    with pytest.raises(LabelStudioError, match="run `workbench label push`"):
        send_back(bench, site=SITE, frame_id=FRAMES[0], note="Again.", actor=reviewer(bench))
    bench.store.labels.add_tasks(SITE, [LabelTask(FRAMES[0], 1, 1, "pushed")])
    away = {"labelstudio_url": f"http://127.0.0.1:{free_port()}", "labelstudio_token": SecretStr("t" * 40)}
    down = replace(bench, settings=bench.settings.model_copy(update=away))
    with pytest.raises(LabelStudioError, match="run `workbench up`"):
        send_back(down, site=SITE, frame_id=FRAMES[0], note="Again.", actor=reviewer(bench))
    assert bench.store.reviews.in_force(SITE) == {}
    assert len(bench.store.labels.annotations(SITE)) == 1
    assert actions(bench.store) == []


def test_a_frame_is_named_by_its_beginning(bench: Workspace) -> None:
    assert named_frame(bench.store, SITE, FRAMES[7]) == FRAMES[7]
    bench.store.footage.add_frames([replace(bench.store.footage.get(SITE, FRAMES[0]), id="ab" * 32)])
    assert named_frame(bench.store, SITE, "aba") == "ab" * 32
    for beginning, found in (("0000", "several that begin with '0000'"), ("c", "'c'")):
        with pytest.raises(NotFoundError, match=found):
            named_frame(bench.store, SITE, beginning)


def test_of_a_labellers_answers_to_a_frame_the_newest_counts(bench: Workspace) -> None:
    say(bench, FRAMES[0], "ann", "person", minute=3)
    say(bench, FRAMES[0], "ann", "truck", minute=9)
    say(bench, FRAMES[0], "ann", "clear", minute=6)
    assert [one.class_name for one in counting_annotations(bench.store, SITE)] == ["truck"]


def test_agreement_is_told_for_all_each_class_each_labeller_and_each_pair(bench: Workspace) -> None:
    for place, frame_id in enumerate(FRAMES):
        class_name = ("clear", "person", "truck")[place % 3]
        say(bench, frame_id, "ann", class_name, f"a {class_name} at the gate")
        say(bench, frame_id, "ben", class_name, f"a {class_name} at the gate")
        say(bench, frame_id, "cy", "person" if place < 10 else class_name, "something else altogether")
    say(bench, FRAMES[0], "dee", "clear")

    report = measure_agreement(bench.store, SITE)

    assert (report.overall.answers, report.overall.classes.frames) == (91, 30)
    by_labeller = {row.name.partition("@")[0]: row for row in report.by_labeller}
    assert by_labeller["dee"].classes.coefficient is None, "one frame is no evidence"
    ann, cy = by_labeller["ann"], by_labeller["cy"]
    assert ann.classes.coefficient is not None
    assert cy.classes.coefficient is not None
    assert ann.classes.coefficient.value > cy.classes.coefficient.value
    assert ann.captions is not None
    assert cy.captions is not None
    assert ann.captions.value > 2 > cy.captions.value == 0
    by_class = {row.name: row.classes for row in report.by_class}
    assert list(by_class) == ["clear", "person", "truck"]
    pair = next(row for row in report.by_pair if row.name == "ann@site.invalid and ben@site.invalid")
    assert pair.classes.coefficient is not None
    assert pair.classes.coefficient.value == 1
    assert pair.classes.coefficient.low < 0.95


def test_without_shared_frames_there_is_no_evidence_of_agreement(bench: Workspace) -> None:
    empty = measure_agreement(bench.store, SITE)
    assert (empty.overall.answers, empty.by_labeller, empty.overall.captions) == (0, (), None)
    for place, frame_id in enumerate(FRAMES):
        say(bench, frame_id, "ann" if place % 2 else "ben", "clear")
    report = measure_agreement(bench.store, SITE)
    assert report.overall.classes.frames == 0
    assert {row.classes.coefficient for row in (report.overall, *report.by_class, *report.by_labeller)} == {None}


def test_gold_tasks_measure_labellers_and_their_answers_go_nowhere_else(bench: Workspace) -> None:
    for frame_id in FRAMES:
        add_gold(bench, site=SITE, frame_id=frame_id, class_name="truck", caption="A truck.", actor=reviewer(bench))
        say(bench, frame_id, "ann", "truck")
        say(bench, frame_id, "ben", "person")
    say(bench, FRAMES[0], "ben", "truck", minute=1)

    ann, ben = score_labellers(bench.store, SITE, asked=0.7)
    assert (ann.labeller, ann.score.right.value, ann.score.verdict) == ("ann@site.invalid", 1.0, Verdict.PASS)
    assert (ben.score.frames, ben.score.verdict) == (30, Verdict.FAIL)
    assert ben.score.mistakes == ("truck for person (29)",)
    assert score_labellers(bench.store, SITE, asked=0.95)[0].score.verdict is Verdict.NO_EVIDENCE
    assert gold_standings(bench.store, SITE)[0].right == ("ann@site.invalid", "ben@site.invalid")
    assert review_queue(bench.store, SITE, limit=50).cases == ()
    assert measure_agreement(bench.store, SITE).overall.answers == 0
    settled = settled_answers(bench.store, SITE)
    assert {one.people for one in settled.values()} == {("rosa",)}
    assert {one.answer.class_name for one in settled.values()} == {"truck"}
    with pytest.raises(UsageError, match="take it out of the gold tasks first"):
        accept_answer(bench, site=SITE, frame_id=FRAMES[0], annotation_id=1, actor=reviewer(bench))

    remove_gold(bench, site=SITE, frame_id=FRAMES[0], actor=reviewer(bench))
    assert settled_answers(bench.store, SITE)[FRAMES[0]].people == ("ann@site.invalid", "ben@site.invalid")
    with pytest.raises(NotFoundError, match="a gold task of site yard"):
        remove_gold(bench, site=SITE, frame_id=FRAMES[0], actor=reviewer(bench))
    assert {"gold.add", "gold.remove"} == set(actions(bench.store))


def test_a_known_answer_can_be_what_a_reviewer_decided(bench: Workspace) -> None:
    with pytest.raises(UsageError, match="give class and caption, or accept or fix"):
        add_gold(bench, site=SITE, frame_id=FRAMES[0], actor=reviewer(bench))
    say(bench, FRAMES[0], "ann", "person", "A man.")
    accept_answer(bench, site=SITE, frame_id=FRAMES[0], annotation_id=1, actor=reviewer(bench))
    gold = add_gold(bench, site=SITE, frame_id=FRAMES[0], actor=reviewer(bench))
    assert (gold.answer.class_name, gold.answer.caption, gold.added_by) == ("person", "A man.", "rosa")


def test_a_labeller_is_told_what_became_of_his_answers(bench: Workspace) -> None:
    for frame_id, class_name in zip(FRAMES, ("truck", "person", "clear"), strict=False):
        say(bench, frame_id, "ann", class_name)
        say(bench, frame_id, "ben", "truck")
    say(bench, FRAMES[5], "ben", "truck")
    accept_answer(bench, site=SITE, frame_id=FRAMES[0], annotation_id=1, actor=reviewer(bench))
    accept_answer(bench, site=SITE, frame_id=FRAMES[1], annotation_id=4, actor=reviewer(bench))
    said = tuple(one for one in bench.store.labels.annotations(SITE) if one.frame_id == FRAMES[2])
    bench.store.reviews.add(SITE, Decision(FRAMES[2], DecisionKind.SENT_BACK, None, said, "rosa", AT, "Again."))
    add_gold(bench, site=SITE, frame_id=FRAMES[5], class_name="person", caption="A man.", actor=reviewer(bench))

    ann, ben = (standing_of(bench.store, SITE, f"{name}@site.invalid") for name in ("ann", "ben"))

    assert (ann.answers, ann.confirmed, ann.corrected, ann.sent_back, ann.gold) == (2, 1, 1, 1, None)
    assert (ben.answers, ben.confirmed, ben.corrected, ben.sent_back) == (3, 2, 0, 1)
    assert ben.gold is not None
    assert ben.gold.right.value == 0


def test_how_much_overlaps_is_kept_for_tasks_to_come(bench: Workspace) -> None:
    report = share_out(bench, SITE, OverlapRule(0.2, 3), actor="ada")
    assert (report.tasks, bench.store.gold.overlap(SITE)) == (0, OverlapRule(0.2, 3))
    share_out(bench, SITE, OverlapRule(0.2, 3), actor="ada")
    assert actions(bench.store) == ["label.overlap"]
    for share, labellers in ((1.1, 2), (-0.1, 2), (0.2, 1)):
        with pytest.raises(UsageError, match="at least two labellers"):
            OverlapRule(share, labellers)
