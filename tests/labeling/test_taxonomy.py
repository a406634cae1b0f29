"""A taxonomy as the labelling interface: everything is asked, nothing breaks out of its place, nothing is guessed."""

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.services import LabelStudioServer
from workbench.domain import CaptionGuide, LabelClass, Question, Site, Taxonomy
from workbench.errors import UsageError
from workbench.labeling.hotkeys import hotkey_problems
from workbench.labeling.renames import Rename, Renames
from workbench.labeling.studio import Studio
from workbench.labeling.taxonomy import (
    is_as_written,
    label_config_to_vocabulary,
    taxonomy_to_label_config,
    taxonomy_to_vocabulary,
)
from workbench.labeling.taxonomy_changes import changes_between, widened
from workbench.labeling.taxonomy_file import read_taxonomy, taxonomy_to_yaml, yaml_to_taxonomy
from workbench.settings import embedded_path

NASTY = "a \"b\" <c> & $image, $5 'd'\n{e} ${f} – ✓"
FULL = Taxonomy(
    classes=(
        LabelClass("clear", f"Nothing moves: {NASTY}"),
        LabelClass("reach-truck", "A truck lifts.", "t"),
        LabelClass("person.in_zone", "", "2"),
    ),
    caption_guide=CaptionGuide(
        f"One sentence. {NASTY}", ("A truck lifts a load.", "Nobody is there."), ("truck",), 3, 20
    ),
    questions=(
        Question("hood", f"Is the hood up? {NASTY}"),
        Question("price", "How much?", ("$5", "$image", 'a < "b" & c')),
    ),
    boxes=("person", "roll cage", "$1 <box>"),
    timeline=("clear", "reach-truck"),
)
FEW = Taxonomy((LabelClass("a"), LabelClass("b")))


def parsed(taxonomy: Taxonomy) -> ElementTree.Element:
    return ElementTree.fromstring(taxonomy_to_label_config(taxonomy))  # noqa: S314


def control(taxonomy: Taxonomy, name: str) -> ElementTree.Element:
    (found,) = (element for element in parsed(taxonomy).iter() if element.get("name") == name)
    return found


@pytest.mark.parametrize("taxonomy", [FEW, FULL], ids=["few", "full"])
def test_what_can_be_answered_survives_the_way_there_and_back(taxonomy: Taxonomy) -> None:
    assert label_config_to_vocabulary(taxonomy_to_label_config(taxonomy)) == taxonomy_to_vocabulary(taxonomy)


@pytest.mark.parametrize("taxonomy", [FEW, FULL], ids=["few", "full"])
def test_a_taxonomy_survives_the_way_to_yaml_and_back(taxonomy: Taxonomy) -> None:
    assert yaml_to_taxonomy(taxonomy_to_yaml(taxonomy)) == taxonomy


def test_label_studio_accepts_whatever_a_person_may_write(label_studio: LabelStudioServer, labelled_site: Site) -> None:
    studio = Studio(label_studio.url, label_studio.token)
    studio.ensure_project(labelled_site, FULL, None)
    found = studio.find_project(labelled_site, None)
    assert found is not None
    assert found.label_config == taxonomy_to_label_config(FULL)
    assert found.is_as_written
    assert found.vocabulary == taxonomy_to_vocabulary(FULL)


def test_class_and_caption_are_required_and_given_once_questions_and_boxes_are_not() -> None:
    assert control(FULL, "class").attrib.items() >= {"choice": "single", "required": "true"}.items()
    assert control(FULL, "caption").attrib.items() >= {"maxSubmissions": "1", "required": "true"}.items()
    assert control(FULL, "hood").get("choice") == "single"
    assert {control(FULL, name).get("required") for name in ("hood", "price", "boxes")} == {None}


