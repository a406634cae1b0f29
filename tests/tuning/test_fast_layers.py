"""Layers that train faster lose and learn what peft's and transformers' own do."""

import math
from collections.abc import Callable, Mapping, Sequence

import peft.tuners.lora
import pytest
import torch
from torch import nn
from transformers import LlamaConfig
from transformers.models.llama.modeling_llama import (
    LlamaAttention,
    LlamaDecoderLayer,
    LlamaRMSNorm,
    LlamaRotaryEmbedding,
    apply_rotary_pos_emb,
    eager_attention_forward,
)

from tests.tuning.conftest import PrepareTuning
from workbench.models.linear import product, quicken
from workbench.recipe import Base, Lora, Part, Recipe, Training
from workbench.tuning.attention import attended
from workbench.tuning.collator import Batch
from workbench.tuning.forward import mixed_precision, row_losses
from workbench.tuning.frames import AS_IT_IS
from workbench.tuning.llama_layers import _normed, answers_alone
from workbench.tuning.lora_layers import FusedLora
from workbench.tuning.tuner import Prepared, collate_for

ALL_PARTS = {
    "vision_model": Part(
        path="model.vision_model", target_modules=r"encoder\.layers\.\d+\.(self_attn\.q_proj|mlp\.fc1)"
    ),
    "text_model": Part(path="model.text_model"),
}
Learnt = tuple[list[float], Mapping[str, torch.Tensor]]


@pytest.mark.parametrize(
    ("training", "tolerance"),
    [(Training(), 1e-5), (Training(activation_checkpointing=True), 1e-5), (Training(bf16=True), 2e-2)],
    ids=["float32", "checkpointed", "bfloat16"],
)
@pytest.mark.parametrize("attention_dropout", [0.0, 1e-9], ids=["own attention", "transformers' attention"])
def test_losses_and_gradients_are_those_of_the_plain_layers(
    prepare_tuning: PrepareTuning, training: Training, tolerance: float, attention_dropout: float
) -> None:
    prepared = prepare_tuning(Recipe(parts=ALL_PARTS, training=training))
    randomise(prepared)
    for module in prepared.model.modules():
        if isinstance(module, LlamaAttention):
            module.attention_dropout = attention_dropout
    batch = batch_of(prepared)
    assert fused(prepared.model)
    assert answers_alone(prepared.model.get_base_model().model.text_model)
    losses, gradients = learnt(prepared, batch)
    make_plain(prepared.model)
    plain_losses, plain_gradients = learnt(prepared, batch)
    assert losses == pytest.approx(plain_losses, rel=tolerance)
    assert gradients.keys() == plain_gradients.keys()
    for name, expected in plain_gradients.items():
        scale = float(expected.abs().max())
        assert scale > 0, name
        torch.testing.assert_close(gradients[name], expected, rtol=0, atol=max(tolerance * scale, 1e-7))


