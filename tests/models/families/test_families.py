"""One contract for every family: what is learnt, saved, reloaded, generated, scored and merged is the same everywhere.

Each family is a tiny random model of the true class with a processor of the true class, built offline by the file of
its name beside this one. Those whose processor needs torchvision run under ``make test-families``.
"""

import dataclasses
import importlib
import importlib.util
import io
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import AutoConfig, AutoModelForImageTextToText

from tests.models.families.tiny import Tiny
from tests.tuning.conftest import CLASS_NAMES, labelled_frame
from workbench.errors import ModelError
from workbench.models.chat import IGNORED_LABEL, encode, encode_prompts
from workbench.models.family import Family, family_of, family_of_processor, known_families
from workbench.models.instructions import class_instruction, class_text
from workbench.models.loading import load_processor
from workbench.models.merging import load_merged, save_merged
from workbench.models.opinions import form_opinions
from workbench.models.vlm import Vlm, load_vlm
from workbench.recipe import Base, Lora, Part, Recipe, Training
from workbench.tuning.collator import Collator, collate_packed
from workbench.tuning.encoding import FrameEncoder, TrainingItem
from workbench.tuning.examples import Example
from workbench.tuning.feature_cache import FeatureCache
from workbench.tuning.forward import row_losses, shares_image_features
from workbench.tuning.frames import Looks
from workbench.tuning.preflight import check_quantization
from workbench.tuning.targets import find_targets
from workbench.tuning.tuner import (
    Prepared,
    Tuned,
    collate_for,
    loading_arguments,
    looks_of,
    prepare,
    training_sets,
    tune_model,
)

pytestmark = [
    # peft 0.21 reads a property that transformers 5.23 has renamed.
    pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning"),
    # PaliGemma's processor of transformers 5.23 hands tensors of torch 2.13 to numpy 2.
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"),
]

FRAMES = [labelled_frame(index) for index in range(5)]
ONE_STEP = Training(max_steps=1, warmup_steps=0, learning_rate=2e-2, per_device_train_batch_size=3)
QUESTION = class_instruction(CLASS_NAMES)
ANSWERS = [*map(class_text, CLASS_NAMES), "a", "a bay with a truck at the bay"]


@dataclasses.dataclass(frozen=True)
class Run:
    """A family's tiny base, what its preflight found, and the model after one step."""

    family: Family
    tiny: Tiny
    base_dir: Path
    prepared: Prepared
    tuned: Tuned


@pytest.fixture(scope="module", params=[family.model_types[0] for family in known_families()])
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Family, Tiny, Path]:
    family = next(family for family in known_families() if request.param in family.model_types)
    if family.needs_torchvision and importlib.util.find_spec("torchvision") is None:
        pytest.skip(f"the processor of {family.name} needs torchvision: make test-families")
    tiny: Tiny = importlib.import_module(f"tests.models.families.{request.param}").build()
    directory = tmp_path_factory.mktemp(request.param)
    tiny.model.save_pretrained(directory)
    tiny.processor.save_pretrained(directory)
    return family, tiny, directory


def parts_of(family: Family) -> dict[str, Part]:
    """LoRA on the numbered layers of both towers, and the whole projector between them."""
    layers = r"(.*\.)?\d+\..*"
    return {
        "vision_model": Part(path=family.vision_tower, target_modules=layers),
        "connector": Part(path=family.projector, train="full"),
        "text_model": Part(path=family.language_model, target_modules=layers),
    }


@pytest.fixture(scope="module")
def run(built: tuple[Family, Tiny, Path], tmp_path_factory: pytest.TempPathFactory) -> Run:
    family, tiny, base_dir = built
    torch.set_num_threads(1)
    recipe = Recipe(parts=parts_of(family), lora=Lora(r=4), training=ONE_STEP)
    prepared = prepare(recipe, str(base_dir), CLASS_NAMES, FRAMES[:3], FRAMES[3:])
    adapter_dir = tmp_path_factory.mktemp("run") / "adapter"
    tuned = tune_model(prepared, adapter_dir, facts={}, sink=lambda step, metrics: None)
    return Run(family, tiny, base_dir, prepared, tuned)


@pytest.fixture(scope="module")
def images() -> list[Image.Image]:
    """Pictures of three shapes, so that rows differ in tiles, tokens and padding where a family lets them."""
    rng = np.random.default_rng(0)
    sizes_wh = [(64, 36), (36, 64), (40, 40)]
    return [Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8)) for width, height in sizes_wh]


def test_the_family_is_found_by_the_weights_and_by_the_processor(run: Run) -> None:
    assert family_of(AutoConfig.from_pretrained(run.base_dir)) is run.family
    assert family_of_processor(run.prepared.vlm.processor) is run.family
    assert type(run.tuned.vlm.model.get_base_model()) is type(run.tiny.model)


def test_the_answer_and_its_end_are_learnt_alone(run: Run) -> None:
    processor = run.prepared.vlm.processor
    assert run.prepared.preflight.masks
    for mask in run.prepared.preflight.masks:
        learnt = [token.token for token in mask.tokens if token.learnt]
        assert learnt[-1] == run.tiny.end
        assert processor.tokenizer.convert_ids_to_tokens(run.tiny.model.config.image_token_id) not in learnt


