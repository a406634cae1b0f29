"""How fast the workbench tunes, beside TRL's ``SFTTrainer`` on the same model, data, LoRA, batches and seed.

    pip install -e '.[benchmarks]'
    python benchmarks/tuning.py                 # frozen vision tower, then a tuned one; both trainers in turn
    python benchmarks/tuning.py --frames 48 --epochs 3 --rounds 1
    python benchmarks/tuning.py --shape smolvlm-500m --bf16              # random weights of a published shape
    python benchmarks/tuning.py --shape qwen2.5-vl-3b --nf4 --bf16 --frames-per-step 1
    python benchmarks/tuning.py --shape qwen2.5-vl-3b --nf4 --bf16 --frames-per-step 1 --frames 4 --epochs 1 --tensors

The data are labelled stills of the demo site, each with its caption and its class question: a sample is one question
with its answer. Both trainers see the same samples in the same order. Each runs in a process of its own with the same
allocator settings; the clock runs from the base model in memory to the last step, everything that a trainer prepares
included (the workbench's look at every frame, TRL's preparation of the data set). Held-out loss and accuracy are then
measured by one and the same code. TRL trains peft's own layers on the model as transformers loads it.

What differs in the mathematics: TRL's loss is the mean over all answer tokens of a batch, the workbench's the mean over
its samples, so that long captions do not drown short class names. A third run, ``workbench, by token``, therefore
weighs every sample by its tokens, which is TRL's mean: it starts from the same adapters, and its losses must be TRL's.

Tokens are those of the samples as conversations of their own, each with its picture. Model FLOPs are those that they
cost a trainer which leaves nothing out: two for each weight and place forwards, and two back where something below is
trained (attention's scores are not counted). Utilisation compares them with a large matrix product on the same device.
On a GPU memory is that of its tensors; on the CPU it is the process's, or with ``--tensors`` that of the tensors alone.
"""

import argparse
import io
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from workbench.domain import LabelledFrame
from workbench.recipe import Base, Lora, Part, Recipe, Training
from workbench.settings import embedded_path, quiet_environment

CASES = ("frozen", "tuned")
AS_TRL = "workbench, by token"
TRAINERS = ("workbench", AS_TRL, "trl")
LAST_STEPS = 10
HELD_OUT = 64
FRAME_PX = (640, 360)  # of published shapes, whose pictures the demo's would be small for
COLUMNS = (
    "vision tower",
    "trainer",
    "samples/s",
    "per CPU s",
    "tokens/s",
    "utilisation",
    "peak MiB",
    "last loss",
    "held-out loss",
    "class accuracy",
)
TARGETS = {"frozen": 3.0, "tuned": 1.2}
SHAPES = ("smolvlm-500m", "qwen2.5-vl-3b")
VISION_MATRICES = {
    "Idefics3": r"encoder\.layers\.\d+\.(self_attn\.(q|k|v|out)_proj|mlp\.fc[12])",
    "Qwen2.5-VL": r"\d+\.(attn\.(qkv|proj)|mlp\.(gate|up|down)_proj)",
}
PATCHES_PER_TOKEN: Mapping[str, Callable[[Any], int]] = {
    "Idefics3": lambda config: int(config.scale_factor**2),
    "Qwen2.5-VL": lambda config: int(config.vision_config.spatial_merge_size**2),
}


