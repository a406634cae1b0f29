"""Fetching what changed, against the real Label Studio: the outcome is always that of fetching everything."""

import random
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.services import LabelStudioServer
from workbench.domain import Answer, Prediction, Site
from workbench.labeling.results import answer_to_result
from workbench.labeling.studio import NewTask, Studio
from workbench.store import FrameState
from workbench.workflows import label
from workbench.workflows.pull_labels import PullReport, pull
from workbench.workflows.task_board import open_studio
from workbench.workflows.workspace import Workspace

ACTOR = "tester"
SEED, ROUNDS, CHANGES_A_ROUND = 3, 5, 4


@pytest.fixture
def asked(bench: Workspace, labelled_site: Site) -> Workspace:
    """The bench with a task for every frame and one answer."""
    label.push(bench, labelled_site.name, actor=ACTOR, prelabel=False)
    first = min(one.task_id for one in bench.store.labels.tasks(labelled_site.name).values())
    open_studio(bench).create_annotations({first: Answer("clear", "Empty.")})
    return bench


@pytest.fixture
def onlooker(asked: Workspace, labelled_site: Site, tmp_path: Path) -> Iterator[Workspace]:
    """Another workspace with the same frames and tasks, which always fetches everything."""
    settings = asked.settings.model_copy(update={"home": tmp_path / "onlooker"})
    workspace = Workspace.open(settings)
    ours, theirs = asked.store, workspace.store
    theirs.sites.add(labelled_site)
    theirs.sites.add_camera(ours.sites.cameras(labelled_site.name)[0])
    theirs.footage.add_clip(ours.footage.clips(labelled_site.name)[0])
    theirs.footage.add_frames(ours.footage.frames(labelled_site.name))
    theirs.labels.set_project(labelled_site.name, ours.labels.project(labelled_site.name) or 0)
    yield workspace
    workspace.store.close()


class People:
    """What labellers and administrators may do to a project, some of it behind the back of the clock."""

    def __init__(self, studio: Studio, project_id: int, database: Path, seed: int) -> None:
        self._studio, self._project_id, self._database = studio, project_id, database
        self.dice = random.Random(seed)
        self._said = 0

    def do_something(self) -> None:
        deeds: list[Callable[[], None]] = [
            *[self.answer] * 4,
            *[self.edit] * 3,
            *[self.take_back] * 2,
            self.skip,
            self.spread_an_answer,
            self.take_back_all_of_a_task,
            self.delete_a_task,
            self.make_a_task_again,
            self.accept_a_suggestion,
        ]
        self.dice.choice(deeds)()
        self.set_the_clock()

    def answer(self) -> None:
        self._studio.create_annotations({self._task(): self._new_answer()})

    def edit(self) -> None:
        if (number := self._annotation()) is not None:
            self._client.annotations.update(number, result=answer_to_result(self._new_answer()))

    def take_back(self) -> None:
        if (number := self._annotation()) is not None:
            self._client.annotations.delete(number)

    def skip(self) -> None:
        self._client.annotations.create(self._task(), result=[], was_cancelled=True)

    def spread_an_answer(self) -> None:
        """Copy an answer to a task, of which the data manager changes no time."""
        if (number := self._annotation()) is not None:
            self._act("propagate_annotations", self._task(), source_annotation_id=number)

    def take_back_all_of_a_task(self) -> None:
        self._act("delete_tasks_annotations", self._task())

    def delete_a_task(self) -> None:
        self._act("delete_tasks", self._task())

    def make_a_task_again(self) -> None:
        """Make a second task of a frame, answered: where the newest was deleted, it gets the number of that one."""
        frame_id = self.dice.choice(self._studio.every_task(self._project_id)).frame_id
        self._studio.add_tasks(
            self._project_id, [NewTask(frame_id, "http://again.invalid", "again", None, (self._new_answer(),))]
        )

    def accept_a_suggestion(self) -> None:
        task_id = self._task()
        guess = Prediction("0" * 64, "clear", f"Suggested {self._said}.", "base@1", 0.5)
        self._studio.add_predictions(self._project_id, {task_id: guess})
        self._act("predictions_to_annotations", task_id)

    def set_the_clock(self) -> None:
        """Let the last change have happened on a clock that is wrong by up to two and a half minutes."""
        self.move_times(timedelta(minutes=self.dice.uniform(-2.5, 2.5)), of_tasks=1)

    def wait(self, how_long: timedelta) -> None:
        self.move_times(-how_long, of_tasks=1_000)

    def move_times(self, by: timedelta, of_tasks: int) -> None:
        newest = "SELECT updated_at, id FROM task WHERE project_id = ? ORDER BY updated_at DESC LIMIT ?"
        with closing(sqlite3.connect(self._database, timeout=60)) as database, database:
            found = database.execute(newest, (self._project_id, of_tasks)).fetchall()
            moved = [(str(datetime.fromisoformat(changed_at) + by), task_id) for changed_at, task_id in found]
            database.executemany("UPDATE task SET updated_at = ? WHERE id = ?", moved)

    @property
    def _client(self):  # type: ignore[no-untyped-def]
        return self._studio._client

    def _task(self) -> int:
        return self.dice.choice([task.task_id for task in self._studio.every_task(self._project_id)])

    def _annotation(self) -> int | None:
        every = [said.annotation_id for task in self._studio.answered(self._project_id) for said in task.annotations]
        return self.dice.choice(every) if every else None

    def _new_answer(self) -> Answer:
        self._said += 1
        return Answer(self.dice.choice(["clear", "person"]), f"Said no. {self._said}.")

    def _act(self, action: str, task_id: int, **more: object) -> None:
        self._client.actions.create(
            id=action,
            project=self._project_id,
            selected_items={"all": False, "included": [task_id]},
            request_options={"additional_body_parameters": more},
        )


