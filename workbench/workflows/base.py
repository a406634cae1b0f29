"""Building the embedded base models: render scenes, train tokenizer, VLM and dual encoder, measure, write the cards.

The same steps, scenes and seed give the same models up to the rounding of the machine's arithmetic.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from transformers import Idefics3ForConditionalGeneration, Idefics3Processor

from workbench.evaluation.captions import score_captions
from workbench.models.chat import ChatContract, conversation_text
from workbench.models.dual_encoder import DualEncoder
from workbench.models.vlm import load_vlm
from workbench.pretraining.architecture import (
    ClipShape,
    VlmShape,
    new_clip,
    new_clip_processor,
    new_processor,
    new_vlm,
)
from workbench.pretraining.clip_training import ClipTraining, recall_at, train_clip
from workbench.pretraining.export import count_parameters, export_model
from workbench.pretraining.held_out import HeldOutAnswers, answer_held_out, commonest_answer_share
from workbench.pretraining.interpolation import interpolate
from workbench.pretraining.loss_report import LossReport
from workbench.pretraining.model_card import BuildRecord, TaskFigure, clip_card, how_built, vlm_card
from workbench.pretraining.scene_cache import Renderer, SceneCache, render_cache
from workbench.pretraining.tokenizer import train_tokenizer
from workbench.pretraining.unused_tokens import reset_unused_tokens
from workbench.pretraining.vision_transfer import adopt_vision_tower
from workbench.pretraining.vlm_training import VlmTraining, train_vlm
from workbench.progress import Progress, silent
from workbench.scenes import render_scene
from workbench.statistics.intervals import interval_of
from workbench.statistics.statistic import mean_of

SCENES_PER_SEED = 1_000_000
SCENES_FOR_TOKENIZER = 8000
RECALL_RANKS = (1, 5, 10)
RECALL_SCENES = 500
VLM_FOLDER, CLIP_FOLDER = "base-vlm", "base-clip"


@dataclass(frozen=True)
class BasePlan:
    """What to build; the seeds of held-out scenes (from 0) and training scenes (from 1,000,000) never meet.

    With ``start_from``, a folder with ``base-vlm/``, that model is trained on; another ``seed`` gives it other scenes,
    and of its weights the share ``keep`` stays in the result.
    """

    steps: int
    clip_steps: int
    scenes: int
    held_out_scenes: int
    seed: int
    start_from: Path | None = None
    learning_rate: float = VlmTraining.learning_rate
    keep: float = 0.0
    vlm_shape: VlmShape = field(default_factory=VlmShape)
    clip_shape: ClipShape = field(default_factory=ClipShape)
    scenes_per_step: int = 32
    clip_scenes_per_step: int = 64
    processes: int = 2

    @property
    def command(self) -> str:
        words = [
            f"workbench base build --steps {self.steps} --clip-steps {self.clip_steps} --scenes {self.scenes}",
            f"--held-out {self.held_out_scenes} --seed {self.seed}",
        ]
        if self.start_from:
            words.append(f"--start-from {self.start_from} --learning-rate {self.learning_rate:g}")
        if self.keep:
            words.append(f"--keep {self.keep:g}")
        return " ".join(words)

    @property
    def first_training_scene(self) -> int:
        return SCENES_PER_SEED * (1 + self.seed)


@dataclass(frozen=True)
class BuiltBase:
    """Where the models are and what they reach on held-out scenes."""

    vlm_dir: Path
    clip_dir: Path
    tasks: tuple[TaskFigure, ...]
    captions: dict[str, float]
    recall: dict[int, float]


def build_base(directory: Path, plan: BasePlan, *, work_dir: Path, progress: Progress = silent) -> BuiltBase:
    """Build ``base-vlm/`` and ``base-clip/`` in ``directory``, each with its model card.

    ``work_dir`` keeps rendered scenes, checkpoints and losses by step; a build that was interrupted goes on from there
    when it is started again. A usable VLM is saved at every checkpoint.
    """
    progress(0, plan.scenes, "scenes")
    held_out = _render(render_scene, work_dir / "held-out", plan, scenes=plan.held_out_scenes, first_seed=0)
    render_lesson = partial(render_scene, is_lesson=True)
    first_seed = plan.first_training_scene
    training = _render(render_lesson, work_dir / "scenes", plan, scenes=plan.scenes, first_seed=first_seed)
    progress(plan.scenes, plan.scenes, "scenes")
    workshop = _Workshop(plan, training, held_out, work_dir, progress)
    tasks, captions = _build_vlm(directory / VLM_FOLDER, workshop)
    recall = _build_clip(directory / CLIP_FOLDER, directory / VLM_FOLDER, workshop)
    return BuiltBase(directory / VLM_FOLDER, directory / CLIP_FOLDER, tasks, captions, recall)


@dataclass(frozen=True)
class _Workshop:
    """What both models are built with."""

    plan: BasePlan
    training: SceneCache
    held_out: SceneCache
    work_dir: Path
    progress: Progress

    def listener(self, name: str) -> Callable[[LossReport], None]:
        """Return a listener that shows reports as progress and appends them to ``<name>-losses.csv``."""

        def listen(report: LossReport) -> None:
            self.progress(report.step, report.steps, f"{name} steps")
            with (self.work_dir / f"{name}-losses.csv").open("a", encoding="utf-8") as stream:
                stream.write(f"{report.step},{report.loss:.4f},{report.elapsed_s:.0f}\n")

        return listen


def _render(render: Renderer, directory: Path, plan: BasePlan, *, scenes: int, first_seed: int) -> SceneCache:
    image_px = plan.vlm_shape.image_px
    return render_cache(
        render, directory, scenes=scenes, first_seed=first_seed, image_px=image_px, processes=plan.processes
    )


def _build_vlm(directory: Path, workshop: _Workshop) -> tuple[tuple[TaskFigure, ...], dict[str, float]]:
    plan, held_out = workshop.plan, workshop.held_out
    model, processor = _first_vlm(workshop)
    options = VlmTraining(
        steps=plan.steps,
        starts_blind=plan.start_from is None,
        scenes_per_step=plan.scenes_per_step,
        learning_rate=plan.learning_rate,
        seed=plan.seed,
    )
    training_s = train_vlm(
        model,
        processor,
        workshop.training,
        options,
        checkpoint=workshop.work_dir / "vlm.pt",
        report=workshop.listener("vlm"),
        saved=lambda step: export_model(model, processor, directory),
    )
    frame_of_talk = conversation_text(processor, ChatContract.of(processor), "", "")
    reset_unused_tokens(model, processor.tokenizer, [frame_of_talk, *_texts(workshop.training)], seed=plan.seed)
    if plan.start_from and plan.keep:
        interpolate(model, load_vlm(plan.start_from / VLM_FOLDER).model, keep=plan.keep)
    export_model(model, processor, directory)
    earlier = how_built((plan.start_from / VLM_FOLDER / "README.md").read_text("utf-8")) if plan.start_from else ""
    record = _record(plan, count_parameters(model), options.steps, options.scenes_per_step, training_s, earlier)
    answers = answer_held_out(load_vlm(directory), held_out)
    tasks, captions = task_figures(answers, held_out), caption_figures(answers)
    (directory / "README.md").write_text(vlm_card(record, tasks, captions), encoding="utf-8")
    return tasks, captions


def _first_vlm(workshop: _Workshop) -> tuple[Idefics3ForConditionalGeneration, Idefics3Processor]:
    """Return the model that training begins with: the one to start from, or random weights and a new tokenizer."""
    plan = workshop.plan
    if plan.start_from:
        vlm = load_vlm(plan.start_from / VLM_FOLDER)
        for loading_option in ("backend", "is_local", "local_files_only"):
            vlm.processor.tokenizer.init_kwargs.pop(loading_option, None)
        return vlm.model.float(), vlm.processor
    tokenizer = train_tokenizer(_texts(workshop.training))
    return new_vlm(plan.vlm_shape, tokenizer, seed=plan.seed), new_processor(plan.vlm_shape, tokenizer)


def _build_clip(directory: Path, vlm_dir: Path, workshop: _Workshop) -> dict[int, float]:
    plan, vlm = workshop.plan, load_vlm(vlm_dir)
    tokenizer = vlm.processor.tokenizer
    model, processor = (
        new_clip(plan.clip_shape, tokenizer, seed=plan.seed),
        new_clip_processor(plan.clip_shape, tokenizer),
    )
    adopt_vision_tower(model, vlm.model)
    options = ClipTraining(steps=plan.clip_steps, scenes_per_step=plan.clip_scenes_per_step, seed=plan.seed)
    training_s = train_clip(model, processor, workshop.training, options, report=workshop.listener("clip"))
    export_model(model, processor, directory)
    recall, n_scenes, n_captions = measure_recall(DualEncoder(model, processor), workshop.held_out)
    record = _record(plan, count_parameters(model), options.steps, options.scenes_per_step, training_s)
    card = clip_card(record, recall, scenes=n_scenes, distinct_captions=n_captions)
    (directory / "README.md").write_text(card, encoding="utf-8")
    return recall


def task_figures(answers: HeldOutAnswers, held_out: SceneCache) -> tuple[TaskFigure, ...]:
    """Return each task's share of right answers with its interval; questions about one scene count as one cluster."""
    return tuple(
        TaskFigure(
            name=task,
            share=interval_of(
                mean_of(task, np.array(given.right, dtype=np.float64), is_share=True),
                np.array(given.scenes),
            ),
            questions=len(given.right),
            by_guessing=commonest_answer_share(held_out, task),
        )
        for task, given in answers.by_task.items()
    )


