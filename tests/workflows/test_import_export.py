"""Labels that exist already on their way in, against the real Label Studio."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from workbench.cli import import_labels as cli
from workbench.domain import Answer, Box, LabelClass, Mask, Question, Site, Split, Taxonomy
from workbench.errors import LabelFileError, UsageError
from workbench.labeling.formats.file_label import PictureFile
from workbench.labeling.results import answer_to_result
from workbench.labeling.studio import NewTask, Studio, StudioTask
from workbench.workflows import label
from workbench.workflows.file_labels import FileLabels, read_file_labels
from workbench.workflows.import_labels import ImportReport, LabelFile, PicturesOf, import_labels
from workbench.workflows.ingest import ingest
from workbench.workflows.shown_frames import find_frames
from workbench.workflows.task_board import open_studio
from workbench.workflows.workspace import Workspace

ACTOR = "tester"
SIZE_WH = (160, 120)
NAMES = ("000000000139", "000000000285", "000000000632")
TAXONOMY = Taxonomy(
    classes=(LabelClass("clear"), LabelClass("person"), LabelClass("reach-truck")),
    questions=(Question("door_open", "Is the door open?"),),
    boxes=("person", "pallet"),
)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder of three different pictures, as a data set brings them."""
    folder = tmp_path / "val2017"
    folder.mkdir()
    for number, name in enumerate(NAMES):
        noise = np.random.default_rng(number).integers(100, 200, (SIZE_WH[1], SIZE_WH[0], 3), dtype=np.uint8)
        Image.fromarray(noise).save(folder / f"{name}.jpg", quality=95)
    return folder


@pytest.fixture
def bench(label_studio_workspace: Workspace, labelled_site: Site) -> Workspace:
    label_studio_workspace.store.sites.set_taxonomy(labelled_site.name, TAXONOMY)
    return label_studio_workspace


def take_in(workspace: Workspace, folder: Path, site: str) -> None:
    ingest(workspace, str(folder), site=site, camera="north", every_s=0.001, actor=ACTOR)


def bring(workspace: Workspace, site: Site, path: Path, **how: object) -> ImportReport:
    return import_labels(workspace, path, site=site.name, actor=ACTOR, **how)  # type: ignore[arg-type]


def tasks_by_name(workspace: Workspace, site: Site) -> dict[str, StudioTask]:
    """Return the site's tasks by the names of their pictures, without suffixes."""
    files = workspace.store.pictures.with_stems(site.name, NAMES)
    tasks = open_studio(workspace).tasks(workspace.store.labels.project(site.name) or 0)
    return {Path(file.name).stem: tasks[file.frame_id] for file in files if file.frame_id in tasks}


def predicted(workspace: Workspace, task: StudioTask) -> dict[str, list[Mapping[str, object]]]:
    """Return what a task's predictions suggest, by their model version."""
    made = open_studio(workspace)._client.predictions.list(task=task.task_id)
    return {one.model_version: [region["value"] for region in one.result] for one in made}


def coco(
    annotations: Sequence[Mapping[str, object]], categories: Sequence[str] = (), names: Sequence[str] = NAMES
) -> str:
    images = [
        {"id": int(name), "file_name": f"{name}.jpg", "width": SIZE_WH[0], "height": SIZE_WH[1]} for name in names
    ]
    numbered = [{"id": number, "name": name} for number, name in enumerate(categories)]
    made = [{"id": number, **annotation} for number, annotation in enumerate(annotations)]
    return json.dumps({"images": images, "annotations": made, "categories": numbered})


def captions(*pairs: tuple[str, str]) -> str:
    return coco([{"image_id": int(name), "caption": caption} for name, caption in pairs])


