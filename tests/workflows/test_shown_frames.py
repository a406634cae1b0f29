"""The frames that label files name."""

from pathlib import Path

import pytest
from PIL import Image

from workbench.domain import Site
from workbench.labeling.formats.file_label import Instant, PictureFile
from workbench.store import NamedPicture
from workbench.workflows.ingest import ingest
from workbench.workflows.shown_frames import find_frames
from workbench.workflows.workspace import Workspace


@pytest.fixture
def ids(workspace: Workspace, yard: Site, tmp_path: Path) -> list[str]:
    """The frames of three pictures of one folder, in their order."""
    folder = tmp_path / "val2017"
    folder.mkdir()
    for number in range(3):
        Image.new("RGB", (64, 48), (number * 80, 0, 0)).save(folder / f"{number}.jpg")
    ingest(workspace, str(folder), site=yard.name, camera="north", every_s=0.001, actor="ann")
    files = workspace.store.pictures.with_stems(yard.name, ["0", "1", "2"])
    return [file.frame_id for file in sorted(files)]


@pytest.mark.parametrize(
    ("path", "folder"),
    [
        ("a/1.jpg", "a"),
        ("data/a/1.jpg", "a"),
        ("b/1.jpg", "set/b"),
        ("/home/me/set/b/1.jpg", "set/b"),
        ("images\\c\\x.v1.jpg", "c"),
        ("c/x.v1", "c"),
        ("x.v1", "c"),
        ("1.jpg", None),
        ("c/1.jpg", None),
        ("a/1.png", None),
        ("", None),
    ],
)
def test_pictures_are_found_by_their_names_and_folders(
    workspace: Workspace, yard: Site, ids: list[str], path: str, folder: str | None
) -> None:
    files = [("a", "1.jpg"), ("set/b", "1.jpg"), ("c", "x.v1.jpg")]
    workspace.store.pictures.put(yard.name, [NamedPicture(*file, one) for file, one in zip(files, ids, strict=True)])

    found = find_frames(workspace, yard.name, [PictureFile(path)])

    frame = found.frames.get(PictureFile(path))
    assert (frame and frame.id) == (folder and ids[[one for one, _ in files].index(folder)])


def test_a_frames_own_id_names_it_and_given_folders_overrule_the_files_own(
    workspace: Workspace, yard: Site, ids: list[str]
) -> None:
    first = workspace.store.footage.get(yard.name, ids[0])
    by_id, elsewhere = PictureFile(f"test/{first.id}.jpg"), PictureFile("train/0.jpg")

    found = find_frames(workspace, yard.name, [by_id, elsewhere, Instant("gate.mp4", 1.0)])
    assert found.frames == {by_id: first}
    assert found.elsewhere == {elsewhere: ("val2017/0.jpg",)}
    assert find_frames(workspace, yard.name, [elsewhere], folders=["val2017"]).frames.keys() == {elsewhere}


def test_instants_are_found_within_a_twentieth_of_a_second(workspace: Workspace, yard: Site, ids: list[str]) -> None:
    clip = workspace.store.footage.get(yard.name, ids[2])
    near, far = Instant(clip.clip_name, clip.offset_s + 0.04), Instant(clip.clip_name, clip.offset_s + 5.0)

    found = find_frames(workspace, yard.name, [near, far, Instant("gate.mp4", 0.0)]).frames

    assert {instant: frame.id for instant, frame in found.items()} == {near: ids[2]}


def test_the_same_folder_again_keeps_its_names(
    workspace: Workspace, yard: Site, ids: list[str], tmp_path: Path
) -> None:
    Image.new("RGB", (64, 48), (0, 0, 200)).save(tmp_path / "val2017" / "1.jpg")
    ingest(workspace, str(tmp_path / "val2017"), site=yard.name, camera="north", every_s=0.001, actor="ann")

    (file,) = workspace.store.pictures.with_stems(yard.name, ["1"])

    assert file.frame_id not in ids
