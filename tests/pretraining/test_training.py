"""A few steps: the loss falls, equal seeds give equal weights, and a stopped run goes on as if it had not stopped."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from PIL import Image
from transformers import AutoModelForImageTextToText, AutoProcessor

from workbench.models.chat import IGNORED_LABEL, ChatContract, encode
from workbench.models.packing import PackedImage, pack
from workbench.pretraining.architecture import VlmShape, new_processor, new_vlm
from workbench.pretraining.checkpoint import Done, load_checkpoint
from workbench.pretraining.optimisation import learning_rate_share
from workbench.pretraining.questions import QuestionEncoder
from workbench.pretraining.scene_cache import (
    CachedMark,
    CachedQuestion,
    SceneCache,
    load_cache,
    render_cache,
    step_scenes,
    to_pixels,
)
from workbench.pretraining.tokenizer import train_tokenizer
from workbench.pretraining.vlm_training import VlmTraining, packed_loss, train_vlm

SHAPE = VlmShape(
    image_px=32,
    patch_px=8,
    vision_width=32,
    vision_layers=1,
    vision_heads=2,
    text_width=64,
    text_layers=1,
    text_heads=2,
)
COLOURS = {"red": (200, 30, 30), "green": (30, 200, 30), "blue": (30, 30, 200)}


def render_colour(seed: int) -> SimpleNamespace:
    """A scene that is all of one colour, and two questions about it."""
    name = sorted(COLOURS)[seed % 3]
    asked = CachedQuestion("class", "Which class fits this image? Choose one: blue, green, red.", name, ("blue", name))
    said = CachedQuestion("caption", "Describe this camera image in one sentence.", f"All is {name}.", ())
    image = Image.new("RGB", (64, 36), COLOURS[name])
    marks = (CachedMark(0.5, 0.5, (name,)),)
    return SimpleNamespace(image=image, caption=said.answer, questions=(said, asked), marks=marks)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> SceneCache:
    directory = tmp_path_factory.mktemp("scenes")
    return render_cache(render_colour, directory, scenes=60, first_seed=0, image_px=32, processes=1)


def _train(cache: SceneCache, training: VlmTraining, checkpoint: Path | None = None, steps: int | None = None):
    """Train a new model and return it with its processor and the losses reported."""
    texts = [text for asked in cache.questions for each in asked for text in (each.instruction, f" {each.answer}")]
    tokenizer = train_tokenizer(texts)
    model, processor = new_vlm(SHAPE, tokenizer, seed=training.seed), new_processor(SHAPE, tokenizer)
    losses: list[float] = []
    train_vlm(
        model, processor, cache, training, checkpoint=checkpoint, report=lambda report: losses.append(report.loss)
    )
    return model, processor, losses


def test_loss_falls_and_the_model_loads_like_one_of_the_hub(cache: SceneCache, tmp_path: Path) -> None:
    model, processor, losses = _train(cache, VlmTraining(steps=100, scenes_per_step=8, learning_rate=3e-3))
    assert losses[-1] < losses[0] / 3
    model.save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    loaded = AutoModelForImageTextToText.from_pretrained(tmp_path)
    assert type(loaded).__name__ == "Idefics3ForConditionalGeneration"
    assert AutoProcessor.from_pretrained(tmp_path, backend="pil").image_seq_len == SHAPE.image_tokens
    for name, weight in model.state_dict().items():
        assert torch.equal(weight, loaded.state_dict()[name]), name


def test_same_seed_same_weights_and_a_resumed_run_equals_a_whole_one(cache: SceneCache, tmp_path: Path) -> None:
    training = VlmTraining(steps=6, scenes_per_step=4, checkpoint_steps=2, seed=5)
    whole, _, _ = _train(cache, training)
    checkpoint = tmp_path / "vlm.pt"

    class StoppedError(Exception):
        pass

    def kill(step: int) -> None:
        if step == 4:
            raise StoppedError

    tokens = [text for asked in cache.questions for each in asked for text in (each.instruction, f" {each.answer}")]
    tokenizer = train_tokenizer(tokens)
    model, processor = new_vlm(SHAPE, tokenizer, seed=5), new_processor(SHAPE, tokenizer)
    with pytest.raises(StoppedError):
        train_vlm(model, processor, cache, training, checkpoint=checkpoint, saved=kill)
    resumed, _, _ = _train(cache, training, checkpoint)
    other_seed, _, _ = _train(cache, VlmTraining(steps=6, scenes_per_step=4, seed=6))
    for name, weight in whole.state_dict().items():
        assert torch.equal(weight, resumed.state_dict()[name]), name
    assert not torch.equal(whole.lm_head.weight, other_seed.lm_head.weight)


def test_packed_questions_cost_what_separate_conversations_do(cache: SceneCache) -> None:
    model, processor, _ = _train(cache, VlmTraining(steps=1, scenes_per_step=2))
    model.float().eval()
    contract = ChatContract.of(processor)
    encoder = QuestionEncoder(processor, contract)
    asked_about = [[encoder.encode(asked) for asked in cache.questions[place]] for place in (0, 1)]
    batch = pack([PackedImage(encoder.prefix, questions) for questions in asked_about])
    with torch.inference_mode(), torch.autocast("cpu", enabled=False):
        packed = packed_loss(model, to_pixels(cache.pixels([0, 1])), batch)[0].item()
        weighted = weights = 0.0
        for place in (0, 1):
            image = Image.fromarray(cache.pixels([place])[0])
            for asked in cache.questions[place]:
                losses = _separate_losses(model, processor, contract, image, asked)
                weighted += float(losses.sum()) * len(losses) ** -0.5
                weights += len(losses) ** 0.5
    assert packed == pytest.approx(weighted / weights, rel=0.02)  # the packed one is computed in bfloat16


def test_stopped_rendering_keeps_whole_parts_and_goes_on(tmp_path: Path) -> None:
    rendered: list[int] = []

    def render(seed: int) -> SimpleNamespace:
        rendered.append(seed)
        return render_colour(seed)

    first = render_cache(render, tmp_path, scenes=3, first_seed=7, image_px=8, processes=1)
    count = len(rendered)
    again = render_cache(render, tmp_path, scenes=3, first_seed=7, image_px=8, processes=1)
    assert len(rendered) == count
    assert first.captions == again.captions == load_cache(tmp_path, limit=3).captions
    assert first.pixels([2]).shape == (1, 8, 8, 3)


def test_every_scene_is_seen_once_an_epoch() -> None:
    drawn = [scene for step in range(5) for scene in step_scenes(10, 4, seed=0, step=step)]
    assert sorted(drawn[:10]) == sorted(drawn[10:20]) == list(range(10))
    assert drawn[:10] != drawn[10:20]


def test_learning_rate_rises_stays_and_falls_to_zero() -> None:
    shares = [learning_rate_share(step, 2000) for step in range(2000)]
    assert shares[0] < 0.01
    assert shares[200:1300] == [1.0] * 1100
    assert shares[-1] < 0.01
    assert learning_rate_share(500, 2000) == learning_rate_share(500, 4000)


def test_no_checkpoint_is_a_start_from_nothing(tmp_path: Path) -> None:
    model = torch.nn.Linear(2, 2)
    assert load_checkpoint(tmp_path / "none.pt", model, [torch.optim.AdamW(model.parameters())]) == Done()


def _separate_losses(model, processor, contract, image, asked) -> torch.Tensor:
    batch = encode(processor, contract, [image], [asked.instruction], [asked.answer])
    labels = batch.pop("labels")[:, 1:]
    logits = model(**batch).logits[:, :-1].log_softmax(dim=-1)
    kept = labels != IGNORED_LABEL
    return -logits.gather(2, labels.clamp(min=0)[..., None]).squeeze(2)[kept]
