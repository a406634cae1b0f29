"""How fast a model answers for evaluation and pre-labelling, beside one call of ``generate`` per frame and class.

    python benchmarks/answering.py

The stills are the demo site's, the model is the embedded base. Captions: the workbench's batches against one call of
transformers' ``generate`` per frame. Classes: its one pass with the prompt shared by all classes against one pass per
frame and class. Both ways must say the same captions and choose the same classes.
"""

import argparse
import os
import platform
import time
from collections.abc import Callable, Sequence
from itertools import count, islice

import numpy as np
import torch
import transformers
from PIL.Image import Image

from workbench.models.chat import encode, encode_prompts
from workbench.models.instructions import CAPTION_INSTRUCTION, class_instruction, class_text
from workbench.models.vlm import Vlm, load_vlm
from workbench.scenes.demo_script import CLASS_NAMES
from workbench.scenes.demo_site import demo_stills
from workbench.settings import embedded_path
from workbench.tuning.allocator import keep_freed_pages

TARGET = 4.0
MAX_NEW_TOKENS = 40


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=64)
    given = parser.parse_args()
    keep_freed_pages()
    stills = (still.picture for number in count() for still in demo_stills([number]))
    images = list(islice(stills, given.frames))
    vlm = load_vlm(embedded_path("base-vlm"))
    vlm.generate_captions(images[:2])
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, torch {torch.__version__}, "
        f"transformers {transformers.__version__}; {given.frames} frames, {len(CLASS_NAMES)} classes\n"
    )
    print("| | frames/s | of one by one | equal answers |\n|---|---|---|---|")
    compare("captions", given.frames, lambda: vlm.generate_captions(images), lambda: captions_one_by_one(vlm, images))
    compare(
        "classes",
        given.frames,
        lambda: [int(row.argmax()) for row in vlm.class_probabilities(images, CLASS_NAMES)],
        lambda: classes_one_by_one(vlm, images),
    )


def compare(
    what: str, frames: int, ours: Callable[[], Sequence[object]], theirs: Callable[[], Sequence[object]]
) -> None:
    said, seconds = timed(ours)
    said_one_by_one, seconds_one_by_one = timed(theirs)
    equal = sum(a == b for a, b in zip(said, said_one_by_one, strict=True))
    print(f"| {what}, one by one | {frames / seconds_one_by_one:.1f} | 1 | |")
    ratio = seconds_one_by_one / seconds
    print(
        f"| {what}, workbench | {frames / seconds:.1f} | **{ratio:.1f}** (asked {TARGET:.0f}) | {equal} of {frames} |"
    )


def timed(work: Callable[[], Sequence[object]]) -> tuple[Sequence[object], float]:
    started = time.monotonic()
    done = work()
    return done, time.monotonic() - started


def captions_one_by_one(vlm: Vlm, images: Sequence[Image]) -> list[str]:
    captions = []
    for image in images:
        prompt = encode_prompts(vlm.processor, vlm.contract, [image], [CAPTION_INSTRUCTION])
        with torch.inference_mode():
            tokens = vlm.model.generate(**prompt, max_new_tokens=MAX_NEW_TOKENS, do_sample=False)
        answer = tokens[:, prompt["input_ids"].shape[1] :]
        captions.append(vlm.processor.batch_decode(answer, skip_special_tokens=True)[0].strip())
    return captions


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
