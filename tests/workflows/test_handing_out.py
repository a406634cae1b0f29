"""Who is offered which task by the real Label Studio: shared ones, gold ones, and those that a reviewer sent back."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import httpx
import pytest
from PIL import Image

from workbench.domain import Answer, Clip, DecisionKind, Frame, OverlapRule, Role, Site, User
from workbench.errors import UsageError
from workbench.labeling.drawing import is_drawn
from workbench.labeling.results import answer_to_result
from workbench.labeling.signup import ensure_labeller
from workbench.labeling.taxonomy import NOTE
from workbench.store import picture_id
from workbench.workflows import label
from workbench.workflows.answers import decided_answers, settled_answers
from workbench.workflows.gold import add_gold, remove_gold
from workbench.workflows.handing_out import HandedOutReport, hand_out, share_out
from workbench.workflows.review_answers import accept_answer, send_back
from workbench.workflows.review_queue import Reason, review_queue
from workbench.workflows.task_board import open_studio
from workbench.workflows.workspace import Workspace

SHARE = 0.3
REVIEWER = User("rosa", frozenset({Role.REVIEWER}))
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Labeller:
    """Somebody at Label Studio's page: answers what it offers, by the calls that the page makes."""

    def __init__(self, bench: Workspace, site: Site, name: str) -> None:
        studio = open_studio(bench)
        self.email = f"{name}-{site.name}@site.invalid"
        token = ensure_labeller(studio.url, studio.invitation_path(), self.email, "Long-enough-77")
        self._project = bench.store.labels.project(site.name)
        self._url, self._options = studio.url, {"headers": {"Authorization": f"Token {token}"}, "timeout": 60.0}

    def offered(self) -> dict[str, Any] | None:
        answer = httpx.get(f"{self._url}/api/projects/{self._project}/next", **self._options)
        return answer.raise_for_status().json() if answer.status_code != 404 else None

    def answer(self, task: dict[str, Any], class_name: str = "clear") -> None:
        body = {"result": answer_to_result(Answer(class_name, f"By {self.email}."))}
        httpx.post(f"{self._url}/api/tasks/{task['id']}/annotations/", json=body, **self._options).raise_for_status()

    def answer_all(self) -> list[str]:
        """Answer everything that is offered and return the frames' ids in that order."""
        answered = []
        while task := self.offered():
            self.answer(task)
            answered.append(task["data"]["frame_id"])
        return answered


@pytest.fixture
def bench(label_studio_workspace: Workspace, labelled_site: Site) -> Workspace:
    """A workspace whose site has a clip without frames, and rosa, who reviews."""
    clip = Clip("c" * 64, labelled_site.name, "north", "gate.mp4", AT, 60.0, (64, 48))
    label_studio_workspace.store.footage.add_clip(clip)
    label_studio_workspace.store.users.add(REVIEWER, "no password fits")
    return label_studio_workspace


def push(bench: Workspace, site: Site) -> None:
    label.push(bench, site.name, actor="test", prelabel=False)


def pull(bench: Workspace, site: Site) -> None:
    label.pull(bench, site.name, actor="test")


def add_frames(bench: Workspace, site: Site, numbers: Sequence[int]) -> list[str]:
    frames = [
        Frame(
            id=bench.frame_files.write(_jpeg(number)),
            site=site.name,
            camera="north",
            clip_id="c" * 64,
            clip_name="gate.mp4",
            offset_s=float(number),
            taken_at=AT + timedelta(seconds=number),
            size_wh=(64, 48),
        )
        for number in numbers
    ]
    bench.store.footage.add_frames(frames)
    return [frame.id for frame in frames]


def _numbers(*, drawn: bool) -> list[int]:
    """Return the numbers of stills that are drawn for several labellers, or of those that are not."""
    return [number for number in range(80) if is_drawn(picture_id(_jpeg(number)), "overlap", SHARE) is drawn]


def _jpeg(number: int) -> bytes:
    buffer = BytesIO()
    Image.new("RGB", (64, 48), (number, 2 * number, 3 * number)).save(buffer, "JPEG")
    return buffer.getvalue()


