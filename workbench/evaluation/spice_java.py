"""SPICE (Anderson et al. 2016), where Java, its program and Stanford CoreNLP 3.6.0 are at hand.

The program comes with the extra ``java``; CoreNLP (``stanford-corenlp-3.6.0.jar`` and ``-models.jar``, under the GPL)
does not, and is laid into the folder ``spice/lib`` of pycocoevalcap by whoever wants the figure. Without them there is
none: nothing stands in for it.
"""

import json
import math
import subprocess
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from workbench.errors import ServiceError
from workbench.evaluation.java import folder_with
from workbench.evaluation.ngrams import Tokens

__all__ = ["mean_f_score", "spice", "spice_program"]

_OPTIONS = ("-Dfile.encoding=UTF-8", "-Xmx8G", "-jar", "spice-1.0.jar")
_NEEDS = ("spice-1.0.jar", "lib/stanford-corenlp-3.6.0.jar", "lib/stanford-corenlp-3.6.0-models.jar")


def spice_program() -> Path | None:
    """Return the folder of ``spice-1.0.jar``, or None where it, CoreNLP or Java is missing."""
    return folder_with("spice", *_NEEDS)


def spice(candidates: Sequence[Tokens], references: Sequence[Sequence[Tokens]], program: Path) -> float:
    """Return the images' mean F-score that the program in this folder gives. ServiceError when it does not answer."""
    asked = [
        {"image_id": image, "test": " ".join(candidate), "refs": [" ".join(reference) for reference in group]}
        for image, (candidate, group) in enumerate(zip(candidates, references, strict=True))
    ]
    with TemporaryDirectory() as folder:
        questions, answers = Path(folder) / "captions.json", Path(folder) / "scores.json"
        questions.write_text(json.dumps(asked), encoding="utf-8")
        command = ["java", *_OPTIONS, str(questions), "-out", str(answers), "-subset", "-silent"]
        try:
            done = subprocess.run(command, cwd=program, capture_output=True, encoding="utf-8", errors="replace")
            if done.returncode:
                raise _no_answer(next(iter(done.stderr.strip().splitlines()), f"exit code {done.returncode}"))
            said = answers.read_text(encoding="utf-8")
        except OSError as exc:
            raise _no_answer(str(exc)) from exc
    return mean_f_score(said, images=len(asked))


def mean_f_score(answers: str, *, images: int) -> float:
    """Return the mean of ``scores.All.f`` in the program's JSON; ServiceError when an image has none."""
    try:
        scores = [float(answer["scores"]["All"]["f"]) for answer in json.loads(answers)]
    except (ValueError, LookupError, TypeError) as exc:
        raise _no_answer(f"an answer in another form ({exc})") from exc
    if len(scores) != images or not all(map(math.isfinite, scores)):
        raise _no_answer(f"{sum(map(math.isfinite, scores))} scores for {images} captions")
    return sum(scores) / images


def _no_answer(found: str) -> ServiceError:
    return ServiceError(
        expected="SPICE to score every caption",
        found=found,
        remedy="check that `java -version` works, that 8 GiB of memory are free and that CoreNLP is that of 3.6.0",
    )
