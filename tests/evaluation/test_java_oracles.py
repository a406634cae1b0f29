"""The tokeniser and METEOR against the Java programs themselves, where Java is at hand."""

import random
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pycocoevalcap
import pytest

from workbench.evaluation.meteor import meteor_exact_stem
from workbench.evaluation.ptb import tokenise

JARS = Path(pycocoevalcap.__path__[0])
PUNCTUATION = {"''", "'", "``", "`", ".", "?", "!", ",", ":", "-", "--", "...", ";"}
WORDS = """a man woman dog's t-shirt the red/white truck (left) 3 2nd 10:30 6ft can't isn't it's cannot gonna "stop"
stop... well-lit and/or #1 50% & one, two; three: four! what? -- 1,000 3.5 p.m. they're vest/helmet worker, e.g.
hi-vis A4 CCTV; up-to-date men's parked parking forklifts"""

pytestmark = pytest.mark.skipif(shutil.which("java") is None, reason="Java is not installed")


def captions(seed: int, count: int) -> list[str]:
    rng, words = random.Random(seed), WORDS.split()
    return [
        " ".join(rng.choice(words) for _ in range(rng.randint(2, 10))) + rng.choice(["", "."]) for _ in range(count)
    ]


def java(jar: Path, *arguments: str, text: str = "") -> list[str]:
    command = ["java", "-Xmx1G", *arguments]
    done = subprocess.run(command, cwd=jar, input=text, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_tokens(tmp_path: Path) -> None:
    lines = captions(5, 400)
    (tmp_path / "captions.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    tokenizer = "edu.stanford.nlp.process.PTBTokenizer"
    arguments = ("-cp", "stanford-corenlp-3.4.1.jar", tokenizer, "-preserveLines", "-lowerCase")
    answered = java(JARS / "tokenizer", *arguments, str(tmp_path / "captions.txt"))
    for line, answer in zip(lines, answered, strict=True):
        assert tokenise(line) == [token for token in answer.split() if token not in PUNCTUATION], line


def test_meteor() -> None:
    candidates = [" ".join(tokenise(caption)) for caption in captions(6, 150)]
    references = [[" ".join(tokenise(caption)) for caption in captions(1000 + image, 3)] for image in range(150)]
    known = _meteor(candidates, references)
    statistic = meteor_exact_stem(
        [caption.split() for caption in candidates], [[caption.split() for caption in group] for group in references]
    )
    assert statistic.value == pytest.approx(known, abs=1e-9)


def _meteor(candidates: Sequence[str], references: Sequence[Sequence[str]]) -> float:
    arguments = ("-jar", "meteor-1.5.jar", "-", "-", "-stdio", "-l", "en", "-norm", "-m", "exact stem")
    asked = [" ||| ".join(["SCORE", *group, caption]) for caption, group in zip(candidates, references, strict=True)]
    statistics = java(JARS / "meteor", *arguments, text="\n".join(asked) + "\n")
    return float(java(JARS / "meteor", *arguments, text="EVAL ||| " + " ||| ".join(statistics) + "\n")[-1])
