"""The tokeniser and METEOR against the Java programs themselves, where Java is at hand."""

import json
import random
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pycocoevalcap
import pytest
from pycocoevalcap.spice.spice import Spice
from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer

from workbench.errors import ServiceError
from workbench.evaluation.captions import tokenise_pairs
from workbench.evaluation.meteor import meteor_exact_stem
from workbench.evaluation.meteor_java import full_meteor, meteor_program
from workbench.evaluation.ptb import tokenise, tokenise_all
from workbench.evaluation.spice_java import spice, spice_program

JARS = Path(pycocoevalcap.__path__[0])
WORDS = """a man woman dog's t-shirt the red/white truck (left) 3 2nd 10:30 6ft can't isn't it's cannot gonna "stop"
stop... well-lit and/or #1 50% & one, two; three: four! what? -- 1,000 3.5 p.m. they're vest/helmet worker, e.g.
hi-vis A4 CCTV; up-to-date men's parked parking forklifts 1/2 3/4-inch (555)555-1234 $3.50 £20 50¢ A$5 AT&T R&B 5'10"
'90s 'em 'til ol' o'clock y'all I'd've shouldn't've rock'n'roll café 東京 naïve 30°C m² ½ ⅓ – — … “stop” ‘go’ don’t
« » 🙂 :) ;-) #tag @user a@b.com foo.com www.foo.com/bar http://foo.com a/b/c red/white-striped 1.5-inch 1,000-foot v1.2
#5 &amp; man. The b. A {x} [y] <b> ** __ ----- plan-b. non-U.S. No. 5 vs. Dr. Jan. man., 16:9 10:30am 9-10am ~5 ≈ →
★ § ™ Mon.-Fri. cup,-and he'a c'est my-site.com my_site.com 0001.jpg (1.jpg) <a> well-lit_12 C++11 1.5-2.5 über/man
<a@b.com> MAN'S YOU'LL isn'tit @_ x-o'brien foo.-bar"""
RARER_WORDS = """they're é. É.A. '90S 'Döner' Ph.D.s co\u00adop http://a.b/c; yr. ca. o’clock ’stop’ O’Neil’s “‘exit’”
cannot's >:( Straße 3,5-stöckig cafe\u0301-bar Jan.-5 «oui» 3:45pm 24/7 Mr. <UNK>"""
REPEATED_WORDS = "the a walk walks walking walked"
PUNCTUATION = """-- ----- a--b a-b-c 1-2-3-4 'n' ' '' ''' a'b'c 5'5'5 '90s .. a..b t..-s 1.5. a.b. ,,, a,b,c ;--)"""

pytestmark = pytest.mark.skipif(shutil.which("java") is None, reason="Java is not installed")


def captions(seed: int, count: int, words: str = WORDS) -> list[str]:
    rng, pieces = random.Random(seed), words.split()
    return [
        " ".join(rng.choice(pieces) for _ in range(rng.randint(2, 10))) + rng.choice(["", "."]) for _ in range(count)
    ]


def java(jar: Path, *arguments: str, text: str = "") -> list[str]:
    command = ["java", "-Xmx1G", "-Dfile.encoding=UTF-8", "-Dstdout.encoding=UTF-8", *arguments]
    done = subprocess.run(command, cwd=jar, input=text, capture_output=True, encoding="utf-8", check=True)
    return done.stdout.splitlines()


def coco_tokens(lines: Sequence[str]) -> list[list[str]]:
    """Return what coco-caption itself makes of captions, one for each of as many images."""
    answered = PTBTokenizer().tokenize({image: [{"caption": line}] for image, line in enumerate(lines)})
    return [[token for token in caption.split(" ") if token] for (caption,) in answered.values()]


@pytest.mark.parametrize("last", ["they're", "a sign :)", "the '90s", "plan b. The", "in the U.S.", " "])
def test_tokens(last: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_TOOL_OPTIONS", "-Dfile.encoding=UTF-8 -Dstdout.encoding=UTF-8")
    lines = [*captions(5, 2000, f"{WORDS} {RARER_WORDS}"), last]
    for line, known, tokens in zip(lines, coco_tokens(lines), tokenise_all(lines), strict=True):
        assert tokens == known, line


@pytest.mark.parametrize("name", ["nlg-eval", "clipscore"])
def test_full_meteor_gives_the_published_figures(name: str) -> None:
    known = json.loads((Path(__file__).parent / "published_captions.json").read_text(encoding="utf-8"))[name]
    program = meteor_program()
    assert program is not None
    found = full_meteor(*tokenise_pairs(known["candidates"], known["references"]), program)
    assert round(found, known["digits"]) == known["figures"]["meteor"]


def test_spice() -> None:
    published = json.loads((Path(__file__).parent / "published_captions.json").read_text(encoding="utf-8"))
    known = published["clipscore"]
    candidates, references = tokenise_pairs(known["candidates"], known["references"])
    program = spice_program()
    if program is None:
        with pytest.raises(ServiceError, match="edu/stanford/nlp"):
            spice(candidates, references, JARS / "spice")
        pytest.skip("CoreNLP 3.6.0 is not in pycocoevalcap's folder spice/lib")
    asked = {image: [" ".join(caption)] for image, caption in enumerate(candidates)}
    told = {image: [" ".join(caption) for caption in group] for image, group in enumerate(references)}
    score, _ = Spice().compute_score(told, asked)
    assert spice(candidates, references, program) == pytest.approx(float(score), abs=1e-9)


@pytest.mark.parametrize(
    "words",
    [WORDS, f"{WORDS} {RARER_WORDS}", REPEATED_WORDS, PUNCTUATION],
    ids=["words", "rarer", "repeated", "punctuation"],
)
def test_meteor(words: str) -> None:
    candidates = [" ".join(tokenise(caption)) for caption in captions(6, 150, words)]
    references = [[" ".join(tokenise(caption)) for caption in captions(1000 + image, 3, words)] for image in range(150)]
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
