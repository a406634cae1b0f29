"""What a run is about to do, shown and checked before it costs anything."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import nn
from transformers import ProcessorMixin

from workbench.errors import PreflightError
from workbench.models.chat import IGNORED_LABEL
from workbench.recipe import Part, Recipe
from workbench.tuning.collator import Collator, TrainingItem


@dataclass(frozen=True)
class PartAudit:
    """Weights of one part: all of them, and those that training changes."""

    part: str
    train: str
    parameters: int
    trainable: int


@dataclass(frozen=True)
class MaskedToken:
    """One token of an encoded conversation; ``learnt`` tells whether it counts in the loss."""

    token: str
    learnt: bool


@dataclass(frozen=True)
class MaskProof:
    """The label mask of one example, token by token, with what the model is to say."""

    instruction: str
    answer: str
    tokens: tuple[MaskedToken, ...]

    @property
    def learnt(self) -> int:
        return sum(token.learnt for token in self.tokens)


def audit_parts(model: nn.Module, parts: Mapping[str, Part]) -> tuple[PartAudit, ...]:
    """Count each part's weights; PreflightError when a part trains although it should not, or the other way round."""
    audits = tuple(_audit(model, name, part) for name, part in parts.items())
    for audit in audits:
        if (audit.trainable > 0) != (audit.train != "frozen"):
            raise PreflightError(
                expected=f"parts.{audit.part} to be {audit.train}",
                found=f"{audit.trainable:,} of {audit.parameters:,} weights that would change",
                remedy="let no part of the recipe contain another that is trained otherwise",
            )
    outside = sum(weight.numel() for weight in model.parameters() if weight.requires_grad)
    if outside != sum(audit.trainable for audit in audits):
        raise PreflightError(
            expected="all trained weights inside the parts that the recipe names, each in one part",
            found=f"{outside:,} in the model and {sum(audit.trainable for audit in audits):,} in its parts",
            remedy="name every part that is to be trained once",
        )
    return audits


def check_quantization(model: nn.Module, recipe: Recipe) -> None:
    """Prove that 4-bit layers are where they belong: in the language model, not in vision tower, projector or head."""
    if recipe.base.quantization == "none":
        return
    quantized = [name for name, module in model.named_modules() if type(module).__name__ == "Linear4bit"]
    astray = [name for name in quantized if not _is_language_model(name)]
    if astray or not quantized:
        raise PreflightError(
            expected="4-bit layers in the language model alone",
            found=f"{len(astray)} elsewhere, such as {astray[0]}" if astray else "not one",
            remedy="set base.quantization to none for this model",
        )


def prove_label_mask(item: TrainingItem, collator: Collator) -> tuple[MaskProof, ...]:
    """Encode ``item`` as training does and prove the mask of each example.

    Learnt tokens must decode to the answer and the end token; every image token and the whole prompt must be masked.
    """
    batch = collator([item])
    rows = zip(item.examples, batch["input_ids"], batch["labels"], batch["attention_mask"], strict=True)
    proofs = []
    for example, ids, labels, present in rows:
        ids, labels = ids[present.bool()], labels[present.bool()]
        learnt = labels != IGNORED_LABEL
        said = collator.processor.tokenizer.decode(ids[learnt], skip_special_tokens=True).strip()
        if said != example.answer.strip() or not _ends_alone(learnt):
            raise PreflightError(
                expected=f"the loss on the answer {example.answer!r} alone",
                found=f"it on {said!r}",
                remedy="use the model's own processor and chat template",
            )
        proofs.append(MaskProof(example.instruction, example.answer, _tokens(collator.processor, ids, learnt)))
    return tuple(proofs)


def _audit(model: nn.Module, name: str, part: Part) -> PartAudit:
    inside = [weight for path, weight in model.named_parameters() if f".{part.path}." in f".{path}"]
    trainable = sum(weight.numel() for weight in inside if weight.requires_grad)
    return PartAudit(name, part.train, sum(weight.numel() for weight in inside), trainable)


def _is_language_model(path: str) -> bool:
    return path.startswith(("model.text_model.", "model.language_model."))


def _ends_alone(learnt: torch.Tensor) -> bool:
    """Tell whether the learnt tokens are one span at the end, with a prompt before it."""
    first = int(learnt.float().argmax())
    return first > 0 and bool(learnt[first:].all())


def _tokens(processor: ProcessorMixin, ids: torch.Tensor, learnt: torch.Tensor) -> tuple[MaskedToken, ...]:
    words = processor.tokenizer.convert_ids_to_tokens(ids.tolist())
    return tuple(MaskedToken(str(word), bool(flag)) for word, flag in zip(words, learnt, strict=True))
