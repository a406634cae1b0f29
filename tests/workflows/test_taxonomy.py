"""Changing what is asked while answers are there, against the real Label Studio."""

import fcntl
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from tests.services import free_port
from workbench.domain import (
    Annotation,
    Answer,
    Box,
    CaptionGuide,
    Clip,
    Decision,
    DecisionKind,
    Frame,
    GoldAnswer,
    LabelClass,
    Prediction,
    Question,
    Site,
    Taxonomy,
)
from workbench.errors import LabelStudioError, UsageError
from workbench.labeling.relabelling import Relabelling
from workbench.labeling.results import answer_to_result
from workbench.labeling.signup import ensure_labeller
from workbench.labeling.studio import Studio
from workbench.labeling.taxonomy import label_config_to_vocabulary, taxonomy_to_label_config, taxonomy_to_vocabulary
from workbench.labeling.uses import Uses
from workbench.workflows import label
from workbench.workflows.sites import add_site
from workbench.workflows.task_board import open_studio
from workbench.workflows.taxonomy import TaxonomyPlan, plan_taxonomy, set_taxonomy, unanswered_questions
from workbench.workflows.workspace import Workspace

ACTOR = "tester"
STARTED_AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
FRAMES = 5
TRUCK = Answer("reach-truck", "A truck lifts.", {"load": "yes"}, (Box("vehicle", (0.1, 0.2, 0.5, 0.75)),))
BEFORE = Taxonomy(
    classes=(LabelClass("clear"), LabelClass("person"), LabelClass("reach-truck", "It lifts.", "t")),
    questions=(Question("load", "Is there a load?"),),
    boxes=("vehicle", "person"),
)
AFTER = Taxonomy(
    classes=(LabelClass("clear"), LabelClass("person"), LabelClass("lorry", "It lifts.", "t")),
    questions=(Question("cargo", "Is there a load?", ("carried", "no")),),
    boxes=("truck", "person"),
)
RENAMES = ("reach-truck=lorry", "question:load=cargo", "load:yes=carried", "boxes:vehicle=truck")
LORRY = Answer("lorry", "A truck lifts.", {"cargo": "carried"}, (Box("truck", (0.1, 0.2, 0.5, 0.75)),))


class Bench:
    """A site with five frames that are asked about; ``said`` answers them, in order, as a labeller."""

    def __init__(self, workspace: Workspace, site: Site) -> None:
        self.workspace, self.store, self.site = workspace, workspace.store, site.name
        clip = Clip("c" * 64, site.name, "north", "gate.mp4", STARTED_AT, float(FRAMES), (64, 48))
        self.store.footage.add_clip(clip)
        self.store.footage.add_frames([self._frame(clip, second) for second in range(FRAMES)])
        self.store.sites.set_taxonomy(site.name, BEFORE)
        self.studio = open_studio(workspace)
        self.project_id = self.push().project_id
        tasks = self.store.labels.tasks(site.name)
        self.frame_ids = sorted(tasks, key=lambda frame_id: tasks[frame_id].task_id)
        self.task_ids = [tasks[frame_id].task_id for frame_id in self.frame_ids]

    def push(self) -> label.PushReport:
        return label.push(self.workspace, self.site, actor=ACTOR, prelabel=False)

    def pull(self) -> list[Annotation]:
        label.pull(self.workspace, self.site, actor=ACTOR)
        return self.store.labels.annotations(self.site)

    def said(self, *answers: Answer) -> None:
        self.studio.create_annotations(dict(zip(self.task_ids, answers, strict=False)))

    def draft(self, task_id: int, answer: Answer) -> None:
        result = [
            {"from_name": "class", "to_name": "image", "type": "choices", "value": {"choices": [answer.class_name]}}
        ]
        self.studio._ask("POST", f"api/tasks/{task_id}/drafts", {"result": result})

    def set(self, taxonomy: Taxonomy, *renames: str) -> TaxonomyPlan:
        return set_taxonomy(self.workspace, self.site, taxonomy, renames, actor=ACTOR)

    def asked(self) -> str:
        """Return the labelling interface as Label Studio has it."""
        return str(self.studio._client.projects.get(self.project_id).label_config)

    def answers(self) -> list[Answer]:
        return [one.answer for task in self.studio.answered(self.project_id) for one in task.annotations]

    def events(self) -> list[tuple[str, dict[str, Any]]]:
        events = [(event.action, dict(event.detail)) for event in self.store.audit.events(self.site)]
        return [event for event in events if event[0].startswith("taxonomy.")]

    def _frame(self, clip: Clip, second: int) -> Frame:
        return Frame(
            id=self.workspace.frame_files.write(_grey_jpeg(second)),
            site=clip.site,
            camera=clip.camera,
            clip_id=clip.id,
            clip_name=clip.name,
            offset_s=float(second),
            taken_at=STARTED_AT + timedelta(seconds=second),
            size_wh=clip.size_wh,
        )


