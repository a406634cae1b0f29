"""Stretches of clips against the real Label Studio."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from tests.workflows.test_taxonomy import ACTOR, BEFORE, FRAMES, Bench
from workbench.domain import Answer, ClipPart, Site, Stretch
from workbench.errors import NotFoundError, UsageError
from workbench.labeling.timelines import stretches_to_result
from workbench.workflows.images import ClipLinks
from workbench.workflows.taxonomy import set_taxonomy
from workbench.workflows.timelines import (
    SOURCE,
    TimelinePull,
    TimelinePush,
    pull_timelines,
    push_timelines,
    stills_of,
)
from workbench.workflows.workspace import Workspace

WITH_TIMELINE = replace(BEFORE, timeline=("clear", "reach-truck"))


@pytest.fixture
def bench(label_studio_workspace: Workspace, labelled_site: Site) -> Bench:
    bench = Bench(label_studio_workspace, labelled_site)
    bench.set(WITH_TIMELINE)
    return bench


def push(bench: Bench) -> TimelinePush:
    return push_timelines(bench.workspace, bench.site, actor=ACTOR)


def pull(bench: Bench) -> TimelinePull:
    return pull_timelines(bench.workspace, bench.site, actor=ACTOR)


def mark(bench: Bench, stretches: Sequence[Stretch]) -> None:
    """Mark the site's one clip as a labeller does, or mark it anew."""
    project_id = bench.studio.find_timelines(bench.store.sites.get(bench.site))
    assert project_id is not None
    (task,) = bench.studio.parts(project_id).values()
    annotations, result = bench.studio._client.annotations, stretches_to_result(stretches)
    (known,) = annotations.list(task.task_id) or [None]
    if known is None:
        annotations.create(task.task_id, result=result)
    else:
        annotations.update(known.id, result=result)


def suggested(bench: Bench) -> dict[int, str]:
    """Return the suggested class by the place of the still in the clip."""
    found = bench.studio.suggestions_of(bench.project_id, SOURCE)
    by_task = dict(zip(bench.task_ids, bench.frame_ids, strict=True))
    offsets = {frame.id: frame.offset_s for frame in bench.store.footage.frames(bench.site)}
    return {int(offsets[by_task[task_id]]): name for task_id, (_, name) in found.items()}


def test_stretches_become_suggestions_that_follow_what_is_marked(bench: Bench) -> None:
    with pytest.raises(NotFoundError, match="run `workbench timeline push` first"):
        pull(bench)
    first = push(bench)
    assert (first.created, first.renewed) == (1, 0)
    assert push(bench) == replace(first, created=0)
    (part,) = bench.store.clip_parts.all(bench.site)
    assert part.offsets_s == tuple(map(float, range(FRAMES)))
    assert [bench.store.footage.get(bench.site, str(one)).offset_s for one in stills_of(bench.workspace, part.id)] == [
        0.0,
        1.0,
        2.0,
        3.0,
        4.0,
    ]
    mark(bench, [Stretch("clear", 1, 2), Stretch("reach-truck", 4, 5)])
    assert pull(bench) == TimelinePull(2, 4, 4, 0, 0, 0)
    assert suggested(bench) == {0: "clear", 1: "clear", 3: "reach-truck", 4: "reach-truck"}
    assert pull(bench) == TimelinePull(2, 4, 0, 0, 0, 0)

    mark(bench, [Stretch("clear", 1, 3), Stretch("reach-truck", 3, 4)])
    assert pull(bench) == TimelinePull(2, 3, 0, 1, 1, 0)
    assert suggested(bench) == {0: "clear", 1: "clear", 3: "reach-truck"}
    assert bench.pull() == []
    actions = [event.action for event in bench.store.audit.events(bench.site)]
    assert [action for action in actions if action.startswith("timeline")] == ["timeline.push", *["timeline.pull"] * 2]


def test_an_answer_is_left_alone_and_a_rename_goes_on_to_the_clips(bench: Bench) -> None:
    push(bench)
    mark(bench, [Stretch("reach-truck", 1, 5)])
    bench.studio.create_annotations({bench.task_ids[0]: Answer("clear", "Nothing moves.")})
    assert pull(bench).suggested == FRAMES - 1
    (used,) = bench.studio.uses(int(bench.studio.find_timelines(Site(bench.site, ("a", "b"))) or 0)).told(
        {("class", "reach-truck")}
    )
    assert used == "class reach-truck has 1 answer"
    gone = replace(BEFORE, classes=BEFORE.classes[:2])
    with pytest.raises(UsageError, match="class reach-truck has 1 marked clip"):
        bench.set(gone)
    with pytest.raises(UsageError, match="class reach-truck has 1 marked clip"):
        bench.set(replace(BEFORE, timeline=("clear", "person")))
    lorry = replace(BEFORE.classes[2], name="lorry")
    bench.set(replace(BEFORE, classes=(*BEFORE.classes[:2], lorry), timeline=("clear", "lorry")), "reach-truck=lorry")
    assert set(suggested(bench).values()) == {"lorry"}
    report = pull(bench)
    assert (report.suggested, report.withdrawn) == (0, 0)


def test_of_two_tasks_about_a_part_both_count_and_what_is_withdrawn_twice_is_gone(bench: Bench) -> None:
    push(bench)
    mark(bench, [Stretch("clear", 1, 2)])
    project_id = bench.studio.find_timelines(bench.store.sites.get(bench.site))
    assert project_id is not None
    (part_id,) = bench.studio.parts(project_id)
    bench.studio.add_parts(project_id, {part_id: "http://again.invalid"})
    assert pull(bench).suggested == 2

    ((number, _), *_) = bench.studio.suggestions_of(bench.project_id, SOURCE).values()
    for _ in range(2):
        bench.studio.withdraw_suggestions([number])
    assert len(suggested(bench)) == 1


def test_a_taxonomy_without_a_timeline_and_a_link_of_an_image_are_refused(
    workspace: Workspace, yard: Site, bench: Bench
) -> None:
    with pytest.raises(UsageError, match="write `timeline: true`"):
        push_timelines(workspace, yard.name, actor=ACTOR)
    set_taxonomy(workspace, yard.name, replace(BEFORE, timeline=("clear",)), ["truck=reach-truck"], actor=ACTOR)
    part = ClipPart(bench.site, "c" * 64, (0.0, 1.0))
    links = ClipLinks(bench.workspace.settings)
    assert f"/media/clips/{part.id}.mp4?expires=" in links.sign(part.id)
    assert not links.is_stale(links.sign(part.id), part.id)
