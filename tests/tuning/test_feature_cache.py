"""Image features are computed once, where that is right, and never half-written."""

import resource
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load, save

from tests.tuning.conftest import PrepareTuning
from workbench.errors import StorageError
from workbench.recipe import Augmentation, Data, Part, Recipe
from workbench.tuning.feature_cache import FeatureCache
from workbench.tuning.frames import AS_IT_IS
from workbench.tuning.tuner import Prepared, looks_of, training_sets

LANGUAGE = {"text_model": Part(path="model.text_model")}
CONNECTOR = {**LANGUAGE, "connector": Part(path="model.connector", train="full")}
VISION = {**LANGUAGE, "vision_model": Part(path="model.vision_model")}


@pytest.mark.parametrize(
    ("parts", "data", "kept"),
    [
        (LANGUAGE, Data(), True),
        (CONNECTOR, Data(), True),
        (VISION, Data(), False),
        (LANGUAGE, Data(cache_image_features=False), False),
        (LANGUAGE, Data(augmentation=Augmentation(crop=0.1)), False),
        (LANGUAGE, Data(augmentation=Augmentation(crop=0.1, views=3)), True),
    ],
)
def test_features_are_kept_only_where_they_stay_true(
    prepare_tuning: PrepareTuning, tmp_path: Path, parts: dict[str, Part], data: Data, kept: bool
) -> None:
    looks = looks_of(replace(prepare_tuning(Recipe(parts=parts, data=data)), features_dir=tmp_path))
    assert isinstance(looks, FeatureCache) == kept
    assert any(tmp_path.rglob("*.safetensors")) == kept


def test_a_projector_that_is_trained_gets_what_stands_before_it(prepare_tuning: PrepareTuning, tmp_path: Path) -> None:
    shapes = {}
    for name, parts in {"frozen": LANGUAGE, "trained": CONNECTOR}.items():
        prepared = prepare_tuning(Recipe(parts=parts))
        kept = looks_of(replace(prepared, features_dir=tmp_path)).at(prepared.taught[0], AS_IT_IS)
        shapes[name] = tuple(kept.picture["features"].shape)
    assert shapes == {"frozen": (4, 64), "trained": (1, 16, 32)}


def test_another_run_looks_at_nothing_again_and_another_base_at_everything(
    prepare_tuning: PrepareTuning, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    recipe = Recipe(parts=LANGUAGE, data=Data(augmentation=Augmentation(crop=0.1, views=2)))
    for dtype in ("float32", "float32", "bfloat16"):
        changed = recipe.model_copy(update={"base": recipe.base.model_copy(update={"dtype": dtype})})
        prepared = prepare_tuning(changed)
        filled = len(list(tmp_path.rglob("*.safetensors")))
        looks_of(replace(prepared, features_dir=tmp_path))
        seen.append(len(list(tmp_path.rglob("*.safetensors"))) - filled)
    views_of_six_frames_and_two_plain = 6 * 2 + 2
    assert seen == [views_of_six_frames_and_two_plain, 0, views_of_six_frames_and_two_plain]


def cut(content: bytes) -> bytes:
    return content[:40]


def half_zeroed(content: bytes) -> bytes:
    return content[: len(content) // 2] + bytes(len(content) - len(content) // 2)


def without_digest(content: bytes) -> bytes:
    return save(load(content))


@pytest.mark.parametrize("damage", [cut, half_zeroed, without_digest])
def test_a_damaged_file_is_computed_again(
    damage: Callable[[bytes], bytes], prepare_tuning: PrepareTuning, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    prepared = prepare_tuning(Recipe(parts=LANGUAGE))
    looks = looks_of(replace(prepared, features_dir=tmp_path))
    before = looks.at(prepared.taught[0], AS_IT_IS).picture["features"].clone()  # else it is the file, mapped
    damaged = next(tmp_path.rglob(f"{prepared.train[0].frame_id}.safetensors"))
    damaged.write_bytes(damage(damaged.read_bytes()))
    after = looks_of(replace(prepared, features_dir=tmp_path)).at(prepared.taught[0], AS_IT_IS).picture["features"]
    assert torch.equal(before, after)
    assert caplog.messages == [f"Computed again: 1 damaged file in {damaged.parent}."]


def test_a_full_disk_is_told_and_leaves_whole_files_alone(prepare_tuning: PrepareTuning, tmp_path: Path) -> None:
    prepared: Prepared = prepare_tuning(Recipe(parts=CONNECTOR))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300, hard))
    try:
        with pytest.raises(StorageError, match="image features"):
            looks_of(replace(prepared, features_dir=tmp_path))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    train, _ = training_sets(prepared, looks_of(replace(prepared, features_dir=tmp_path)))
    assert "features" in train[0].picture


def test_a_file_in_the_folders_place_is_told(prepare_tuning: PrepareTuning, tmp_path: Path) -> None:
    (tmp_path / "features").touch()
    with pytest.raises(StorageError, match="to keep image features"):
        looks_of(replace(prepare_tuning(Recipe(parts=LANGUAGE)), features_dir=tmp_path / "features"))


def test_what_another_run_is_writing_is_left_to_it(prepare_tuning: PrepareTuning, tmp_path: Path) -> None:
    prepared = prepare_tuning(Recipe(parts=LANGUAGE))
    folder = looks_of(replace(prepared, features_dir=tmp_path)).folder
    whole = folder / f"{prepared.train[0].frame_id}.safetensors"
    whole.unlink()
    anothers = whole.with_suffix(".part")
    anothers.write_bytes(b"half")
    looks_of(replace(prepared, features_dir=tmp_path))
    assert (anothers.read_bytes(), whole.is_file()) == (b"half", True)


def test_a_folder_that_is_deleted_in_the_middle_is_told(prepare_tuning: PrepareTuning, tmp_path: Path) -> None:
    prepared = prepare_tuning(Recipe(parts=LANGUAGE))
    train, _ = training_sets(prepared, looks_of(replace(prepared, features_dir=tmp_path)))
    shutil.rmtree(next(tmp_path.iterdir()))
    with pytest.raises(StorageError, match="gone or damaged; run again"):
        train[0]
