"""Full METEOR 1.5, with WordNet's synonyms and paraphrases, where Java and its program are at hand.

The program comes with the extra ``java``. Where Java or the program is missing there is no figure: nothing stands in
for it.
"""

from collections.abc import Sequence
from pathlib import Path
from subprocess import PIPE, Popen
from tempfile import TemporaryFile

from workbench.errors import ServiceError
from workbench.evaluation.java import folder_with
from workbench.evaluation.ngrams import Tokens

__all__ = ["full_meteor", "meteor_program"]

_OPTIONS = ("-Dfile.encoding=UTF-8", "-Xmx2G", "-jar", "meteor-1.5.jar", "-", "-", "-stdio", "-l", "en", "-norm")


def meteor_program() -> Path | None:
    """Return the folder of ``meteor-1.5.jar``, or None where it or Java is missing."""
    return folder_with("meteor", "meteor-1.5.jar")


def full_meteor(candidates: Sequence[Tokens], references: Sequence[Sequence[Tokens]], program: Path) -> float:
    """Return the corpus score that the program in this folder gives. ServiceError when it does not answer."""
    pairs = zip(candidates, references, strict=True)
    asked = [
        " ||| ".join(["SCORE", *map(" ".join, group), " ".join(candidate).replace("|||", "").replace("  ", " ")])
        for candidate, group in pairs
    ]
    with TemporaryFile() as told:
        try:
            with Popen(
                ["java", *_OPTIONS], cwd=program, stdin=PIPE, stdout=PIPE, stderr=told, encoding="utf-8"
            ) as java:
                statistics = [_answer(java, line) for line in asked]
                scores = [_answer(java, "EVAL ||| " + " ||| ".join(statistics))]
                scores += [_answer(java) for _ in asked]
                return float(scores[-1])
        except (OSError, ValueError) as exc:
            told.seek(0)
            lines = told.read().decode(errors="replace").strip().splitlines()
            raise ServiceError(
                expected="METEOR 1.5 to score every caption",
                found=lines[0] if lines else str(exc),
                remedy="check that `java -version` works and that 2 GiB of memory are free",
            ) from exc


def _answer(java: "Popen[str]", line: str | None = None) -> str:
    """Return the program's next line, after handing it one to answer. ValueError when it has ended."""
    assert java.stdin is not None
    assert java.stdout is not None
    if line is not None:
        java.stdin.write(line + "\n")
        java.stdin.flush()
    if not (answer := java.stdout.readline()):
        raise ValueError("it ended without an answer")
    return answer.strip()
