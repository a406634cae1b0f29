"""A frame with its examples, as a model is given them: encoded whole for the packed path, or left to the processor."""

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import torch
from PIL import Image, UnidentifiedImageError
from transformers import ProcessorMixin

from workbench.errors import DatasetError, ModelError
from workbench.models.chat import MAX_NEW_TOKENS, ChatContract, answer_tokens, conversation_text
from workbench.models.packing import EncodedQuestion, PackedImage
from workbench.tuning.examples import Example, TaughtFrame


@dataclass(frozen=True)
class TrainingItem:
    """A decoded frame with what it teaches, and the features that a frozen vision tower found in it, where kept."""

    image: Image.Image
    examples: tuple[Example, ...]
    seen: Mapping[str, torch.Tensor] | None = None


@dataclass(frozen=True)
class EncodedFrame:
    """A frame's tokens, and of its ``picture`` the pixels by the model's own names or, once seen, its ``features``."""

    tokens: PackedImage
    picture: Mapping[str, torch.Tensor]
    examples: tuple[Example, ...]


@dataclass(frozen=True)
class FrameEncoder:
    """Encodes frames for a model whose decoder may see one image for several questions; equal questions only once."""

    processor: ProcessorMixin
    contract: ChatContract
    _known: dict[tuple[str, str], EncodedQuestion] = field(default_factory=dict)

    def encode(self, item: TrainingItem) -> EncodedFrame:
        """ModelError when the processor does not put the image before every question."""
        first = item.examples[0]
        text = conversation_text(self.processor, self.contract, first.instruction, first.answer)
        encoded = self.processor(images=[[item.image]], text=[text], return_tensors="pt")
        ids, asked = tuple(encoded.pop("input_ids")[0].tolist()), self._question(first)
        encoded.pop("attention_mask")
        prefix = ids[: len(ids) - len(asked.tokens)]
        if ids[len(prefix) :] != asked.tokens:
            raise ModelError(
                expected="a processor that puts the image before the question",
                found=f"other tokens after the image for {first.instruction!r}",
                remedy="use the model's own processor and chat template",
            )
        return self.behind(prefix, {name: value[0] for name, value in encoded.items()}, item.examples)

    def behind(
        self, prefix: tuple[int, ...], picture: Mapping[str, torch.Tensor], examples: tuple[Example, ...]
    ) -> EncodedFrame:
        """Return the examples encoded behind an image that was encoded before."""
        return EncodedFrame(PackedImage(prefix, [self._question(one) for one in examples]), picture, examples)

    def _question(self, example: Example) -> EncodedQuestion:
        key = (example.instruction, example.answer)
        if key not in self._known:
            whole = self.processor.tokenizer(conversation_text(self.processor, self.contract, *key))["input_ids"]
            after_image = whole.index(self.processor.image_token_id) + 1
            said = answer_tokens(self.processor, self.contract, *key)
            self._known[key] = EncodedQuestion(tuple(whole[after_image:]), len(said))
        return self._known[key]


def room_for(captions: Iterable[str], processor: ProcessorMixin) -> int:
    """Return after how many tokens an answer may be cut off: a quarter more than the longest caption and its end."""
    lengths = map(len, processor.tokenizer(list(set(captions)), add_special_tokens=False)["input_ids"])
    longest = max(lengths, default=0) + 1
    return max(MAX_NEW_TOKENS, longest + longest // 4)


def item_of(frame: TaughtFrame) -> TrainingItem:
    """Read and decode ``frame``; DatasetError when its bytes are no image."""
    return TrainingItem(decode(frame.frame_id, frame.read()), frame.examples)


def decode(frame_id: str, content: bytes) -> Image.Image:
    """Return the RGB image of a frame's JPEG file; DatasetError when it is none."""
    try:
        return Image.open(io.BytesIO(content)).convert("RGB")
    except (UnidentifiedImageError, OSError) as exc:
        raise DatasetError(
            expected=f"a JPEG image of frame {frame_id[:12]}",
            found=f"{len(content)} bytes that do not decode",
            remedy="ingest its clip again and build the dataset anew",
        ) from exc
