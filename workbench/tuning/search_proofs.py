"""Proofs of a dual encoder's tuning: that a step reaches every adapter, and that what was saved is what was tuned."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from peft import PeftModel
from peft.tuners.lora import LoraLayer
from peft.utils import ModulesToSaveWrapper
from torch import nn

from workbench.domain import LabelledFrame
from workbench.errors import PreflightError
from workbench.models.dual_encoder import DualEncoder, load_dual_encoder
from workbench.tuning.adapter import require_moved
from workbench.tuning.adapter_files import verify_adapter
from workbench.tuning.encoding import decode
from workbench.tuning.forward import use_fast_attention

__all__ = ["EMBEDDING_TOLERANCE", "prove_search_adapter", "require_reached"]

EMBEDDING_TOLERANCE = 2e-3
_PROBES = 16


def require_reached(model: nn.Module) -> None:
    """PreflightError when an adapter, or a module that is trained whole, has no gradient after a step.

    Between two towers there is none that a model runs and does not use.
    """
    unreached = [path for path, module in model.named_modules() if _learns(module) and not _is_reached(module)]
    if unreached:
        raise PreflightError(
            expected="a gradient for every module that is trained",
            found=f"none for {len(unreached)}, such as {unreached[0].removeprefix('base_model.model.')}",
            remedy="correct target_modules of its part, so that it names what the model uses",
        )


def prove_search_adapter(
    directory: Path,
    tuned: DualEncoder,
    start: Mapping[str, torch.Tensor],
    frames: Sequence[LabelledFrame],
    class_names: Sequence[str],
    loading: Mapping[str, Any],
) -> None:
    """Load the saved adapter on a fresh base (``loading`` are the arguments of ``load_dual_encoder``) and compare.

    PreflightError when training moved no weight away from ``start``, or frames, captions or classes are embedded
    otherwise than ``tuned`` does it; ModelError when a file or a weight is missing.
    """
    assert isinstance(tuned.model, PeftModel)
    require_moved(tuned.model, start)
    verify_adapter(directory)
    reloaded = load_dual_encoder(**loading, adapter=directory)
    reloaded.core.to(tuned.core.device)
    use_fast_attention(reloaded.core)
    probes = [frames[place] for place in range(min(len(frames), _PROBES))]
    mine, found = (_embedded(encoder, probes, class_names) for encoder in (tuned, reloaded))
    difference = float(np.abs(mine - found).max())
    if not difference <= EMBEDDING_TOLERANCE:
        raise PreflightError(
            expected=f"the saved adapter to embed as the tuned model does (within {EMBEDDING_TOLERANCE})",
            found=f"a difference of {difference:.3g}",
            remedy="report this, as the adapter must not be used",
        )


def _embedded(encoder: DualEncoder, frames: Sequence[LabelledFrame], class_names: Sequence[str]) -> Any:
    images = [decode(frame.frame_id, frame.image_jpeg) for frame in frames]
    texts = [frame.caption for frame in frames]
    return np.concatenate(
        [encoder.embed_images(images), encoder.embed_texts(texts), encoder.embed_classes(class_names)]
    )


def _learns(module: nn.Module) -> bool:
    trained = any(weight.requires_grad for weight in module.parameters())
    return trained and isinstance(module, LoraLayer | ModulesToSaveWrapper)


def _is_reached(module: nn.Module) -> bool:
    gradients = [weight.grad for weight in module.parameters() if weight.requires_grad]
    if isinstance(module, ModulesToSaveWrapper):
        return any(gradient is not None for gradient in gradients)
    return all(gradient is not None for gradient in gradients)
