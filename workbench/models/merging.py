"""Merging an adapter into its base: plain weights that answer as the adapter does and need no peft.

An adapter is merged into the unquantised base alone, each layer in float32, so that its sum is rounded once.
"""

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from peft import PeftModel
from peft.tuners.lora import LoraLayer
from safetensors import SafetensorError
from torch import nn
from transformers import PreTrainedModel

from workbench.errors import ModelError, StorageError
from workbench.models.chat import ChatContract
from workbench.models.vlm import Vlm, load_vlm
from workbench.wording import refusal_of

__all__ = ["load_merged", "merge_adapter", "save_merged"]


def load_merged(
    source: str | Path,
    *,
    adapter: Path,
    revision: str | None = None,
    dtype: str = "float32",
    quantization: str | None = None,
    image_settings: dict[str, Any] | None = None,
    contract: ChatContract | None = None,
) -> Vlm:
    """Load the base at ``source`` with the adapter in ``adapter`` merged into it; the arguments are ``load_vlm``'s.

    ``quantization`` is what the adapter was tuned on and is not applied: rounding the sum to 4 bits again would lose
    what was learnt. Raises ModelError when something cannot be loaded, does not fit or gives weights that are no
    numbers.
    """
    vlm = load_vlm(
        source, adapter=adapter, revision=revision, dtype=dtype, image_settings=image_settings, contract=contract
    )
    assert isinstance(vlm.model, PeftModel)
    return replace(vlm, model=merge_adapter(vlm.model).eval(), version=f"{vlm.version}+merged")


def merge_adapter(model: PeftModel) -> PreTrainedModel:
    """Return the base of ``model`` with the adapter added to its weights; ``model`` is used up.

    Modules that were trained whole take the place of the base's. A head that shares the embedding's weights, but not
    its adapter, gets weights of its own. ModelError when the base is quantised or a sum is not finite.
    """
    base: PreTrainedModel = model.get_base_model()
    if getattr(base.config, "quantization_config", None) is not None:
        raise ModelError(
            expected="an unquantised base to merge an adapter into",
            found=f"{type(base).__name__} held in fewer bits",
            remedy="name the model that the quantised one was made from",
        )
    for layer in [module for module in model.modules() if isinstance(module, LoraLayer)]:
        _own_weight(layer, base)
        _merge_in_float32(layer)
    merged: PreTrainedModel = model.base_model.unload()
    _tell_whether_head_is_tied(merged)
    return merged


def save_merged(vlm: Vlm, directory: Path) -> Path:
    """Write ``vlm`` as a folder that transformers and vLLM load, with ``chat_contract.json`` beside the weights.

    The folder is written whole or not at all. ModelError for a model that still has its adapter apart; StorageError
    when the disk refuses or ``directory`` holds something.
    """
    if isinstance(vlm.model, PeftModel):
        raise ModelError(
            expected="a model whose adapter is merged",
            found=f"{vlm.version} with its adapter apart",
            remedy="load it merged",
        )
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{directory.name}-", dir=directory.parent) as scratch:
            building = Path(scratch) / directory.name
            _write(vlm, building)
            building.rename(directory)
    except (OSError, SafetensorError) as exc:
        raise StorageError(
            expected=f"to write the merged model to {directory}",
            found=refusal_of(exc),
            remedy="free some space, correct the folder's rights or name another folder",
        ) from exc
    return directory


def _write(vlm: Vlm, directory: Path) -> None:
    vlm.model.save_pretrained(directory)
    vlm.contract.apply(vlm.processor)
    vlm.processor.save_pretrained(directory)
    vlm.contract.save(directory)
    for file in directory.iterdir():
        file.chmod(0o644)


def _own_weight(layer: LoraLayer, base: PreTrainedModel) -> None:
    """Part the weight of an adapted ``layer`` from the embedding's: the sum would change both without a word."""
    held, embedding = layer.get_base_layer(), base.get_input_embeddings()
    if held is not embedding and held.weight is embedding.weight:
        held.weight = nn.Parameter(held.weight.detach().clone(), requires_grad=False)


def _merge_in_float32(layer: LoraLayer) -> None:
    held = layer.get_base_layer()
    dtype = held.weight.dtype
    held.float()
    try:
        layer.merge(safe_merge=True)
    except ValueError as exc:
        raise ModelError(
            expected="an adapter whose weights are numbers",
            found=str(exc).splitlines()[0].rstrip("."),
            remedy="tune again with a lower training.learning_rate",
        ) from exc
    held.to(dtype)


def _tell_whether_head_is_tied(model: PreTrainedModel) -> None:
    """Let the configuration say what became of the head: tied again on loading, it would lose what it learnt."""
    head, embedding = model.get_output_embeddings(), model.get_input_embeddings()
    if head is None or head.weight is embedding.weight:
        return
    for config in (model.config, model.config.get_text_config()):
        config.tie_word_embeddings = False
    model.all_tied_weights_keys = model.get_expanded_tied_weights_keys(all_submodels=True)