def _grey_jpeg(level: int) -> bytes:
    buffer = BytesIO()
    Image.new("RGB", (64, 48), (level * 20, level * 20, level * 20)).save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.fixture
def bench(label_studio_workspace: Workspace, labelled_site: Site) -> Bench:
    return Bench(label_studio_workspace, labelled_site)


def without(taxonomy: Taxonomy, class_name: str) -> Taxonomy:
    return replace(taxonomy, classes=tuple(one for one in taxonomy.classes if one.name != class_name))


def test_what_is_added_or_said_in_other_words_is_asked_for_at_once_and_answers_stay(bench: Bench) -> None:
    bench.said(TRUCK, Answer("clear", "Nothing moves."))
    more = Taxonomy(
        classes=(*BEFORE.classes[:2], LabelClass("reach-truck", "It lifts a load.", "l"), LabelClass("spill")),
        caption_guide=CaptionGuide("One sentence.", least_words=2),
        questions=(*BEFORE.questions, Question("hood", "Is the hood up?")),
        boxes=(*BEFORE.boxes, "pallet"),
    )
    plan = bench.set(more)
    assert plan.changes == (
        "class spill added",
        "definition of reach-truck changed",
        "hotkey of reach-truck changed",
        "caption guide changed",
        "question hood added",
        "label pallet of boxes added",
    )
    assert bench.asked() == taxonomy_to_label_config(more)
    assert bench.answers() == [TRUCK, Answer("clear", "Nothing moves.")]
    assert bench.store.sites.get(bench.site).class_names == ("clear", "person", "reach-truck", "spill")
    assert bench.events() == [("taxonomy.set", {"changes": list(plan.changes), "answers_renamed": 0})]
    assert not bench.set(more).does_something
    assert len(bench.events()) == 1


def test_a_question_that_came_later_is_open_in_complete_answers(bench: Bench) -> None:
    bench.said(TRUCK, Answer("clear", "Nothing moves."))
    assert len(bench.pull()) == 2
    hood = Question("hood", "Is the hood up?")
    plan = bench.set(replace(BEFORE, questions=(*BEFORE.questions, hood)))
    assert plan.notes == ("2 answers leave question hood open; they stay complete",)
    assert unanswered_questions(bench.workspace, bench.site) == {"load": 1, "hood": 2}
    assert len(bench.pull()) == 2


def test_a_label_in_use_is_not_taken_away_and_nothing_is_written(bench: Bench) -> None:
    bench.said(TRUCK, TRUCK)
    bench.draft(bench.task_ids[2], TRUCK)
    asked = bench.asked()
    fewer = Taxonomy(classes=BEFORE.classes[:2], boxes=("person",))
    with pytest.raises(UsageError) as refused:
        bench.set(fewer)
    told = str(refused.value)
    assert "class reach-truck has 2 answers and 1 draft" in told
    assert "option yes of question load has 2 answers" in told
    assert "label vehicle of boxes has 2 answers" in told
    assert "--rename OLD=NEW" in told
    assert f"/projects/{bench.project_id}/data" in told
    assert (bench.asked(), bench.store.sites.taxonomy(bench.site), bench.events()) == (asked, BEFORE, [])


