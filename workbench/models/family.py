"""What differs between families of vision-language models; each has one small file in ``families/``."""

import importlib
import importlib.util
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from transformers import PreTrainedConfig, PreTrainedModel, ProcessorMixin

from workbench.errors import ModelError
from workbench.models import families

__all__ = ["Family", "family_of", "family_of_processor", "known_families"]

PixelBudget = Callable[[Any, int], dict[str, Any]]
"""From an image processor and a recipe's ``longest_edge`` to the image settings that keep to it."""
TextPositions = Callable[[PreTrainedModel, torch.Tensor, int], torch.Tensor]
"""From a model that has read prompts, the attention mask ``[rows, all]`` and a number of new tokens to their places."""


@dataclass(frozen=True)
class Family:
    """Models of one architecture. Paths are those of modules in the model, in full."""

    name: str
    model_types: tuple[str, ...]
    """``model_type`` of transformers' configurations."""
    processor: str
    """Name of the processor's class."""
    vision_tower: str
    projector: str
    language_model: str
    unquantised: tuple[str, ...]
    """Modules that stay as they are when the language model is held in 4 bits; bitsandbytes matches whole paths."""
    needs_torchvision: bool = False
    """Whether the processor, not only its video part, is refused without torchvision."""
    image_inputs: tuple[str, ...] = ("pixel_values",)
    """What ``get_image_features`` takes of a processor's batch."""
    shares_pictures: bool = False
    """Whether several questions may share a picture's pass through the vision tower and its tokens: each of
    ``image_inputs`` then has one row a picture."""
    budget: PixelBudget | None = None
    """What ``longest_edge`` of a recipe sets; None where the model sees every picture at one size."""
    chat_template: str = ""
    """Used where the processor brings none."""
    end_of_answer: str = ""
    """The token that ends an answer; empty is the tokenizer's end of sequence."""
    before_answer: str | None = None
    """What stands between prompt and answer where the template renders no answers, or not as they are generated."""
    answers_apart: bool = False
    """Whether the processor takes the answer as a ``suffix`` of its own, which is attended to causally."""
    text_positions: TextPositions | None = None
    """Places of tokens that follow a cached prompt; None where the model finds them itself."""

    def holds_language(self, path: str) -> bool:
        """Tell whether the module at ``path`` belongs to the language model."""
        return f"{path}.".startswith(f"{self.language_model}.")

    def limit_pixels(self, image_processor: Any, longest_edge: int) -> dict[str, Any]:
        """Return the image settings for the pixel budget; ModelError where this family has none."""
        if self.budget is None:
            raise ModelError(
                expected=f"no base.longest_edge for {self.name}, which sees every picture at one size",
                found=str(longest_edge),
                remedy="leave it out of the recipe",
            )
        return self.budget(image_processor, longest_edge)

    def require_libraries(self) -> None:
        """ModelError when the processor needs a library that is not installed."""
        if self.needs_torchvision and importlib.util.find_spec("torchvision") is None:
            raise ModelError(
                expected=f"torchvision, which the processor of {self.name} needs",
                found="an environment without it",
                remedy="install the extra `gpu` or name a model of another family",
            )


@cache
def known_families() -> tuple[Family, ...]:
    """Return every family of the folder ``families/``, by name."""
    names = [module.name for module in pkgutil.iter_modules(families.__path__, f"{families.__name__}.")]
    return tuple(importlib.import_module(name).FAMILY for name in sorted(names))


def family_of(config: PreTrainedConfig) -> Family:
    """Return the family of a model by its configuration; ModelError, which names the known ones, for another."""
    return _known({kind: family for family in known_families() for kind in family.model_types}, config.model_type)


def family_of_processor(processor: ProcessorMixin) -> Family:
    """Return the family of a model by its processor; ModelError, which names the known ones, for another."""
    return _known({family.processor: family for family in known_families()}, type(processor).__name__)


def _known(families_by_kind: Mapping[str, Family], kind: str) -> Family:
    if kind not in families_by_kind:
        raise ModelError(
            expected=f"a model of {', '.join(sorted({family.name for family in families_by_kind.values()}))}",
            found=kind,
            remedy="name a model of one of these families",
        )
    return families_by_kind[kind]
