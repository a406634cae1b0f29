"""What reviewers decided, and known answers, win in a dataset; answers that were sent back are not in it."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.datasets.pictures import a_jpeg, take
from workbench.datasets import ManifestRow, load_manifest
from workbench.domain import Annotation, Answer, Decision, DecisionKind, Frame, GoldAnswer, Role, Site, User
from workbench.workflows.build import build_dataset
from workbench.workflows.review_answers import accept_answer, fix_answer
from workbench.workflows.workspace import Workspace

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
REVIEWER = User("rosa", frozenset({Role.REVIEWER}))


@pytest.fixture
def frames(workspace: Workspace) -> list[Frame]:
    """A minute of one camera, whose sixty stills lea answered and max after her, always the other class."""
    store = workspace.store
    store.sites.add(Site("yard", ("clear", "truck")))
    store.users.add(REVIEWER, "no password fits")
    frames = take(workspace, "gate", "cam.mp4", START, [a_jpeg((second * 4, 90, 90)) for second in range(60)])
    said = []
    for place, frame in enumerate(frames):
        for labeller, class_name in (
            (("lea", "clear"), ("max", "truck")) if place // 5 % 2 else (("lea", "truck"), ("max", "clear"))
        ):
            number = len(said) + 1
            at = START + timedelta(days=1, seconds=number)
            said.append(Annotation(frame.id, class_name, f"{labeller}: {class_name}.", labeller, at, number))
    store.labels.change_annotations("yard", said, ())
    return frames


def rows(workspace: Workspace) -> dict[str, ManifestRow]:
    return {row.frame_id: row for row in load_manifest(build_dataset(workspace, "yard", actor="ann")).rows}


def test_decisions_and_known_answers_win_and_their_people_are_named(workspace: Workspace, frames: list[Frame]) -> None:
    before = rows(workspace)
    accepted, fixed, gold, sent_back = [frame.id for frame in frames if frame.id in before][:4]
    first = next(one for one in workspace.store.labels.annotations("yard") if one.frame_id == accepted)
    accept_answer(workspace, site="yard", frame_id=accepted, annotation_id=first.annotation_id, actor=REVIEWER)
    fix_answer(
        workspace, site="yard", frame_id=fixed, class_name=before[fixed].class_name, caption="Fixed.", actor=REVIEWER
    )
    known = GoldAnswer(gold, Answer(before[gold].class_name, "Known."), "rosa", START)
    workspace.store.gold.put("yard", known)
    said = tuple(one for one in workspace.store.labels.annotations("yard") if one.frame_id == sent_back)
    workspace.store.reviews.add(
        "yard", Decision(sent_back, DecisionKind.SENT_BACK, None, said, "rosa", START, "Look again.")
    )

    after = rows(workspace)

    assert before[accepted].caption.startswith("max")
    assert (after[accepted].caption, after[accepted].annotators) == (first.caption, ("lea", "max", "rosa"))
    assert (after[fixed].caption, after[fixed].annotators) == ("Fixed.", ("lea", "max", "rosa"))
    assert (after[gold].caption, after[gold].annotators) == ("Known.", ("rosa",))
    assert sent_back not in after
