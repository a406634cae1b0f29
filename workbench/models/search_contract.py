"""What tuning a dual encoder and searching with it share, saved beside the adapter and checked when it is loaded."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from transformers import PreTrainedModel, ProcessorMixin

from workbench.errors import ModelError
from workbench.models.contract_file import digest_of, read_contract, write_contract

__all__ = ["PLAIN_PROMPT", "SEARCH_CONTRACT_FILE", "SearchContract"]

SEARCH_CONTRACT_FILE = "search_contract.json"
PLAIN_PROMPT = "{}"
_PIXELS = (
    "do_center_crop",
    "do_convert_rgb",
    "do_normalize",
    "do_rescale",
    "do_resize",
    "crop_size",
    "image_mean",
    "image_std",
    "resample",
    "rescale_factor",
    "size",
)


@dataclass(frozen=True)
class SearchContract:
    """``temperature`` are the values by which similarities become probabilities: ``logit_scale``, ``logit_bias``.

    ``class_prompts`` are sentences with ``{}`` in the place of a class, of which the mean stands for the class.
    """

    base_version: str
    image_settings_json: str
    text_tokens: int
    class_prompts: tuple[str, ...]
    temperature: tuple[tuple[str, float], ...]

    @classmethod
    def of(
        cls,
        model: PreTrainedModel,
        processor: ProcessorMixin,
        *,
        base_version: str,
        class_prompts: tuple[str, ...] = (PLAIN_PROMPT,),
    ) -> Self:
        settings = {name: getattr(processor.image_processor, name, None) for name in _PIXELS}
        return cls(
            base_version,
            json.dumps(settings, sort_keys=True, default=dict),
            int(model.config.text_config.max_position_embeddings),
            class_prompts,
            temperature_of(model),
        )

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Read the contract of an adapter; ModelError when there is none, or another than was saved."""
        return read_contract(
            directory / SEARCH_CONTRACT_FILE,
            cls._parsed,
            expected=f"an adapter of a dual encoder, with its {SEARCH_CONTRACT_FILE}",
            remedy="name a run that was tuned with a recipe of `task: search`",
        )

    def save(self, directory: Path) -> Path:
        """Write ``search_contract.json`` into ``directory`` and return its path."""
        return write_contract(directory / SEARCH_CONTRACT_FILE, self._content())

    def with_temperature_of(self, model: PreTrainedModel) -> Self:
        return replace(self, temperature=temperature_of(model))

    @property
    def digest(self) -> str:
        """SHA-256 of the contract's content, in hexadecimal."""
        return digest_of(self._content())

    @property
    def image_settings(self) -> Mapping[str, Any]:
        return dict(json.loads(self.image_settings_json))

    def require_fit(self, other: Self, where: Path) -> None:
        """Compare what the adapter in ``where`` was tuned with (this) and what was loaded for it; ModelError if other.

        Another base, other pixels or another length of texts would give embeddings that mean something else.
        """
        for what, mine, found in (
            ("base model", self.base_version, other.base_version),
            ("image settings", self.image_settings_json, other.image_settings_json),
            ("length of texts", self.text_tokens, other.text_tokens),
        ):
            if mine != found:
                raise ModelError(
                    expected=f"the {what} that the adapter in {where} was tuned with: {mine}",
                    found=str(found),
                    remedy="load it on the base model that its run names, or tune again",
                )

    def apply(self, model: PreTrainedModel) -> None:
        """Give ``model`` the temperature that was learnt, which no adapter file holds."""
        for name, value in self.temperature:
            getattr(model, name).data.fill_(value)

    @classmethod
    def _parsed(cls, stored: Mapping[str, Any]) -> Self:
        return cls(
            stored["base_version"],
            json.dumps(stored["image_settings"], sort_keys=True),
            stored["text_tokens"],
            tuple(stored["class_prompts"]),
            tuple((name, float(value)) for name, value in stored["temperature"].items()),
        )

    def _content(self) -> Mapping[str, Any]:
        return {
            "base_version": self.base_version,
            "image_settings": self.image_settings,
            "text_tokens": self.text_tokens,
            "class_prompts": list(self.class_prompts),
            "temperature": dict(self.temperature),
        }


def temperature_of(model: PreTrainedModel) -> tuple[tuple[str, float], ...]:
    found = {name: getattr(model, name, None) for name in ("logit_scale", "logit_bias")}
    return tuple((name, float(value.detach().squeeze())) for name, value in found.items() if value is not None)
