"""The golden set: frozen by a reviewer, never changed, and kept out of everything that is trained on."""

import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from tests.datasets.conftest import Days, a_day, labels
from tests.datasets.pictures import compare_beforehand, say
from workbench.datasets import load_manifest, text_to_manifest
from workbench.domain import Candidate, CandidateState, Frame, LabelClass, Mask, Split, Taxonomy, User
from workbench.errors import AccessError, DatasetError, NotFoundError, StorageError
from workbench.store.tables import golden_sets
from workbench.workflows.build import build_dataset
from workbench.workflows.dataset_checks import known_leaks
from workbench.workflows.freeze_golden import freeze_golden
from workbench.workflows.golden import golden_seen_by, load_golden, require_no_golden
from workbench.workflows.privacy import hide
from workbench.workflows.tune import tune
from workbench.workflows.workspace import Workspace

People = dict[str, User]


def test_a_reviewer_freezes_clips_and_the_loader_gives_their_frames(
    workspace: Workspace, gate: Days, people: People
) -> None:
    frozen = freeze_golden(workspace, site="yard", actor=people["rosa"], clips=["day-3.mp4"], note="the fourth day")

    golden, frames = load_golden(workspace, "yard")
    assert golden == frozen.golden
    assert (golden.frames, golden.frozen_by, golden.note) == (12, "rosa", "the fourth day")
    assert {frame.frame_id for frame in frames} == {frame.id for frame in gate[3]}
    assert frames[0].image_jpeg == workspace.frame_files.read(frames[0].frame_id)
    event = workspace.store.audit.events("yard")[-1]
    assert (event.action, event.actor, event.detail["golden_id"]) == ("golden.freeze", "rosa", golden.id)
    with pytest.raises(NotFoundError, match="one golden set of site yard"):
        load_golden(workspace, "yard", "ffff")


def test_who_is_no_reviewer_freezes_nothing(workspace: Workspace, gate: Days, people: People) -> None:
    with pytest.raises(AccessError, match="reviewer"):
        freeze_golden(workspace, site="yard", actor=people["ada"], clips=["day-3.mp4"])
    with pytest.raises(DatasetError, match="names of clips with labelled frames"):
        freeze_golden(workspace, site="yard", actor=people["rosa"], clips=["day-9.mp4"])

    assert workspace.store.golden_sets.all("yard") == []


def test_the_same_frames_are_the_same_set_and_others_are_a_new_one_beside_it(
    workspace: Workspace, gate: Days, people: People
) -> None:
    one, again, other = (
        freeze_golden(workspace, site="yard", actor=people["rosa"], clips=clips).golden
        for clips in (["day-3.mp4"], ["day-3.mp4"], ["day-2.mp4"])
    )

    assert one == again != other
    assert workspace.store.golden_sets.all("yard") == [one, other]
    assert load_golden(workspace, "yard")[0] == other
    assert load_golden(workspace, "yard", one.id[:10])[0] == one
    version = build_dataset(workspace, "yard", actor="ann")
    manifest = load_manifest(version)
    assert set(manifest.golden) == {one.id, other.id}
    assert not {row.frame_id for row in manifest.rows} & {frame.id for day in gate[2:] for frame in day}


def test_a_golden_set_that_somebody_changed_is_refused(workspace: Workspace, gate: Days, people: People) -> None:
    golden = freeze_golden(workspace, site="yard", actor=people["rosa"], clips=["day-3.mp4"]).golden
    text = workspace.store.golden_sets.manifest(golden)
    with workspace.store.transaction() as connection:
        connection.execute(update(golden_sets).values(manifest=text.replace("truck", "clear", 1)))

    with pytest.raises(StorageError, match="as it was frozen"):
        load_golden(workspace, "yard")
    with pytest.raises(StorageError, match="as it was frozen"):
        build_dataset(workspace, "yard", actor="ann")


def test_the_test_part_of_a_version_can_be_frozen(workspace: Workspace, gate: Days, people: People) -> None:
    version = build_dataset(workspace, "yard", actor="ann")

    golden = freeze_golden(workspace, site="yard", actor=people["rosa"], version=version).golden

    frozen = text_to_manifest(workspace.store.golden_sets.manifest(golden))
    assert {row.frame_id for row in frozen.rows} == {row.frame_id for row in load_manifest(version).of(Split.TEST)}


