"""Pushes that are killed, and pushes at the same time, as processes of their own: each frame gets exactly one task."""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Sequence
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Event

import pytest

from tests.forking import FORKING
from workbench.domain import Site
from workbench.labeling.studio import NewTask, Studio
from workbench.settings import Settings
from workbench.workflows import label, task_board
from workbench.workflows.task_board import open_studio
from workbench.workflows.workspace import Workspace

KILLS = 5


def push_slowly(settings: Settings, site: str, goes_on: Event) -> None:
    """Push a frame at a time, telling when it begins, and pause between what Label Studio and the store get to know."""
    task_board._CHUNK_FRAMES = 1
    add_tasks = Studio.add_tasks

    def add_and_pause(studio: Studio, project_id: int, new: Sequence[NewTask]) -> list[int]:
        goes_on.set()
        task_ids = add_tasks(studio, project_id, new)
        time.sleep(0.05)
        return task_ids

    Studio.add_tasks = add_and_pause  # type: ignore[method-assign]
    workspace = Workspace.open(settings)
    label.push(workspace, site, actor="tester", prelabel=False)
    workspace.store.close()


def started(settings: Settings, site: str) -> tuple[BaseProcess, Event]:
    goes_on = FORKING.Event()
    process = FORKING.Process(target=push_slowly, args=(settings, site, goes_on))
    process.start()
    return process, goes_on


def tasks_of_each_frame(bench: Workspace, site: Site) -> Counter[str]:
    project_id = bench.store.labels.project(site.name)
    assert project_id is not None
    return Counter(task.frame_id for task in open_studio(bench).every_task(project_id))


def test_a_push_that_is_killed_at_any_point_is_completed_by_the_next(bench: Workspace, labelled_site: Site) -> None:
    dice = random.Random(7)
    for _ in range(KILLS):
        process, goes_on = started(bench.settings, labelled_site.name)
        assert goes_on.wait(120)
        time.sleep(dice.uniform(0, 0.4))
        if process.is_alive():
            assert process.pid is not None
            os.kill(process.pid, signal.SIGKILL)
        process.join()

    label.push(bench, labelled_site.name, actor="tester", prelabel=False)

    frame_ids = list(bench.store.footage.frame_ids(labelled_site.name))
    assert tasks_of_each_frame(bench, labelled_site) == Counter(frame_ids)
    assert bench.store.labels.tasks(labelled_site.name).keys() == set(frame_ids)


def test_two_processes_that_push_at_once_make_each_task_once(bench: Workspace, labelled_site: Site) -> None:
    both = [started(bench.settings, labelled_site.name) for _ in range(2)]
    for process, _ in both:
        process.join()

    assert [process.exitcode for process, _ in both] == [0, 0]
    frame_ids = bench.store.footage.frame_ids(labelled_site.name)
    assert tasks_of_each_frame(bench, labelled_site) == Counter(frame_ids)


def test_a_request_that_a_killed_run_left_under_way_makes_no_second_task(
    bench: Workspace, labelled_site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is carried out after the next run has looked, and before that has ended."""
    add_tasks = Studio.add_tasks

    def late(studio: Studio, project_id: int, new: Sequence[NewTask]) -> list[int]:
        add_tasks(studio, project_id, new[:3])
        return add_tasks(studio, project_id, new)

    monkeypatch.setattr(Studio, "add_tasks", late)

    report = label.push(bench, labelled_site.name, actor="tester", prelabel=False)

    assert report.twins_removed == 3
    frame_ids = list(bench.store.footage.frame_ids(labelled_site.name))
    assert tasks_of_each_frame(bench, labelled_site) == Counter(frame_ids)
    known = {task.task_id for task in bench.store.labels.tasks(labelled_site.name).values()}
    assert known == {task.task_id for task in open_studio(bench).every_task(report.project_id)}
