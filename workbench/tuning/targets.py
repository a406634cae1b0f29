"""Which modules a recipe trains, found by full path, and putting adapters on exactly those."""

import re
import warnings
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from peft import LoraConfig, PeftModel, get_peft_model
from peft.utils import ModulesToSaveWrapper
from peft.utils.constants import DUMMY_TARGET_MODULES  # peft's word for an adapter of whole modules alone
from torch import nn
from transformers import PreTrainedModel

from workbench.errors import PreflightError
from workbench.recipe import Lora, Part, Recipe
from workbench.tuning.lora_layers import fuse_lora


@dataclass(frozen=True)
class Targets:
    """Full module paths: linear layers that get LoRA, by the name of their part, and modules that are trained whole."""

    lora: Mapping[str, tuple[str, ...]]
    full: tuple[str, ...]

    @property
    def lora_paths(self) -> frozenset[str]:
        return frozenset(path for paths in self.lora.values() for path in paths)


def find_targets(model: nn.Module, parts: Mapping[str, Part]) -> Targets:
    """Return the modules of ``model`` that ``parts`` name.

    PreflightError when a path is no module of the model, a LoRA part (or one of the alternatives in its pattern)
    matches no linear layer, or a part to be trained in full is a list of modules or stands for others too: peft would
    train something else, or nothing, without a word.
    """
    modules = dict(model.named_modules())
    for name, part in parts.items():
        if part.path not in modules:
            raise PreflightError(
                expected=f"the module {part.path} that parts.{name}.path names",
                found=f"a {type(model).__name__} with {_near(part.path, modules)}",
                remedy="correct the path in the recipe",
            )
        if part.train == "full":
            _check_whole(modules[part.path], name, part.path)
            _check_unmistakable(modules, name, part.path)
    lora = {name: _linear_layers(modules, name, part) for name, part in parts.items() if part.train == "lora"}
    return Targets(lora, tuple(part.path for part in parts.values() if part.train == "full"))


def attach_lora(model: PreTrainedModel, recipe: Recipe, targets: Targets) -> PeftModel:
    """Put fresh adapters on ``targets``, train nothing else, and prove both; trained weights are float32."""
    with warnings.catch_warnings():
        # peft 0.21 still asks a model for this by the name that transformers 5.23 deprecates.
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
        # An adapter on a tied lm_head leaves the shared embedding as it is; it is never merged.
        warnings.filterwarnings("ignore", "Model has `tie_word_embeddings=True`", UserWarning)
        adapted = get_peft_model(model, _lora_config(recipe.lora, targets))
    touched = set(adapted.base_model.targeted_module_names)
    if touched != targets.lora_paths:
        stray = sorted(touched ^ targets.lora_paths)
        raise PreflightError(
            expected=f"adapters on {len(targets.lora_paths)} layers that the recipe names",
            found=f"{len(touched)}, with a difference at {stray[0]}",
            remedy="make the target_modules of the parts exclude each other and the parts trained in full",
        )
    for parameter in adapted.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()
    fuse_lora(adapted)
    return adapted


def hold_as_served(model: PeftModel) -> None:
    """Give the weights trained in full, which learn in float32, the type in which a loaded base holds them.

    Buffers are as loaded: a table of angles in 16 bits would turn every word.
    """
    for module in model.modules():
        if isinstance(module, ModulesToSaveWrapper):
            served = module.original_module.parameters()
            for weight, as_served in zip(module.modules_to_save.parameters(), served, strict=True):
                weight.data = weight.data.to(as_served.dtype)


def _lora_config(lora: Lora, targets: Targets) -> LoraConfig:
    return LoraConfig(
        r=lora.r,
        lora_alpha=lora.lora_alpha,
        lora_dropout=lora.lora_dropout,
        use_rslora=lora.use_rslora,
        use_dora=lora.use_dora,
        target_modules="|".join(map(re.escape, sorted(targets.lora_paths))) or DUMMY_TARGET_MODULES,
        modules_to_save=list(targets.full) or None,
    )


def _linear_layers(modules: Mapping[str, nn.Module], name: str, part: Part) -> tuple[str, ...]:
    if isinstance(modules[part.path], nn.Linear):
        return (part.path,)
    below = [path for path, module in modules.items() if isinstance(module, nn.Linear) and _below(path, part.path)]
    found: set[str] = set()
    for alternative in _alternatives(part.target_modules):
        pattern = re.compile(re.escape(part.path) + r"\." + f"(?:{alternative})")
        matching = list(filter(pattern.fullmatch, below))
        if not matching:
            raise PreflightError(
                expected=f"a linear layer of {part.path} that matches {alternative!r} (parts.{name})",
                found=f"none among {len(below)} such as {below[0]}" if below else "a part without linear layers",
                remedy="correct target_modules, which must match the whole path below the part",
            )
        found.update(matching)
    return tuple(path for path in below if path in found)


def _alternatives(pattern: str) -> list[str]:
    """Return what stands between the outermost ``|`` of a regular expression."""
    alternatives, begun = [], ""
    for piece in pattern.split("|"):
        begun = f"{begun}|{piece}" if begun else piece
        with suppress(re.error):  # as of one that is cut within brackets
            re.compile(begun)
            alternatives.append(begun)
            begun = ""
    return [pattern] if begun else alternatives


def _check_whole(module: nn.Module, name: str, path: str) -> None:
    if isinstance(module, nn.ModuleList | nn.ModuleDict):
        raise PreflightError(
            expected=f"one module for parts.{name}, which is trained in full",
            found=f"{path}, a list of {len(module)}",
            remedy="name the module around it, or each inside it, by its full path",
        )


def _check_unmistakable(modules: Mapping[str, nn.Module], name: str, path: str) -> None:
    """Compare as peft does, which takes every module for one to be saved whose path ends so."""
    if others := [other for other in modules if other != path and other.endswith(path)]:
        raise PreflightError(
            expected=f"a path for parts.{name}, which is trained in full, in which no other module's path ends",
            found=f"{path}, in which {len(others)} end, such as {others[0]}",
            remedy="name the modules inside it instead, each by its full path",
        )


def _below(path: str, parent: str) -> bool:
    return path.startswith(f"{parent}.")


def _near(path: str, modules: Mapping[str, nn.Module]) -> str:
    parent = path.rpartition(".")[0]
    siblings = [name for name in modules if name and name.rpartition(".")[0] == parent]
    return ", ".join(siblings) or f"nothing at {parent}"
