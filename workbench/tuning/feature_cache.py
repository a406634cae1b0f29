"""What a frozen vision tower sees of a frame, kept on disk: computed once, read by every epoch and every later run.

One file per frame and look, mapped into memory when it is read, in a folder whose name stands for everything that
decides its content: weights, contract, number types and variation. A file carries a digest of its content: what was
damaged, by a power cut too, is computed again by the next run, so that writing waits for no disk.
"""

import hashlib
import json
import logging
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast
from uuid import uuid4

import torch
import transformers
from peft import PeftModel
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from transformers import PreTrainedModel

from workbench.errors import StorageError
from workbench.models.family import family_of
from workbench.models.vlm import Vlm
from workbench.progress import Progress, silent
from workbench.recipe import Recipe, Training
from workbench.tuning.collator import Collator
from workbench.tuning.encoding import EncodedFrame, TrainingItem
from workbench.tuning.examples import TaughtFrame
from workbench.tuning.feature_files import feature_file
from workbench.tuning.forward import mixed_precision
from workbench.tuning.frames import Item, Look, PixelLooks
from workbench.tuning.image_features import kept_features
from workbench.wording import counted, refusal_of

_FEATURES, _PREFIX, _DIGEST = "features", "prefix", "sha256"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FeatureCache(ABC):
    """Frames as a frozen vision tower saw them (a ``Looks``); every look asked for must have been ``filled`` in."""

    folder: Path
    pixels: PixelLooks

    @abstractmethod
    def _item(self, kept: Mapping[str, torch.Tensor], frame: TaughtFrame, look: Look) -> Item:
        """Return the frame as ``kept`` of that look has it."""

    @abstractmethod
    def _see(self, model: PreTrainedModel, frame: TaughtFrame, look: Look) -> dict[str, torch.Tensor]:
        """Let ``model`` look at the frame and return what is to be kept."""

    def at(self, frame: TaughtFrame, look: Look) -> Item:
        try:
            kept = load_file(self._file(frame, look))
        except (OSError, SafetensorError) as exc:
            raise StorageError(
                expected=f"what the vision tower saw of frame {frame.frame_id[:12]} under {self.folder}",
                found="that it is gone or damaged",
                remedy="run again, which completes the folder, and leave it alone in the meantime",
            ) from exc
        return self._item(kept, frame, look)

    def fill(
        self,
        model: PreTrainedModel,
        wanted: Iterable[tuple[TaughtFrame, Look]],
        training: Training,
        *,
        progress: Progress = silent,
    ) -> int:
        """Let ``model`` look at every wanted frame and look that is not there yet or damaged; returns how many.

        StorageError when the disk refuses; what was written before stays and is whole.
        """
        missing = [one for one in wanted if not self._is_whole(*one)]
        if damaged := sum(self._file(*one).exists() for one in missing):
            _log.warning("Computed again: %s in %s.", counted(damaged, "damaged file"), self.folder)
        trains = model.training
        model.eval()
        for done, (frame, look) in enumerate(missing):
            progress(done, len(missing), "frames seen by the vision tower")
            with torch.inference_mode(), mixed_precision(model, training):
                kept = self._see(model, frame, look)
            self._write(frame, look, kept)
        model.train(trains)
        return len(missing)

    def _write(self, frame: TaughtFrame, look: Look, kept: dict[str, torch.Tensor]) -> None:
        file, kept = self._file(frame, look), {name: value.cpu().contiguous() for name, value in kept.items()}
        part = file.with_name(f"{file.stem}-{uuid4().hex}.part")  # another run may be looking at the same frame
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            part.write_bytes(save(kept, {_DIGEST: _digest(kept)}))
            part.rename(file)
        except OSError as exc:
            with suppress(OSError):
                part.unlink()
            raise StorageError(
                expected=f"to keep image features under {self.folder}",
                found=refusal_of(exc),
                remedy="free some space, or set data.cache_image_features to false in the recipe",
            ) from exc

    def _is_whole(self, frame: TaughtFrame, look: Look) -> bool:
        try:
            with safe_open(self._file(frame, look), "pt") as file:
                kept = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - a file is no mapping
                return bool((file.metadata() or {}).get(_DIGEST) == _digest(kept))
        except (OSError, SafetensorError):
            return False

    def _file(self, frame: TaughtFrame, look: Look) -> Path:
        return feature_file(self.folder, frame.frame_id, look)


