"""A dual encoder is tuned on what a recipe says, proved before and after, and goes on from its checkpoints."""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from peft import PeftModel

from tests.dual_encoders import TEXT_TOKENS, WIDTH, save_clip, save_siglip
from tests.tuning.conftest import CAPTIONS, CLASS_NAMES, labelled_frame
from workbench.domain import LabelledFrame
from workbench.errors import DatasetError, ModelError, PreflightError, RecipeError
from workbench.models.dual_encoder import load_dual_encoder
from workbench.models.instructions import class_text
from workbench.recipe_file import explain_recipe, load_any_recipe, load_recipe, load_search_recipe
from workbench.search_recipe import SearchRecipe
from workbench.tuning import search_estimate
from workbench.tuning.loop import Checkpoints
from workbench.tuning.pair_loop import MOST_LOGIT_SCALE
from workbench.tuning.pairs import collate_pairs
from workbench.tuning.search_tuner import PreparedSearch, TunedSearch, prepare_search, tune_dual_encoder

RECIPE = Path(__file__).parents[2] / "recipes" / "search.yaml"
QUICK = (
    "training.max_steps=4",
    "training.per_device_train_batch_size=4",
    "training.eval_steps=2",
    "training.save_steps=2",
    "training.bf16=false",
    "data.augmentation={}",
    "lora.r=2",
)
SIGLIP = (
    "parts={image_tower: {path: vision_model, target_modules: 'encoder.*'}, text_tower: {path: text_model}}",
    "loss.kind=siglip",
)
Prepare = Callable[..., PreparedSearch]


@pytest.fixture(scope="module")
def clip_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_clip(tmp_path_factory.mktemp("clip"), *CAPTIONS, *map(class_text, CLASS_NAMES))


@pytest.fixture(scope="module")
def siglip_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_siglip(tmp_path_factory.mktemp("siglip"), *CAPTIONS, *map(class_text, CLASS_NAMES))


@pytest.fixture
def prepare(clip_dir: Path, frames: list[LabelledFrame]) -> Prepare:
    def prepared(
        *overrides: str, source: Path = clip_dir, train: int = 6, validation: int = 2, numbered: bool = False
    ) -> PreparedSearch:
        recipe = load_search_recipe(RECIPE, [*QUICK, *overrides])
        held_out = frames[len(frames) - validation :] if validation else []
        learnt = [number(frame, place) if numbered else frame for place, frame in enumerate(frames[:train])]
        return prepare_search(recipe, str(source), CLASS_NAMES, learnt, held_out)

    return prepared


@pytest.fixture(params=["clip", "siglip"])
def prepare_kind(request: pytest.FixtureRequest, prepare: Prepare, siglip_dir: Path) -> Prepare:
    return prepare if request.param == "clip" else partial(prepare, *SIGLIP, source=siglip_dir)


def tuned(prepared: PreparedSearch, directory: Path, **more: object) -> TunedSearch:
    return tune_dual_encoder(prepared, directory, facts={}, sink=lambda step, metrics: None, **more)


def number(frame: LabelledFrame, place: int) -> LabelledFrame:
    """Give the frame a caption that no other has."""
    return replace(frame, caption=f"{frame.caption} Number {place}.")


def first_batch(prepared: PreparedSearch, size: int = 4) -> dict[str, torch.Tensor]:
    return collate_pairs([prepared.draws[place] for place in range(size)])


def test_what_is_tuned_is_saved_and_loads_to_the_same(
    prepare_kind: Prepare, frames: list[LabelledFrame], tmp_path: Path
) -> None:
    prepared = prepare_kind()
    result = tuned(prepared, tmp_path / "adapter")
    assert {part.part: part.trainable > 0 for part in prepared.preflight.parts} == dict.fromkeys(
        [part.part for part in prepared.preflight.parts], True
    )
    assert (result.steps, result.best_step in (2, 4)) == (4, True)
    reloaded = load_dual_encoder(prepared.loading["path"], adapter=tmp_path / "adapter")
    assert reloaded.version.startswith(f"{prepared.preflight.base_version}+adapter@")
    np.testing.assert_allclose(reloaded.embed_texts(CAPTIONS), prepared.encoder.embed_texts(CAPTIONS), atol=1e-5)
    for name, value in result.contract.temperature:
        assert float(getattr(reloaded.core, name).detach().squeeze()) == pytest.approx(value)