def test_names_that_files_and_models_would_mix_up_are_refused_and_case_alone_can_be_renamed(bench: Bench) -> None:
    for mixed, told in (
        (replace(BEFORE, classes=(*BEFORE.classes, LabelClass("Reach_Truck"))), "class names .* 'Reach_Truck'"),
        (replace(BEFORE, boxes=("vehicle", "Vehicle")), "labels of boxes"),
        (replace(BEFORE, questions=(Question("load", "Is there a load?", ("yes", "YES", "no")),)), "options of"),
        (replace(BEFORE, questions=(*BEFORE.questions, Question("more", "is there a load"))), "texts of questions"),
    ):
        with pytest.raises(UsageError, match=told):
            plan_taxonomy(bench.workspace, bench.site, mixed)
        with pytest.raises(UsageError, match=told):
            bench.set(mixed)
        with pytest.raises(UsageError, match=told):
            add_site(bench.workspace, "new", mixed.class_names, taxonomy=mixed, actor="ada")
    bench.said(TRUCK)
    capital = replace(BEFORE, classes=(*BEFORE.classes[:2], LabelClass("Reach-Truck")))
    bench.set(capital, "reach-truck=Reach-Truck")
    assert [answer.class_name for answer in bench.answers()] == ["Reach-Truck"]


def test_what_nobody_used_is_taken_away(bench: Bench) -> None:
    bench.said(Answer("clear", "Nothing moves."))
    fewer = replace(without(BEFORE, "reach-truck"), questions=(), boxes=("vehicle",))
    assert plan_taxonomy(bench.workspace, bench.site, fewer).in_use == ()
    plan = bench.set(fewer)
    assert plan.changes == ("class reach-truck removed", "question load removed", "label person of boxes removed")
    assert label_config_to_vocabulary(bench.asked()) == taxonomy_to_vocabulary(fewer)


def test_what_was_fetched_decided_or_known_is_in_use_as_well(bench: Bench) -> None:
    bench.said(TRUCK)
    (annotation,) = bench.pull()
    frame_id = annotation.frame_id
    decision = Decision(frame_id, DecisionKind.ACCEPTED, TRUCK, (annotation,), "rosa", STARTED_AT)
    bench.store.reviews.add(bench.site, decision)
    bench.store.gold.put(bench.site, GoldAnswer(frame_id, TRUCK, "ada", STARTED_AT))
    bench.studio._client.annotations.delete(annotation.annotation_id)
    (used,) = plan_taxonomy(bench.workspace, bench.site, without(BEFORE, "reach-truck")).in_use
    assert used == "class reach-truck has 1 fetched answer and 1 known answer and 1 decision"


def test_answers_follow_a_rename_as_their_labellers_own(bench: Bench) -> None:
    email = f"{bench.site}@site.invalid"
    token = ensure_labeller(bench.studio.url, bench.studio.invitation_path(), email, "Long-enough-77")
    labeller = Studio(bench.studio.url, token)
    labeller.create_annotations({bench.task_ids[0]: TRUCK})
    bench.said(Answer("clear", "Nothing moves."), Answer("clear", "Nothing moves."))
    bench.draft(bench.task_ids[2], TRUCK)
    suggestion = Prediction(bench.frame_ids[3], "reach-truck", "A truck.", "base@1", 0.5)
    bench.studio.add_predictions(bench.project_id, {bench.task_ids[3]: suggestion})
    bench.store.labels.add_predictions(bench.site, [suggestion])
    before = bench.pull()
    frame_id = bench.frame_ids[0]
    seen = tuple(one for one in before if one.frame_id == frame_id)
    bench.store.reviews.add(bench.site, Decision(frame_id, DecisionKind.ACCEPTED, TRUCK, seen, "rosa", STARTED_AT))
    bench.store.gold.put(bench.site, GoldAnswer(frame_id, TRUCK, "ada", STARTED_AT))

    plan = bench.set(AFTER, *RENAMES)

    assert (plan.answers, plan.in_use) == (4, ())
    assert plan.changes == (
        "class reach-truck renamed lorry",
        "question load renamed cargo",
        "option yes of question load renamed carried",
        "label vehicle of boxes renamed truck",
    )
    assert bench.asked() == taxonomy_to_label_config(AFTER)
    assert bench.store.sites.taxonomy(bench.site) == AFTER
    told = {one.annotation_id: one for one in bench.store.labels.annotations(bench.site)}
    assert {one.annotation_id: one.labeller for one in before} == {key: one.labeller for key, one in told.items()}
    assert [one.answer for one in told.values() if one.labeller == email] == [LORRY]
    assert told == {one.annotation_id: one for one in bench.pull()}
    assert bench.store.labels.predictions(bench.site) == [replace(suggestion, class_name="lorry")]
    assert not {
        label for label in bench.studio.uses(bench.project_id).labels if label not in taxonomy_to_vocabulary(AFTER)
    }
    assert bench.store.gold.all(bench.site)[frame_id].answer == LORRY
    decision = bench.store.reviews.in_force(bench.site)[frame_id]
    assert decision.answer == LORRY
    assert all(decision.knew(told[one.annotation_id]) for one in seen)
    assert [action for action, _ in bench.events()] == ["taxonomy.rename", "taxonomy.set"]


