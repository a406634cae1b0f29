"""Questions about rendered scenes as tokens, behind the one image prefix that all scenes have."""

from transformers import Idefics3Processor

from workbench.models.chat import ChatContract, answer_tokens, conversation_text
from workbench.models.packing import EncodedQuestion
from workbench.pretraining.scene_cache import CachedQuestion


class QuestionEncoder:
    """Turns questions into tokens through the chat contract; equal questions are tokenised once."""

    def __init__(self, processor: Idefics3Processor, contract: ChatContract) -> None:
        self._processor, self._contract = processor, contract
        self._known: dict[tuple[str, str], EncodedQuestion] = {}
        self.prefix = self._image_prefix()

    def encode(self, question: CachedQuestion) -> EncodedQuestion:
        key = (question.instruction, question.answer)
        if key not in self._known:
            self._known[key] = self._tokenise(*key)
        return self._known[key]

    def _tokenise(self, instruction: str, answer: str) -> EncodedQuestion:
        whole = self._token_ids(conversation_text(self._processor, self._contract, instruction, answer))
        after_image = whole.index(self._processor.image_token_id) + 1
        said = answer_tokens(self._processor, self._contract, instruction, answer)
        return EncodedQuestion(tuple(whole[after_image:]), len(said))

    def _image_prefix(self) -> tuple[int, ...]:
        whole = self._token_ids(conversation_text(self._processor, self._contract, "x", "x"))
        before_image = whole[: whole.index(self._processor.image_token_id)]
        around = self._processor.fake_image_token_id
        image = [self._processor.image_token_id] * self._processor.image_seq_len
        return (*before_image, around, self._processor.global_image_token_id, *image, around)

    def _token_ids(self, text: str) -> list[int]:
        return list(self._processor.tokenizer(text)["input_ids"])
