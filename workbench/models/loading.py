"""Loading models, processors and adapters, and translating every foreign way in which that fails."""

import hashlib
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel, get_peft_model_state_dict
from safetensors import SafetensorError
from safetensors.torch import load_file
from transformers import (
    AutoConfig,
    AutoImageProcessor,
    AutoModelForImageTextToText,
    AutoProcessor,
    BitsAndBytesConfig,
    PreTrainedModel,
    ProcessorMixin,
)
from transformers.utils import logging as transformers_logging

from workbench.errors import ModelError
from workbench.models.family import Family, family_of
from workbench.models.hub import HUB_ERRORS, needs_no_network
from workbench.models.model_files import model_digest

ADAPTER_WEIGHTS = "adapter_model.safetensors"
VERSION_DIGITS = 8
DTYPES = ("auto", "float32", "bfloat16", "float16")
_LOADING_ERRORS = (*HUB_ERRORS, ValueError, KeyError, TypeError, RuntimeError, ImportError, SafetensorError)

transformers_logging.disable_progress_bar()


def load_processor(source: str | Path, *, revision: str | None = None) -> ProcessorMixin:
    """Load the processor at ``source``; its images are prepared by Pillow, so that pixels are the same everywhere."""
    where = {"revision": revision, "local_files_only": needs_no_network(source, revision=revision)}
    family = _family_at(source, where)
    family.require_libraries()
    with _told_as_model_error(f"a model with its processor at {source}"):
        if not family.needs_torchvision:
            return AutoProcessor.from_pretrained(str(source), backend="pil", **where)
        processor = AutoProcessor.from_pretrained(str(source), **where)
        processor.image_processor = AutoImageProcessor.from_pretrained(str(source), backend="pil", **where)
        return processor


def load_base(
    source: str | Path, *, revision: str | None, dtype: str = "float32", quantization: str | None = None
) -> PreTrainedModel:
    """Load the weights at ``source``, from safetensors alone, on the first GPU if there is one."""
    if dtype not in DTYPES or quantization not in (None, "nf4"):
        raise ModelError(
            expected=f"a dtype among {', '.join(DTYPES)} and the quantization nf4 or none",
            found=f"{dtype} and {quantization}",
            remedy="correct the recipe",
        )
    device = "cuda" if torch.cuda.is_available() else "cpu"
    where = {"revision": revision, "local_files_only": needs_no_network(source, revision=revision)}
    family = _family_at(source, where)
    with _told_as_model_error(f"an image-text-to-text model at {source}"):
        model: PreTrainedModel = AutoModelForImageTextToText.from_pretrained(
            str(source),
            dtype=dtype,
            use_safetensors=True,
            quantization_config=_nf4_config(family) if quantization else None,
            device_map={"": device} if quantization else None,
            **where,
        )
    return model if quantization else model.to(device)


def attach_adapter(model: PreTrainedModel, adapter: Path) -> PeftModel:
    """Put the LoRA adapter in ``adapter`` on ``model`` and prove that every one of its weights arrived.

    A key prefix that drifted between library versions makes peft load nothing and say nothing; this compares the
    file with the model, name by name and value by value.
    """
    with _told_as_model_error(f"a LoRA adapter for this base in {adapter}"):
        with warnings.catch_warnings():
            # peft 0.21 asks transformers 5.23 for an attribute under its old name.
            warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
            # An adapter on a tied lm_head leaves the shared embedding as it is; merging parts the two first.
            warnings.filterwarnings("ignore", "Model has `tie_word_embeddings=True`", UserWarning)
            adapted = PeftModel.from_pretrained(model, str(adapter))
        stored = load_file(adapter / ADAPTER_WEIGHTS)
    held = get_peft_model_state_dict(adapted, save_embedding_layers=False)
    unequal = {name for name in stored.keys() & held.keys() if not _same(stored[name], held[name])}
    astray = (stored.keys() ^ held.keys()) | unequal
    if astray or not stored:
        example = min(astray, default="none at all")
        raise ModelError(
            expected=f"all {len(held)} adapter weights of this model in {adapter}",
            found=f"{len(astray)} that are missing, unknown or not loaded, such as {example}",
            remedy="use the base model and library versions that the adapter was tuned with",
        )
    return adapted


def version_of(source: str | Path, model: PreTrainedModel, adapter: Path | None) -> str:
    """Name the model: the source's last part, the digest of its files (a hub model: its commit) and the adapter's."""
    directory = Path(source)
    with _told_as_model_error(f"readable files of a model in {directory}"):
        base = model_digest(directory) if directory.is_dir() else model.config._commit_hash
    version = f"{directory.name}@{(base or 'unknown')[:VERSION_DIGITS]}"
    if adapter is None:
        return version
    with _told_as_model_error(f"readable weights in {adapter}"):
        digest = hashlib.sha256((adapter / ADAPTER_WEIGHTS).read_bytes()).hexdigest()
    return f"{version}+adapter@{digest[:VERSION_DIGITS]}"


@contextmanager
def _told_as_model_error(expected: str) -> Iterator[None]:
    try:
        yield
    except _LOADING_ERRORS as exc:
        reason = str(exc).strip().splitlines()[0].rstrip(".:") if str(exc).strip() else type(exc).__name__
        raise ModelError(
            expected=expected,
            found=reason if len(reason) <= 200 else f"{reason[:200]}…",
            remedy="name a complete model that these library versions can read",
        ) from exc


def _family_at(source: str | Path, where: Mapping[str, Any]) -> Family:
    with _told_as_model_error(f"a model at {source}"):
        config = AutoConfig.from_pretrained(str(source), **where)
    return family_of(config)


def _nf4_config(family: Family) -> BitsAndBytesConfig:
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
        llm_int8_skip_modules=list(family.unquantised),
    )


def _same(stored: torch.Tensor, held: torch.Tensor) -> bool:
    return stored.shape == held.shape and torch.equal(stored.to(held.dtype), held.detach().cpu())
