"""What a reaction is, how far a caption moved, and the figures made of both."""

from datetime import UTC, datetime, timedelta

import pytest

from workbench.domain import Answer, Basis, Response
from workbench.labeling.reactions import EditDistance, Reaction, edit_distance, reaction_to
from workbench.labeling.suggestion_quality import quality_of

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
SUGGESTED = Answer("truck", "A truck stands at the gate.")
ACCEPTED, EDITED, REJECTED = SUGGESTED, Answer("truck", "A truck leaves by the gate."), Answer("clear", "Nothing.")


def response(place: int, said: Answer | None, *, clip: int | None = None, suggested: Answer = SUGGESTED) -> Response:
    at = START + timedelta(seconds=place)
    clip_id = f"clip {place if clip is None else clip}"
    return Response("base@1", Basis.PARENT, suggested, said, at, ("north", "south")[place % 2], clip_id, at)


@pytest.mark.parametrize(
    ("said", "reaction"),
    [
        (SUGGESTED, Reaction.ACCEPTED),
        (Answer("truck", " A truck  stands at the gate. "), Reaction.ACCEPTED),
        (Answer("truck", SUGGESTED.caption, {"gate_open": "yes"}), Reaction.ACCEPTED),
        (Answer("truck", "a truck stands at the gate."), Reaction.EDITED),
        (Answer("clear", SUGGESTED.caption), Reaction.REJECTED),
        (None, Reaction.SKIPPED),
    ],
)
def test_what_a_labeller_made_of_a_suggestion(said: Answer | None, reaction: Reaction) -> None:
    assert reaction_to(SUGGESTED, said) is reaction


def test_the_distance_of_an_edit_is_a_part_of_the_longer_caption() -> None:
    assert edit_distance("A man.", "A man.") == EditDistance(0.0, 0.0)
    assert edit_distance("a b c d", "a x d") == EditDistance(2 / 4, 3 / 7)
    assert edit_distance("cat", "dog") == EditDistance(1.0, 1.0)


def test_figures_count_reactions_and_leave_skips_out_of_the_shares() -> None:
    said = [response(place, answer) for place, answer in enumerate([ACCEPTED] * 5 + [EDITED] * 3 + [REJECTED] * 2)]
    quality = quality_of("base@1", [*said, response(10, None)])
    overall = quality.overall
    assert (overall.answers, overall.accepted, overall.edited, overall.rejected, overall.skipped) == (10, 5, 3, 2, 1)
    assert quality.by_parent == 11
    assert overall.accept_rate is not None
    assert overall.accept_rate.value == 0.5
    assert 0.15 < overall.accept_rate.low < 0.35
    assert 0.65 < overall.accept_rate.high < 0.85
    assert overall.words is not None
    assert overall.words.value == pytest.approx(2 / 6)
    assert [row.name for row in quality.by_camera] == ["north", "south"]
    assert sum(row.answers for row in quality.by_camera) == 10


def test_answers_to_one_clip_say_less_than_answers_to_many() -> None:
    def width(n_clips: int) -> float:
        answers = [REJECTED] * 20 + [ACCEPTED] * 60
        said = [response(place, answer, clip=place * n_clips // 80) for place, answer in enumerate(answers)]
        rate = quality_of("base@1", said, in_detail=False).overall.reject_rate
        assert rate is not None
        return rate.high - rate.low

    assert width(8) > width(80)
    alone = quality_of("base@1", [response(0, ACCEPTED)]).overall
    assert alone.accept_rate is not None
    assert (alone.accept_rate.low, alone.accept_rate.high) == (0.0, 1.0)
    assert alone.words is None


def test_classes_are_those_that_were_suggested() -> None:
    person = Answer("person", "A man.")
    said = [response(0, REJECTED), response(1, ACCEPTED), response(2, person, suggested=person)]
    rows = {row.name: (row.accepted, row.rejected) for row in quality_of("base@1", said).by_class}
    assert rows == {"person": (1, 0), "truck": (1, 1)}


def test_skips_alone_have_no_shares() -> None:
    overall = quality_of("base@1", [response(0, None), response(1, None)]).overall
    assert (overall.answers, overall.skipped, overall.accept_rate) == (0, 2, None)