def caption_figures(answers: HeldOutAnswers) -> dict[str, float]:
    """Return the captions' metrics by name."""
    scores = score_captions(answers.captions, [[caption] for caption in answers.true_captions])
    return {statistic.name: statistic.value for statistic in scores.statistics}


def measure_recall(encoder: DualEncoder, held_out: SceneCache) -> tuple[dict[int, float], int, int]:
    """Find held-out scenes by their captions: recall by rank, and the numbers of scenes and of distinct captions."""
    captions = held_out.captions[:RECALL_SCENES]
    images = [Image.fromarray(held_out.pixels([index])[0]) for index in range(len(captions))]
    recall = recall_at(encoder.embed_images(images), encoder.embed_texts(captions), captions, RECALL_RANKS)
    return recall, len(captions), len(set(captions))


def _texts(cache: SceneCache) -> Iterator[str]:
    """Yield what the tokenizer is trained on: instructions, answers and the chat template's own words."""
    for questions in cache.questions[:SCENES_FOR_TOKENIZER]:
        for question in questions:
            yield question.instruction
            yield f" {question.answer}"
    yield from ["User:", "Assistant:"] * 1000


def _record(
    plan: BasePlan, parameters: int, steps: int, scenes_per_step: int, training_s: float, earlier: str = ""
) -> BuildRecord:
    return BuildRecord(
        command=plan.command,
        seed=plan.seed,
        steps=steps,
        scenes_per_step=scenes_per_step,
        scenes=plan.scenes,
        held_out_scenes=plan.held_out_scenes,
        parameters=parameters,
        training_s=training_s,
        threads=torch.get_num_threads(),
        earlier=earlier,
    )