@pytest.mark.parametrize("places", [7, 3], ids=["whole rows", "some places"])
@pytest.mark.parametrize("key_heads", [4, 2, 1])
def test_attention_finds_and_learns_what_transformers_does(key_heads: int, places: int) -> None:
    torch.manual_seed(0)
    heads, width, length = 4, 8, 7
    shape = {"num_attention_heads": heads, "num_key_value_heads": key_heads}
    attention = LlamaAttention(LlamaConfig(hidden_size=heads * width, **shape), layer_idx=0)
    positions = torch.stack([torch.arange(length), torch.arange(length) + 5])
    rotation = LlamaRotaryEmbedding(attention.config)(torch.zeros(1), positions)
    asking_rotation = (rotation[0][:, -places:], rotation[1][:, -places:])
    mask = torch.zeros(2, 1, places, length).masked_fill(torch.rand(2, 1, places, length) < 0.3, -1e4)
    given = [torch.randn(2, places, heads * width), *torch.randn(2, 2, length, key_heads * width)]
    outer = torch.randn(2, places, heads * width)

    def own(queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        return attended(queries, keys, values, asking_rotation, rotation, mask, width)

    def transformers_own(*states: torch.Tensor) -> torch.Tensor:
        queries, keys, values = (one.unflatten(2, (-1, width)).transpose(1, 2) for one in states)
        queries, _ = apply_rotary_pos_emb(queries, queries, *asking_rotation)
        keys, _ = apply_rotary_pos_emb(keys, keys, *rotation)
        found, _ = eager_attention_forward(attention, queries, keys, values, mask, scaling=attention.scaling)
        flat: torch.Tensor = found.flatten(2)
        return flat

    (found, *gradients), (expected, *expected_gradients) = (
        with_gradients(attend, given, outer) for attend in (own, transformers_own)
    )
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(gradients, expected_gradients)


@pytest.mark.parametrize(
    ("base", "parts"),
    [
        (Base(dtype="bfloat16"), {"embedding": Part(path="model.text_model.embed_tokens", train="full")}),
        (
            Base(dtype="bfloat16", quantization="nf4"),
            {
                "norm": Part(path="model.text_model.layers.0.input_layernorm", train="full"),
                "layer": Part(path="model.text_model.layers.1"),
            },
        ),
    ],
    ids=["embeddings of 16 bits", "a norm of 4 bits"],
)
def test_types_that_meet_in_a_layer_are_made_one(
    prepare_tuning: PrepareTuning, base: Base, parts: dict[str, Part]
) -> None:
    prepared = prepare_tuning(Recipe(base=base, parts=parts))
    losses, gradients = learnt(prepared, batch_of(prepared))
    assert all(map(math.isfinite, losses))
    assert gradients
    assert all(gradient.isfinite().all() for gradient in gradients.values())


def test_the_norm_is_summed_in_float32_where_products_have_16_bits() -> None:
    torch.manual_seed(0)
    norm, hidden = LlamaRMSNorm(576), 3 * torch.randn(4, 50, 576)
    norm.weight.requires_grad_(False)
    expected = norm(hidden)
    with torch.autocast("cpu", torch.bfloat16):
        found = _normed(norm, hidden)
    assert found.dtype == torch.bfloat16
    most_by_rounding = 2**-8
    assert ((found.float() - expected) / expected).abs().max() < 1.01 * most_by_rounding


def test_what_a_plain_product_does_not_cover_stays_pefts(prepare_tuning: PrepareTuning) -> None:
    for lora in (Lora(lora_dropout=0.1), Lora(use_dora=True)):
        assert not fused(prepare_tuning(Recipe(lora=lora)).model)
    model = prepare_tuning(Recipe()).model
    assert fused(model)
    assert all(weight.dtype == torch.float32 for weight in model.parameters())


def test_answers_without_a_gradient_are_pefts_with_the_adapter_and_without(prepare_tuning: PrepareTuning) -> None:
    prepared = prepare_tuning(Recipe())
    randomise(prepared)
    batch, model = batch_of(prepared), prepared.model
    with torch.no_grad():
        adapted = row_losses(model.get_base_model(), batch)
        with model.disable_adapter():
            base = row_losses(model.get_base_model(), batch)
        make_plain(model)
        torch.testing.assert_close(row_losses(model.get_base_model(), batch), adapted)
        with model.disable_adapter():
            torch.testing.assert_close(row_losses(model.get_base_model(), batch), base)
    assert not torch.allclose(adapted, base)


def test_linear_layers_answer_as_before_and_still_learn() -> None:
    torch.manual_seed(0)
    layers = nn.Sequential(nn.Linear(24, 40), nn.GELU(), nn.Linear(40, 8, bias=False))
    rows = torch.randn(2, 7, 24)
    expected = layers(rows).detach()
    quicken(layers)
    with torch.inference_mode():
        torch.testing.assert_close(layers(rows), expected)
        torch.testing.assert_close(product(rows.mT, torch.randn(3, 14)[:, ::2]).shape, torch.Size([2, 24, 3]))
    torch.autograd.backward(layers(rows).sum())
    assert all(weight.grad is not None for weight in layers.parameters())


def with_gradients(
    attend: Callable[..., torch.Tensor], given: Sequence[torch.Tensor], outer: torch.Tensor
) -> list[torch.Tensor]:
    states = [one.clone().requires_grad_() for one in given]
    found = attend(*states)
    return [found, *torch.autograd.grad(found, states, outer)]


def randomise(prepared: Prepared) -> None:
    """Give the adapters' second matrices values, which start at zero and would hide the first ones' gradients."""
    torch.manual_seed(1)
    for name, weight in prepared.model.named_parameters():
        if ".lora_B." in name:
            nn.init.normal_(weight, std=0.05)


def batch_of(prepared: Prepared) -> Batch:
    return collate_for(prepared.vlm)([prepared.pixels.at(frame, AS_IT_IS) for frame in prepared.taught[:3]])


def learnt(prepared: Prepared, batch: Batch) -> Learnt:
    model = prepared.model.train()
    model.zero_grad(set_to_none=True)
    with mixed_precision(model.get_base_model(), prepared.recipe.training):
        losses = row_losses(model.get_base_model(), batch)
    torch.autograd.backward(losses.sum())
    return losses.tolist(), {name: weight.grad for name, weight in model.named_parameters() if weight.grad is not None}


def fused(model: nn.Module) -> bool:
    return any(isinstance(module, FusedLora) for module in model.modules())


def make_plain(model: nn.Module) -> None:
    for module in model.modules():
        if isinstance(module, FusedLora):
            module.__class__ = peft.tuners.lora.Linear
        elif isinstance(module, LlamaDecoderLayer):
            module.__class__ = LlamaDecoderLayer
        elif isinstance(module, nn.Linear):
            module.__class__ = nn.Linear
