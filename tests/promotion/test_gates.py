"""The conditions of promotion, on figures alone."""

from dataclasses import replace

import pytest

from workbench.domain import EvaluationReport, Interval, Split, Verdict
from workbench.promotion.evidence import Evidence, GoldenEvidence, report_from_metrics
from workbench.promotion.gates import judge, unmet

DATASET, OTHER_DATASET = "d" * 64, "e" * 64


def report(
    accuracy: float, *, macro_f1: float | None = None, cameras: dict[str, float], rows: int = 40
) -> EvaluationReport:
    def around(value: float) -> Interval:
        return Interval(value, value - 0.1, value + 0.1)

    return EvaluationReport(
        model_version="m",
        dataset_id=DATASET,
        split=Split.TEST,
        rows=rows,
        metrics={"class_accuracy": around(accuracy), "macro_f1": around(accuracy if macro_f1 is None else macro_f1)},
        by_camera={camera: {"class_accuracy": around(value)} for camera, value in cameras.items()},
    )


GOOD = Evidence(
    site="yard",
    run_id="abc",
    trained_on=DATASET,
    recipe_digest="r" * 64,
    base_version="base-vlm@12345678",
    candidate=report(0.9, cameras={"north": 0.9, "south": 0.9}),
    base=report(0.5, cameras={"north": 0.6, "south": 0.4}),
    champion_version=None,
    champion=None,
)


def verdicts(evidence: Evidence) -> dict[Verdict, list[str]]:
    found: dict[Verdict, list[str]] = {}
    for gate in judge(evidence):
        found.setdefault(gate.verdict, []).append(gate.explanation)
    return found


def test_good_evidence_meets_every_condition() -> None:
    assert unmet(judge(GOOD)) == ()


def golden(
    *, seen: int | None = 0, adapted: float | None = 0.8, base: float | None = 0.5, measured_on: str = OTHER_DATASET
) -> Evidence:
    """Return good evidence with a golden set; a share of None was not measured."""
    candidate, of_base = (
        None if share is None else replace(report(share, cameras={}), dataset_id=measured_on)
        for share in (adapted, base)
    )
    return replace(GOOD, golden=GoldenEvidence(OTHER_DATASET, seen, candidate, of_base))


def test_a_golden_set_of_which_nothing_was_learnt_is_met() -> None:
    assert unmet(judge(golden())) == ()
    told = [gate.explanation for gate in judge(golden())[-2:]]
    assert told[0].startswith("Of the frames that it was tuned on or chosen by, none")
    assert told[1] == "The adapter is right in 80.0% of 40 golden frames, the base in 50.0%."


@pytest.mark.parametrize(
    ("evidence", "verdict", "told"),
    [
        (golden(seen=3), Verdict.FAIL, "3 show what a golden frame shows"),
        (golden(seen=None), Verdict.NO_EVIDENCE, "is gone; tune again"),
        (golden(adapted=None), Verdict.NO_EVIDENCE, "Not measured on golden set eeeeeeeeeeee; measure it"),
        (golden(base=None), Verdict.NO_EVIDENCE, "Not measured on golden set eeeeeeeeeeee; measure it"),
        (golden(measured_on=DATASET), Verdict.NO_EVIDENCE, "Not measured on golden set eeeeeeeeeeee"),
        (golden(adapted=0.4), Verdict.FAIL, "the base in 50.0%"),
    ],
)
def test_a_golden_set_that_was_seen_or_not_asked_about_or_failed_holds_an_adapter_back(
    evidence: Evidence, verdict: Verdict, told: str
) -> None:
    (gate,) = unmet(judge(evidence))
    assert gate.verdict is verdict
    assert told in gate.explanation


@pytest.mark.parametrize(
    ("evidence", "told"),
    [
        (replace(GOOD, candidate=report(0.59, cameras={"north": 0.6, "south": 0.4})), "right in 59.0%"),
        (replace(GOOD, candidate=report(0.9, macro_f1=0.4, cameras={"north": 0.9, "south": 0.9})), "Macro-F1 is 0.400"),
        (replace(GOOD, candidate=report(0.9, cameras={"north": 0.54, "south": 0.9})), "north 60.0% → 54.0%"),
        (replace(GOOD, candidate=report(0.9, cameras={"north": 0.9, "south": 0.9}, rows=19)), "19 frames"),
        (replace(GOOD, trained_on=OTHER_DATASET), "Tuned on dataset version eeeeeeeeeeee, measured on dddddddddddd"),
        (
            replace(GOOD, champion_version=3, champion=report(0.93, cameras={"north": 0.93})),
            "right in 90.0% of the frames, champion version 3 in 93.0%",
        ),
    ],
)
def test_one_bad_figure_fails_one_condition(evidence: Evidence, told: str) -> None:
    failed = verdicts(evidence)[Verdict.FAIL]
    assert len(failed) == 1
    assert told in failed[0]


@pytest.mark.parametrize(
    ("evidence", "told", "gates"),
    [
        (replace(GOOD, candidate=None, base=None), "workbench evaluate --site yard --model abc", 5),
        (replace(GOOD, base=None), "Adapter and base were not measured", 4),
        (replace(GOOD, recipe_digest=None), "does not record the recipe", 1),
        (replace(GOOD, champion_version=3), "Champion version 3 was not measured", 1),
        (
            replace(GOOD, champion_version=3, champion=replace(report(0.1, cameras={}), dataset_id="x")),
            "--model champion",
            1,
        ),
        (replace(GOOD, candidate=report(0.9, cameras={"north": 0.9})), "not both measured on south", 1),
    ],
)
def test_what_is_missing_is_never_a_pass(evidence: Evidence, told: str, gates: int) -> None:
    missing = verdicts(evidence)[Verdict.NO_EVIDENCE]
    assert len(missing) == gates
    assert all(told in explanation for explanation in missing)
    assert Verdict.FAIL not in verdicts(evidence)


def test_a_champion_within_the_margin_is_no_obstacle() -> None:
    champion = report(0.915, cameras={"north": 0.9})
    assert unmet(judge(replace(GOOD, champion_version=3, champion=champion))) == ()


def test_a_report_is_rebuilt_from_what_evaluation_logged() -> None:
    metrics = {
        "train/loss": 0.1,
        "test/rows": 40.0,
        **{f"test/class_accuracy{end}": value for end, value in (("", 0.9), ("_low", 0.8), ("_high", 1.0))},
        **{
            f"test/camera/north/class_accuracy{end}": value for end, value in (("", 0.7), ("_low", 0.6), ("_high", 0.8))
        },
        "test/loss": 0.3,
    }
    rebuilt = report_from_metrics(metrics, "test", model_version="m", dataset_id=DATASET)
    assert rebuilt == EvaluationReport(
        model_version="m",
        dataset_id=DATASET,
        split=Split.TEST,
        rows=40,
        metrics={"class_accuracy": Interval(0.9, 0.8, 1.0)},
        by_camera={"north": {"class_accuracy": Interval(0.7, 0.6, 0.8)}},
    )
    assert report_from_metrics(metrics, "base_test", model_version="m", dataset_id=DATASET) is None
    assert report_from_metrics(metrics, "test", model_version="m", dataset_id=None) is None
