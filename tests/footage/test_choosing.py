"""Stills are chosen with all of a source, and all that the catalogue has of the camera, in mind."""

from collections.abc import Callable
from pathlib import Path

import pytest

from workbench.domain import Mask, Sampling
from workbench.footage.quotas import Quota
from workbench.footage.selection import SelectionRules
from workbench.workflows.frame_looks import encoder_digest
from workbench.workflows.ingest import ingest
from workbench.workflows.privacy import hide
from workbench.workflows.workspace import Workspace

MakeClip = Callable[..., Path]
DISTINCT = SelectionRules(same_view_distance=None)


def take(workspace: Workspace, source: Path, rules: SelectionRules | None) -> Sampling:
    return ingest(workspace, str(source), site="yard", camera="gate", every_s=0.1, rules=rules, actor="ann")


def dropped(sampling: Sampling) -> dict[str, int]:
    return {step.name: step.dropped for step in sampling.steps}


@pytest.fixture
def two_days(make_clip: MakeClip) -> Path:
    """A folder of two recordings of which the later begins as the earlier one did, and goes on."""
    make_clip("gate_20260302T080000Z.mp4", frames=20)
    return make_clip("gate_20260303T080000Z.mp4", frames=40).parent


def test_near_copies_of_what_another_recording_showed_are_left_out(workspace: Workspace, two_days: Path) -> None:
    first = take(workspace, two_days / "gate_20260302T080000Z.mp4", DISTINCT)
    second = take(workspace, two_days / "gate_20260303T080000Z.mp4", DISTINCT)

    assert first.frames_added == 20
    assert 0 < second.frames_added <= 25
    assert second.frames_added + second.frames_known == 40 - dropped(second)["perceptual hash"]


def test_the_same_footage_with_the_same_rules_again_adds_nothing(workspace: Workspace, two_days: Path) -> None:
    rules = SelectionRules(same_view_distance=0.0, quota=Quota(per_hour=9, per_camera=12), size=8)
    before = take(workspace, two_days, rules)
    again = take(workspace, two_days, rules)

    assert before.frames_added == 8
    assert (again.frames_found, again.frames_added, again.frames_known) == (60, 0, 8)
    assert dropped(again) == dropped(before)


def test_a_subset_is_chosen_of_the_whole_folder(workspace: Workspace, two_days: Path) -> None:
    report = take(workspace, two_days, SelectionRules(same_picture_bits=None, same_view_distance=None, size=10))

    assert (report.frames_found, report.frames_added) == (60, 10)
    assert sum(dropped(report).values()) == 50
    assert len(workspace.store.footage.clips("yard")) == 2
    days = {frame.taken_at.day for frame in workspace.store.footage.frames("yard")}
    assert days == {2, 3}


def test_an_hours_quota_counts_what_was_taken_before(workspace: Workspace, two_days: Path) -> None:
    rules = SelectionRules(same_picture_bits=None, same_view_distance=None, quota=Quota(per_hour=5))
    take(workspace, two_days / "gate_20260302T080000Z.mp4", rules)
    both = take(workspace, two_days, rules)

    assert both.frames_added == 5
    assert len(workspace.store.footage.frames("yard")) == 10


def test_stills_that_were_never_compared_are_compared_now(workspace: Workspace, two_days: Path) -> None:
    take(workspace, two_days / "gate_20260302T080000Z.mp4", None)
    second = take(workspace, two_days / "gate_20260303T080000Z.mp4", DISTINCT)

    assert dropped(second)["perceptual hash"] + second.frames_known >= 15


def test_nothing_is_remembered_of_a_picture_that_was_covered(workspace: Workspace, two_days: Path) -> None:
    take(workspace, two_days, DISTINCT)
    ids = [frame.id for frame in workspace.store.footage.frames("yard")]
    encoder = _encoder_of(workspace, ids)
    left = Mask(((0, 0), (0.5, 0), (0.5, 1), (0, 1)))

    hide(workspace, site="yard", camera="gate", masks=[left], faces=False, actor="ann")

    assert len(workspace.store.prints.of(ids, encoder=encoder)) == 0


def _encoder_of(workspace: Workspace, ids: list[str]) -> str:
    encoder = encoder_digest(workspace)
    assert len(workspace.store.prints.of(ids, encoder=encoder)) == len(ids)
    return encoder