def test_generation_starts_from_the_very_tokens_that_training_did_not_learn(
    run: Run, images: list[Image.Image]
) -> None:
    vlm = run.prepared.vlm
    batch = encode(vlm.processor, vlm.contract, images, [QUESTION, "Who?", "Why?"], ["truck waiting", "nobody", "so"])
    prompts = encode_prompts(vlm.processor, vlm.contract, images, [QUESTION, "Who?", "Why?"])
    for row in range(3):
        learnt = int((batch["labels"][row] != IGNORED_LABEL).nonzero()[0])
        prompt = prompts["input_ids"][row][prompts["attention_mask"][row] == 1]
        assert prompt.tolist() == batch["input_ids"][row, :learnt].tolist()
        assert run.tiny.model.config.image_token_id in prompt.tolist()
    watching = dataclasses.replace(vlm.contract, system_prompt="You watch a gate.")
    asked = encode_prompts(vlm.processor, watching, images[:1], ["Who?"])["input_ids"][0]
    assert re.search(r"You watch a gate\.[\s\S]*Who\?", vlm.processor.tokenizer.decode(asked))
    beginning = vlm.processor.tokenizer.bos_token_id
    assert beginning is None or (prompts["input_ids"] == beginning).sum(dim=1).tolist() == [1, 1, 1]


def test_every_default_part_is_trained(run: Run) -> None:
    assert {audit.part: audit.trainable > 0 for audit in run.prepared.preflight.parts} == {
        "vision_model": True,
        "connector": True,
        "text_model": True,
    }


def test_the_saved_adapter_answers_as_the_tuned_model_does(run: Run, images: list[Image.Image]) -> None:
    expected, reloaded = _scores(run.tuned.vlm, images), load_vlm(run.base_dir, adapter=run.tuned.adapter_dir)
    torch.testing.assert_close(_scores(reloaded, images), expected, atol=1e-3, rtol=0)
    assert not torch.allclose(_scores(load_vlm(run.base_dir), images), expected, atol=1e-1)


def test_captions_are_the_same_alone_and_in_a_batch(run: Run, images: list[Image.Image]) -> None:
    vlm = run.tuned.vlm
    questions = ["Describe this camera image in one sentence.", "Who?", QUESTION]
    together = vlm.answer(images, questions, max_new_tokens=6)
    alone = [vlm.answer([image], [asked], max_new_tokens=6)[0] for image, asked in zip(images, questions, strict=True)]
    assert together == alone
    opinions = form_opinions(vlm, images, CLASS_NAMES, captions=True)
    assert [one.caption for one in opinions] == vlm.generate_captions(images)
    expected = vlm.class_probabilities(images, CLASS_NAMES)
    np.testing.assert_allclose([one.probabilities for one in opinions], expected, rtol=1e-3)


def test_class_probabilities_equal_one_full_forward_per_class(run: Run, images: list[Image.Image]) -> None:
    vlm = run.tuned.vlm
    scores = _scores(vlm, images)
    alone = torch.stack([_scored_alone(vlm, image) for image in images])
    torch.testing.assert_close(scores, alone, atol=1e-3, rtol=0)
    assert (scores[0] - scores[1]).abs().max() > 1e-2
    probabilities, embeddings = vlm.look(images, CLASS_NAMES)
    np.testing.assert_allclose(probabilities, vlm.class_probabilities(images, CLASS_NAMES), rtol=1e-4)
    assert np.isfinite(embeddings).all()
    assert len(embeddings) == 3


def test_merged_weights_answer_as_the_adapter_does(run: Run, images: list[Image.Image], tmp_path: Path) -> None:
    expected = _scores(run.tuned.vlm, images)
    merged = load_merged(run.base_dir, adapter=run.tuned.adapter_dir)
    reloaded = load_vlm(save_merged(merged, tmp_path / "merged"))
    for vlm in (merged, reloaded):
        torch.testing.assert_close(_scores(vlm, images), expected, atol=2e-3, rtol=0)
    assert reloaded.answer(images, [QUESTION] * 3, max_new_tokens=5) == merged.answer(
        images, [QUESTION] * 3, max_new_tokens=5
    )
    assert reloaded.contract == merged.contract


def test_four_bits_hold_the_language_model_alone(run: Run, images: list[Image.Image]) -> None:
    held = load_vlm(run.base_dir, dtype="bfloat16", quantization="nf4")
    check_quantization(held.model, Recipe(base=Base(quantization="nf4")))
    quantised = {name for name, module in held.model.named_modules() if type(module).__name__ == "Linear4bit"}
    assert quantised
    assert all(run.family.holds_language(name) for name in quantised)
    assert held.class_probabilities(images[:1], CLASS_NAMES).sum() == pytest.approx(1)