@dataclass(frozen=True)
class PackedFeatures(FeatureCache):
    """Of families whose questions share a picture: its tokens and features, so that no picture is decoded again.

    Where the projector is trained the features are those before it.
    """

    trains_projector: bool

    def _item(self, kept: Mapping[str, torch.Tensor], frame: TaughtFrame, look: Look) -> Item:
        assert self.pixels.encoder
        prefix, picture = tuple(kept[_PREFIX].tolist()), {_FEATURES: kept[_FEATURES]}
        return self.pixels.encoder.behind(prefix, picture, frame.examples)

    def _see(self, model: PreTrainedModel, frame: TaughtFrame, look: Look) -> dict[str, torch.Tensor]:
        encoded = self.pixels.at(frame, look)
        assert isinstance(encoded, EncodedFrame)
        picture = {name: value[None].to(model.device) for name, value in encoded.picture.items()}
        seen = model.get_image_features(**picture, return_dict=True)
        features = seen.last_hidden_state if self.trains_projector else torch.cat(seen.pooler_output)
        return {_FEATURES: features, _PREFIX: torch.tensor(encoded.tokens.prefix)}


@dataclass(frozen=True)
class RowFeatures(FeatureCache):
    """Of the other families: features alone, as only their processors know which tokens stand for a picture."""

    collator: Collator

    def _item(self, kept: Mapping[str, torch.Tensor], frame: TaughtFrame, look: Look) -> Item:
        return replace(self._plain(frame, look), seen=kept)

    def _see(self, model: PreTrainedModel, frame: TaughtFrame, look: Look) -> dict[str, torch.Tensor]:
        item = self._plain(frame, look)
        batch = self.collator([replace(item, examples=item.examples[:1])])
        inputs = {name: batch[name].to(model.device) for name in family_of(model.config).image_inputs}
        return kept_features(model.get_image_features(**inputs, return_dict=True))

    def _plain(self, frame: TaughtFrame, look: Look) -> TrainingItem:
        item = self.pixels.at(frame, look)
        assert isinstance(item, TrainingItem)
        return item


def cache_for(vlm: Vlm, recipe: Recipe, pixels: PixelLooks, directory: Path) -> FeatureCache | None:
    """Return the cache that this run may use under ``directory``; None when it must look at pixels each time.

    It may where the recipe allows it, frames do not vary anew each time and nothing is trained that pictures pass
    through before the language model, but for the projector of a family whose questions share a picture.
    """
    model, data = cast(PeftModel, vlm.model).get_base_model(), recipe.data
    family, varies_anew = family_of(model.config), data.augmentation.varies and not data.augmentation.views
    if not data.cache_image_features or varies_anew:
        return None
    trained = [name for name, weight in model.named_parameters() if weight.requires_grad]
    seeing = [name for name in trained if not family.holds_language(name) and not name.startswith("lm_head.")]
    trains_projector = bool(seeing)
    if not all(family.shares_pictures and name.startswith(f"{family.projector}.") for name in seeing):
        return None
    decides = {
        "base": vlm.version,
        "manner": vlm.manner,
        "bf16": recipe.training.bf16,
        "projected": not trains_projector,
        "augmentation": data.augmentation.model_dump(exclude={"views"}) if data.augmentation.varies else None,
        "transformers": transformers.__version__,
        "device": model.device.type,
    }
    key = hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()
    folder = directory / key[:32]
    if family.shares_pictures:
        return PackedFeatures(folder, pixels, trains_projector)
    return RowFeatures(folder, pixels, Collator(vlm.processor, vlm.contract))


def _digest(kept: Mapping[str, torch.Tensor]) -> str:
    digest = hashlib.sha256()
    for name, value in sorted(kept.items()):
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        digest.update(value.view(torch.uint8).numpy().data)
    return digest.hexdigest()