def test_a_second_labeller_is_offered_exactly_the_shared_tasks_and_a_third_the_gold_ones(
    bench: Workspace, labelled_site: Site
) -> None:
    site = labelled_site.name
    drawn, others = _numbers(drawn=True), _numbers(drawn=False)
    first = add_frames(bench, labelled_site, [*drawn[:2], *others[:2]])
    push(bench, labelled_site)
    report = share_out(bench, site, OverlapRule(SHARE, 2), actor="ada")
    later = add_frames(bench, labelled_site, [drawn[2], others[2]])
    push(bench, labelled_site)
    assert report == HandedOutReport(tasks=4, shared=2, gold=0, changed=2)
    shared, gold = {*first[:2], later[0]}, first[3]
    add_gold(bench, site=site, frame_id=gold, class_name="person", caption="A man.", actor=REVIEWER)

    ann, ben, cy = (Labeller(bench, labelled_site, name) for name in ("ann", "ben", "cy"))
    assert set(ann.answer_all()) == {*first, *later}
    assert set(ben.answer_all()) == {*shared, gold}
    seen = cy.offered()
    assert seen is not None
    assert (seen["data"].keys(), seen["meta"].keys()) == ({"image", "frame_id"}, {"frame_id", "reason"})
    assert cy.answer_all() == [gold]

    pull(bench, labelled_site)
    assert {frame_id: one.people for frame_id, one in decided_answers(bench.store, site).items()} == {gold: ("rosa",)}
    dee = Labeller(bench, labelled_site, "dee")
    assert share_out(bench, site, OverlapRule(0.0, 2), actor="ada").shared == 0
    remove_gold(bench, site=site, frame_id=gold, actor=REVIEWER)
    assert dee.offered() is None
    share_out(bench, site, OverlapRule(1.0, 3), actor="ada")
    assert dee.offered() is not None


def test_a_frame_sent_back_is_offered_again_with_the_note_and_its_old_answers_count_no_more(
    bench: Workspace, labelled_site: Site
) -> None:
    site = labelled_site.name
    one, other = add_frames(bench, labelled_site, range(2))
    push(bench, labelled_site)
    ann, ben = (Labeller(bench, labelled_site, name) for name in ("ann", "ben"))
    share_out(bench, site, OverlapRule(1.0, 2), actor="ada")
    for labeller in (ann, ben):
        labeller.answer_all()
    pull(bench, labelled_site)
    with pytest.raises(UsageError, match="a note that tells labellers"):
        send_back(bench, site=site, frame_id=one, note=" ", actor=REVIEWER)

    decision = send_back(bench, site=site, frame_id=one, note="Look behind the pallet.", actor=REVIEWER)

    assert (decision.kind, {said.labeller for said in decision.said}) == (
        DecisionKind.SENT_BACK,
        {ann.email, ben.email},
    )
    assert settled_answers(bench.store, site).keys() == {other}
    pull(bench, labelled_site)
    assert {annotation.frame_id for annotation in bench.store.labels.annotations(site)} == {other}
    assert review_queue(bench.store, site, limit=9).cases == ()
    offered = ann.offered()
    assert offered is not None
    assert (offered["data"]["frame_id"], offered["data"][NOTE]) == (
        one,
        "Sent back by rosa: Look behind the pallet.",
    )
    moved = replace(bench, settings=bench.settings.model_copy(update={"public_url": "https://bench.invalid"}))
    push(moved, labelled_site)
    again = ben.offered()
    assert again is not None
    assert again["data"][NOTE] == offered["data"][NOTE], "a renewed image link keeps the note"
    assert again["data"]["image"].startswith("https://bench.invalid/")

    ben.answer(again, "person")
    pull(bench, labelled_site)
    (case,) = review_queue(bench.store, site, limit=9).cases
    assert (case.frame.id, case.reason, [said.class_name for said in case.said]) == (
        one,
        Reason.ANSWERED_AGAIN,
        ["person"],
    )
    accept_answer(bench, site=site, frame_id=one, annotation_id=case.said[0].annotation_id, actor=REVIEWER)
    assert settled_answers(bench.store, site)[one].people == (ben.email, "rosa")
    assert hand_out(bench, site).changed == 1
    later = ann.offered()
    assert later is not None
    assert NOTE not in later["data"], "the note goes with the decision"


def test_what_a_labeller_changed_before_it_was_fetched_is_not_deleted(bench: Workspace, labelled_site: Site) -> None:
    site = labelled_site.name
    (frame_id,) = add_frames(bench, labelled_site, [0])
    push(bench, labelled_site)
    Labeller(bench, labelled_site, "ann").answer_all()
    pull(bench, labelled_site)
    (stored,) = bench.store.labels.annotations(site)
    studio = open_studio(bench)
    studio._client.annotations.update(stored.annotation_id, result=answer_to_result(Answer("person", "Corrected.")))

    send_back(bench, site=site, frame_id=frame_id, note="Again.", actor=REVIEWER)

    pull(bench, labelled_site)
    (case,) = review_queue(bench.store, site, limit=9).cases
    assert (case.reason, case.said[0].caption) == (Reason.ANSWERED_AGAIN, "Corrected.")
