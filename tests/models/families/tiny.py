"""What the tiny models share: a tokenizer trained offline, frames' sizes and the shapes of small towers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from tokenizers import Tokenizer
from tokenizers.decoders import ByteLevel as ByteLevelDecoder
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel
from tokenizers.processors import TemplateProcessing
from tokenizers.trainers import BpeTrainer
from transformers import PreTrainedModel, PreTrainedTokenizerFast, ProcessorMixin

from tests.tuning.conftest import CAPTIONS, CLASS_NAMES
from workbench.models.instructions import CAPTION_INSTRUCTION, class_instruction

TEXTS = [*CAPTIONS, CAPTION_INSTRUCTION, class_instruction(CLASS_NAMES), "user assistant model USER ASSISTANT"] * 3
IMAGE_PX, PATCH_PX = 28, 7
PIXELS = {"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}
TEXT = {
    "hidden_size": 64,  # the least that bitsandbytes takes
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "max_position_embeddings": 1024,
}
VISION = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "image_size": IMAGE_PX,
    "patch_size": PATCH_PX,
}


@dataclass(frozen=True)
class Tiny:
    """A random model of the true class with its processor; ``end`` is the token that ends an answer."""

    model: PreTrainedModel
    processor: ProcessorMixin
    end: str


def train_tokenizer(
    special: Sequence[str],
    *,
    eos: str,
    pad: str,
    bos: str | None = None,
    named: Mapping[str, str] | None = None,
) -> PreTrainedTokenizerFast:
    """Train a byte-level BPE; ``named`` are tokens that a family's processor asks its tokenizer for by name."""
    tokenizer = Tokenizer(BPE())
    tokenizer.pre_tokenizer = ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = ByteLevelDecoder()
    known = list(dict.fromkeys([pad, eos, *([bos] if bos else []), *special, *(named or {}).values()]))
    alphabet = ByteLevel.alphabet()
    trainer = BpeTrainer(vocab_size=420, special_tokens=known, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(TEXTS, trainer)
    unnamed = [token for token in known if token not in {eos, pad, bos, *(named or {}).values()}]
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=bos,
        eos_token=eos,
        pad_token=pad,
        extra_special_tokens=unnamed,
        model_specific_special_tokens=dict(named or {}),
        clean_up_tokenization_spaces=False,
    )


def begin_texts(tokenizer: PreTrainedTokenizerFast) -> PreTrainedTokenizerFast:
    """Let ``tokenizer`` put its beginning of sequence before every text, as those of Llama and Gemma do."""
    beginning = tokenizer.bos_token
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single=f"{beginning} $A",
        pair=f"{beginning} $A $B:1",
        special_tokens=[(beginning, tokenizer.bos_token_id)],
    )
    return tokenizer


def ids(tokenizer: PreTrainedTokenizerFast, *, end: str | None = None) -> dict[str, int]:
    """Return the ids that a configuration wants to know."""
    eos = tokenizer.convert_tokens_to_ids(end) if end else tokenizer.eos_token_id
    return {"eos_token_id": eos, "pad_token_id": tokenizer.pad_token_id, "bos_token_id": tokenizer.bos_token_id}


def settle(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, *, end: str | None = None) -> PreTrainedModel:
    """Tell ``model`` where generation ends, and make its random answers differ from picture to picture."""
    for name, value in ids(tokenizer, end=end).items():
        setattr(model.generation_config, name, value)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.ndim == 2 and "embed" not in name and "lm_head" not in name:
                weight.mul_(5)
    return model.eval()
