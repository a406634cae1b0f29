"""How fast a model answers for evaluation and pre-labelling, beside one call of ``generate`` per frame and class.

    python benchmarks/answering.py

The stills are the demo site's, the model is the embedded base. Beside the workbench stand the same weights in plain
transformers: captions by one call of ``generate`` per frame, classes by one pass per frame and class, both together in
these ways, and by one call of ``generate`` per question, which is quicker but need not name a class. The workbench must
say the same captions and choose the same classes. The ways take turns, so that other work on the machine falls on both.
"""

import argparse
import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import count, islice

import numpy as np
import torch
import transformers
from PIL.Image import Image
from transformers import AutoModelForImageTextToText

from workbench.models.chat import MAX_NEW_TOKENS, encode, encode_prompts
from workbench.models.instructions import CAPTION_INSTRUCTION, class_instruction, class_text
from workbench.models.opinions import form_opinions
from workbench.models.vlm import Vlm, load_vlm
from workbench.scenes.demo_script import CLASS_NAMES
from workbench.scenes.demo_site import demo_stills
from workbench.settings import embedded_path
from workbench.tuning.allocator import keep_freed_pages

TARGET = 4.0
Asked = Callable[[Vlm, Sequence[Image]], Sequence[object]]


@dataclass(frozen=True)
class Turn:
    """What was said in how much time; that of all cores is hardly lengthened by other work on the machine."""

    said: Sequence[object]
    seconds: float
    cpu_seconds: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3, help="runs of each way, in turn")
    given = parser.parse_args()
    keep_freed_pages()
    stills = (still.picture for number in count() for still in demo_stills([number]))
    images = list(islice(stills, given.frames))
    vlm = load_vlm(embedded_path("base-vlm"))
    plain = replace(vlm, model=AutoModelForImageTextToText.from_pretrained(embedded_path("base-vlm")).eval())
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, torch {torch.__version__}, "
        f"transformers {transformers.__version__}; {given.frames} frames, {len(CLASS_NAMES)} classes\n"
    )
    print("| | frames/s | of one by one | of one by one, by CPU time | equal answers |\n|---|---|---|---|---|")
    ways: dict[str, tuple[Asked, Asked]] = {
        "captions": (Vlm.generate_captions, captions_one_by_one),
        "classes": (classes, classes_one_by_one),
        "both": (both, both_one_by_one),
        "both, beside two calls of generate": (both_captions, captions_and_free_answers),
    }
    for what, (ours, theirs) in ways.items():
        ours(vlm, images[:2])
        turns = [(timed(ours, vlm, images), timed(theirs, plain, images)) for _ in range(given.rounds)]
        told(what, turns)


def told(what: str, turns: Sequence[tuple[Turn, Turn]]) -> None:
    ours, theirs = turns[0]
    frames = len(ours.said)
    equal = sum(a == b for a, b in zip(ours.said, theirs.said, strict=True))
    rate, rate_one_by_one = (statistics.median(frames / both[way].seconds for both in turns) for way in (0, 1))
    ratio = statistics.median(theirs.seconds / ours.seconds for ours, theirs in turns)
    by_cpu = statistics.median(theirs.cpu_seconds / ours.cpu_seconds for ours, theirs in turns)
    print(f"| {what}, one by one | {rate_one_by_one:.1f} | 1 | 1 | |")
    print(
        f"| {what}, workbench | {rate:.1f} | **{ratio:.1f}** (asked {TARGET:.0f}) | {by_cpu:.1f} "
        f"| {equal} of {frames} |",
        flush=True,
    )


def timed(work: Asked, vlm: Vlm, images: Sequence[Image]) -> Turn:
    started, cpu_started = time.monotonic(), time.process_time()
    said = work(vlm, images)
    return Turn(said, time.monotonic() - started, time.process_time() - cpu_started)


def classes(vlm: Vlm, images: Sequence[Image]) -> list[int]:
    return [int(row.argmax()) for row in vlm.class_probabilities(images, CLASS_NAMES)]


def both(vlm: Vlm, images: Sequence[Image]) -> list[tuple[str | None, int]]:
    opinions = form_opinions(vlm, images, CLASS_NAMES, captions=True)
    return [(one.caption, int(one.probabilities.argmax())) for one in opinions]


def both_one_by_one(vlm: Vlm, images: Sequence[Image]) -> list[tuple[str | None, int]]:
    return list(zip(captions_one_by_one(vlm, images), classes_one_by_one(vlm, images), strict=True))


def both_captions(vlm: Vlm, images: Sequence[Image]) -> list[str | None]:
    return [caption for caption, _ in both(vlm, images)]


def captions_and_free_answers(vlm: Vlm, images: Sequence[Image]) -> list[str]:
    """Return the captions; what is generated to the class question besides may be no class, and is not compared."""
    for image in images:
        generated(vlm, image, class_instruction(CLASS_NAMES))
    return captions_one_by_one(vlm, images)


def captions_one_by_one(vlm: Vlm, images: Sequence[Image]) -> list[str]:
    return [generated(vlm, image, CAPTION_INSTRUCTION) for image in images]


def generated(vlm: Vlm, image: Image, instruction: str) -> str:
    prompt = encode_prompts(vlm.processor, vlm.contract, [image], [instruction])
    with torch.inference_mode():
        tokens = vlm.model.generate(**prompt, max_new_tokens=MAX_NEW_TOKENS, do_sample=False)
    answer = tokens[:, prompt["input_ids"].shape[1] :]
    said: str = vlm.processor.batch_decode(answer, skip_special_tokens=True)[0].strip()
    return said


def classes_one_by_one(vlm: Vlm, images: Sequence[Image]) -> list[int]:
    """Return the class of the highest likelihood, each class of each frame scored in a pass of its own."""
    instruction = class_instruction(CLASS_NAMES)
    chosen = []
    for image in images:
        scores = []
        for name in CLASS_NAMES:
            row = encode(vlm.processor, vlm.contract, [image], [instruction], [class_text(name)])
            labels = row.pop("labels")
            with torch.inference_mode():
                logits = vlm.model(**row).logits
            learnt = labels[0, 1:] != -100
            said = logits[0, :-1][learnt].log_softmax(dim=-1).gather(1, labels[0, 1:][learnt][:, None])
            scores.append(float(said.sum()))
        chosen.append(int(np.argmax(scores)))
    return chosen


if __name__ == "__main__":
    main()
