"""Rendered scenes on disk: small images and their questions, written in parts so that a stopped rendering resumes."""

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from itertools import count, takewhile
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from PIL import Image

SCENES_PER_PART = 500
Pixels = np.ndarray[Any, np.dtype[np.uint8]]


class RenderedQuestion(Protocol):
    """What this stage reads of a rendered scene's question."""

    @property
    def task(self) -> str: ...
    @property
    def instruction(self) -> str: ...
    @property
    def answer(self) -> str: ...
    @property
    def choices(self) -> tuple[str, ...]: ...


class RenderedMark(Protocol):
    """What this stage reads of what stands where in a rendered scene."""

    @property
    def u(self) -> float: ...
    @property
    def v(self) -> float: ...
    @property
    def words(self) -> tuple[str, ...]: ...


class RenderedScene(Protocol):
    """What this stage reads of a rendered scene."""

    @property
    def image(self) -> Image.Image: ...
    @property
    def caption(self) -> str: ...
    @property
    def questions(self) -> Sequence[RenderedQuestion]: ...
    @property
    def marks(self) -> Sequence[RenderedMark]: ...


Renderer = Callable[[int], RenderedScene]


@dataclass(frozen=True)
class CachedQuestion:
    task: str
    instruction: str
    answer: str
    choices: tuple[str, ...]


@dataclass(frozen=True)
class CachedMark:
    """A thing's words at ``u`` and ``v``, parts of the image's width and height."""

    u: float
    v: float
    words: tuple[str, ...]


@dataclass(frozen=True)
class SceneCache:
    """Scenes for training; ``parts`` hold uint8 ``[n, image_px, image_px, 3]``, the rest what is said of each scene."""

    parts: tuple[Pixels, ...]
    captions: tuple[str, ...]
    questions: tuple[tuple[CachedQuestion, ...], ...]
    marks: tuple[tuple[CachedMark, ...], ...]

    def __len__(self) -> int:
        return len(self.captions)

    def pixels(self, indices: Sequence[int]) -> Pixels:
        """Return uint8 ``[n, image_px, image_px, 3]`` of the scenes at ``indices``."""
        return np.stack([self.parts[index // SCENES_PER_PART][index % SCENES_PER_PART] for index in indices])


def render_cache(
    render: Renderer, directory: Path, *, scenes: int, first_seed: int, image_px: int, processes: int = 2
) -> SceneCache:
    """Render scenes ``first_seed … first_seed + scenes - 1`` into ``directory`` and load them.

    Parts that are already there are kept; a part is written whole or not at all. ``render`` must be picklable.
    """
    directory.mkdir(parents=True, exist_ok=True)
    sizes = [min(SCENES_PER_PART, scenes - start) for start in range(0, scenes, SCENES_PER_PART)]
    missing = [(part, size) for part, size in enumerate(sizes) if _scenes_in(directory, part) < size]
    write = partial(_write_part, render, directory, first_seed, image_px)
    if processes == 1:
        list(map(write, missing))
    else:
        with ProcessPoolExecutor(processes) as pool:
            list(pool.map(write, missing))
    return load_cache(directory, limit=scenes)


def load_cache(directory: Path, *, limit: int) -> SceneCache:
    """Load at most ``limit`` scenes of the parts in ``directory``; images stay on disk until they are read."""
    files = takewhile(lambda pair: pair[1].exists(), (_part_files(directory, part) for part in count()))
    parts: list[Pixels] = []
    rows: list[dict[str, Any]] = []
    for pixels_file, questions_file in files:
        parts.append(np.load(pixels_file, mmap_mode="r"))
        rows += map(json.loads, questions_file.read_text(encoding="utf-8").splitlines())
    rows = rows[:limit]
    return SceneCache(
        parts=tuple(parts),
        captions=tuple(row["caption"] for row in rows),
        questions=tuple(tuple(map(_question, row["questions"])) for row in rows),
        marks=tuple(tuple(map(_mark, row["marks"])) for row in rows),
    )


def step_scenes(total: int, per_step: int, seed: int, step: int) -> list[int]:
    """Return the scenes of ``step``: the next of the endless sequence of shuffled epochs."""
    places = range(step * per_step, (step + 1) * per_step)
    epochs = {place // total: _scene_order(total, seed, place // total) for place in (places[0], places[-1])}
    return [int(epochs[place // total][place % total]) for place in places]


def to_pixels(images: Pixels) -> torch.Tensor:
    """Turn uint8 ``[n, height, width, 3]`` into float32 ``[n, 3, height, width]``, -1 to 1, as the processor does."""
    return torch.from_numpy(images).permute(0, 3, 1, 2).float().div_(127.5).sub_(1)


def _scene_order(total: int, seed: int, epoch: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return the order in which an epoch visits the scenes."""
    return np.random.default_rng((seed, epoch)).permutation(total)


def _write_part(
    render: Renderer, directory: Path, first_seed: int, image_px: int, part_and_size: tuple[int, int]
) -> None:
    part, size = part_and_size
    pixels = np.zeros((size, image_px, image_px, 3), dtype=np.uint8)
    lines: list[str] = []
    for place in range(size):
        scene = render(first_seed + part * SCENES_PER_PART + place)
        pixels[place] = np.asarray(scene.image.resize((image_px, image_px), Image.Resampling.BILINEAR))
        questions = [
            asdict(CachedQuestion(asked.task, asked.instruction, asked.answer, asked.choices))
            for asked in scene.questions
        ]
        marks = [asdict(CachedMark(mark.u, mark.v, mark.words)) for mark in scene.marks]
        lines.append(json.dumps({"caption": scene.caption, "questions": questions, "marks": marks}))
    pixels_file, questions_file = _part_files(directory, part)
    with pixels_file.with_suffix(".writing").open("wb") as stream:
        np.save(stream, pixels)
    pixels_file.with_suffix(".writing").replace(pixels_file)
    unfinished = questions_file.with_suffix(".jsonl.writing")
    unfinished.write_text("\n".join(lines) + "\n", encoding="utf-8")
    unfinished.replace(questions_file)


def _scenes_in(directory: Path, part: int) -> int:
    questions_file = _part_files(directory, part)[1]
    return questions_file.read_bytes().count(b"\n") if questions_file.exists() else 0


def _part_files(directory: Path, part: int) -> tuple[Path, Path]:
    return directory / f"part-{part:04d}.npy", directory / f"part-{part:04d}.jsonl"


def _question(row: dict[str, Any]) -> CachedQuestion:
    return CachedQuestion(row["task"], row["instruction"], row["answer"], tuple(row["choices"]))


def _mark(row: dict[str, Any]) -> CachedMark:
    return CachedMark(row["u"], row["v"], tuple(row["words"]))
