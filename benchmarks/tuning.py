"""How fast the workbench tunes, beside TRL's ``SFTTrainer`` on the same model, data, LoRA, batches and seed.

    pip install -e '.[benchmarks]'
    python benchmarks/tuning.py                 # frozen vision tower, then a tuned one; both trainers in turn
    python benchmarks/tuning.py --frames 48 --epochs 3 --rounds 1

The data are labelled stills of the demo site, each with its caption and its class question: a sample is one question
with its answer. Both trainers see the same samples in the same order. Each runs in a process of its own with the same
allocator settings; the clock runs from the base model in memory to the last step, everything that a trainer prepares
included (the workbench's look at every frame, TRL's preparation of the data set). Held-out loss and accuracy are then
measured by one and the same code. TRL trains peft's own layers on the model as transformers loads it.

What differs in the mathematics: TRL's loss is the mean over all answer tokens of a batch, the workbench's the mean over
its samples, so that long captions do not drown short class names. A third run, ``workbench, by token``, therefore
weighs every sample by its tokens, which is TRL's mean: it starts from the same adapters, and its losses must be TRL's.
"""

import argparse
import io
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from workbench.domain import LabelledFrame
from workbench.recipe import Lora, Part, Recipe, Training
from workbench.settings import embedded_path, quiet_environment

CASES = ("frozen", "tuned")
AS_TRL = "workbench, by token"
TRAINERS = ("workbench", AS_TRL, "trl")
FRAMES_PER_STEP = 8
LAST_STEPS = 10
HELD_OUT = 64
TARGETS = {"frozen": 3.0, "tuned": 1.2}


