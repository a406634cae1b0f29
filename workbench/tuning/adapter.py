"""The adapter folder: written whole or not at all, with the SHA-256 of every file, and proved by loading it again."""

import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import torch
from peft import PeftModel, get_peft_model_state_dict
from safetensors import SafetensorError

from workbench.errors import PreflightError, StorageError
from workbench.models.vlm import Vlm, load_vlm
from workbench.recipe import Choices
from workbench.tuning.adapter_files import RECIPE_FILE, verify_adapter, write_manifest
from workbench.tuning.collator import Collator, model_inputs
from workbench.tuning.encoding import TrainingItem
from workbench.tuning.forward import use_fast_attention
from workbench.tuning.gradients import keep_trainable
from workbench.wording import refusal_of

TUNING_FILE = "tuning.json"
LOGIT_TOLERANCE = 2e-2


class Contract(Protocol):
    """What serving must do as training did, of an answering model or of a dual encoder."""

    def save(self, directory: Path) -> Path: ...


def save_adapter(
    model: PeftModel, directory: Path, *, contract: Contract, recipe: Choices, facts: Mapping[str, Any]
) -> Path:
    """Write ``directory``: peft's files, the contract's, ``recipe.yaml``, ``tuning.json`` and the manifest.

    Everything is written beside it, synced and renamed, so that a reader finds the whole folder or none; what a run
    left that was killed in the middle is removed. StorageError when the disk refuses.
    """
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        for unfinished in directory.parent.glob(f".{directory.name}-*"):
            shutil.rmtree(unfinished, ignore_errors=True)
        building = Path(tempfile.mkdtemp(prefix=f".{directory.name}-", dir=directory.parent))
    except OSError as exc:
        raise _disk_refused(directory, exc) from exc
    try:
        model.save_pretrained(str(building), safe_serialization=True, save_embedding_layers=False)
        (building / "README.md").unlink(missing_ok=True)
        contract.save(building)
        (building / RECIPE_FILE).write_text(recipe.to_yaml(), encoding="utf-8")
        (building / TUNING_FILE).write_text(json.dumps(dict(facts), indent=2) + "\n", encoding="utf-8")
        write_manifest(building)
        building.rename(directory)
    except (OSError, SafetensorError) as exc:
        raise _disk_refused(directory, exc) from exc
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return directory


def prove_adapter(
    directory: Path, tuned: Vlm, start: Mapping[str, torch.Tensor], item: TrainingItem, base: Mapping[str, Any]
) -> Vlm:
    """Load the saved adapter on a fresh base (``base`` are the arguments of ``load_vlm``) and compare with ``tuned``.

    Returns the reloaded model. ``tuned`` gives up its weights: two models at once may be more than the memory holds.
    PreflightError when training moved no weight away from ``start`` or the reloaded model answers otherwise.
    """
    require_moved(tuned.model, start)
    verify_adapter(directory)
    expected = _logits(tuned, item)
    for weight in tuned.model.parameters():
        weight.data = weight.data.new_empty(0)
    reloaded = load_vlm(adapter=directory, **base)
    use_fast_attention(reloaded.model)  # in 16 bits another way of computing attention gives other answers
    keep_trainable(reloaded.model)
    difference = float((expected - _logits(reloaded, item)).abs().max())
    if not difference <= LOGIT_TOLERANCE:
        raise PreflightError(
            expected=f"the saved adapter to answer as the tuned model does (logits within {LOGIT_TOLERANCE})",
            found=f"a difference of {difference:.3g}",
            remedy="report this, as the adapter must not be used",
        )
    return reloaded


def require_moved(model: PeftModel, start: Mapping[str, torch.Tensor]) -> None:
    """Refuse (PreflightError) an adapter whose every tensor is as it was at the start."""
    unmoved = [name for name, weight in trained_weights(model).items() if torch.equal(weight, start[name])]
    if len(unmoved) == len(start):
        raise PreflightError(
            expected="an adapter that differs from its start",
            found=f"all of its {len(start)} tensors unchanged",
            remedy="raise training.max_steps or training.learning_rate",
        )


def trained_weights(model: PeftModel) -> dict[str, torch.Tensor]:
    """Return a copy of the weights that an adapter folder holds."""
    held = get_peft_model_state_dict(model, save_embedding_layers=False)
    return {name: weight.detach().cpu().clone() for name, weight in held.items()}


def _logits(vlm: Vlm, item: TrainingItem) -> torch.Tensor:
    batch = Collator(vlm.processor, vlm.contract)([item])
    vlm.model.eval()
    with torch.inference_mode():
        on_device = {name: value.to(vlm.model.device) for name, value in model_inputs(batch).items()}
        logits: torch.Tensor = vlm.model(**on_device, logits_to_keep=1).logits.float().log_softmax(dim=-1).cpu()
    return logits


def _disk_refused(directory: Path, exc: Exception) -> StorageError:
    return StorageError(
        expected=f"to write the adapter to {directory}",
        found=refusal_of(exc),
        remedy="free some space or correct the folder's rights and resume the run",
    )
