"""What a run is about to do, shown and checked before it costs anything."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel, ProcessorMixin

from workbench.errors import DatasetError, PreflightError
from workbench.models.chat import IGNORED_LABEL, ChatContract, encode_prompts, signs_of
from workbench.models.family import family_of
from workbench.models.packing import PackedBatch
from workbench.recipe import Part, Recipe
from workbench.tuning.encoding import TrainingItem
from workbench.tuning.examples import Example, TaughtFrame


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


def check_answers(frames: Iterable[TaughtFrame], processor: ProcessorMixin) -> None:
    """Refuse (DatasetError) an answer that is empty, or that has a word which the model takes for a sign of its own.

    It would end the answer early, or stand for a second picture.
    """
    signs = signs_of(processor)
    for frame in frames:
        for example in frame.examples:
            astray = [sign for sign in signs if sign in example.answer]
            if astray or not example.answer.strip():
                raise DatasetError(
                    expected=f"words as the {example.task} of frame {frame.frame_id[:12]}",
                    found=f"{min(astray)} in {example.answer!r}" if astray else "none",
                    remedy="correct its label and build the dataset again",
                )


def check_context(model: PreTrainedModel, contract: ChatContract, batch: Mapping[str, Any]) -> None:
    """Refuse (PreflightError) a prompt behind which the model has no room for an answer."""
    context = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    prompt = max(len(ids) - int(learnt.sum()) for ids, learnt in _rows(batch))
    if context is not None and prompt + contract.max_new_tokens > context:
        raise PreflightError(
            expected=f"a prompt that leaves {contract.max_new_tokens} of the model's {context} tokens for its answer",
            found=f"one of {prompt} tokens, those of the picture included",
            remedy="shorten base.system_prompt or the longest captions, or set base.longest_edge lower",
        )


def check_number_type(model: PreTrainedModel) -> None:
    """Refuse (PreflightError) float16 where it cannot be mixed with the bfloat16 that training calculates in."""
    if model.device.type == "cpu" and any(weight.dtype == torch.float16 for weight in model.parameters()):
        raise PreflightError(
            expected="weights in float32 or bfloat16 on a CPU",
            found="float16",
            remedy="set base.dtype to bfloat16 or float32",
        )


def check_quantization(model: PreTrainedModel, recipe: Recipe) -> None:
    """Prove that 4-bit layers are where they belong: in the language model, not in vision tower, projector or head."""
    if recipe.base.quantization == "none":
        return
    quantized = [name for name, module in model.named_modules() if type(module).__name__ == "Linear4bit"]
    astray = [name for name in quantized if not family_of(model.config).holds_language(name)]
    if astray or not quantized:
        raise PreflightError(
            expected="4-bit layers in the language model alone",
            found=f"{len(astray)} elsewhere, such as {astray[0]}" if astray else "not one",
            remedy="set base.quantization to none for this model",
        )
    for name, part in recipe.parts.items():
        if part.train == "full" and any(is_inside(path, part.path) for path in quantized):
            raise PreflightError(
                expected=f"parts.{name}, whose every weight is trained, not to be held in 4 bits",
                found="base.quantization nf4",
                remedy=f"set parts.{name}.train to lora, or base.quantization to none",
            )


def prove_label_mask(
    batch: Mapping[str, Any], examples: Sequence[Example], processor: ProcessorMixin
) -> tuple[MaskProof, ...]:
    """Prove the mask of each of ``examples``, which were encoded into ``batch`` as training does.

    Learnt tokens must decode to the answer and the end token; every image token and the whole prompt must be masked.
    """
    proofs = []
    for example, (ids, learnt) in zip(examples, _rows(batch), strict=True):
        said = processor.tokenizer.decode(ids[learnt], skip_special_tokens=True).strip()
        if said != example.answer.strip() or not _ends_alone(learnt):
            raise PreflightError(
                expected=f"the loss on the answer {example.answer!r} alone",
                found=f"it on {said!r}",
                remedy="use the model's own processor and chat template",
            )
        proofs.append(MaskProof(example.instruction, example.answer, _tokens(processor, ids, learnt)))
    return tuple(proofs)


def prove_contract(
    served: ProcessorMixin, contract: ChatContract, item: TrainingItem, batch: Mapping[str, Any]
) -> None:
    """Prove that serving, with a processor loaded anew under the saved contract, will ask as training does.

    Every prompt in ``batch``, which is ``item`` encoded for training, must be encoded to the same tokens, and the
    picture to the same pixels.
    """
    instructions = [example.instruction for example in item.examples]
    contract.apply(served)
    asked = encode_prompts(served, contract, [item.image] * len(instructions), instructions)
    for row, (ids, learnt) in enumerate(_rows(batch)):
        prompt = asked["input_ids"][row][asked["attention_mask"][row].bool()]
        if not torch.equal(prompt, ids[: int(learnt.float().argmax())]):
            raise PreflightError(
                expected=f"serving to ask {instructions[row]!r} in the {len(prompt)} tokens that are trained on",
                found="other tokens",
                remedy="use the model's own processor and chat template, at one revision",
            )
    pixels = batch.get("pixel_values")
    if pixels is not None and not torch.equal(asked["pixel_values"][: len(pixels)], pixels):
        raise PreflightError(
            expected="serving to prepare a picture as training does",
            found="other pixels",
            remedy="leave the image processor's settings to base.longest_edge in the recipe",
        )


def is_inside(path: str, module: str) -> bool:
    """Tell whether what is at ``path`` of a PeftModel is ``module`` of the model itself, or lies in it."""
    return f"{path.removeprefix('base_model.model.')}.".startswith(f"{module}.")


def _rows(batch: Mapping[str, Any]) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Yield the tokens of each row in the order in which it sees them, and which of them it is to learn."""
    if "packed" not in batch:
        for ids, labels, present in zip(batch["input_ids"], batch["labels"], batch["attention_mask"], strict=True):
            yield ids[present.bool()], (labels != IGNORED_LABEL)[present.bool()]
        return
    packed: PackedBatch = batch["packed"]
    for frame, segments in enumerate(packed.segments):
        for question in range(1, int(segments.max()) + 1):
            seen = (segments == 0) | (segments == question)
            says_next = (packed.targets[frame] != IGNORED_LABEL) & (segments == question)
            yield packed.input_ids[frame][seen], says_next.roll(1)[seen]


def _audit(model: nn.Module, name: str, part: Part) -> PartAudit:
    inside = [
        weight
        for path, weight in model.named_parameters()
        if is_inside(path, part.path) and ".original_module." not in path
    ]
    trainable = sum(weight.numel() for weight in inside if weight.requires_grad)
    return PartAudit(name, part.train, sum(weight.numel() for weight in inside), trainable)


def _ends_alone(learnt: torch.Tensor) -> bool:
    """Tell whether the learnt tokens are one span at the end, with a prompt before it."""
    first = int(learnt.float().argmax())
    return first > 0 and bool(learnt[first:].all())


def _tokens(processor: ProcessorMixin, ids: torch.Tensor, learnt: torch.Tensor) -> tuple[MaskedToken, ...]:
    words = processor.tokenizer.convert_ids_to_tokens(ids.tolist())
    return tuple(MaskedToken(str(word), bool(flag)) for word, flag in zip(words, learnt, strict=True))