def neighbour_of(workspace: Workspace, frame: Frame) -> Frame:
    """Take one more still, a second after ``frame``, that looks like nothing else."""
    from tests.datasets.pictures import scene

    other = replace(
        frame,
        id=workspace.frame_files.write(scene(2, 900)),
        clip_id="e" * 64,
        clip_name="more.mp4",
        taken_at=frame.taken_at + timedelta(seconds=1),
    )
    workspace.store.footage.add_frames([other])
    compare_beforehand(workspace, [other])
    return other


def test_training_keeps_off_golden_frames_their_neighbours_and_their_copies(
    workspace: Workspace, gate: Days, people: People
) -> None:
    copy = a_day(workspace, 40, name="copy.mp4", things=3, quality=60)
    neighbour = neighbour_of(workspace, gate[3][4])
    said = labels([*gate, copy]) | {neighbour.id: "truck"}
    say(workspace, said)
    workspace.store.labels.pin("yard", dict.fromkeys([neighbour.id, *(frame.id for frame in copy)], Split.TRAIN))
    freeze_golden(workspace, site="yard", actor=people["rosa"], clips=["day-3.mp4"])

    version = build_dataset(workspace, "yard", actor="ann")

    trucks = {copy[place].id for place in range(1, 12, 2)}
    learnt = {row.frame_id for row in load_manifest(version).rows if row.split is not Split.TEST}
    assert not learnt & {neighbour.id, *trucks, *(frame.id for frame in gate[3])}
    assert {frame.id for frame in copy} - trucks <= learnt
    report = known_leaks(version)
    assert report is not None
    assert report.near_golden_frames == 7
    assert {leak.held_out.part for leak in report.near_golden} == {"golden"}
    assert set(load_manifest(version).near_golden) == {neighbour.id, *trucks, *(frame.id for frame in gate[3])}
    assert golden_seen_by(workspace, version) == (0, ())


def test_a_version_that_keeps_off_the_golden_set_is_not_refused_for_its_own_test_frames(
    workspace: Workspace, gate: Days, people: People
) -> None:
    """What the camera shows at four moments more is no copy, also where three of them are in test."""
    copies = [
        a_day(workspace, 40 + 10 * n, name=f"copy-{n}.mp4", things=3, quality=quality)
        for n, quality in enumerate((60, 65, 70, 75))
    ]
    say(workspace, labels([*gate, *copies]))
    splits = (Split.TRAIN, Split.TEST, Split.TEST, Split.TEST)
    pins = zip(copies, splits, strict=True)
    workspace.store.labels.pin("yard", {frame.id: split for copy, split in pins for frame in copy})
    freeze_golden(workspace, site="yard", actor=people["rosa"], clips=["day-3.mp4"])

    version = build_dataset(workspace, "yard", actor="ann")

    assert {frame.id for frame in copies[0]} <= {row.frame_id for row in load_manifest(version).of(Split.TRAIN)}
    require_no_golden(workspace, version)


def test_a_set_that_is_frozen_again_after_another_is_in_force_again(
    workspace: Workspace, gate: Days, people: People
) -> None:
    first, other, again = (
        freeze_golden(workspace, site="yard", actor=people["rosa"], clips=[clip]).golden
        for clip in ("day-3.mp4", "day-2.mp4", "day-3.mp4")
    )

    assert load_golden(workspace, "yard")[0] == again
    assert [one.id for one in workspace.store.golden_sets.all("yard")] == [first.id, other.id, again.id]
    assert {frame.frame_id for frame in load_golden(workspace, "yard")[1]} == {frame.id for frame in gate[3]}


def test_classes_that_the_site_has_no_longer_are_not_frozen(workspace: Workspace, gate: Days, people: People) -> None:
    version = build_dataset(workspace, "yard", actor="ann")
    workspace.store.sites.set_taxonomy("yard", Taxonomy((LabelClass("clear"), LabelClass("lorry"))))

    with pytest.raises(DatasetError, match=r"frames of the classes clear, lorry, but found some of truck"):
        freeze_golden(workspace, site="yard", actor=people["rosa"], version=version)

    assert workspace.store.golden_sets.all("yard") == []


