"""What people are asked about next, chosen by the embedded models from rendered stills and asked in Label Studio."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from io import BytesIO

import pytest
from PIL import ImageEnhance
from typer.testing import CliRunner

from workbench.cli import app
from workbench.domain import Annotation, Camera, Frame, LabelTask, QueueRules, Signal, Site, utc_now
from workbench.errors import UsageError
from workbench.footage.pictures import decode_image
from workbench.labeling.studio import NewTask, Studio
from workbench.models.vlm import Vlm
from workbench.scenes.demo_script import CLASS_NAMES
from workbench.scenes.demo_site import DemoStill, demo_stills
from workbench.workflows.predict import load_site_model
from workbench.workflows.queue import AskReport, ask_next, plan_queue
from workbench.workflows.task_board import open_studio
from workbench.workflows.workspace import Workspace

ACTOR, LABELLER, SITE = "tester", "lin@site.invalid", "depot"
SMALL_WH = (192, 108)
BY_LOOKS = QueueRules(6, {Signal.DIVERSITY: 1.0})
BY_DOUBT = QueueRules(6, {Signal.UNCERTAINTY: 1.0})


def moments() -> list[DemoStill]:
    return list(demo_stills(range(2), size_wh=SMALL_WH))


@pytest.fixture(scope="module")
def rendered() -> list[DemoStill]:
    """Every eighth labelled moment of two clips of each of three cameras."""
    return moments()[::8]


@pytest.fixture
def depot(workspace: Workspace, rendered: list[DemoStill]) -> Workspace:
    workspace.store.sites.add(Site(SITE, CLASS_NAMES))
    add_stills(workspace, SITE, rendered)
    return workspace


def add_stills(workspace: Workspace, site: str, stills: Sequence[DemoStill]) -> list[Frame]:
    for camera in dict.fromkeys(one.camera for one in stills):
        workspace.store.sites.add_camera(Camera(site, camera))
    frames = [stored(workspace, site, one) for one in stills]
    workspace.store.footage.add_frames(frames)
    return frames


def stored(workspace: Workspace, site: str, still: DemoStill) -> Frame:
    buffer = BytesIO()
    still.picture.save(buffer, "JPEG", quality=95)
    return Frame(
        id=workspace.frame_files.write(buffer.getvalue()),
        site=site,
        camera=still.camera,
        clip_id=still.clip_name,
        clip_name=still.clip_name,
        offset_s=0.0,
        taken_at=still.taken_at,
        size_wh=SMALL_WH,
    )


def brighter(still: DemoStill) -> DemoStill:
    """Return what the camera shows a moment later, when a cloud has passed and nothing else happened."""
    picture = ImageEnhance.Brightness(still.picture).enhance(1.02)
    return replace(still, picture=picture, taken_at=still.taken_at + timedelta(seconds=1))


def answer(workspace: Workspace, said: Sequence[tuple[Frame, str]]) -> None:
    tasks = [LabelTask(frame.id, number, 1, "pushed") for number, (frame, _) in enumerate(said, start=1)]
    workspace.store.labels.add_tasks(SITE, tasks)
    answers = [
        Annotation(frame.id, class_name, "A truck stands.", LABELLER, utc_now(), number)
        for number, (frame, class_name) in enumerate(said, start=1)
    ]
    workspace.store.labels.replace_annotations(SITE, answers)


def frames_of(workspace: Workspace) -> list[Frame]:
    return list(workspace.store.footage.frames(SITE))


def test_a_plan_is_the_same_again_and_asks_nobody(depot: Workspace) -> None:
    first = plan_queue(depot, SITE, BY_DOUBT, actor=ACTOR)
    again = plan_queue(depot, SITE, BY_DOUBT, actor=ACTOR)

    assert first.items == again.items
    assert len({item.frame_id for item in first.items}) == 6
    assert all(item.reason.endswith((".", "”")) and 0 < item.score <= 1 for item in first.items)
    assert {item.signal for item in first.items} == {Signal.UNCERTAINTY}
    assert (first.looked_at, first.unasked) == (first.compared - first.near_copies, len(frames_of(depot)))
    assert depot.store.labels.tasks(SITE) == {}
    newest = depot.store.queue.newest(SITE)
    assert newest is not None
    assert newest.items == again.items
    assert depot.store.audit.events() == []


def test_near_copies_are_asked_about_once_also_of_what_was_asked_before(
    depot: Workspace, rendered: list[DemoStill]
) -> None:
    asked = frames_of(depot)[:5]
    answer(depot, [(frame, CLASS_NAMES[0]) for frame in asked])
    copies = add_stills(depot, SITE, [brighter(one) for one in rendered])
    everything = QueueRules(len(rendered) * 2, {Signal.DIVERSITY: 1.0})

    plan = plan_queue(depot, SITE, everything, actor=ACTOR)

    chosen = {item.frame_id for item in plan.items}
    copy_of = {frame.id: original.id for frame, original in zip(copies, frames_of_all(depot, rendered), strict=True)}
    originals = [copy_of.get(id_, id_) for id_ in chosen]
    assert len(originals) == len(set(originals))
    assert not set(originals) & {frame.id for frame in asked}
    assert plan.near_copies >= len(rendered)


def frames_of_all(workspace: Workspace, stills: Sequence[DemoStill]) -> list[Frame]:
    """Return the frames of these stills, in their order."""
    by_moment = {(frame.camera, frame.taken_at): frame for frame in frames_of(workspace)}
    return [by_moment[one.camera, one.taken_at] for one in stills]


def test_a_camera_gives_no_more_than_its_quota(depot: Workspace) -> None:
    plan = plan_queue(depot, SITE, replace(BY_LOOKS, size=50, per_camera=2), actor=ACTOR)
    assert Counter(item.camera for item in plan.items) == {"bay": 2, "crossing": 2, "rack": 2}


def test_a_model_looks_at_no_more_than_it_may_of_every_camera(depot: Workspace) -> None:
    plan = plan_queue(depot, SITE, replace(BY_DOUBT, look_at=6, size=6), actor=ACTOR)
    assert plan.looked_at == 6
    assert Counter(item.camera for item in plan.items) == {"bay": 2, "crossing": 2, "rack": 2}


def test_a_text_brings_what_matches_it(depot: Workspace) -> None:
    searched = moments()[1::3]
    add_stills(depot, SITE, searched)
    shown = {frame.id: one.class_name for frame, one in zip(frames_of_all(depot, searched), searched, strict=True)}

    rules = QueueRules(5, {Signal.DIVERSITY: 1.0}, search="tugger train passing")
    plan = plan_queue(depot, SITE, rules, actor=ACTOR)

    assert "tugger_passing" in {shown.get(item.frame_id) for item in plan.items}
    assert "Matches “tugger train passing”." in {item.reason for item in plan.items}


def test_a_camera_that_drifted_is_asked_about_first(depot: Workspace) -> None:
    since = max(frame.taken_at for frame in frames_of(depot) if frame.camera == "rack") - timedelta(minutes=30)
    log_drift(depot, "rack", "fail", since)
    log_drift(depot, "bay", "pass", since)

    plan = plan_queue(depot, SITE, QueueRules(3, {Signal.DRIFT: 1.0}), actor=ACTOR)

    known = {frame.id: frame for frame in frames_of(depot)}
    assert [item.camera for item in plan.items] == ["rack"] * len(plan.items) != []
    assert all(known[item.frame_id].taken_at >= since for item in plan.items)
    assert plan.items[0].reason == (
        f"Camera rack has drifted since {since.day} {since:%B %Y}, and this shows what is new."
    )


def log_drift(workspace: Workspace, camera: str, verdict: str, since: datetime) -> None:
    """Leave in MLflow what a check for drift leaves."""
    tags = {"camera": camera, "verdict": verdict}
    with workspace.tracker.run(SITE, f"drift of {camera}", kind="drift", tags=tags) as run:
        run.log_json({"window": [since.isoformat(), utc_now().isoformat()]}, "drift.json")


def test_answers_that_the_model_contradicts_are_to_be_looked_at_again(depot: Workspace) -> None:
    pictures = frames_of(depot)[:8]
    shares = shares_of(load_site_model(depot, SITE), depot, pictures)
    sure = sorted(zip(pictures, shares, strict=True), key=lambda pair: -max(pair[1]))
    said = [(frame, CLASS_NAMES[shares.index(max(shares))]) for frame, shares in sure]
    wrong = CLASS_NAMES[sure[0][1].index(min(sure[0][1]))]
    answer(depot, [(said[0][0], wrong), *said[1:]])

    plan = plan_queue(depot, SITE, BY_DOUBT, actor=ACTOR)

    (again,) = plan.look_again
    assert again.frame_id == said[0][0].id
    assert again.reason.startswith(f"Labelled '{wrong}' by {LABELLER}; the model says '{said[0][1]}'")


def shares_of(model: Vlm, workspace: Workspace, frames: Sequence[Frame]) -> list[list[float]]:
    images = [decode_image(workspace.frame_files.read(frame.id)) for frame in frames]
    shares: list[list[float]] = model.class_probabilities(images, CLASS_NAMES).tolist()
    return shares


def test_with_nothing_left_to_ask_about_that_is_said(depot: Workspace) -> None:
    answer(depot, [(frame, CLASS_NAMES[0]) for frame in frames_of(depot)])
    with pytest.raises(UsageError, match=r"stills of depot that nobody was asked about.*workbench ingest"):
        plan_queue(depot, SITE, BY_LOOKS, actor=ACTOR)


class Asking:
    """A site in the real Label Studio about which nobody was asked yet."""

    def __init__(self, workspace: Workspace, site: Site, stills: Sequence[DemoStill]) -> None:
        self.workspace, self.site = workspace, site.name
        add_stills(workspace, site.name, stills)

    def ask(self, rules: QueueRules = BY_LOOKS) -> AskReport:
        return ask_next(self.workspace, self.site, rules, actor=ACTOR, prelabel=False)

    def in_label_studio(self) -> list[str]:
        """Return which frames were asked about, in the order in which Label Studio hands them out."""
        project_id = self.workspace.store.labels.project(self.site)
        assert project_id is not None
        tasks = open_studio(self.workspace).tasks(project_id)
        return sorted(tasks, key=lambda frame_id: tasks[frame_id].task_id)


@pytest.fixture
def asking(label_studio_workspace: Workspace, labelled_site: Site, rendered: list[DemoStill]) -> Asking:
    return Asking(label_studio_workspace, labelled_site, rendered)


def test_chosen_stills_become_tasks_in_that_order_each_with_its_reason(asking: Asking) -> None:
    report = asking.ask()

    chosen = [item.frame_id for item in report.plan.items]
    assert (report.created, report.completed, asking.in_label_studio()) == (6, False, chosen)
    waiting = asking.workspace.store.queue.open_tasks(asking.site, 10)
    assert [task.frame_id for task in waiting] == chosen
    assert [task.reason for task in waiting] == [item.reason for item in report.plan.items]
    asked, told = asking.workspace.store.audit.events()
    assert (asked.action, told.action, told.detail["created"]) == ("label.push", "queue.ask", 6)

    following = asking.ask()
    assert (following.created, following.plan.waiting) == (6, 6)
    assert not set(chosen) & {item.frame_id for item in following.plan.items}


def test_a_call_that_was_cut_off_is_completed_and_chooses_nothing_new(
    asking: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_tasks = Studio.add_tasks

    def cut_off(studio: Studio, project_id: int, new: Sequence[NewTask]) -> list[int]:
        add_tasks(studio, project_id, new[:2])
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Studio, "add_tasks", cut_off)
        with pytest.raises(KeyboardInterrupt):
            asking.ask()
    planned = asking.workspace.store.queue.newest(asking.site)
    assert planned is not None
    assert len(asking.in_label_studio()) == 2

    completed = asking.ask()

    assert (completed.completed, completed.plan) == (True, planned)
    assert asking.in_label_studio() == [item.frame_id for item in planned.items]
    assert asking.workspace.store.queue.unfinished(asking.site) is None
    reasons = {task.frame_id: task.reason for task in asking.workspace.store.labels.tasks(asking.site).values()}
    assert reasons == {item.frame_id: item.reason for item in planned.items}


def test_the_command_prints_the_plan_as_json(depot: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_HOME", str(depot.settings.home))
    arguments = ["queue", "plan", "--site", SITE, "--size", "3", "--by", "diversity", "--json"]
    printed = CliRunner().invoke(app, arguments, catch_exceptions=False)
    plan = json.loads(printed.stdout)
    assert (len(plan["items"]), plan["items"][0]["signal"], plan["model_version"]) == (3, "diversity", "")
