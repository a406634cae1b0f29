"""Batches on the cluster give what they give here."""

import numpy as np
import pytest

from workbench.domain import LabelledFrame, Split
from workbench.errors import StorageError
from workbench.workflows.evaluate import evaluate
from workbench.workflows.frame_looks import looks_of
from workbench.workflows.prelabel import PreLabeller
from workbench.workflows.workspace import Workspace


@pytest.fixture
def spread_out(dock: Workspace, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """The same workspace, whose smallest batches go to the cluster; the settings are read when it is opened."""
    monkeypatch.setenv("WORKBENCH_RAY_MIN_FRAMES", "2")
    return Workspace(type(dock.settings).load(), dock.store, dock.frame_files)


def test_pictures_look_the_same_from_there(
    dock: Workspace, spread_out: Workspace, frames: list[LabelledFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [frame.frame_id for frame in frames]
    there = looks_of(spread_out, ids)
    dock.store.prints.forget(ids)
    here = looks_of(dock, ids)
    assert there.known.all()
    assert np.array_equal(there.hashes, here.hashes)
    np.testing.assert_allclose(there.embeddings, here.embeddings, atol=1e-5)


def test_a_picture_that_is_gone_is_told_as_here(spread_out: Workspace, frames: list[LabelledFrame]) -> None:
    with pytest.raises(StorageError, match="0" * 12):
        looks_of(spread_out, [frames[0].frame_id, "0" * 64])


def test_suggestions_are_the_same_from_there(
    dock: Workspace, spread_out: Workspace, frames: list[LabelledFrame]
) -> None:
    site, ids = dock.store.sites.all()[0], [frame.frame_id for frame in frames]
    there, here = (list(PreLabeller(one, site).guesses(ids, at_once=4)) for one in (spread_out, dock))
    assert [one.frame_id for one in there] == ids
    assert [(one.caption, one.class_name) for one in there] == [(one.caption, one.class_name) for one in here]
    np.testing.assert_allclose([one.score for one in there], [one.score for one in here], atol=1e-5)


def test_a_model_is_measured_the_same_there(dock: Workspace, spread_out: Workspace) -> None:
    site = dock.store.sites.all()[0].name
    there, here = (
        evaluate(one, site=site, model="base", split=Split.VALIDATION, actor="ada") for one in (spread_out, dock)
    )
    assert there.report.metrics["class_accuracy"] == here.report.metrics["class_accuracy"]
    assert [one.caption for one in there.worst_frames] == [one.caption for one in here.worst_frames]