def test_a_request_that_a_killed_import_left_under_way_gives_no_answer_twice(
    bench: Workspace, labelled_site: Site, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is carried out after the next run has looked, and before that has ended."""
    take_in(bench, pictures, labelled_site.name)
    path = tmp_path / "labels.csv"
    path.write_text("image,class,caption\n" + "".join(f"{name}.jpg,clear,Nobody.\n" for name in NAMES))
    add_tasks = Studio.add_tasks

    def late(studio: Studio, project_id: int, new: Sequence[NewTask]) -> list[int]:
        twins = add_tasks(studio, project_id, new[:2])
        (corrected,) = studio._client.annotations.list(twins[0])
        studio._client.annotations.update(corrected.id, result=answer_to_result(Answer("person", "A man.")))
        return add_tasks(studio, project_id, new)

    monkeypatch.setattr(Studio, "add_tasks", late)
    assert bring(bench, labelled_site, path).annotations_created == len(NAMES)
    assert label.pull(bench, labelled_site.name, actor=ACTOR).annotations == len(NAMES) + 1, "the corrected one stays"


def test_labels_read_in_words_that_were_changed_meanwhile_are_not_written(
    bench: Workspace, labelled_site: Site, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_in(bench, pictures, labelled_site.name)
    path = tmp_path / "labels.csv"
    path.write_text(f"image,class,caption\n{NAMES[0]}.jpg,person,A man.\n")
    worker = replace(TAXONOMY, classes=(LabelClass("clear"), LabelClass("worker")))

    def read_before(workspace: Workspace, *args: object, **how: object) -> FileLabels:
        read = read_file_labels(workspace, *args, **how)  # type: ignore[arg-type]
        workspace.store.sites.set_taxonomy(labelled_site.name, worker)
        return read

    monkeypatch.setattr("workbench.workflows.import_labels.read_file_labels", read_before)
    with pytest.raises(UsageError, match="run the command again; no label was written"):
        bring(bench, labelled_site, path)
    assert tasks_by_name(bench, labelled_site) == {}


def test_pictures_and_their_labels_come_in_together_under_the_cameras_masks(
    bench: Workspace, labelled_site: Site, pictures: Path, tmp_path: Path
) -> None:
    camera = bench.store.sites.camera(labelled_site.name, "north")
    left_half = Mask(((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)))
    bench.store.sites.set_camera(replace(camera, masks=(left_half,)))
    folder = tmp_path / "annotations"
    folder.mkdir()
    boxes = [
        {"image_id": 139, "category_id": 0, "bbox": [16, 12, 32, 60]},
        {"image_id": 139, "category_id": 1, "bbox": [100, 60, 100, 30]},
    ]
    (folder / "captions_val2017.json").write_text(captions((NAMES[0], "A man."), (NAMES[1], "Nobody.")))
    (folder / "instances_val2017.json").write_text(coco(boxes, ["Person", "box"]))
    (folder / "classes_val2017.json").write_text(coco([{"image_id": 285, "category_id": 0}], ["clear"]))
    file = LabelFile(folder, renames={"box": "pallet"})
    of = PicturesOf(str(pictures), "north")

    first = import_labels(bench, file, site=labelled_site.name, split=Split.TRAIN, pictures=of, actor=ACTOR)
    again = import_labels(bench, file, site=labelled_site.name, pictures=of, actor=ACTOR)

    assert first == ImportReport(5, 2, 0, 0, 3, ("coco",), {}, pinned=2)
    assert again == ImportReport(5, 0, 2, 0, 0, ("coco",), {})
    said = {one.frame_id: one.answer for one in bench.store.labels.annotations(labelled_site.name)}
    frames = find_frames(bench, labelled_site.name, [PictureFile(f"{name}.jpg") for name in NAMES]).frames
    assert said == {
        frames[PictureFile("000000000139.jpg")].id: Answer(
            "person", "A man.", {}, (Box("person", (0.1, 0.1, 0.3, 0.6)), Box("pallet", (0.625, 0.5, 1.0, 0.75)))
        ),
        frames[PictureFile("000000000285.jpg")].id: Answer("clear", "Nobody."),
    }
    assert set(bench.store.labels.pins(labelled_site.name)) == set(said)
    for frame in frames.values():
        stored = np.asarray(Image.open(BytesIO(bench.frame_files.read(frame.id))).convert("L"))
        assert stored[:, :70].max() < 30 < 90 < stored[:, 90:].min()
    assert [event.action for event in bench.store.audit.events()].count("label.import") == 1


def test_what_lacks_a_class_is_suggested_once_and_not_to_those_who_answered(
    bench: Workspace, labelled_site: Site, pictures: Path, tmp_path: Path
) -> None:
    take_in(bench, pictures, labelled_site.name)
    path = tmp_path / "captions, val.json"
    path.write_text(captions((NAMES[0], "A man."), (NAMES[0], "A man runs."), (NAMES[1], "Nobody.")))

    first = bring(bench, labelled_site, path)
    again = bring(bench, labelled_site, path)

    assert (first.annotations_created, first.suggestions_created, first.already_there) == (0, 3, 0)
    assert (again.annotations_created, again.suggestions_created, again.already_there) == (0, 0, 3)
    tasks = tasks_by_name(bench, labelled_site)
    assert tasks.keys() == {NAMES[0], NAMES[1]}
    source = "file:captions  val.json"
    assert predicted(bench, tasks[NAMES[0]]) == {
        source: [{"text": ["A man."]}],
        f"{source} 2": [{"text": ["A man runs."]}],
    }
    project = open_studio(bench)._client.projects.get(bench.store.labels.project(labelled_site.name) or 0)
    assert project.model_version == source
    assert label.pull(bench, labelled_site.name, actor=ACTOR).annotations == 0

    open_studio(bench).create_annotations({tasks[NAMES[0]].task_id: Answer("person", "A man.")})
    path.write_text(captions((NAMES[0], "A man walks."), (NAMES[1], "Nobody at all.")))
    corrected = bring(bench, labelled_site, path)
    assert (corrected.suggestions_created, corrected.already_there) == (1, 1)
    assert predicted(bench, tasks[NAMES[1]]).keys() == {source, f"{source} 2"}


def test_frames_that_were_asked_about_already_get_their_answers_once(
    bench: Workspace, labelled_site: Site, pictures: Path, tmp_path: Path
) -> None:
    take_in(bench, pictures, labelled_site.name)
    label.push(bench, labelled_site.name, actor=ACTOR, prelabel=False)
    path = tmp_path / "labels.csv"
    path.write_text("image,class,caption\n" + "".join(f"{name}.jpg,clear,Nobody.\n" for name in NAMES))

    first = bring(bench, labelled_site, path)
    path.write_text(path.read_text().replace("clear,Nobody", "person,A man"))
    corrected = bring(bench, labelled_site, path)

    assert (first.annotations_created, corrected.annotations_created) == (3, 3)
    said = [(Answer("clear", "Nobody.")), Answer("person", "A man.")]
    for task in tasks_by_name(bench, labelled_site).values():
        assert sorted((one.answer for one in task.annotations), key=lambda answer: answer.class_name) == said
    assert bring(bench, labelled_site, path).already_there == 3


def test_an_import_that_was_cut_off_is_completed_without_answering_twice(
    bench: Workspace, labelled_site: Site, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_in(bench, pictures, labelled_site.name)
    label.push(bench, labelled_site.name, actor=ACTOR, prelabel=False)
    path = tmp_path / "labels.csv"
    path.write_text("image,class,caption\n" + "".join(f"{name}.jpg,clear,Nobody.\n" for name in NAMES))

    def cut_off(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Studio, "accept_suggestions", cut_off)
        with pytest.raises(KeyboardInterrupt):
            bring(bench, labelled_site, path)
    bring(bench, labelled_site, path)

    tasks = tasks_by_name(bench, labelled_site)
    assert [len(task.annotations) for task in tasks.values()] == [1, 1, 1]


def test_suggestions_outlive_the_workbenchs_own_memory_of_them(
    bench: Workspace, labelled_site: Site, pictures: Path, tmp_path: Path
) -> None:
    take_in(bench, pictures, labelled_site.name)
    path = tmp_path / "captions.json"
    path.write_text(captions((NAMES[0], "A man.")))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("workbench.store.labels.Labels.add_imported", lambda *_: None)
        bring(bench, labelled_site, path)

    assert bring(bench, labelled_site, path).suggestions_created == 0


def test_conversations_answer_the_sites_questions(
    bench: Workspace, labelled_site: Site, pictures: Path, tmp_path: Path
) -> None:
    take_in(bench, pictures, labelled_site.name)
    turns = [
        {"from": "human", "value": "<image>\nDescribe this camera image in one sentence."},
        {"from": "gpt", "value": "A reach truck at the door."},
        {"from": "human", "value": "Which class fits this image? Choose one: clear, person, reach-truck."},
        {"from": "gpt", "value": "reach-truck"},
        {"from": "human", "value": "Is the door open? Answer yes or no."},
        {"from": "gpt", "value": "Yes."},
        {"from": "human", "value": "What colour is the truck?"},
        {"from": "gpt", "value": "Red."},
    ]
    path = tmp_path / "chat.jsonl"
    path.write_text(json.dumps({"id": "1", "image": f"coco/val2017/{NAMES[2]}.jpg", "conversations": turns}) + "\n")

    report = bring(bench, labelled_site, path)

    assert (report.annotations_created, report.left_out) == (1, {"questions that the site does not ask": 1})
    (task,) = tasks_by_name(bench, labelled_site).values()
    assert [one.answer for one in task.annotations] == [
        Answer("reach-truck", "A reach truck at the door.", {"door_open": "yes"})
    ]


def test_labels_of_pictures_that_the_site_has_not_are_refused_or_left_out(
    bench: Workspace, labelled_site: Site, pictures: Path, tmp_path: Path
) -> None:
    take_in(bench, pictures, labelled_site.name)
    path = tmp_path / "labels.csv"
    path.write_text("image,caption\n" + f"{NAMES[0]}.jpg,A man.\nother/{NAMES[1]}.jpg,Nobody.\nx.jpg,What?\n")

    with pytest.raises(LabelFileError) as caught:
        bring(bench, labelled_site, path)
    assert f"other/{NAMES[1]}.jpg (line 3; the site has val2017/{NAMES[1]}.jpg), x.jpg (line 4)" in str(caught.value)
    assert "--images FOLDER --camera CAMERA first, or leave these labels out with --known-only" in str(caught.value)
    assert bench.store.labels.project(labelled_site.name) is None

    report = import_labels(bench, LabelFile(path, known_only=True), site=labelled_site.name, actor=ACTOR)
    assert report.suggestions_created == 1
    assert report.left_out == {"pictures that the site does not have": 2}


def test_the_command_tells_what_came_in_and_what_was_left_out(
    bench: Workspace, labelled_site: Site, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbench.cli.import_labels.open_workspace", lambda: bench)
    app = typer.Typer()
    app.command()(cli.import_labels)
    boxes = [{"image_id": 139, "category_id": number, "bbox": [16, 12, 32, 60]} for number in range(3)]
    path = tmp_path / "instances.json"
    path.write_text(coco(boxes, ["pedestrian", "dog", "cat"]))
    names = ["--map", "pedestrian=person", "--map", "*="]
    images = ["--images", str(pictures), "--camera", "north"]

    done = CliRunner().invoke(app, [str(path), "--site", labelled_site.name, *images, *names])
    half = CliRunner().invoke(app, [str(path), "--site", labelled_site.name, *images[:2]])

    assert done.exit_code == 0, done.exception
    assert done.stdout.splitlines() == [
        "3 pictures taken in, 3 rows (coco): 0 annotations created, 1 suggestions to complete, 0 already there.",
        "Left out: 2 labels of names that are mapped to nothing.",
    ]
    assert "--images and --camera together" in str(half.exception)


@pytest.mark.parametrize(("text", "names"), [("a=b", ("a", "b")), (" a = ", ("a", "")), ("a=b=c", ("a", "b=c"))])
def test_names_to_map_are_read(text: str, names: tuple[str, str]) -> None:
    assert cli.renaming(text) == names


@pytest.mark.parametrize("text", ["a", "", "=b"])
def test_other_names_to_map_are_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="OLD=NEW"):
        cli.renaming(text)


def test_a_broken_file_is_refused_before_its_pictures_come_in(
    workspace: Workspace, yard: Site, pictures: Path, tmp_path: Path
) -> None:
    path = tmp_path / "labels.json"
    path.write_text(captions((NAMES[0], "A man."))[:-30])

    with pytest.raises(LabelFileError, match="damaged"):
        bring(workspace, yard, path, pictures=PicturesOf(str(pictures), "north"))

    assert workspace.store.footage.count(yard.name) == 0


def test_names_that_the_site_does_not_know_are_refused_in_one_sentence(
    workspace: Workspace, yard: Site, pictures: Path, tmp_path: Path
) -> None:
    take_in(workspace, pictures, yard.name)
    boxes = [{"image_id": 139, "category_id": number % 3, "bbox": [1, 1, 5, 5]} for number in range(9)]
    path = tmp_path / "instances.json"
    path.write_text(coco(boxes, ["truk", "dog", "person"]))

    with pytest.raises(LabelFileError) as caught:
        bring(workspace, yard, path)

    assert str(caught.value).startswith(
        "Expected labels that can be used in instances.json, with the names clear, person, truck of site yard, but "
        "found annotation 1: unknown class 'truk' (did you mean 'truck'?), 3 times; annotation 2: unknown class 'dog', "
        "3 times; correct them, or give --map"
    )