@dataclass(frozen=True)
class Result:
    """One run: ``loss`` and ``class_accuracy`` are of held-out frames, ``last_loss`` is of the last ten steps.

    ``peak_mib`` is of the device, ``peak_flops`` what its largest products reach in a second.
    """

    trainer: str
    case: str
    seconds: float
    cpu_seconds: float
    samples: int
    tokens: int
    flops: float
    peak_flops: float
    peak_mib: float
    last_loss: float
    loss: float
    class_accuracy: float

    @property
    def samples_per_s(self) -> float:
        return self.samples / self.seconds

    @property
    def samples_per_cpu_s(self) -> float:
        """Of the time of all cores, which other work on the machine hardly lengthens."""
        return self.samples / self.cpu_seconds

    @property
    def utilisation(self) -> float:
        return self.flops / self.seconds / self.peak_flops


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", choices=CASES, action="append", help="vision tower frozen or tuned (both)")
    parser.add_argument("--frames", type=int, default=96)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument(
        "--rounds", type=int, default=2, help="runs of each trainer, in turn, each with a seed of its own"
    )
    parser.add_argument("--bf16", action="store_true", help="calculate in bfloat16")
    parser.add_argument("--frames-per-step", type=int, default=8)
    parser.add_argument("--shape", choices=SHAPES, help="instead of the embedded base: its weights are random")
    parser.add_argument("--nf4", action="store_true", help="hold the language model in 4 bits (QLoRA)")
    parser.add_argument(
        "--tensors", action="store_true", help="count tensors for the peak on a CPU: times mean nothing"
    )
    parser.add_argument("--base", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--one", choices=TRAINERS, help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    given = parser.parse_args()
    if given.one:
        print(json.dumps(asdict(run(given.one, given.case[0], given))))
        return
    results: list[Result] = []
    with tempfile.TemporaryDirectory() as folder:
        given.base = built(given.shape, Path(folder)) if given.shape else embedded_path("base-vlm")
        for case in given.case or CASES:
            for seed in range(given.seed, given.seed + given.rounds):
                for trainer in TRAINERS:
                    results.append(in_its_own_process(trainer, case, seed, given))
                    print(told(results[-1]), file=sys.stderr, flush=True)
    print(report(results))


def built(shape: str, folder: Path) -> Path:
    from shapes import build

    return build(shape, folder)


def in_its_own_process(trainer: str, case: str, seed: int, given: argparse.Namespace) -> Result:
    values = {
        "--one": trainer,
        "--case": case,
        "--seed": seed,
        "--frames": given.frames,
        "--epochs": given.epochs,
        "--frames-per-step": given.frames_per_step,
        "--base": given.base,
        **({"--shape": given.shape} if given.shape else {}),
    }
    switches = [f"--{name}" for name in ("bf16", "nf4", "tensors") if getattr(given, name)]
    printed = subprocess.run(
        [sys.executable, __file__, *(str(word) for pair in values.items() for word in pair), *switches],
        env=quiet_environment(training=True),
        check=True,
        capture_output=True,
        text=True,
    )
    return Result(**json.loads(printed.stdout.splitlines()[-1]))


def run(trainer: str, case: str, given: argparse.Namespace) -> Result:
    from device import peak_flops, peak_memory

    recipe = recipe_of(case, given)
    train, held_out, class_names = labelled_stills(given.frames, given.shape)
    prepared = prepared_run(recipe, given.base, train, held_out, class_names)
    if trainer == "trl":
        prepared = made_plain(prepared)
    with peak_memory(given.tensors) as peak_mib:
        started, cpu_started = time.monotonic(), time.process_time()
        last_loss = (
            tune_by_trl(prepared) if trainer == "trl" else tune_by_workbench(prepared, by_token=trainer == AS_TRL)
        )
        seconds, cpu_seconds = time.monotonic() - started, time.process_time() - cpu_started
    loss, accuracy = measured(prepared) if held_out else (math.nan, math.nan)
    steps = recipe.training.max_steps
    tokens, flops = work_of(prepared)
    return Result(
        trainer=trainer,
        case=case,
        seconds=seconds,
        cpu_seconds=cpu_seconds,
        samples=steps * recipe.frames_per_step * 2,
        tokens=tokens,
        flops=flops,
        peak_flops=peak_flops(),
        peak_mib=peak_mib[0],
        last_loss=last_loss,
        loss=loss,
        class_accuracy=accuracy,
    )


def labelled_stills(count: int, shape: str | None) -> tuple[list[LabelledFrame], list[LabelledFrame], tuple[str, ...]]:
    """Return ``count`` stills of some days of the demo site, and ``HELD_OUT`` of later days for a base that can see."""
    from workbench.scenes.demo_script import CLASS_NAMES

    frames = list(_frames(count + (0 if shape else HELD_OUT), FRAME_PX if shape else None))
    return frames[:count], frames[count:], CLASS_NAMES


def _frames(count: int, size: tuple[int, int] | None) -> Iterator[LabelledFrame]:
    from itertools import count as numbers
    from itertools import islice

    from workbench.scenes.demo_site import demo_stills

    seen = (still for number in numbers() for still in demo_stills([number]) if still.class_name)
    for still in islice(seen, count):
        jpeg = io.BytesIO()
        (still.picture.resize(size) if size else still.picture).save(jpeg, "JPEG", quality=90)
        yield LabelledFrame(
            frame_id=sha256(jpeg.getvalue()).hexdigest(),
            camera=still.camera,
            clip_id=still.clip_name,
            taken_at=datetime(2024, 5, 1, tzinfo=UTC),
            class_name=still.class_name,
            caption=still.caption,
            image_jpeg=jpeg.getvalue(),
        )


def recipe_of(case: str, given: argparse.Namespace) -> Recipe:
    from transformers import AutoConfig

    from workbench.models.family import family_of

    family = family_of(AutoConfig.from_pretrained(given.base))
    layers = r"layers\.\d+\.(self_attn\.[qkvo]_proj|mlp\.(gate|up|down)_proj)"
    parts = {"text_model": Part(path=family.language_model, target_modules=layers)}
    if case == "tuned":
        parts["vision_model"] = Part(path=family.vision_tower, target_modules=VISION_MATRICES[family.name])
    training = Training(
        max_steps=given.frames * given.epochs // given.frames_per_step,
        per_device_train_batch_size=given.frames_per_step,
        bf16=given.bf16,
        seed=given.seed,
        save_steps=0,
        metric_for_best_model="loss",
        activation_checkpointing=given.nf4,
    )
    held = Base(dtype="bfloat16" if given.shape else "float32", quantization="nf4" if given.nf4 else "none")
    return Recipe(base=held, parts=parts, lora=Lora(r=16), training=training)


def prepared_run(
    recipe: Recipe,
    base: Path,
    train: Sequence[LabelledFrame],
    held_out: Sequence[LabelledFrame],
    class_names: Sequence[str],
) -> Any:
    from workbench.tuning.tuner import prepare

    return replace(prepare(recipe, str(base), class_names, train, []), validation=held_out)


def made_plain(prepared: Any) -> Any:
    """Return the same adapters on the same base as peft and transformers make them, without the workbench's layers."""
    from peft import get_peft_model, get_peft_model_state_dict, set_peft_model_state_dict

    from workbench.models.loading import load_base

    adapters = get_peft_model_state_dict(prepared.model, save_embedding_layers=False)
    config, held = prepared.model.peft_config["default"], prepared.recipe.base
    prepared = replace(prepared, vlm=replace(prepared.vlm, model=None))  # two would not fit where one is large
    quantization = None if held.quantization == "none" else held.quantization
    base = load_base(prepared.loading["source"], revision=None, dtype=held.dtype, quantization=quantization)
    model = get_peft_model(base, config)
    set_peft_model_state_dict(model, adapters)
    return replace(prepared, vlm=replace(prepared.vlm, model=model))


def work_of(prepared: Any) -> tuple[int, float]:
    """Return the tokens of a run's samples and the FLOPs that they cost (see above)."""
    from workbench.models.family import family_of
    from workbench.tuning.collator import Collator
    from workbench.tuning.encoding import item_of
    from workbench.tuning.tuner import training_sets

    base = prepared.model.get_base_model()
    family = family_of(base.config)
    decoder, tower = base.get_submodule(family.language_model), base.get_submodule(family.vision_tower)
    weighed = _weights(decoder) - decoder.get_input_embeddings().weight.numel() + base.lm_head.weight.numel()
    per_token = 4 * weighed
    per_patch = (4 if any(weight.requires_grad for weight in tower.parameters()) else 2) * _weights(tower)
    train, _ = training_sets(prepared, prepared.pixels)
    collate, tokens, flops = Collator(prepared.vlm.processor, prepared.vlm.contract), 0, 0.0
    for number, times in Counter(draw.index for draw in train.plan).items():
        batch = collate([item_of(prepared.taught[number])])
        own = int(batch["attention_mask"].sum())
        patches = PATCHES_PER_TOKEN[family.name](base.config) * int(
            (batch["input_ids"] == base.config.image_token_id).sum()
        )
        tokens, flops = tokens + times * own, flops + times * (own * per_token + patches * per_patch)
    return tokens, flops


def _weights(module: Any) -> int:
    return sum(weight.numel() for name, weight in module.named_parameters() if ".lora_" not in name)


def weighed_by_token(prepared: Any) -> list[Any]:
    """Return the frames with every example weighed by the tokens of its answer."""
    from workbench.models.chat import answer_tokens

    processor, contract = prepared.vlm.processor, prepared.vlm.contract

    def weighed(example: Any) -> Any:
        said = answer_tokens(processor, contract, example.instruction, example.answer)
        return replace(example, weight=float(len(said)))

    return [replace(frame, examples=tuple(map(weighed, frame.examples))) for frame in prepared.taught]


def tune_by_workbench(prepared: Any, *, by_token: bool) -> float:
    from workbench.tuning.loop import Watch
    from workbench.tuning.tuner import looks_of, new_loop, training_sets

    with tempfile.TemporaryDirectory() as folder:
        unwatched = replace(prepared, validation=(), features_dir=Path(folder))
        if by_token:
            vars(unwatched)["taught"] = weighed_by_token(prepared)
        train, _ = training_sets(unwatched, looks_of(unwatched))
        losses: list[float] = []
        new_loop(unwatched, train, None, Watch(lambda step, metrics: losses.append(metrics["train/loss"]))).run()
    return statistics.mean(losses[-LAST_STEPS:])


def tune_by_trl(prepared: Any) -> float:
    """Train the same adapters with ``SFTTrainer``, as its documentation does for prompt and completion with images."""
    import torch
    from transformers.utils import logging
    from trl import SFTConfig, SFTTrainer

    logging.set_verbosity_error()
    training = prepared.recipe.training
    with tempfile.TemporaryDirectory() as folder:
        arguments = SFTConfig(
            output_dir=folder,
            max_steps=training.max_steps,
            per_device_train_batch_size=2 * training.per_device_train_batch_size,
            learning_rate=training.learning_rate,
            lr_scheduler_type=training.lr_scheduler_type,
            warmup_steps=training.warmup_steps,
            weight_decay=training.weight_decay,
            max_grad_norm=training.max_grad_norm,
            seed=training.seed,
            bf16=training.bf16,
            gradient_checkpointing=training.activation_checkpointing,
            train_sampling_strategy="sequential",
            max_length=None,
            logging_steps=min(LAST_STEPS, training.max_steps),
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
            use_cpu=not torch.cuda.is_available(),
        )
        trainer = SFTTrainer(
            model=prepared.model,
            args=arguments,
            train_dataset=trl_samples(prepared),
            processing_class=ending_with_the_answer(prepared.vlm.processor),
        )
        trainer.train()
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    return float(losses[-1])


def ending_with_the_answer(processor: Any) -> Any:
    """Return ``processor`` with a template without the line break behind an answer, which TRL would teach as well."""
    end = "<end_of_utterance>"
    break_before_answers = "{% if message['role'] != 'assistant' %}{{ '\\n' }}{% endif %}"
    processor.chat_template = processor.chat_template.replace(f"{end}\n", f"{end}{break_before_answers}")
    return processor


def trl_samples(prepared: Any) -> Any:
    """Return the samples of the workbench's own plan, in its order, as a data set that TRL's documentation asks for."""
    from datasets import Dataset, Features, Image, List, Value

    from workbench.tuning.tuner import training_sets

    train, _ = training_sets(prepared, prepared.pixels)
    said = {"role": Value("string"), "content": List({"type": Value("string"), "text": Value("string")})}
    rows = [
        {
            "images": [{"bytes": prepared.taught[draw.index].read(), "path": None}],
            "prompt": [_said("user", {"type": "image", "text": None}, {"type": "text", "text": example.instruction})],
            "completion": [_said("assistant", {"type": "text", "text": example.answer})],
        }
        for draw in train.plan
        for example in prepared.taught[draw.index].examples
    ]
    features = Features({"images": List(Image()), "prompt": List(said), "completion": List(said)})
    return Dataset.from_list(rows, features=features)


def _said(role: str, *content: Mapping[str, Any]) -> dict[str, Any]:
    return {"role": role, "content": list(content)}


def measured(prepared: Any) -> tuple[float, float]:
    from workbench.tuning.tuner import collate_for, training_sets
    from workbench.tuning.validation import class_accuracy, mean_losses

    _, held_out = training_sets(prepared, prepared.pixels)
    assert held_out
    losses = mean_losses(prepared.vlm, held_out, collate_for(prepared.vlm), prepared.recipe.training)
    return losses["loss"], class_accuracy(
        prepared.vlm, prepared.validation, prepared.class_names, prepared.recipe.training
    )


def told(result: Result) -> str:
    return (
        f"{result.case:7} {result.trainer:19} {result.seconds:7.1f} s {result.samples_per_s:8.1f} samples/s "
        f"({result.samples_per_cpu_s:.1f} per CPU s), {result.tokens / result.seconds:.0f} tokens/s, "
        f"{result.utilisation:.0%} of {result.peak_flops / 1e12:.2f} TFLOP/s  peak {result.peak_mib:5.0f} MiB  "
        f"last loss {result.last_loss:.4f}  "
        f"held out: loss {result.loss:.4f}, class accuracy {result.class_accuracy:.3f}"
    )


def report(results: Sequence[Result]) -> str:
    import torch
    import transformers
    import trl

    machine = f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores"
    versions = f"torch {torch.__version__}, transformers {transformers.__version__}, trl {trl.__version__}"
    lines = [
        f"{machine}, Python {platform.python_version()}, {versions}",
        "",
        f"| {' | '.join(COLUMNS)} |",
        "|---" * len(COLUMNS) + "|",
    ]
    for case in dict.fromkeys(result.case for result in results):
        speeds, losses = {}, {}
        for trainer in TRAINERS:
            own = [result for result in results if (result.case, result.trainer) == (case, trainer)]
            speed = statistics.median(result.samples_per_s for result in own)
            speed_by_cpu = statistics.median(result.samples_per_cpu_s for result in own)
            speeds[trainer], losses[trainer] = (speed, speed_by_cpu), [one.last_loss for one in own]
            peak_mib = max(one.peak_mib for one in own)
            means = map(
                statistics.mean, zip(*((one.last_loss, one.loss, one.class_accuracy) for one in own), strict=True)
            )
            figures = " | ".join(f"{mean:.4f}" for mean in means)
            tokens_per_s = statistics.median(one.tokens / one.seconds for one in own)
            used = statistics.median(one.utilisation for one in own)
            speed_told = f"{speed:.1f} | {speed_by_cpu:.1f} | {tokens_per_s:.0f} | {used:.0%}"
            lines.append(f"| {case} | {trainer} | {speed_told} | {peak_mib:.0f} | {figures} |")
        ratio, ratio_by_cpu = (ours / theirs for ours, theirs in zip(speeds["workbench"], speeds["trl"], strict=True))
        apart = [ours / theirs - 1 for ours, theirs in zip(losses[AS_TRL], losses["trl"], strict=True)]
        by_seed = ", ".join(f"{one:+.2%}" for one in apart)
        lines.append(
            f"| {case} | ratio | **{ratio:.2f}** (asked {TARGETS[case]}) | **{ratio_by_cpu:.2f}** | | | "
            f"| by token {statistics.mean(apart):+.2%} (asked 1 %; by seed {by_seed}) | | |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