def test_definitions_and_the_caption_guide_with_its_examples_are_to_be_read() -> None:
    hints = [choice.get("hint") for choice in control(FULL, "class").iter("Choice")]
    assert hints == [f"Nothing moves: {NASTY}", "A truck lifts.", None]
    shown = "\n".join(header.get("value", "") for header in parsed(FULL).iter("Header")).replace("\N{WORD JOINER}", "")
    for text in ("clear: Nothing moves", "reach-truck: A truck lifts.", f"One sentence. {NASTY}\n3 to 20 words."):
        assert text in shown
    assert "✓ A truck lifts a load." in shown
    assert "✗ truck" in shown


def test_what_is_not_asked_is_not_shown() -> None:
    view = parsed(FEW)
    assert [element.get("name") for element in view.iter() if element.get("toName")] == ["class", "caption"]
    assert view.find(".//Collapse") is None
    texts = [header.get("value", "") for header in view.iter("Header")]
    assert [text for text in texts if not text.startswith("$")] == [
        "What does the frame show?",
        "Describe it in one sentence.",
    ]


def test_hotkeys_are_those_given_and_else_the_next_free_digit_or_letter() -> None:
    keys = [choice.get("hotkey") for choice in control(FULL, "class").iter("Choice")]
    assert keys == ["1", "t", "2"]
    everything = [element.get("hotkey") for element in parsed(FULL).iter() if element.tag in {"Choice", "Label"}]
    assert len(set(everything)) == len(everything)
    assert not set("behkmopruvw").intersection(filter(None, everything))
    many = Taxonomy(tuple(LabelClass(f"class-{number}") for number in range(60)))
    assert [choice.get("hotkey") for choice in control(many, "class").iter("Choice")][:12] == [*"1234567890qt"]


def test_a_hotkey_of_label_studio_is_refused() -> None:
    (problem,) = hotkey_problems([LabelClass("a", hotkey="r"), LabelClass("b", hotkey="x")])
    assert problem == "class a should have a hotkey other than 'r', which picks the rectangle tool in Label Studio"


def test_a_change_by_hand_is_told_from_the_formatting_of_an_editor() -> None:
    written = taxonomy_to_label_config(FULL)
    assert is_as_written(written)
    assert is_as_written(written.replace(">\n  <", ">\n\n\t<").replace(" />", "/>"))
    assert not is_as_written(written.replace("reach-truck", "truck"))
    assert not is_as_written("<View/>")
    assert not is_as_written("<View")


@pytest.mark.parametrize("config", ["<View", "<View/>", '<View><Image name="image"/></View>'])
def test_an_interface_of_somebody_elses_offers_nothing_that_could_be_lost(config: str) -> None:
    assert label_config_to_vocabulary(config) == frozenset()


def test_the_demo_sites_taxonomy_is_valid_and_names_the_demos_classes() -> None:
    folder = embedded_path("demo")
    taxonomy = read_taxonomy(folder / "taxonomy.yaml")
    lines = (folder / "labels.csv").read_text(encoding="utf-8").splitlines()[1:]
    rows = [line.split(",", maxsplit=3) for line in lines]
    assert taxonomy.class_names == tuple(sorted({row[2] for row in rows}))
    assert {taxonomy.caption_guide.problem_of(row[3]) for row in rows} == {""}


@pytest.mark.parametrize(
    "text", ["[" * 3_000, "? [a, b]\n: c", "classes: [{[a]: b}]"], ids=["deep", "list as a key", "list as a key inside"]
)
def test_a_file_that_no_person_means_is_one_sentence(text: str) -> None:
    with pytest.raises(UsageError, match="text that is none"):
        yaml_to_taxonomy(text)


