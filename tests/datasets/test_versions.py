"""What can be asked of versions: what changed, what the card says, what is left when pictures are covered."""

import json
from dataclasses import replace
from pathlib import Path

import datasets
import pytest
import yaml
from typer.testing import CliRunner

from tests.datasets.conftest import Days, labels
from tests.datasets.pictures import compare_beforehand, say
from workbench.cli import app
from workbench.datasets import load_manifest
from workbench.datasets.difference import Relabelled, difference
from workbench.datasets.disk import embeds_pictures
from workbench.domain import Answer, Box, DatasetVersion, Mask, Split, User
from workbench.errors import DatasetError
from workbench.workflows.build import build_dataset
from workbench.workflows.dataset_checks import check_dataset, known_card
from workbench.workflows.dataset_rows import learnt_from, load_rows
from workbench.workflows.privacy import hide
from workbench.workflows.workspace import Workspace


@pytest.fixture
def command(workspace: Workspace, monkeypatch: pytest.MonkeyPatch):
    """Return a function that runs ``workbench dataset … --json`` and returns its exit code and what it said."""
    monkeypatch.setenv("WORKBENCH_HOME", str(workspace.settings.home))

    def run(*arguments: str, **more: str) -> tuple[int, object]:
        asked = ["dataset", *arguments, "--site", "yard", "--json"]
        printed = CliRunner().invoke(app, asked, catch_exceptions=False, env=more or None)
        return printed.exit_code, json.loads(printed.stdout)

    return run


def cover(workspace: Workspace) -> tuple[str, ...]:
    """Hide a corner of every still of the gate; return which datasets the report names."""
    corner = Mask(((0, 0), (0.2, 0), (0, 0.2)))
    report = hide(workspace, site="yard", camera="gate", masks=[corner], faces=False, actor="ann")
    compare_beforehand(workspace, workspace.store.footage.frames("yard"))
    return report.datasets


def test_the_difference_of_two_versions_is_told_frame_by_frame(workspace: Workspace, gate: Days, command) -> None:
    before = build_dataset(workspace, "yard", actor="ann")
    rows = load_manifest(before).rows
    relabelled, removed = rows[0], rows[-1]
    exchanged = {Split.TRAIN: Split.TRAIN, Split.VALIDATION: Split.TEST, Split.TEST: Split.VALIDATION}
    said = labels(gate)
    said[relabelled.frame_id] = "truck" if relabelled.class_name == "clear" else "clear"
    del said[removed.frame_id]
    say(workspace, said)
    workspace.store.labels.pin("yard", {row.frame_id: exchanged[row.split] for row in rows})
    after = build_dataset(workspace, "yard", actor="ann")

    found = difference(load_manifest(before), load_manifest(after))

    assert [row.frame_id for row in found.removed] == [removed.frame_id]
    (changed,) = found.relabelled
    assert (changed.frame_id, changed.before, changed.after.class_name) == (
        relabelled.frame_id,
        relabelled.answer,
        said[relabelled.frame_id],
    )
    moved = {one.frame_id: (one.before, one.after) for one in found.moved}
    assert moved == {
        row.frame_id: (row.split, exchanged[row.split]) for row in rows[:-1] if row.split is not Split.TRAIN
    }
    back = difference(load_manifest(after), load_manifest(before))
    assert [row.frame_id for row in back.added] == [removed.frame_id]
    assert difference(load_manifest(after), load_manifest(after)).unchanged == len(load_manifest(after).rows)
    code, told = command("diff", before.id[:12], after.id[:12])
    assert code == 0
    assert [one["frame_id"] for one in told["removed"]] == [removed.frame_id]
    assert told["relabelled"][0]["after"]["class_name"] == said[relabelled.frame_id]


def test_a_relabelled_frame_tells_what_is_said_otherwise(workspace: Workspace, gate: Days) -> None:
    before = Answer("truck", "A truck.", {"gate": "yes"}, (Box("truck", (0, 0, 0.5, 1)),))
    after = replace(before, replies={"gate": "no", "load": "none"}, boxes=())

    one = Relabelled("f" * 64, "gate", gate[0][0].taken_at, before, after)

    assert one.changes == (("gate", "yes", "no"), ("boxes", "truck 0 0 0.5 1", "–"), ("load", "–", "none"))
    assert replace(one, after=replace(before, class_name="clear")).changes == (("class", "truck", "clear"),)


def test_it_is_known_how_much_of_a_split_an_older_version_learnt_from(workspace: Workspace, gate: Days) -> None:
    older = build_dataset(workspace, "yard", actor="ann")
    workspace.store.labels.pin("yard", {row.frame_id: Split.TEST for row in load_manifest(older).of(Split.TRAIN)[:12]})
    newer = build_dataset(workspace, "yard", actor="ann")
    test = load_manifest(newer).of(Split.TEST)

    assert len(test) == 12
    assert learnt_from(workspace, older.id, test) == 12
    assert learnt_from(workspace, newer.id, test) == 0
    assert [learnt_from(workspace, unknown, test) for unknown in ("f" * 64, "")] == [None, None]
    cover(workspace)
    covered = load_manifest(build_dataset(workspace, "yard", actor="ann")).of(Split.TEST)
    assert not {row.frame_id for row in covered} & {row.frame_id for row in test}
    assert learnt_from(workspace, older.id, covered) == 12


