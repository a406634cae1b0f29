"""The base model's tokenizer: a small byte-level BPE that knows SmolVLM's special tokens.

The special tokens and the chat template are those of SmolVLM-256M-Instruct, so that the embedded base and its larger
relatives on the hub read the same conversation.
"""

from collections.abc import Iterable

from tokenizers import Tokenizer
from tokenizers.decoders import ByteLevel as ByteLevelDecoder
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel, Digits, PreTokenizer, Sequence
from tokenizers.trainers import BpeTrainer
from transformers import PreTrainedTokenizerFast

BEGINNING, END_OF_UTTERANCE, PADDING = "<|im_start|>", "<end_of_utterance>", "<|im_end|>"
IMAGE, AROUND_IMAGE, WHOLE_IMAGE = "<image>", "<fake_token_around_image>", "<global-img>"
# The end of utterance must not get the id 2: by it transformers recognises old CLIP files and pools by the largest id.
SPECIAL_TOKENS = (PADDING, BEGINNING, IMAGE, END_OF_UTTERANCE, AROUND_IMAGE, WHOLE_IMAGE)

CHAT_TEMPLATE = (
    "<|im_start|>{% for message in messages %}{{ message['role'] | capitalize }}"
    "{% if message['content'][0]['type'] == 'image' %}{{ ':' }}{% else %}{{ ': ' }}{% endif %}"
    "{% for line in message['content'] %}"
    "{% if line['type'] == 'text' %}{{ line['text'] }}{% elif line['type'] == 'image' %}{{ '<image>' }}{% endif %}"
    "{% endfor %}<end_of_utterance>\n{% endfor %}"
    "{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}"
)


def train_tokenizer(texts: Iterable[str], *, vocabulary_size: int = 2048) -> PreTrainedTokenizerFast:
    """Train a byte-level BPE on ``texts``; every UTF-8 text can be encoded, also words never seen in training."""
    tokenizer = Tokenizer(BPE())
    tokenizer.pre_tokenizer = _split_into_words()
    tokenizer.decoder = ByteLevelDecoder()
    trainer = BpeTrainer(
        vocab_size=vocabulary_size,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=ByteLevel.alphabet(),
        min_frequency=2,
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=BEGINNING,
        eos_token=END_OF_UTTERANCE,
        pad_token=PADDING,
        chat_template=CHAT_TEMPLATE,
        clean_up_tokenization_spaces=False,
    )


def _split_into_words() -> PreTokenizer:
    return Sequence([Digits(individual_digits=True), ByteLevel(add_prefix_space=False, use_regex=True)])