@dataclass(frozen=True)
class Result:
    """One run: ``loss`` and ``class_accuracy`` are of held-out frames, ``last_loss`` is of the last ten steps."""

    trainer: str
    case: str
    seconds: float
    cpu_seconds: float
    samples: int
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", choices=CASES, action="append", help="vision tower frozen or tuned (both)")
    parser.add_argument("--frames", type=int, default=96)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument(
        "--rounds", type=int, default=2, help="runs of each trainer, in turn, each with a seed of its own"
    )
    parser.add_argument("--bf16", action="store_true", help="calculate in bfloat16")
    parser.add_argument("--one", choices=TRAINERS, help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    given = parser.parse_args()
    if given.one:
        recipe = recipe_of(given.case[0], given.frames, given.epochs, seed=given.seed, bf16=given.bf16)
        print(json.dumps(asdict(run(given.one, given.case[0], given.frames, recipe))))
        return
    results = []
    for case in given.case or CASES:
        for seed in range(given.seed, given.seed + given.rounds):
            for trainer in TRAINERS:
                results.append(in_its_own_process(trainer, case, seed, given))
                print(told(results[-1]), file=sys.stderr, flush=True)
    print(report(results))


def in_its_own_process(trainer: str, case: str, seed: int, given: argparse.Namespace) -> Result:
    numbers = {"--seed": seed, "--frames": given.frames, "--epochs": given.epochs}
    chosen = ["--one", trainer, "--case", case, *(str(word) for pair in numbers.items() for word in pair)]
    printed = subprocess.run(
        [sys.executable, __file__, *chosen, *(["--bf16"] if given.bf16 else [])],
        env=quiet_environment(training=True),
        check=True,
        capture_output=True,
        text=True,
    )
    return Result(**json.loads(printed.stdout.splitlines()[-1]))


def run(trainer: str, case: str, frames: int, recipe: Recipe) -> Result:
    train, held_out, class_names = labelled_stills(frames)
    prepared = prepared_run(recipe, train, held_out, class_names)
    before_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if trainer == "trl":
        prepared = made_plain(prepared)
    started, cpu_started = time.monotonic(), time.process_time()
    last_loss = tune_by_trl(prepared) if trainer == "trl" else tune_by_workbench(prepared, by_token=trainer == AS_TRL)
    seconds, cpu_seconds = time.monotonic() - started, time.process_time() - cpu_started
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{before_mib:.0f} MiB before", file=sys.stderr)
    loss, accuracy = measured(prepared)
    samples = recipe.training.max_steps * FRAMES_PER_STEP * 2
    return Result(trainer, case, seconds, cpu_seconds, samples, peak_mib, last_loss, loss, accuracy)


def labelled_stills(count: int) -> tuple[list[LabelledFrame], list[LabelledFrame], tuple[str, ...]]:
    """Return ``count`` stills of some days of the demo site, and ``HELD_OUT`` of later days."""
    from workbench.scenes.demo_script import CLASS_NAMES

    frames = list(_frames(count + HELD_OUT))
    return frames[:count], frames[count:], CLASS_NAMES


def _frames(count: int) -> Iterator[LabelledFrame]:
    from itertools import count as numbers
    from itertools import islice

    from workbench.scenes.demo_site import demo_stills

    seen = (still for number in numbers() for still in demo_stills([number]) if still.class_name)
    for still in islice(seen, count):
        jpeg = io.BytesIO()
        still.picture.save(jpeg, "JPEG", quality=90)
        yield LabelledFrame(
            frame_id=sha256(jpeg.getvalue()).hexdigest(),
            camera=still.camera,
            clip_id=still.clip_name,
            taken_at=datetime(2024, 5, 1, tzinfo=UTC),
            class_name=still.class_name,
            caption=still.caption,
            image_jpeg=jpeg.getvalue(),
        )


def recipe_of(case: str, frames: int, epochs: int, *, seed: int, bf16: bool) -> Recipe:
    layers = r"layers\.\d+\.(self_attn\.[qkvo]_proj|mlp\.(gate|up|down)_proj)"
    parts = {"text_model": Part(path="model.text_model", target_modules=layers)}
    if case == "tuned":
        matrices = r"encoder\.layers\.\d+\.(self_attn\.(q|k|v|out)_proj|mlp\.fc[12])"
        parts["vision_model"] = Part(path="model.vision_model", target_modules=matrices)
    training = Training(
        max_steps=frames * epochs // FRAMES_PER_STEP,
        per_device_train_batch_size=FRAMES_PER_STEP,
        bf16=bf16,
        seed=seed,
        save_steps=0,
        metric_for_best_model="loss",
    )
    return Recipe(parts=parts, lora=Lora(r=16), training=training)


def prepared_run(
    recipe: Recipe, train: Sequence[LabelledFrame], held_out: Sequence[LabelledFrame], class_names: Sequence[str]
) -> Any:
    from dataclasses import replace

    from workbench.tuning.tuner import prepare

    prepared = prepare(recipe, str(embedded_path("base-vlm")), class_names, train, [])
    return replace(prepared, validation=held_out)


def made_plain(prepared: Any) -> Any:
    """Return the same adapters on the same base as peft and transformers make them, without the workbench's layers."""
    from dataclasses import replace

    from peft import get_peft_model
    from transformers import AutoModelForImageTextToText

    base = AutoModelForImageTextToText.from_pretrained(embedded_path("base-vlm"))
    model = get_peft_model(base, prepared.model.peft_config["default"])
    model.load_state_dict(prepared.model.state_dict())
    return replace(prepared, vlm=replace(prepared.vlm, model=model))


def weighed_by_token(prepared: Any) -> list[Any]:
    """Return the frames with every example weighed by the tokens of its answer."""
    from dataclasses import replace

    from workbench.models.chat import answer_tokens

    processor, contract = prepared.vlm.processor, prepared.vlm.contract

    def weighed(example: Any) -> Any:
        said = answer_tokens(processor, contract, example.instruction, example.answer)
        return replace(example, weight=float(len(said)))

    return [replace(frame, examples=tuple(map(weighed, frame.examples))) for frame in prepared.taught]


def tune_by_workbench(prepared: Any, *, by_token: bool) -> float:
    from dataclasses import replace

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
    from transformers.utils import logging
    from trl import SFTConfig, SFTTrainer

    logging.set_verbosity_error()
    training = prepared.recipe.training
    with tempfile.TemporaryDirectory() as folder:
        arguments = SFTConfig(
            output_dir=folder,
            max_steps=training.max_steps,
            per_device_train_batch_size=2 * FRAMES_PER_STEP,
            learning_rate=training.learning_rate,
            lr_scheduler_type=training.lr_scheduler_type,
            warmup_steps=training.warmup_steps,
            weight_decay=training.weight_decay,
            max_grad_norm=training.max_grad_norm,
            seed=training.seed,
            bf16=training.bf16,
            gradient_checkpointing=False,
            train_sampling_strategy="sequential",
            max_length=None,
            logging_steps=LAST_STEPS,
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
            use_cpu=True,
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
        f"({result.samples_per_cpu_s:.1f} per CPU s)  peak {result.peak_mib:5.0f} MiB  "
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
        "| vision tower | trainer | samples/s | per CPU s | peak MiB | last loss | held-out loss | class accuracy |",
        "|---|---|---|---|---|---|---|---|",
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
            lines.append(f"| {case} | {trainer} | {speed:.1f} | {speed_by_cpu:.1f} | {peak_mib:.0f} | {figures} |")
        ratio, ratio_by_cpu = (ours / theirs for ours, theirs in zip(speeds["workbench"], speeds["trl"], strict=True))
        apart = [ours / theirs - 1 for ours, theirs in zip(losses[AS_TRL], losses["trl"], strict=True)]
        by_seed = ", ".join(f"{one:+.2%}" for one in apart)
        lines.append(
            f"| {case} | ratio | **{ratio:.2f}** (asked {TARGETS[case]}) | **{ratio_by_cpu:.2f}** | "
            f"| by token {statistics.mean(apart):+.2%} (asked 1 %; by seed {by_seed}) | | |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