def test_the_later_of_two_answers_stays_the_later(bench: Bench) -> None:
    bench.said(TRUCK)
    bench.said(Answer("clear", "Nothing moves."))
    bench.set(AFTER, *RENAMES)
    assert [one.answer.class_name for one in bench.pull()] == ["lorry", "clear"]


def stop_after(call: Callable[..., Any], calls: int) -> Callable[..., Any]:
    """Return ``call`` such that it is interrupted the time after ``calls``."""
    done = 0

    def cut_off(*args: Any, **kwargs: Any) -> Any:
        nonlocal done
        if done == calls:
            raise KeyboardInterrupt
        done += 1
        return call(*args, **kwargs)

    return cut_off


@pytest.mark.parametrize(
    ("place", "name", "calls"),
    [
        (Studio, "set_interface", 0),
        (Relabelling, "_write", 0),
        (Relabelling, "_write", 1),
        (Studio, "answered", 0),
        (Studio, "set_interface", 1),
    ],
    ids=["before Label Studio is told", "before an answer", "among the answers", "before the store", "at the end"],
)
def test_a_rename_that_was_cut_off_leaves_a_usable_site_and_is_completed(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, place: type, name: str, calls: int
) -> None:
    bench.said(*(replace(TRUCK, caption=f"Truck {number}.") for number in range(2)))
    bench.pull()
    with monkeypatch.context() as patched:
        patched.setattr(place, name, stop_after(getattr(place, name), calls))
        with pytest.raises(KeyboardInterrupt):
            bench.set(AFTER, *RENAMES)
    bench.push()
    known = taxonomy_to_vocabulary(bench.store.sites.taxonomy(bench.site))
    assert bench.studio.uses(bench.project_id).labels <= known

    bench.set(AFTER, *RENAMES)

    assert bench.asked() == taxonomy_to_label_config(AFTER)
    assert bench.store.sites.taxonomy(bench.site) == AFTER
    expected = [replace(LORRY, caption=f"Truck {number}.") for number in range(2)]
    assert sorted(bench.answers(), key=lambda answer: answer.caption) == expected
    assert sorted((one.answer for one in bench.pull()), key=lambda answer: answer.caption) == expected
    assert not bench.set(AFTER, *RENAMES).does_something