def test_freezing_tells_what_the_champion_has_seen_or_that_nobody_can_know(
    workspace: Workspace, gate: Days, people: People
) -> None:
    version = build_dataset(workspace, "yard", actor="ann")
    candidate = Candidate(
        "yard", 1, "r", version.id, CandidateState.REQUESTED, "base", (), "ann", version.created_at
    )  # fmt: skip
    workspace.store.promotions.add(candidate)
    workspace.store.promotions.move_champion("yard", expected=None, new=1)
    learnt = load_manifest(version).of(Split.TRAIN)[0].clip_name

    seen = freeze_golden(workspace, site="yard", actor=people["rosa"], clips=[learnt])
    unseen = freeze_golden(workspace, site="yard", actor=people["rosa"], version=version)
    shutil.rmtree(version.path)
    unknown = freeze_golden(workspace, site="yard", actor=people["rosa"], clips=[learnt])

    assert (seen.seen, unseen.seen, unknown.seen) == (12, 0, None)
    assert seen.warning == "The model in force was trained on 12 of them: build and tune anew."
    assert unknown.warning.endswith("nobody can tell whether it has seen them.")
    assert workspace.store.golden_sets.get("yard") == unknown.golden


def test_tuning_refuses_a_version_that_holds_golden_frames_whatever_the_recipe_says(
    workspace: Workspace, gate: Days, people: People, tmp_path: Path
) -> None:
    older = build_dataset(workspace, "yard", actor="ann")
    train = load_manifest(older).of(Split.TRAIN)[0]
    require_no_golden(workspace, older)
    freeze_golden(workspace, site="yard", actor=people["rosa"], clips=[train.clip_name])
    recipe = tmp_path / "any.yaml"
    recipe.write_text("training: {max_steps: 1}\n")

    with pytest.raises(DatasetError, match=rf"no golden frame.*12 of them, such as .*{train.clip_name}"):
        tune(workspace, recipe, site="yard", actor="ann")

    assert workspace.tracker.runs("yard") == []
    require_no_golden(workspace, build_dataset(workspace, "yard", actor="ann"))


def test_covered_golden_frames_are_told_and_still_kept_out_of_training(
    workspace: Workspace, gate: Days, people: People
) -> None:
    freeze_golden(workspace, site="yard", actor=people["rosa"], clips=["day-3.mp4"])
    hide(workspace, site="yard", camera="gate", masks=[Mask(((0, 0), (0.2, 0), (0, 0.2)))], faces=False, actor="ann")
    compare_beforehand(workspace, workspace.store.footage.frames("yard"))

    with pytest.raises(DatasetError, match=r"12 are gone .*; have a reviewer freeze the same clips anew"):
        load_golden(workspace, "yard")
    version = build_dataset(workspace, "yard", actor="ann")
    learnt = {row.taken_at for row in load_manifest(version).rows if row.split is not Split.TEST}
    assert not learnt & {frame.taken_at for frame in gate[3]}
    again = freeze_golden(workspace, site="yard", actor=people["rosa"], clips=["day-3.mp4"]).golden
    assert len(load_golden(workspace, "yard")[1]) == again.frames == 12


def test_copies_of_golden_frames_stay_out_of_training_after_both_were_covered(
    workspace: Workspace, gate: Days, people: People
) -> None:
    copy = a_day(workspace, 40, name="copy.mp4", things=3, quality=80)
    say(workspace, labels([*gate, copy]))
    workspace.store.labels.pin("yard", dict.fromkeys((frame.id for frame in copy), Split.TRAIN))
    freeze_golden(workspace, site="yard", actor=people["rosa"], clips=["day-3.mp4"])
    hide(workspace, site="yard", camera="gate", masks=[Mask(((0, 0), (0.1, 0), (0, 0.1)))], faces=False, actor="ann")
    compare_beforehand(workspace, workspace.store.footage.frames("yard"))

    version = build_dataset(workspace, "yard", actor="ann")

    learnt = {row.taken_at for row in load_manifest(version).rows if row.split is not Split.TEST}
    assert not learnt & {frame.taken_at for frame in copy[1::2]}
    assert {frame.taken_at for frame in copy[::2]} <= learnt
