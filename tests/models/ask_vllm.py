"""Greedy answers of vLLM, in the environment of ``make test-vllm``: ask_vllm.py MODEL ASKED.json ANSWERS.json

``ASKED.json`` is a list of chats in vLLM's form whose pictures are paths.
"""

import json
import os
import sys
from pathlib import Path

os.environ |= {
    "DO_NOT_TRACK": "1",
    "HF_HUB_OFFLINE": "1",
    "OMP_NUM_THREADS": "1",
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
    "VLLM_NO_USAGE_STATS": "1",
}

from PIL import Image
from vllm import LLM, SamplingParams


def main(model: str, asked: Path, answers: Path) -> None:
    chats = json.loads(asked.read_text(encoding="utf-8"))
    for chat in chats:
        for part in chat[-1]["content"]:
            if part["type"] == "image_pil":
                part["image_pil"] = Image.open(part["image_pil"]).convert("RGB")
    llm = LLM(
        model=model,
        dtype="float32",
        enforce_eager=True,
        max_model_len=512,
        max_num_seqs=4,
        limit_mm_per_prompt={"image": 1},
        disable_log_stats=True,
    )
    said = llm.chat(chats, SamplingParams(temperature=0, max_tokens=40), use_tqdm=False)
    texts = [one.outputs[0].text.strip() for one in said]
    answers.write_text(json.dumps(texts), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
