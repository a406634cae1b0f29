"""Vision-language models, their chat contract and the dual encoder: the one door to transformers and peft."""

import logging

# bitsandbytes warns at import that an optional kernel, which only a model hub has, is not installed.
logging.getLogger("bitsandbytes.backends.cpu.ops").setLevel(logging.ERROR)
