"""The labelling workflows against the real Label Studio."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from tests.services import CLIP, FRAMES, WORKBENCH_ADDRESS, free_port
from tests.unsteady_proxy import Fate, unsteady
from workbench.domain import Answer, Prediction, Site, Split
from workbench.errors import AccessError, LabelFileError, LabelStudioError
from workbench.labeling.media import media_url_expiry
from workbench.labeling.results import answer_to_result
from workbench.labeling.server import ADMINISTRATOR
from workbench.labeling.signup import ensure_labeller
from workbench.labeling.studio import NewTask, Studio
from workbench.progress import silent
from workbench.store.labels import Labels
from workbench.workflows import label
from workbench.workflows.import_labels import import_labels
from workbench.workflows.prelabel import PreLabeller
from workbench.workflows.task_board import TaskBoard, open_studio
from workbench.workflows.workspace import Workspace

ACTOR = "tester"


def write_labels(tmp_path: Path, rows: Sequence[tuple[float, str, str]]) -> Path:
    path = tmp_path / "labels.csv"
    lines = [f"{CLIP},{time_s},{class_name},{caption}" for time_s, class_name, caption in rows]
    path.write_text("\n".join(["video,time_s,class,caption", *lines]) + "\n")
    return path


def push(bench: Workspace, site: Site, **options: object) -> label.PushReport:
    return label.push(bench, site.name, actor=ACTOR, prelabel=False, **options)  # type: ignore[arg-type]


def outcome(bench: Workspace, site: Site) -> tuple[int, int, int, int]:
    """Fetch, and return how many annotations there are, and were added, changed and removed."""
    report = label.pull(bench, site.name, actor=ACTOR)
    return report.annotations, report.added, report.changed, report.removed


def actions(bench: Workspace) -> list[str]:
    return [event.action for event in bench.store.audit.events()]


def test_every_frame_gets_one_task_however_often_it_is_pushed(bench: Workspace, labelled_site: Site) -> None:
    first = push(bench, labelled_site, limit=5)
    assert (first.created, first.renewed, first.prelabelled) == (5, 0, 0)
    assert first.project_url == f"{bench.settings.labelstudio_url}/projects/{first.project_id}"
    assert push(bench, labelled_site).created == FRAMES - 5
    assert push(bench, labelled_site).created == 0
    tasks = open_studio(bench).tasks(first.project_id)
    assert {frame_id: task.task_id for frame_id, task in tasks.items()} == {
        frame_id: task.task_id for frame_id, task in bench.store.labels.tasks(labelled_site.name).items()
    }
    assert actions(bench) == ["label.push", "label.push"]


def test_a_push_that_was_cut_off_is_completed_by_the_next(
    bench: Workspace, labelled_site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbench.workflows.task_board._CHUNK_FRAMES", 5)
    add_tasks = Studio.add_tasks
    calls = 0

    def cut_off(studio: Studio, project_id: int, new: Sequence[NewTask]) -> list[int]:
        nonlocal calls
        calls += 1
        task_ids = add_tasks(studio, project_id, new)
        if calls == 2:
            raise KeyboardInterrupt
        return task_ids

    with monkeypatch.context() as patched:
        patched.setattr(Studio, "add_tasks", cut_off)
        with pytest.raises(KeyboardInterrupt):
            push(bench, labelled_site)
    assert len(bench.store.labels.tasks(labelled_site.name)) == 5
    resumed = push(bench, labelled_site)
    assert resumed.created == FRAMES - 10
    assert len(bench.store.labels.tasks(labelled_site.name)) == FRAMES
    assert len(open_studio(bench).tasks(resumed.project_id)) == FRAMES


@pytest.mark.parametrize("fate", [Fate.UNANSWERED, Fate.UNHEARD], ids=["the answer", "the request"])
def test_when_something_gets_lost_the_same_run_finds_out_what_was_done(
    bench: Workspace, labelled_site: Site, monkeypatch: pytest.MonkeyPatch, fate: Fate
) -> None:
    monkeypatch.setattr("workbench.workflows.task_board._CHUNK_FRAMES", 5)
    monkeypatch.setattr("workbench.labeling.connection._PAUSES_S", (0.0, 0.0))
    fates = {"import": [Fate.ANSWERED, fate, fate], "predictions": [fate]}

    def lost(method: str, path: str) -> Fate:
        left = fates.get(path.partition("?")[0].rpartition("/")[2], [])
        return left.pop(0) if left else Fate.ANSWERED

    with unsteady(bench.settings.labelstudio_url, lost) as url:
        shaky = replace(bench, settings=bench.settings.model_copy(update={"labelstudio_url": url}))
        report = push(shaky, labelled_site)
        guessed = guess_of_a_stand_in(shaky, labelled_site)

    assert (report.created, guessed) == (FRAMES, FRAMES)
    assert not any(fates.values())
    every = open_studio(bench).every_task(report.project_id)
    assert sorted(task.frame_id for task in every) == sorted(bench.store.footage.frame_ids(labelled_site.name))
    known = bench.store.labels.tasks(labelled_site.name)
    assert {task.frame_id: task.task_id for task in every} == {one.frame_id: one.task_id for one in known.values()}
    assert open_studio(bench)._client.projects.get(report.project_id).total_predictions_number == FRAMES


def guess_of_a_stand_in(bench: Workspace, site: Site) -> int:
    """Let a model that always says the same guess about what nobody has answered."""

    class StandIn(PreLabeller):
        model_version = "stand-in@1"

        def guess(self, frame_ids: Sequence[str]) -> list[Prediction]:
            return [Prediction(one, "clear", "Nothing moves.", self.model_version, 0.5) for one in frame_ids]

    with TaskBoard.held(bench, site.name, silent) as board:
        return board.guess_unanswered(StandIn(bench, site), silent)


def test_a_guess_that_a_kill_kept_from_the_store_is_made_again_for_it_alone(
    bench: Workspace, labelled_site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = push(bench, labelled_site)
    with monkeypatch.context() as patched:
        patched.setattr(Labels, "add_predictions", stop)
        with pytest.raises(KeyboardInterrupt):
            guess_of_a_stand_in(bench, labelled_site)
    assert guess_of_a_stand_in(bench, labelled_site) == FRAMES
    assert len(bench.store.labels.predictions(labelled_site.name)) == FRAMES
    assert open_studio(bench)._client.projects.get(report.project_id).total_predictions_number == FRAMES
    assert guess_of_a_stand_in(bench, labelled_site) == 0


def stop(*args: object) -> None:
    raise KeyboardInterrupt


def test_second_tasks_of_a_frame_are_removed_unless_somebody_touched_them(
    bench: Workspace, labelled_site: Site
) -> None:
    report = push(bench, labelled_site)
    first, second, third, *_ = bench.store.labels.tasks(labelled_site.name).values()
    studio = open_studio(bench)
    twins = [NewTask(one.frame_id, "http://elsewhere.invalid", "by another") for one in (first, second, third)]
    untouched, answered, _ = studio.add_tasks(report.project_id, twins)
    studio.create_annotations({answered: Answer("person", "A man."), third.task_id: Answer("clear", "Empty.")})

    again = push(bench, labelled_site)

    assert (again.created, again.twins_removed) == (0, 3)
    left = {task.task_id: task.frame_id for task in studio.every_task(report.project_id)}
    assert len(left) == len(set(left.values())) == FRAMES
    assert {first.task_id, answered, third.task_id} <= left.keys()
    assert untouched not in left
    known = bench.store.labels.tasks(labelled_site.name)
    assert known[second.frame_id].task_id == answered
    assert {one.task_id for one in known.values()} == left.keys()
    assert push(bench, labelled_site).twins_removed == 0


def test_label_studio_is_asked_to_tell_of_answers_where_it_reaches_the_workbench(
    bench: Workspace, labelled_site: Site
) -> None:
    def at(public_url: str) -> Workspace:
        update = {"public_url": public_url, "session_key": SecretStr("k" * 64)}
        return replace(bench, settings=bench.settings.model_copy(update=update))

    assert not push(bench, labelled_site, limit=0).has_webhook
    assert not push(at("http://127.0.0.1:7860"), labelled_site, limit=0).has_webhook
    assert not push(at("http://10.1.2.3:7860"), labelled_site, limit=0).has_webhook
    for _ in range(2):
        report = push(at(f"http://{WORKBENCH_ADDRESS}:7860"), labelled_site, limit=0)
        assert report.has_webhook
    (webhook,) = open_studio(bench)._client.webhooks.list(project=str(report.project_id))
    assert (webhook.url, webhook.send_payload) == (f"http://{WORKBENCH_ADDRESS}:7860/hooks/label-studio", False)

    push(at(f"http://{WORKBENCH_ADDRESS}:7861"), labelled_site, limit=0)
    (moved,) = open_studio(bench)._client.webhooks.list(project=str(report.project_id))
    assert moved.url == f"http://{WORKBENCH_ADDRESS}:7861/hooks/label-studio"
    push(at("http://127.0.0.1:7860"), labelled_site, limit=0)
    assert open_studio(bench)._client.webhooks.list(project=str(report.project_id)) == []


def test_images_are_signed_urls_that_are_renewed_before_they_expire(bench: Workspace, labelled_site: Site) -> None:
    report = push(bench, labelled_site, limit=2)
    urls = {task.image_url for task in open_studio(bench).tasks(report.project_id).values()}
    assert all(url.startswith(f"{bench.settings.resolved_public_url}/media/") for url in urls)
    moved = replace(bench, settings=bench.settings.model_copy(update={"public_url": "https://bench.invalid"}))
    assert push(moved, labelled_site, limit=0).renewed == 2
    assert push(moved, labelled_site, limit=0).renewed == 0
    longer = replace(moved, settings=moved.settings.model_copy(update={"media_url_days": 100.0}))
    assert push(longer, labelled_site, limit=0).renewed == 2
    for task in open_studio(bench).tasks(report.project_id).values():
        expires_at = media_url_expiry(task.image_url)
        assert task.image_url.startswith("https://bench.invalid/media/")
        assert expires_at is not None
        assert expires_at > datetime.now(UTC) + timedelta(days=99)


def test_importing_labels_twice_adds_nothing_and_pins_follow(
    bench: Workspace, labelled_site: Site, tmp_path: Path
) -> None:
    labels = write_labels(tmp_path, [(0, "clear", "Empty."), (1, "person", "A man."), (2, "clear", "Empty again.")])
    push(bench, labelled_site, limit=1)
    first = import_labels(bench, labels, site=labelled_site.name, split=Split.TRAIN, actor=ACTOR)
    store = bench.store
    assert store.labels.count_annotations(labelled_site.name) == 3, "what was imported is known at once"
    again = import_labels(bench, labels, site=labelled_site.name, actor=ACTOR)
    assert (first.rows, first.annotations_created, first.already_there, first.pinned) == (3, 3, 0, 3)
    assert (again.rows, again.annotations_created, again.already_there, again.pinned) == (3, 0, 3, 0)
    assert outcome(bench, labelled_site) == (3, 0, 0, 0)
    frame = store.footage.frame_at(labelled_site.name, CLIP, 1.0)
    assert frame is not None
    said = {annotation.frame_id: annotation for annotation in store.labels.annotations(labelled_site.name)}
    assert (said[frame.id].class_name, said[frame.id].labeller) == ("person", ADMINISTRATOR)
    assert set(store.labels.pins(labelled_site.name).values()) == {Split.TRAIN}
    assert len(store.labels.pins(labelled_site.name)) == 3
    assert actions(bench) == ["label.push", "label.import", "label.pull"]
    moved = import_labels(bench, labels, site=labelled_site.name, split=Split.TEST, actor=ACTOR)
    assert (moved.annotations_created, moved.pinned) == (0, 3)
    assert set(store.labels.pins(labelled_site.name).values()) == {Split.TEST}
    event = store.audit.events()[-1]
    assert (event.action, event.detail["split"], event.detail["pinned"]) == ("label.import", "test", 3)


def test_an_imported_answer_that_somebody_corrected_is_not_imported_again(
    bench: Workspace, labelled_site: Site, tmp_path: Path
) -> None:
    labels = write_labels(tmp_path, [(0, "clear", "Empty."), (1, "person", "A man.")])
    import_labels(bench, labels, site=labelled_site.name, actor=ACTOR)
    wrong, _ = bench.store.labels.annotations(labelled_site.name)
    studio = open_studio(bench)
    studio._client.annotations.update(wrong.annotation_id, result=answer_to_result(Answer("reach-truck", "A truck.")))

    again = import_labels(bench, labels, site=labelled_site.name, actor=ACTOR)

    assert (again.annotations_created, again.already_there) == (0, 2)
    said = bench.store.labels.annotations(labelled_site.name)
    assert {one.class_name for one in said if one.annotation_id == wrong.annotation_id} == {"reach-truck"}
    assert outcome(bench, labelled_site) == (2, 0, 0, 0)


def test_two_pushes_at_once_make_each_task_once(bench: Workspace, labelled_site: Site) -> None:
    with ThreadPoolExecutor(3) as pool:
        reports = list(pool.map(lambda _: push(bench, labelled_site), range(3)))

    assert sorted(report.created for report in reports) == [0, 0, FRAMES]
    project = open_studio(bench)._client.projects.get(reports[0].project_id)
    assert project.task_number == FRAMES


def test_a_label_without_a_stored_frame_is_refused_before_anything_is_written(
    bench: Workspace, labelled_site: Site, tmp_path: Path
) -> None:
    labels = write_labels(tmp_path, [(0, "clear", "Empty."), (0.5, "person", "A man."), (99, "clear", "Late.")])
    with pytest.raises(LabelFileError, match=r"gate\.mp4 at 0\.5 s \(line 3\), .* at 99 s \(line 4\); .*--at"):
        import_labels(bench, labels, site=labelled_site.name, split=Split.TEST, actor=ACTOR)
    assert bench.store.labels.project(labelled_site.name) is None
    assert bench.store.labels.pins(labelled_site.name) == {}


def test_an_unknown_class_is_refused_before_anything_is_written(
    bench: Workspace, labelled_site: Site, tmp_path: Path
) -> None:
    labels = write_labels(tmp_path, [(0, "clear", "Empty."), (1, "reach-trucks", "A truck.")])
    with pytest.raises(LabelFileError, match="did you mean 'reach-truck'"):
        import_labels(bench, labels, site=labelled_site.name, actor=ACTOR)
    assert bench.store.labels.project(labelled_site.name) is None


def test_two_rows_that_name_one_still_differently_and_contradict_each_other_are_refused(
    bench: Workspace, labelled_site: Site, tmp_path: Path
) -> None:
    labels = write_labels(tmp_path, [(1, "clear", "Empty."), (1.001, "clear", "Empty."), (1.002, "person", "A man.")])
    with pytest.raises(LabelFileError, match="line 4: says something else of the still that line 2 is about"):
        import_labels(bench, labels, site=labelled_site.name, actor=ACTOR)
    assert bench.store.labels.project(labelled_site.name) is None


def test_pulling_tells_who_said_it_and_what_changed(bench: Workspace, labelled_site: Site) -> None:
    report = push(bench, labelled_site, limit=3)
    studio = open_studio(bench)
    name = f"{labelled_site.name}@site.invalid"
    token = ensure_labeller(studio.url, studio.invitation_path(), name, "Long-enough-77")
    labeller = Studio(studio.url, token)
    task_ids = [task.task_id for task in studio.tasks(report.project_id).values()]
    labeller.create_annotations(dict.fromkeys(task_ids, Answer("person", "A man.")))
    assert outcome(bench, labelled_site) == (3, 3, 0, 0)
    before = bench.store.labels.annotations(labelled_site.name)
    assert {annotation.labeller for annotation in before} == {name}

    labeller._client.annotations.delete(before[0].annotation_id)
    labeller._client.annotations.update(before[1].annotation_id, result=answer_to_result(Answer("clear", "Nobody.")))
    assert outcome(bench, labelled_site) == (2, 0, 1, 1)
    assert outcome(bench, labelled_site) == (2, 0, 0, 0)
    assert ("clear", "Nobody.") in {
        (annotation.class_name, annotation.caption) for annotation in bench.store.labels.annotations(labelled_site.name)
    }
    assert actions(bench) == ["label.push", "label.pull", "label.pull"]


def test_labels_outlive_the_workbenchs_own_memory_of_them(
    bench: Workspace, labelled_site: Site, tmp_path: Path
) -> None:
    labels = write_labels(tmp_path, [(0, "clear", "Empty.")])
    import_labels(bench, labels, site=labelled_site.name, actor=ACTOR)
    project_id = bench.store.labels.project(labelled_site.name)
    bench.store.labels.set_project(labelled_site.name, 10_000)
    assert push(bench, labelled_site).project_id == project_id
    assert label.pull(bench, labelled_site.name, actor=ACTOR).annotations == 1


def test_the_current_models_guesses_go_with_the_tasks(bench: Workspace, labelled_site: Site) -> None:
    report = label.push(bench, labelled_site.name, actor=ACTOR, limit=2)
    assert (report.created, report.prelabelled) == (2, 2)
    predictions = bench.store.labels.predictions(labelled_site.name)
    (version,) = {prediction.model_version for prediction in predictions}
    assert version.startswith("base-vlm@")
    assert {prediction.class_name for prediction in predictions} <= set(labelled_site.class_names)
    tasks = open_studio(bench).tasks(report.project_id)
    assert {task.model_versions for task in tasks.values()} == {frozenset({version})}
    assert all(task.annotations == () for task in tasks.values())
    assert label.push(bench, labelled_site.name, actor=ACTOR, limit=0).prelabelled == 0


def test_tasks_that_were_pushed_without_a_guess_get_one_later_unless_answered(
    bench: Workspace, labelled_site: Site, tmp_path: Path
) -> None:
    push(bench, labelled_site, limit=3)
    labels = write_labels(tmp_path, [(0, "clear", "Empty.")])
    import_labels(bench, labels, site=labelled_site.name, actor=ACTOR)
    assert label.push(bench, labelled_site.name, actor=ACTOR, limit=0).prelabelled == 2


def test_without_a_media_key_nothing_is_pushed(bench: Workspace, labelled_site: Site) -> None:
    keyless = replace(bench, settings=bench.settings.model_copy(update={"media_key": SecretStr("")}))
    with pytest.raises(AccessError, match="run `workbench up` once"):
        push(keyless, labelled_site)
    assert bench.store.labels.tasks(labelled_site.name) == {}


def test_label_studio_down_is_one_sentence_and_keeps_what_was_done(bench: Workspace, labelled_site: Site) -> None:
    push(bench, labelled_site, limit=1)
    away = {"labelstudio_url": f"http://127.0.0.1:{free_port()}"}
    down = replace(bench, settings=bench.settings.model_copy(update=away))
    for verb in (lambda: push(down, labelled_site), lambda: label.pull(down, labelled_site.name, actor=ACTOR)):
        with pytest.raises(LabelStudioError, match="run `workbench up`"):
            verb()
    assert len(bench.store.labels.tasks(labelled_site.name)) == 1


def test_pulling_before_pushing_says_so(bench: Workspace, labelled_site: Site) -> None:
    with pytest.raises(LabelStudioError, match="run `workbench label push`"):
        label.pull(bench, labelled_site.name, actor=ACTOR)
