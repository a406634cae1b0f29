"""Vision-language models, their chat contract and the dual encoder: the one door to transformers and peft."""