def database_of(label_studio: LabelStudioServer) -> Path:
    return label_studio.home / "data/label-studio/label_studio.sqlite3"


def set_back(workspace: Workspace, site: Site, *, by: timedelta) -> None:
    """Let the last time have been earlier, by Label Studio's clock."""
    cursor = workspace.store.pulls.cursor(site.name)
    assert cursor is not None
    assert cursor.read_until is not None
    workspace.store.pulls.set_cursor(site.name, replace(cursor, read_until=cursor.read_until - by))


def fetch(workspace: Workspace, site: Site, *, everything: bool = False) -> PullReport:
    return pull(workspace, site.name, actor=ACTOR, everything=everything)


def test_fetching_what_changed_comes_to_the_same_as_fetching_everything(
    asked: Workspace, onlooker: Workspace, labelled_site: Site, label_studio: LabelStudioServer
) -> None:
    studio, project_id = open_studio(asked), asked.store.labels.project(labelled_site.name)
    assert project_id is not None
    people = People(studio, project_id, database_of(label_studio), SEED)
    fetch(asked, labelled_site)
    for _ in range(ROUNDS):
        pause = timedelta(minutes=people.dice.choice([1, 40]))
        people.wait(pause)
        set_back(asked, labelled_site, by=pause)
        for _ in range(people.dice.randint(1, CHANGES_A_ROUND)):
            people.do_something()
        report = fetch(asked, labelled_site)
        whole = fetch(onlooker, labelled_site, everything=True)
        said = asked.store.labels.annotations(labelled_site.name)
        assert said == onlooker.store.labels.annotations(labelled_site.name)
        assert (report.annotations, report.incomplete) == (whole.annotations, whole.incomplete)
        states = asked.store.footage.counts_by_state(labelled_site.name)
        assert states[FrameState.LABELLED] == len({annotation.frame_id for annotation in said})


def test_only_what_changed_is_read(asked: Workspace, labelled_site: Site) -> None:
    studio = open_studio(asked)
    task_ids = sorted(one.task_id for one in asked.store.labels.tasks(labelled_site.name).values())
    first = fetch(asked, labelled_site)
    assert (first.added, first.all_because) == (1, "it is the first time")

    studio.create_annotations({task_ids[1]: Answer("person", "A man.")})
    then = fetch(asked, labelled_site)

    assert (then.added, then.changed, then.removed, then.all_because) == (1, 0, 0, "")
    assert then.tasks_read <= 2
    assert fetch(asked, labelled_site, everything=True).all_because == "it was asked for"


