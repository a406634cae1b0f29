"""Tokens that no training text contains, made ready to be learnt by a site's adapter.

Every step of training lowers the logit of the tokens that are not said. Those that are never said end so far down
(-15 where the best stands at +9) that tuning on a site's own words would spend most of its steps on bringing them
back. They are therefore drawn anew, with the mean and the spread of the embeddings that were learnt.
"""

from collections.abc import Iterable

import torch
from transformers import Idefics3ForConditionalGeneration, PreTrainedTokenizerFast


def reset_unused_tokens(
    model: Idefics3ForConditionalGeneration, tokenizer: PreTrainedTokenizerFast, texts: Iterable[str], *, seed: int
) -> int:
    """Overwrite the (tied) embeddings of tokens that are neither added ones nor in ``texts``; return how many."""
    used = set(tokenizer.get_added_vocab().values())
    for text in texts:
        used.update(tokenizer(text)["input_ids"])
    unused = sorted(set(range(len(tokenizer))) - used)
    weight = model.get_input_embeddings().weight
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(len(unused), weight.shape[1], generator=generator)
    with torch.no_grad():
        learnt = weight[sorted(used)]
        weight[unused] = learnt.mean(dim=0) + learnt.std(dim=0) * noise
    return len(unused)