def test_captions_are_learnt(prepare_kind: Prepare, tmp_path: Path) -> None:
    prepared = prepare_kind("training.max_steps=30", "training.learning_rate=1e-2", validation=0)
    before = prepared.objective.loss(first_batch(prepared)).item()
    result = tuned(prepared, tmp_path / "adapter")
    assert result.best_step is None
    assert result.final_loss < 0.7 * before


def test_texts_of_siglip_are_padded_to_its_length_and_not_masked(siglip_dir: Path) -> None:
    encoder = load_dual_encoder(siglip_dir)
    tokens = encoder.tokens(["free", "a much longer text than the other one"])
    assert {name: ids.shape for name, ids in tokens.items()} == {"input_ids": (2, TEXT_TOKENS)}
    assert encoder.embed_texts(["free"]).shape == (1, WIDTH)
    assert encoder.embed_classes(CLASS_NAMES).shape == (2, WIDTH)


def test_a_model_that_is_no_dual_encoder_is_refused(base_dir: Path) -> None:
    with pytest.raises(ModelError, match="a CLIP model or a SigLIP model"):
        load_dual_encoder(base_dir)


def test_the_sigmoid_loss_needs_a_bias(prepare: Prepare) -> None:
    with pytest.raises(PreflightError, match="logit_bias, such as SigLIP"):
        prepare("loss.kind=siglip")


@pytest.mark.parametrize(
    ("override", "found"),
    [
        ("parts.image_tower.path=vision", "with text_model, vision_model"),
        ("parts.image_tower.target_modules=nothing", "matches 'nothing'"),
        ("parts.image_projection.path=text_projection", "in its parts"),
    ],
)
def test_a_recipe_that_would_train_something_else_is_refused(prepare: Prepare, override: str, found: str) -> None:
    with pytest.raises(PreflightError, match=found):
        prepare(override)


def test_an_adapter_that_no_gradient_reaches_is_refused(prepare: Prepare, siglip_dir: Path) -> None:
    """SigLIP's pooling head has a linear layer of which torch reads the weight alone, so that no adapter on it runs."""
    with pytest.raises(PreflightError, match=r"none for 1, such as vision_model\.head\.attention\.out_proj"):
        prepare(SIGLIP[0].replace("'encoder.*'", "'.*'"), SIGLIP[1], source=siglip_dir)


def test_steps_are_tried_before_the_run_and_leave_nothing_behind(prepare: Prepare) -> None:
    prepared = prepare("training.per_device_train_batch_size=6")
    cost = prepared.preflight.estimate
    assert cost.total_s == prepared.preflight.steps * cost.step_s > 0
    assert 0 < cost.memory_mib < cost.available_mib
    assert cost.device == "cpu"
    assert all(weight.grad is None for weight in prepared.model.parameters())


def test_what_does_not_fit_is_refused_with_what_to_change(prepare: Prepare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_estimate, "available_mib", lambda device: 64.0)
    with pytest.raises(PreflightError, match=r"GiB of memory for steps of 6 frames, but found 0\.1 GiB; leave a tower"):
        prepare("training.per_device_train_batch_size=6")