def test_what_labellers_change_and_take_back_during_a_rename_stays_so(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.said(TRUCK, replace(TRUCK, caption="Taken back."))
    first, second = (one.annotation_id for one in bench.pull())
    read, annotations = Relabelling._answers, bench.studio._client.annotations

    def changed_after_reading(studio: Relabelling, project_id: int) -> Iterator[list[Any]]:
        yield from list(read(studio, project_id))
        monkeypatch.setattr(Relabelling, "_answers", read)
        annotations.update(first, result=answer_to_result(replace(TRUCK, caption="Meanwhile.")))
        annotations.delete(second)

    monkeypatch.setattr(Relabelling, "uses", lambda studio, project_id, answer_is="": Uses())
    monkeypatch.setattr(Relabelling, "_answers", changed_after_reading)
    bench.set(AFTER, *RENAMES)

    assert bench.answers() == [replace(LORRY, caption="Meanwhile.")]


def test_no_answers_are_fetched_while_they_are_renamed(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    is_shut: list[bool] = []
    rename = Relabelling.rename

    def look(*args: Any, **kwargs: Any) -> None:
        with (bench.workspace.settings.run_dir / f"pull-{bench.site}.lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                is_shut.append(True)
        rename(*args, **kwargs)

    bench.said(TRUCK)
    monkeypatch.setattr(Relabelling, "rename", look)
    bench.set(AFTER, *RENAMES)

    assert is_shut == [True]


def test_an_answer_in_the_old_words_that_comes_late_is_renamed_when_asked_again(bench: Bench) -> None:
    bench.set(AFTER, *RENAMES)
    bench.said(TRUCK)
    bench.set(AFTER, *RENAMES)
    assert bench.answers() == [LORRY]


def test_two_classes_can_become_one(bench: Bench) -> None:
    bench.said(TRUCK, Answer("person", "A man."))
    bench.set(without(BEFORE, "reach-truck"), "reach-truck=person")
    assert [answer.class_name for answer in bench.answers()] == ["person", "person"]


def test_a_change_by_hand_is_told_and_put_right(bench: Bench) -> None:
    update = partial(bench.studio._client.projects.update, bench.project_id)
    written = bench.asked()
    for restore in (lambda: bench.set(BEFORE), bench.push):
        update(label_config=written.replace("Is there a load?", "What is there?"))
        plan = plan_taxonomy(bench.workspace, bench.site, BEFORE)
        assert (plan.changed_by_hand, plan.in_use) == (True, ())
        restored = restore()
        assert restored.changed_by_hand if isinstance(restored, TaxonomyPlan) else restored.interface_restored
        assert bench.asked() == written
    assert bench.events()[0][1]["interface"] == "restored after a change by hand"
    assert not plan_taxonomy(bench.workspace, bench.site, BEFORE).does_something


def test_a_label_that_was_made_by_hand_and_used_is_not_lost_silently(bench: Bench) -> None:
    by_hand = replace(BEFORE, classes=(*BEFORE.classes, LabelClass("spill")))
    bench.studio._client.projects.update(bench.project_id, label_config=taxonomy_to_label_config(by_hand))
    bench.said(Answer("spill", "Oil on the floor."))
    with pytest.raises(UsageError, match="class spill has 1 answer"):
        bench.set(BEFORE)
    with pytest.raises(LabelStudioError, match="class spill has 1 answer; put it into the taxonomy"):
        bench.push()
    assert bench.set(by_hand).changes == ("class spill added",)


@pytest.mark.parametrize(
    ("renames", "told"),
    [
        (["reach-truck"], "a rename such as truck=lorry"),
        (["reach-truck=lorry", "lorry=van"], "none of which leads to another's old name"),
        (["person=lorry"], "class person to be gone from the new taxonomy"),
        (["reach-truck=van"], "class van in the new taxonomy"),
        (["reech-truck=lorry"], "class reech-truck at site .* found clear, person, reach-truck"),
        (["cargo:yes=no"], "option yes of question cargo at site"),
    ],
)
def test_a_rename_that_cannot_be_meant_is_refused(
    workspace: Workspace, yard: Site, renames: Sequence[str], told: str
) -> None:
    workspace.store.sites.set_taxonomy(yard.name, BEFORE)
    with pytest.raises(UsageError, match=told):
        set_taxonomy(workspace, yard.name, AFTER, renames, actor=ACTOR)
    assert workspace.store.sites.taxonomy(yard.name) == BEFORE


def test_without_label_studio_nothing_is_changed_and_without_a_project_it_is_not_asked(
    bench: Bench, yard: Site, workspace: Workspace
) -> None:
    away = {"labelstudio_url": f"http://127.0.0.1:{free_port()}"}
    down = replace(bench.workspace, settings=bench.workspace.settings.model_copy(update=away))
    with pytest.raises(LabelStudioError, match="run `workbench up`"):
        set_taxonomy(down, bench.site, AFTER, RENAMES, actor=ACTOR)
    assert bench.store.sites.taxonomy(bench.site) == BEFORE
    never_asked = Taxonomy((LabelClass("clear"), LabelClass("lorry")))
    plan = set_taxonomy(workspace, yard.name, never_asked, ["truck=lorry"], actor=ACTOR)
    assert plan.changes == ("class truck renamed lorry", "class person removed")
    assert workspace.store.sites.get(yard.name).class_names == ("clear", "lorry")