def test_all_problems_of_a_file_are_told_at_once_with_the_nearest_key(tmp_path: Path) -> None:
    path = tmp_path / "yard.yaml"
    path.write_text(
        "classes:\n"
        "  - {name: clear, definiton: Nothing moves}\n"
        "  - {name: truck, hotkey: AB}\n"
        "  - {name: person, hotkey: r}\n"
        "caption_guide: {least_words: few, good: A truck}\n"
        "questions:\n"
        "  - {name: caption, text: x}\n"
        "  - {name: hood, text: y, options: [yes]}\n"
        "boxs: [person]\n"
    )
    with pytest.raises(UsageError) as caught:
        read_taxonomy(path)
    told = str(caught.value)
    for problem in (
        "boxs is not a key (did you mean boxes?)",
        "classes[1].definiton is not a key (did you mean definition?)",
        "classes[2]: expected one small letter or digit as the hotkey of class truck, but found 'AB'",
        "class person should have a hotkey other than 'r'",
        "caption_guide.least_words should be a valid integer",
        "caption_guide.good should be a list, not 'A truck'",
        "questions[1]: expected a question name that is none of",
        "questions[2]: expected a text and at least two different options of question hood",
    ):
        assert problem in told
    assert "8 problems" in told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "sections such as 'classes:'"),
        ("- clear\n", "found a list"),
        ("classes: [", "line 1, column 11"),
        ("classes: [{name: a}, {name: b}]\nclasses: []", "'classes' for the second time in line 2"),
        ("boxes: [a]", "classes is missing"),
        ("classes: [{name: a}]", "at least two different class names"),
        ("classes: [{name: a, hotkey: x}, {name: b, hotkey: x}]", "hotkeys that differ"),
        ("classes: [a, b]", "classes[1] should be keys with values, not 'a'"),
        ("classes: [{name: a}, {name: b}]\ntimeline: [c]", "a timeline of the classes a, b"),
        ("classes: [{name: a}, {name: b}]\nboxes: [x, x]", "labels of boxes that differ"),
        ("classes: [{name: a}, {name: b}]\ncaption_guide: {least_words: 5, most_words: 4}", "no fewer words"),
        ("classes: [{name: a}, {name: b}]\ncaption_guide: {good: [x], least_words: 2}", "has 1 words, fewer than 2"),
    ],
)
def test_a_file_that_cannot_be_meant_is_one_sentence(text: str, told: str) -> None:
    with pytest.raises(UsageError) as caught:
        yaml_to_taxonomy(text)
    assert told in str(caught.value)


def test_a_file_that_is_not_there_or_no_text_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        read_taxonomy(tmp_path / "none.yaml")
    (tmp_path / "picture.yaml").write_bytes(b"\xff\xd8\xff")
    with pytest.raises(UsageError, match="not UTF-8"):
        read_taxonomy(tmp_path / "picture.yaml")


def test_values_are_taken_as_they_are_typed() -> None:
    classes = "classes: [{name: on, hotkey: 1}, {name: 2026-03-01}]\n"
    questions = "questions: [{name: q, text: t, options: [yes, no, 1.10]}]\n"
    taxonomy = yaml_to_taxonomy(f"{classes}{questions}timeline: yes\n")
    assert taxonomy.class_names == taxonomy.timeline == ("on", "2026-03-01")
    assert taxonomy.classes[0].hotkey == "1"
    assert taxonomy.questions[0].options == ("yes", "no", "1.10")


def test_changes_are_told_in_words_and_renames_apart_from_additions() -> None:
    new = replace(
        FULL,
        classes=(LabelClass("lorry", "A truck lifts.", "t"), FULL.classes[0], LabelClass("spill")),
        questions=(replace(FULL.questions[0], text="Hood?", options=("yes", "worn")),),
        boxes=("person", "$1 <box>", "roll cage"),
        timeline=("clear",),
    )
    renames = Renames((Rename.parse("reach-truck=lorry"), Rename.parse("hood:no=worn")))
    assert changes_between(FULL, new, renames) == (
        "class reach-truck renamed lorry",
        "option no of question hood renamed worn",
        "class spill added",
        "class person.in_zone removed",
        "class order changed",
        "question price removed",
        "question hood worded anew",
        "boxes order changed",
        "classes of the timeline changed",
    )
    assert changes_between(FULL, FULL, Renames()) == ()
    wide = taxonomy_to_vocabulary(widened(new, FULL, renames))
    assert wide - taxonomy_to_vocabulary(new) == {("class", "reach-truck"), ("hood", "no")}
