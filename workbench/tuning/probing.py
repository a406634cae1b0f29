"""Asking a model about the probe frames of a parity check."""

from collections.abc import Sequence

import numpy as np
import torch
from PIL.Image import Image

from workbench.models.chat import IGNORED_LABEL, encode
from workbench.models.instructions import CAPTION_INSTRUCTION, class_instruction, class_text
from workbench.models.vlm import Vlm
from workbench.tuning.parity import Answers, Floats

__all__ = ["ask"]

_AT_ONCE = 8


def ask(
    vlm: Vlm, form: str, images: Sequence[Image], class_names: Sequence[str], reference: Answers | None = None
) -> Answers:
    """Return what ``vlm`` answers about RGB images; without a ``reference`` its own captions are the reference."""
    likelihoods = vlm.choice_log_likelihoods(
        images, class_instruction(class_names), [class_text(name) for name in class_names], batch_size=_AT_ONCE
    )
    captions = tuple(vlm.generate_captions(images, batch_size=_AT_ONCE))
    wanted = captions if reference is None else reference.captions
    return Answers(form, likelihoods.numpy(), captions, _caption_log_likelihoods(vlm, images, wanted))


def _caption_log_likelihoods(vlm: Vlm, images: Sequence[Image], captions: Sequence[str]) -> Floats:
    """Return ``[images]`` means over the tokens of each caption and its end; 0 for a caption without words."""
    means = np.zeros(len(images))
    said = [row for row, caption in enumerate(captions) if caption]
    for start in range(0, len(said), _AT_ONCE):
        rows = said[start : start + _AT_ONCE]
        instructions = [CAPTION_INSTRUCTION] * len(rows)
        batch = encode(
            vlm.processor, vlm.contract, [images[row] for row in rows], instructions, [captions[row] for row in rows]
        ).to(vlm.model.device)
        labels = batch.pop("labels")[:, 1:]
        with torch.inference_mode():
            scores = vlm.model(**batch).logits[:, :-1].double().log_softmax(dim=-1)
        is_said = labels != IGNORED_LABEL
        chosen = scores.gather(2, labels.clamp(min=0)[..., None]).squeeze(2) * is_said
        means[rows] = (chosen.sum(dim=1) / is_said.sum(dim=1)).cpu().numpy()
    return means