def test_the_largest_batch_that_was_tried_and_fits_is_told(prepare: Prepare, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a step takes is set, as that of a tiny model is lost among the process's pages: 100 MiB and 10 a frame."""
    tried: list[int] = []

    def peak(device: torch.device, step: Callable[[], None]) -> float:
        assert isinstance(step, partial)
        (count,) = step.args
        tried.append(count)
        return 1000 + 100 + 10.0 * count

    monkeypatch.setattr(search_estimate, "used_mib", lambda device: 1000.0)
    monkeypatch.setattr(search_estimate, "trainable", lambda model: 0)
    monkeypatch.setattr(search_estimate, "peak_mib", peak)
    monkeypatch.setattr(search_estimate, "available_mib", lambda device: 1350.0)
    with pytest.raises(PreflightError, match=r"steps of 64 frames.*set training\.per_device_train_batch_size to 8\.$"):
        prepare("training.per_device_train_batch_size=64")
    assert tried == [2, 4, 8]


def test_frozen_towers_look_once(prepare: Prepare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepared = prepare("parts.image_tower.train=frozen", "parts.text_tower.train=frozen")
    assert prepared.preflight.towers_seen_once == ("image_tower", "text_tower")
    assert first_batch(prepared)["picture"].ndim == 2
    monkeypatch.setattr(prepared.encoder.core.vision_model, "forward", None)
    loss = prepared.objective.loss(first_batch(prepared))
    monkeypatch.undo()
    pixels = replace(prepared.draws, looks=replace(prepared.draws.looks, seen=None))
    seen_again = prepared.objective.loss(collate_pairs([pixels[place] for place in range(4)]))
    torch.testing.assert_close(loss, seen_again)
    tuned(prepared, tmp_path / "adapter")


def test_a_frozen_tower_looks_again_where_frames_vary_anew(prepare: Prepare) -> None:
    varying = ("parts.image_tower.train=frozen", "data.augmentation.brightness=0.2")
    assert prepare(*varying).preflight.towers_seen_once == ()
    assert prepare(*varying, "data.augmentation.views=2").preflight.towers_seen_once == ("image_tower",)


def test_near_copies_with_other_captions_are_not_told_apart(
    prepare: Prepare, clip_dir: Path, frames: list[LabelledFrame]
) -> None:
    captions_alone = "data.tasks.class_choice=0"
    alike = prepare(captions_alone, "loss.same_view_distance=2", numbered=True, validation=0)
    apart = prepare(captions_alone, "loss.same_view_distance=0", numbered=True, validation=0)
    assert alike.preflight.captions == 6
    assert alike.preflight.near_copies == 6  # three pairs in each of two classes: other classes are told apart
    assert apart.preflight.near_copies == 0
    assert alike.objective.loss(first_batch(alike)) < apart.objective.loss(first_batch(apart))
    clips = [replace(number(frame, place), clip_id=str(place)) for place, frame in enumerate(frames[:6])]
    assert prepare_search(alike.recipe, str(clip_dir), CLASS_NAMES, clips, []).preflight.near_copies == 0


@pytest.mark.parametrize("kind", ["clip_dir", "siglip_dir"])
def test_what_is_too_long_to_be_read_whole_is_told(
    prepare: Prepare, kind: str, frames: list[LabelledFrame], request: pytest.FixtureRequest
) -> None:
    source = request.getfixturevalue(kind)
    options = SIGLIP if kind == "siglip_dir" else ()
    recipe = load_search_recipe(RECIPE, [*QUICK, *options])
    wordy = [replace(frames[0], caption="The bay is clear. " * TEXT_TOKENS), *frames[1:6]]
    assert prepare(*options, source=source).preflight.captions_cut == 0
    assert prepare_search(recipe, str(source), CLASS_NAMES, wordy, []).preflight.captions_cut == 1
    with pytest.raises(PreflightError, match=rf"class prompts of at most {TEXT_TOKENS} tokens, .* found 2 longer ones"):
        prepare(*options, f"data.class_prompts=['{'bay ' * TEXT_TOKENS}{{}}']", source=source)


def test_the_temperature_is_held_at_a_hundred(prepare: Prepare, tmp_path: Path) -> None:
    prepared = prepare("training.learning_rate=1e-2")
    prepared.encoder.core.logit_scale.data.fill_(MOST_LOGIT_SCALE + 1)
    assert dict(tuned(prepared, tmp_path / "adapter").contract.temperature)["logit_scale"] <= MOST_LOGIT_SCALE + 1e-6
    fixed = prepare("loss.learn_temperature=false")
    assert fixed.preflight.parts[-1].trainable == 0
    before = fixed.contract.temperature
    assert tuned(fixed, tmp_path / "fixed").contract.temperature == before


def test_a_killed_run_goes_on_to_the_same_weights(prepare: Prepare, tmp_path: Path) -> None:
    whole = tuned(prepare("data.augmentation.brightness=0.3"), tmp_path / "whole")
    where = partial(Checkpoints, tmp_path / "checkpoints", identity={"recipe": "one"})

    def die(step: int, metrics: object) -> None:
        if step > 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tune_dual_encoder(
            prepare("data.augmentation.brightness=0.3"),
            tmp_path / "broken",
            facts={},
            sink=die,
            checkpoints=where(resume=False),
        )
    assert not (tmp_path / "broken").exists()
    told: list[str] = []
    resumed = tuned(
        prepare("data.augmentation.brightness=0.3"),
        tmp_path / "resumed",
        checkpoints=where(resume=True),
        warn=told.append,
    )
    assert "goes on after step 2" in told[0]
    assert isinstance(whole.encoder.model, PeftModel)
    for name, weight in whole.encoder.model.state_dict().items():
        torch.testing.assert_close(resumed.encoder.model.state_dict()[name], weight, rtol=0, atol=0)
    assert resumed.contract == whole.contract


def test_an_adapter_of_another_base_is_refused(
    prepare: Prepare, tmp_path: Path, clip_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    adapter = tuned(prepare(), tmp_path / "adapter").adapter_dir
    other = save_clip(tmp_path_factory.mktemp("other"), *CAPTIONS, *map(class_text, CLASS_NAMES), seed=1)
    with pytest.raises(ModelError, match="the base model that the adapter"):
        load_dual_encoder(other, adapter=adapter)
    contract = adapter / "search_contract.json"
    contract.write_text(contract.read_text().replace('"{}"', '"a {}"'))
    with pytest.raises(ModelError, match="the contract with the digest"):
        load_dual_encoder(clip_dir, adapter=adapter)
    contract.unlink()
    with pytest.raises(ModelError, match="an adapter of a dual encoder"):
        load_dual_encoder(clip_dir, adapter=adapter)


@pytest.mark.parametrize(
    ("overrides", "count", "found"),
    [((), 1, "at least two captions"), (("data.tasks.caption=0",), 1, "at least two classes")],
)
def test_frames_with_nothing_to_tell_apart_are_refused(
    prepare: Prepare, overrides: tuple[str, ...], count: int, found: str
) -> None:
    with pytest.raises(DatasetError, match=found):
        prepare(*overrides, train=count, validation=0)


def test_a_run_that_cannot_go_as_planned_is_refused(prepare: Prepare, clip_dir: Path) -> None:
    with pytest.raises(PreflightError, match="a warm-up of fewer steps than the 4 of the run, but found"):
        prepare("training.warmup_steps=4")
    with pytest.raises(PreflightError, match="5,000,000 times at most"):
        prepare("training.max_steps=100000000")
    with pytest.raises(RecipeError, match=f"but found the folder {clip_dir}"):
        prepare(f"base.model={clip_dir}", "base.revision=main")


def test_what_a_run_will_not_do_is_told_before_it(prepare: Prepare) -> None:
    left, patience = prepare("parts.image_tower.train=full", "training.early_stopping_patience=1").preflight.notes
    assert left == "parts.image_tower.target_modules has no effect, as the part is full."
    assert patience.startswith("training.early_stopping_patience has no effect")
    (alone,) = prepare(validation=0).preflight.notes
    assert alone.startswith("There is no validation split")


def test_an_empty_caption_is_refused(clip_dir: Path) -> None:
    frames = [replace(labelled_frame(0), caption=" "), labelled_frame(1)]
    with pytest.raises(DatasetError, match="words as the caption of frame"):
        prepare_search(SearchRecipe(), str(clip_dir), CLASS_NAMES, frames, [])


def test_a_recipe_of_search_tells_all_its_problems(tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(
        "task: search\nloss: {kinds: clip, same_class_negatives: 2}\n"
        "training: {per_device_train_batch_size: 1, focal_gamma: 2}\ndata: {class_prompts: ['a view']}\n"
    )
    with pytest.raises(RecipeError) as caught:
        load_any_recipe(path)
    told = str(caught.value)
    assert "5 problems" in told
    assert "loss.kinds is not a key (did you mean loss.kind?)" in told
    assert "training.focal_gamma is not a key" in told
    assert "each must hold {} once" in told


def test_recipes_of_either_kind_are_told_apart(tmp_path: Path) -> None:
    recipe = load_any_recipe(RECIPE)
    assert isinstance(recipe, SearchRecipe)
    assert recipe.data.class_prompts == ("{}",)
    with pytest.raises(RecipeError, match="of the answering model"):
        load_recipe(RECIPE)
    with pytest.raises(RecipeError, match="of a dual encoder"):
        load_search_recipe(RECIPE.with_name("demo.yaml"))
    (tmp_path / "resolved.yaml").write_text(recipe.to_yaml())
    assert load_search_recipe(tmp_path / "resolved.yaml") == recipe
    assert json.loads(json.dumps(recipe.resolved()))["task"] == "search"
    assert {value.key: value.origin for value in explain_recipe(RECIPE)}["loss.kind"] == "file"