def test_the_card_is_a_hugging_face_card_and_the_folder_loads_as_its_header_says(
    workspace: Workspace, gate: Days, command
) -> None:
    version = build_dataset(workspace, "yard", actor="ann")

    header, _, body = known_card(version).removeprefix("---\n").partition("\n---\n")

    content = yaml.safe_load(header)
    assert content["license"] == "other"
    assert content["size_categories"] == ["n<1K"]
    for told in ("48 frames of 4 clips", "taken from 2026-03-02 08:00 to 2026-03-05 08:02 UTC", "- lea: 48 frames"):
        assert told in body
    assert "| truck | 12 | 6 | 6 | 24 |" in body
    assert "No frame was taken in these hours of the day (UTC): 00:00-07:59, 09:00-23:59." in body
    (config,) = content["configs"]
    files = {one["split"]: str(Path(version.path) / one["path"]) for one in config["data_files"]}
    loaded = datasets.load_dataset("arrow", data_files=files, cache_dir=str(workspace.settings.home / "cache"))
    assert {split: len(rows) for split, rows in loaded.items()} == {str(split): n for split, n in version.rows.items()}
    assert command("card") == (0, {"dataset_id": version.id, "card": known_card(version)})


def test_a_card_of_several_labellers_tells_how_far_they_agree(workspace: Workspace, gate: Days) -> None:
    mine, others = labels(gate), labels(gate[:3])
    say(workspace, mine)
    said = workspace.store.labels.annotations("yard")
    say(workspace, others, who="max")
    again = workspace.store.labels.annotations("yard")
    numbered = [type(one)(**{**vars(one), "annotation_id": one.annotation_id + 1000}) for one in again]
    workspace.store.labels.replace_annotations("yard", [*said, *numbered])

    card = known_card(build_dataset(workspace, "yard", actor="ann"))

    assert "By 2 people; looked at by more than one: 36 frames." in card
    assert "Krippendorff's alpha (1: always, 0: as by chance): 1.000" in card


def test_covered_pictures_are_named_and_a_new_version_has_them(workspace: Workspace, gate: Days) -> None:
    version = build_dataset(workspace, "yard", actor="ann")

    named = cover(workspace)

    assert named == ()
    with pytest.raises(DatasetError, match=r"24 are gone .* build anew"):
        load_rows(workspace, version, Split.TRAIN)
    assert len(load_rows(workspace, version, Split.TRAIN, only_what_is_left=True)) == 0
    report = check_dataset(workspace, version)
    assert [finding.check for finding in report.failures] == ["pictures"]
    assert "48 of 48 frames are gone, as happens when parts of a view are hidden" in report.failures[0].sentence
    anew = build_dataset(workspace, "yard", actor="ann")
    assert anew.parent_id == version.id
    assert len(load_rows(workspace, anew, Split.TRAIN)) == 24


def test_a_version_of_an_earlier_release_that_holds_pictures_is_named_when_they_are_covered(
    workspace: Workspace, gate: Days
) -> None:
    version = build_dataset(workspace, "yard", actor="ann")
    (Path(version.path) / "train" / "dataset_info.json").write_text('{"features": {"image": {}}}')

    assert embeds_pictures(version)
    assert cover(workspace) == (version.id,)


def test_the_commands_tell_the_same_as_the_page(
    workspace: Workspace, gate: Days, people: dict[str, User], command
) -> None:
    code, built = command("build", "--licence", "cc-by-4.0")
    version = built["version"]["id"]
    assert (code, built["licence"], set(built["clips"])) == (0, "cc-by-4.0", {f"day-{day}.mp4" for day in range(4)})
    assert [one["id"] for one in command("list")[1]] == [version]
    assert command("show", version[:10])[1]["classes"]["truck"] == {"train": 12, "validation": 6, "test": 6}
    code, checked = command("check")
    assert (code, checked["fit"], checked["pictures_read"]) == (0, True, True)
    code, leaks = command("leaks")
    assert (code, leaks["outcome"], leaks["pictures"]) == (0, "no leaks", 48)
    frozen = command(
        "golden", "freeze", "--as", "rosa", "--clip", "day-3.mp4", WORKBENCH_PASSWORD="rosa-has-a-password"
    )
    assert frozen[1]["frames"] == 12
    assert command("golden", "list")[1][0]["id"] == frozen[1]["id"]
    assert command("golden", "show")[1]["clips"] == {"day-3.mp4": 12}
    version_of_none: DatasetVersion = workspace.store.datasets.latest("yard")
    assert version_of_none.id == version
