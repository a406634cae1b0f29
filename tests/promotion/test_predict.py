"""Asking a site's model: base, champion, run; the adapter is a real one on the embedded base."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from workbench.domain import Candidate, CandidateState, LabelledFrame, Site, utc_now
from workbench.errors import ModelError, NotFoundError, UsageError
from workbench.recipe import Recipe
from workbench.settings import Settings
from workbench.tuning.adapter import save_adapter
from workbench.tuning.adapter_files import verify_adapter, write_manifest
from workbench.tuning.tuner import Prepared, prepare
from workbench.workflows.predict import load_site_model, predict, predict_images
from workbench.workflows.workspace import Workspace

CLASS_NAMES = ("clear", "person", "truck")


@pytest.fixture(scope="module")
def adapted() -> Prepared:
    """The embedded base with LoRA weights that were pushed away from their start."""
    torch.set_num_threads(1)
    frames = [
        LabelledFrame("0" * 64, "north", "clip", utc_now(), name, "A truck.", as_jpeg(index * 60))
        for index, name in enumerate(CLASS_NAMES)
    ]
    prepared = prepare(Recipe(), Settings.load().resolved_base_model, CLASS_NAMES, frames, [])
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, weight in prepared.model.named_parameters():
            if "lora_B" in name:
                weight.copy_(torch.randn(weight.shape, generator=generator) * 0.05)
    return prepared


@pytest.fixture
def tuned_run(workspace: Workspace, yard: Site, adapted: Prepared, tmp_path: Path) -> Callable[..., str]:
    def log(base_version: str = adapted.preflight.base_version) -> str:
        adapter = tmp_path / "adapters" / base_version
        save_adapter(adapted.model, adapter, contract=adapted.vlm.contract, recipe=adapted.recipe, facts={})
        with workspace.tracker.run("yard", "tune", kind="tune") as run:
            run.log_params({"base_version": base_version})
            run.log_folder(adapter, "adapter")
        return run.id

    return log


def as_jpeg(grey: int) -> bytes:
    file = BytesIO()
    Image.fromarray(np.full((48, 64, 3), grey, dtype=np.uint8)).save(file, "JPEG")
    return file.getvalue()


def approve_unasked(workspace: Workspace, run_id: str, adapter_digest: str = "") -> None:
    """Write a champion into the ledger, as an approval would."""
    requested = Candidate("yard", 1, run_id, "d", CandidateState.REQUESTED, "base", (), "erin", utc_now())
    candidate = replace(requested, adapter_digest=adapter_digest)
    workspace.store.promotions.add(candidate)
    workspace.store.promotions.move_champion("yard", expected=None, new=1)


def test_a_site_without_a_champion_is_answered_by_the_base(workspace: Workspace, yard: Site, tmp_path: Path) -> None:
    image_path = tmp_path / "frame.jpg"
    image_path.write_bytes(as_jpeg(90))

    prediction = predict(workspace, image_path, site="yard")

    assert prediction.class_name in yard.class_names
    assert 1 / 3 <= prediction.score <= 1
    assert prediction.caption
    assert "+adapter" not in prediction.model_version
    assert prediction.frame_id == hashlib.sha256(as_jpeg(90)).hexdigest()
    assert predict_images(load_site_model(workspace, "yard", "base"), yard, [], []) == []


def test_the_champion_is_the_ledgers(
    workspace: Workspace, yard: Site, tuned_run: Callable[..., str], adapted: Prepared
) -> None:
    run_id = tuned_run()
    workspace.tracker.client.create_registered_model("yard")
    workspace.tracker.client.create_model_version("yard", f"runs:/{run_id}/adapter", run_id=run_id)
    workspace.tracker.client.set_registered_model_alias("yard", "champion", "1")
    assert "+adapter" not in load_site_model(workspace, "yard").version

    approve_unasked(workspace, run_id)

    champion = load_site_model(workspace, "yard")
    assert "+adapter" in champion.version
    assert champion.version == load_site_model(workspace, "yard", run_id[:12]).version
    image = Image.open(BytesIO(as_jpeg(90)))
    expected = adapted.vlm.class_probabilities([image], CLASS_NAMES)[0]
    prediction = predict_images(champion, yard, [image], ["f"])[0]
    assert prediction.score == pytest.approx(expected.max(), abs=1e-4)
    assert prediction.class_name == CLASS_NAMES[int(expected.argmax())]


def test_an_adapter_that_does_not_fit_is_refused(
    workspace: Workspace, yard: Site, tuned_run: Callable[..., str]
) -> None:
    with pytest.raises(ModelError, match="the base model other-base@00000000"):
        load_site_model(workspace, "yard", tuned_run("other-base@00000000"))

    run_id = tuned_run()
    workspace.store.sites.add(replace(yard, name="dock"))
    with pytest.raises(ModelError, match="a tuning run of dock"):
        load_site_model(workspace, "dock", run_id)

    weights = workspace.tracker.folder(run_id, "adapter") / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    with pytest.raises(ModelError, match=r"adapter_model\.safetensors"):
        load_site_model(workspace, "yard", run_id)


def test_an_adapter_altered_with_its_manifest_is_not_the_one_that_was_approved(
    workspace: Workspace, tuned_run: Callable[..., str]
) -> None:
    run_id = tuned_run()
    adapter = workspace.tracker.folder(run_id, "adapter")
    approve_unasked(workspace, run_id, verify_adapter(adapter))
    assert "+adapter" in load_site_model(workspace, "yard").version

    (adapter / "tuning.json").write_text("{}  ")
    write_manifest(adapter)

    for model in ("champion", run_id):
        with pytest.raises(ModelError, match="that is version 1, but found"):
            load_site_model(workspace, "yard", model)


def test_an_adapter_for_other_classes_is_refused(
    workspace: Workspace, tuned_run: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = tuned_run()
    changed = Site("yard", (*CLASS_NAMES, "spill"))
    monkeypatch.setattr(workspace.store.sites, "get", lambda name: changed)
    with pytest.raises(ModelError, match="clear, person, truck, spill, but found one for clear, person, truck"):
        load_site_model(workspace, "yard", run_id)


@pytest.mark.parametrize("content", [b"", b"no image", as_jpeg(90)[:200]])
def test_an_unreadable_image_is_one_sentence(workspace: Workspace, yard: Site, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "frame.jpg").write_bytes(content)
    with pytest.raises(UsageError, match="Expected an image file"):
        predict(workspace, tmp_path / "frame.jpg", site="yard")


def test_missing_files_sites_and_runs_are_told(workspace: Workspace, yard: Site, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        predict(workspace, tmp_path / "nowhere.jpg", site="yard")
    with pytest.raises(NotFoundError):
        predict(workspace, tmp_path / "nowhere.jpg", site="nowhere")
    with pytest.raises(NotFoundError):
        load_site_model(workspace, "yard", "f" * 32)