def test_a_task_that_was_deleted_shows_in_the_number_of_answers(asked: Workspace, labelled_site: Site) -> None:
    studio = open_studio(asked)
    fetch(asked, labelled_site)
    answered = asked.store.labels.annotations(labelled_site.name)[0].frame_id

    studio._client.tasks.delete(str(asked.store.labels.tasks(labelled_site.name)[answered].task_id))
    report = fetch(asked, labelled_site)

    assert (report.annotations, report.removed) == (0, 1)
    assert report.all_because == "the number of answers did not add up"


def test_answers_to_frames_that_come_later_come_with_them(asked: Workspace, labelled_site: Site) -> None:
    project_id = asked.store.labels.project(labelled_site.name)
    assert project_id is not None
    frame = asked.store.footage.frames(labelled_site.name)[0]
    later = replace(frame, id="f" * 64, offset_s=99.0, taken_at=frame.taken_at + timedelta(seconds=99))
    open_studio(asked).add_tasks(
        project_id, [NewTask(later.id, "http://later.invalid", "by another", None, (Answer("person", "A man."),))]
    )
    assert fetch(asked, labelled_site).annotations == 1

    asked.store.footage.add_frames([later])
    report = fetch(asked, labelled_site)

    assert (report.annotations, report.added) == (2, 1)
    assert report.all_because == "frames came that were answered before"
    assert fetch(asked, labelled_site).all_because == ""


def test_a_task_of_another_project_is_not_taken_for_one_of_the_same_number(
    asked: Workspace, labelled_site: Site
) -> None:
    project_id = asked.store.labels.project(labelled_site.name)
    assert project_id is not None
    studio = open_studio(asked)
    by_hand = studio.add_tasks(project_id, [NewTask("", "", "by hand", None, (Answer("person", "A man."),))])
    ask = next(iter(asked.store.labels.tasks(labelled_site.name).values()))
    asked.store.labels.add_tasks(labelled_site.name, [replace(ask, task_id=by_hand[0], project_id=project_id + 1)])

    assert fetch(asked, labelled_site).annotations == 1


def test_somebody_who_is_renamed_is_renamed_in_what_was_said_before(asked: Workspace, labelled_site: Site) -> None:
    fetch(asked, labelled_site)
    cursor = asked.store.pulls.cursor(labelled_site.name)
    assert cursor is not None
    renamed = {user_id: f"once-{email}" for user_id, email in cursor.people.items()}
    asked.store.pulls.set_cursor(labelled_site.name, replace(cursor, people=renamed))

    assert fetch(asked, labelled_site).all_because == "people were renamed, came or went"


def test_an_edit_on_a_clock_that_is_slow_is_found(
    asked: Workspace, labelled_site: Site, label_studio: LabelStudioServer
) -> None:
    studio, project_id = open_studio(asked), asked.store.labels.project(labelled_site.name)
    assert project_id is not None
    people = People(studio, project_id, database_of(label_studio), SEED)
    fetch(asked, labelled_site)
    people.wait(timedelta(hours=2))
    people.edit()
    people.move_times(timedelta(minutes=-2), of_tasks=1)

    report = fetch(asked, labelled_site)

    assert (report.changed, report.all_because) == (1, "")


def test_a_clock_that_was_ahead_and_is_set_right_hides_nothing(asked: Workspace, labelled_site: Site) -> None:
    fetch(asked, labelled_site)
    set_back(asked, labelled_site, by=timedelta(hours=-1))

    open_studio(asked)._client.annotations.update(
        asked.store.labels.annotations(labelled_site.name)[0].annotation_id,
        result=answer_to_result(Answer("person", "A man after all.")),
    )
    report = fetch(asked, labelled_site)

    assert (report.changed, report.all_because) == (1, "Label Studio's clock was set back")
    assert fetch(asked, labelled_site).all_because == ""


def test_everything_is_read_once_a_day(asked: Workspace, labelled_site: Site) -> None:
    fetch(asked, labelled_site)
    cursor = asked.store.pulls.cursor(labelled_site.name)
    assert cursor is not None
    for away in (timedelta(hours=25), timedelta(hours=-25)):
        asked.store.pulls.set_cursor(labelled_site.name, replace(cursor, all_read_at=cursor.all_read_at - away))
        assert fetch(asked, labelled_site).all_because == "a day has gone by"
