"""The leak check as a gate of the build: copied footage stops it, a little is left out, a reason lets it through."""

import shutil
from pathlib import Path

import pytest

from tests.datasets.conftest import Days, a_day, labels
from tests.datasets.pictures import say
from workbench.datasets import load_manifest
from workbench.datasets.leak_report import LeakOutcome
from workbench.domain import Frame, Split
from workbench.errors import DatasetError, UsageError
from workbench.ui.dataset_details import allowed_leaks_note
from workbench.workflows.build import BuildChoices, build_dataset
from workbench.workflows.dataset_checks import check_dataset, known_card, known_checks, known_leaks, refused_leaks
from workbench.workflows.workspace import Workspace


@pytest.fixture
def copies(workspace: Workspace, gate: Days) -> Days:
    """The first two days once more, encoded anew and with another date; pinned to test, the days to train."""
    again = [a_day(workspace, 40 + day, name=f"copy-{day}.mp4", things=day, quality=60) for day in range(2)]
    say(workspace, labels([*gate, *again]))
    workspace.store.labels.pin("yard", pinned(gate[:2], Split.TRAIN) | pinned(again, Split.TEST))
    return again


def pinned(days: list[list[Frame]], split: Split) -> dict[str, Split]:
    return {frame.id: split for day in days for frame in day}


def test_days_with_the_same_empty_scene_are_a_version(workspace: Workspace, gate: Days) -> None:
    version = build_dataset(workspace, "yard", actor="ann")

    report = known_leaks(version)
    assert report is not None
    assert (report.outcome, report.pictures) == (LeakOutcome.NONE, 48)
    near = report.nearness["gate"]
    assert near.by_hash > near.frames / 4
    assert "look like some training frame by hash" in known_card(version)


def test_a_recording_that_came_twice_stops_the_build_and_the_pairs_are_kept(
    workspace: Workspace, gate: Days, copies: Days
) -> None:
    with pytest.raises(DatasetError, match=r"found 12: 6 of copy-\d\.mp4 like day-\d\.mp4, 6 of copy"):
        build_dataset(workspace, "yard", actor="ann")

    assert workspace.store.datasets.all("yard") == []
    report = refused_leaks(workspace, "yard")
    assert report is not None
    assert report.outcome is LeakOutcome.REFUSED
    assert {(leak.held_out.clip_name, leak.other.clip_name) for leak in report.leaks} == {
        (f"copy-{day}.mp4", f"day-{day}.mp4") for day in range(2)
    }
    assert all(leak.held_out.class_name == "truck" and (leak.hash_bits or 0) <= 10 for leak in report.leaks)


def test_without_the_copies_there_is_a_version(workspace: Workspace, gate: Days, copies: Days) -> None:
    workspace.store.labels.pin("yard", pinned([*copies, gate[2]], Split.TEST))
    with pytest.raises(DatasetError, match="found 12"):
        build_dataset(workspace, "yard", actor="ann")
    with pytest.raises(DatasetError, match="names of clips with labelled frames"):
        build_dataset(workspace, "yard", actor="ann", choices=BuildChoices(left_out_clips=("copy-0",)))

    left_out = ("copy-0.mp4", "copy-1.mp4")
    version = build_dataset(workspace, "yard", actor="ann", choices=BuildChoices(left_out_clips=left_out))

    manifest = load_manifest(version)
    assert manifest.left_out_clips == left_out
    assert not {row.clip_name for row in manifest.rows} & set(left_out)
    assert refused_leaks(workspace, "yard") is None


def test_a_reason_lets_leaks_through_and_is_told_everywhere(workspace: Workspace, gate: Days, copies: Days) -> None:
    choices = BuildChoices(allow_leaks="The copy is how the customer files it.")

    version = build_dataset(workspace, "yard", actor="ann", choices=choices)

    allowed = load_manifest(version).allowed_leaks
    assert allowed is not None
    assert (allowed.reason, allowed.allowed_by, len(allowed.pairs)) == (choices.allow_leaks, "ann", 12)
    assert {held_out for held_out, _ in allowed.pairs} <= {frame.id for copy in copies for frame in copy}
    assert "**Leaks were allowed** by ann, of 12 frames: The copy is how" in known_card(version)
    checks = known_checks(version)
    assert checks is not None
    assert [finding.check for finding in checks.failures] == ["leaks"]
    told = workspace.store.audit.events("yard")[-1]
    assert (told.action, told.actor, told.detail["reason"]) == ("dataset.allow-leaks", "ann", choices.allow_leaks)
    assert build_dataset(workspace, "yard", actor="ann", choices=choices) == version