def test_the_pixel_budget_is_kept_or_refused(run: Run, images: list[Image.Image]) -> None:
    longest_edge = {"Qwen2.5-VL": 32 * 32, "Qwen3-VL": 32 * 32}.get(run.family.name, 28)
    if run.family.budget is None:
        with pytest.raises(ModelError, match="sees every picture at one size"):
            loading_arguments(Base(longest_edge=longest_edge), str(run.base_dir))
        return
    limited = load_vlm(**loading_arguments(Base(longest_edge=longest_edge), str(run.base_dir)))
    full, fewer = (
        encode_prompts(vlm.processor, vlm.contract, images[:1], ["Who?"]) for vlm in (load_vlm(run.base_dir), limited)
    )
    image_token = run.tiny.model.config.image_token_id
    assert 0 < (fewer["input_ids"] == image_token).sum() < (full["input_ids"] == image_token).sum()


@pytest.mark.parametrize("family", known_families(), ids=lambda family: family.name)
def test_the_paths_hold_every_layer_of_a_model_of_true_size(family: Family) -> None:
    config = AutoConfig.for_model(family.model_types[0])
    with torch.device("meta"):
        model = AutoModelForImageTextToText.from_config(config)
    targets = find_targets(model, parts_of(family))
    for part, depth in (("vision_model", config.vision_config), ("text_model", config.text_config)):
        layers = [re.search(r"\.(?:layers?|blocks)\.(\d+)\.", path) for path in targets.lora[part]]
        assert None not in layers, [path for path in targets.lora[part] if not re.search(r"\.\d+\.", path)]
        assert {int(layer[1]) for layer in layers if layer} == set(range(depth.num_hidden_layers))
    modules = dict(model.named_modules())
    assert all(path in modules for path in family.unquantised)
    assert not any(family.holds_language(path) for path in family.unquantised)


def test_questions_about_one_picture_cost_what_each_would_alone(run: Run, images: list[Image.Image]) -> None:
    vlm = run.tuned.vlm
    if not shares_image_features(vlm.model):
        return
    examples = (Example("caption", "Who?", "nobody", 1.0), Example("class_choice", QUESTION, ANSWERS[1], 1.0))
    items = [TrainingItem(image, examples) for image in images]
    encoder, model = FrameEncoder(vlm.processor, vlm.contract), vlm.model.get_base_model()
    with torch.inference_mode():
        together = row_losses(model, collate_packed([encoder.encode(item) for item in items]))
        apart = row_losses(model, Collator(vlm.processor, vlm.contract)(items))
    torch.testing.assert_close(together, apart, atol=1e-4, rtol=0)


def test_features_that_were_kept_cost_what_the_pictures_do(
    built: tuple[Family, Tiny, Path], images: list[Image.Image], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    family, _, base_dir = built
    frames = [dataclasses.replace(frame, image_jpeg=jpeg(image)) for frame, image in zip(FRAMES, images, strict=False)]
    recipe = Recipe(parts={"text_model": parts_of(family)["text_model"]}, training=ONE_STEP)
    prepared = prepare(recipe, str(base_dir), CLASS_NAMES, frames, [], features_dir=tmp_path)
    kept, model = looks_of(prepared), prepared.model.get_base_model()
    assert isinstance(kept, FeatureCache)

    def losses(looks: Looks) -> torch.Tensor:
        train, _ = training_sets(prepared, looks)
        with torch.no_grad():
            return row_losses(model, collate_for(prepared.vlm)([train[place] for place in range(3)]))

    from_pixels = losses(prepared.pixels)
    monkeypatch.setattr(type(model.model), "get_image_features", None)
    torch.testing.assert_close(losses(kept), from_pixels, atol=1e-5, rtol=0)


@pytest.mark.skipif(importlib.util.find_spec("torchvision") is not None, reason="torchvision is installed")
def test_a_processor_without_its_library_is_told_in_one_sentence(tmp_path: Path) -> None:
    AutoConfig.for_model("qwen3_vl").save_pretrained(tmp_path)
    with pytest.raises(ModelError, match="torchvision, which the processor of Qwen3-VL needs"):
        load_processor(tmp_path)


def test_another_architecture_is_refused_with_the_names_of_the_known_ones() -> None:
    with pytest.raises(ModelError, match=r"Gemma 3.*Qwen3-VL.*found git"):
        family_of(AutoConfig.for_model("git"))


def jpeg(image: Image.Image) -> bytes:
    content = io.BytesIO()
    image.save(content, "JPEG")
    return content.getvalue()


def _scores(vlm: Vlm, images: list[Image.Image]) -> torch.Tensor:
    return vlm.choice_log_likelihoods(images, QUESTION, ANSWERS, batch_size=2)


def _scored_alone(vlm: Vlm, image: Image.Image) -> torch.Tensor:
    """Return the log-likelihood of each answer, from one whole forward pass each without a cache or padding."""
    likelihoods = []
    for answer in ANSWERS:
        batch = encode(vlm.processor, vlm.contract, [image], [QUESTION], [answer])
        labels = batch.pop("labels")[:, 1:]
        with torch.inference_mode():
            logits = vlm.model(**batch).logits.double().log_softmax(dim=-1)[:, :-1]
        chosen = logits.gather(2, labels.clamp(min=0)[..., None]).squeeze(2)
        likelihoods.append(chosen[labels != IGNORED_LABEL].sum())
    return torch.stack(likelihoods)
