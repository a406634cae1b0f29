"""A model's opinion is what its other methods say, with a caption as likely as one forward over it tells."""

import numpy as np
import pytest
import torch
from PIL.Image import Image
from transformers import AutoModelForImageTextToText

from workbench.models.chat import IGNORED_LABEL, encode, encode_prompts
from workbench.models.instructions import CAPTION_INSTRUCTION
from workbench.models.opinions import form_opinions, likely_captions
from workbench.models.vlm import Vlm, load_vlm
from workbench.settings import embedded_path

CLASS_NAMES = ("free", "person_at_table", "forklift")


def test_an_opinion_holds_what_the_model_says_elsewhere(vlm: Vlm, images: list[Image]) -> None:
    opinions = form_opinions(vlm, images, CLASS_NAMES, captions=True)

    expected = vlm.class_probabilities(images, CLASS_NAMES)
    np.testing.assert_allclose([one.probabilities for one in opinions], expected, rtol=1e-4)
    assert [one.caption for one in opinions] == vlm.generate_captions(images)
    assert [one.caption for one in form_opinions(vlm, images, CLASS_NAMES, captions=False)] == [None] * len(images)
    assert form_opinions(vlm, [], CLASS_NAMES, captions=True) == []


def test_pictures_of_many_sizes_are_captioned_as_by_a_generate_call_each(images: list[Image]) -> None:
    base = load_vlm(embedded_path("base-vlm"))
    plain = AutoModelForImageTextToText.from_pretrained(embedded_path("base-vlm")).eval()
    pictures = [*images, *(image.rotate(180) for image in images)]

    opinions = form_opinions(base, pictures, CLASS_NAMES, captions=True, batch_size=2)

    said = []
    for picture in pictures:
        prompt = encode_prompts(base.processor, base.contract, [picture], [CAPTION_INSTRUCTION])
        tokens = plain.generate(**prompt, max_new_tokens=40, do_sample=False)[0, prompt["input_ids"].shape[1] :]
        said.append(base.processor.decode(tokens, skip_special_tokens=True).strip())
    assert [one.caption for one in opinions] == said
    alone = base.class_probabilities(pictures, CLASS_NAMES, batch_size=1)
    np.testing.assert_allclose([one.probabilities for one in opinions], alone, rtol=1e-3)
    assert [one.caption_log_likelihood for one in opinions] == pytest.approx(
        [mean for _, mean in likely_captions(base, pictures)], abs=1e-3
    )


def test_embeddings_tell_pictures_apart_and_nothing_else(vlm: Vlm, images: list[Image]) -> None:
    _, together = vlm.look(images, CLASS_NAMES)
    _, alone = vlm.look(images[:1], ("another", "choice of classes"))

    assert together.shape == (3, vlm.model.config.text_config.hidden_size)
    np.testing.assert_allclose(together[:1], alone, atol=1e-5)
    assert np.linalg.norm(together[0] - together[1]) > 1e-3


def test_a_captions_likelihood_is_the_mean_over_its_tokens_and_its_end(images: list[Image]) -> None:
    base = load_vlm(embedded_path("base-vlm"))

    captions = likely_captions(base, images[:2])

    for image, (caption, mean) in zip(images, captions, strict=False):
        assert caption.endswith(".")
        assert mean == pytest.approx(_brute_force(base, image, caption), abs=1e-3)


def _brute_force(vlm: Vlm, image: Image, caption: str) -> float:
    batch = encode(vlm.processor, vlm.contract, [image], [CAPTION_INSTRUCTION], [caption])
    labels = batch.pop("labels")[:, 1:]
    with torch.inference_mode():
        logits = vlm.model(**batch).logits.double().log_softmax(dim=-1)[:, :-1]
    chosen = logits.gather(2, labels.clamp(min=0)[..., None]).squeeze(2)
    return float(chosen[labels != IGNORED_LABEL].mean())