def test_who_reviews_a_model_is_told_of_allowed_leaks_or_that_nobody_can_know(
    workspace: Workspace, gate: Days, copies: Days
) -> None:
    choices = BuildChoices(allow_leaks="as the customer files it")
    version = build_dataset(workspace, "yard", actor="ann", choices=choices)

    told = allowed_leaks_note(workspace, version.id)
    shutil.rmtree(version.path)
    unknown = allowed_leaks_note(workspace, version.id)

    assert "12 held-out stills" in told
    assert "ann allowed it: as the customer files it" in told
    assert "Whether leaks were allowed into the dataset is not known" in unknown


def test_a_version_with_leaks_stays_unfit_whatever_becomes_of_its_report(
    workspace: Workspace, gate: Days, copies: Days
) -> None:
    choices = BuildChoices(allow_leaks="as the customer files it")
    version = build_dataset(workspace, "yard", actor="ann", choices=choices)
    (Path(version.path) / "leaks.json").unlink()

    report = check_dataset(workspace, version)

    assert [(finding.check, len(finding.frame_ids)) for finding in report.failures] == [("leaks", 12)]
    assert "were compared" not in known_card(version)


@pytest.mark.parametrize("text", ["", "{", '{"outcome": "none of these"}'])
def test_without_a_report_nobody_says_that_pictures_were_compared(workspace: Workspace, gate: Days, text: str) -> None:
    version = build_dataset(workspace, "yard", actor="ann")
    (Path(version.path) / "leaks.json").write_text(text)
    (Path(version.path) / "checks.json").write_text(text)

    assert (known_leaks(version), known_checks(version)) == (None, None)
    (finding,) = (one for one in check_dataset(workspace, version).findings if one.check == "leaks")
    assert (finding.severity, finding.sentence[:36]) == ("warning", "There is no report of a leak check: ")
    assert "- It is not known that pictures were compared across splits" in known_card(version)


def test_a_reason_writes_nothing_but_itself_on_the_card(workspace: Workspace, gate: Days, copies: Days) -> None:
    reason = "twice\n\n# Verified\n<img src=x>[see](http://x) | `ok`"

    card = known_card(build_dataset(workspace, "yard", actor="ann", choices=BuildChoices(allow_leaks=reason)))

    assert r": twice \# Verified \<img src=x\>\[see\](http://x) \| \`ok\`" in card
    assert "\n# Verified" not in card


def test_a_reason_that_is_not_needed_is_not_recorded(workspace: Workspace, gate: Days) -> None:
    version = build_dataset(workspace, "yard", actor="ann", choices=BuildChoices(allow_leaks="just in case"))

    assert load_manifest(version).allowed_leaks is None
    assert build_dataset(workspace, "yard", actor="ann") == version


def test_a_few_copies_are_left_out_of_training(workspace: Workspace, gate: Days, copies: Days) -> None:
    choices = BuildChoices(left_out_clips=("copy-1.mp4",))

    version = build_dataset(workspace, "yard", actor="ann", choices=choices)

    manifest, report = load_manifest(version), known_leaks(version)
    assert set(manifest.copies) == {gate[0][place].id for place in range(1, 12, 2)}
    assert version.rows[Split.TEST] == len(copies[0])
    assert report is not None
    assert (report.outcome, report.held_out_frames) == (LeakOutcome.LEFT_OUT, 6)


def test_the_licence_stays_until_another_is_given(workspace: Workspace, gate: Days) -> None:
    first = build_dataset(workspace, "yard", actor="ann", choices=BuildChoices(licence="cc-by-4.0"))
    say(workspace, labels(gate[:3]))

    second = build_dataset(workspace, "yard", actor="ann")

    assert load_manifest(second).licence == "cc-by-4.0"
    assert (Path(first.path) / "README.md").read_text().startswith("---\nlicense: cc-by-4.0\n")
    with pytest.raises(UsageError, match=r"such as cc-by-4\.0"):
        build_dataset(workspace, "yard", actor="ann", choices=BuildChoices(licence="All rights reserved"))
