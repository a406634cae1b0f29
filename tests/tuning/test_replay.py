"""General frames are mixed in at their share, teach their own answers, and are the same for the same seed."""

from collections import Counter

import pytest

from tests.tuning.conftest import PrepareTuning
from workbench.recipe import Data, Recipe, Replay, Training
from workbench.tuning.examples import GENERAL, TASKS, GeneralFrame
from workbench.tuning.loop import Watch
from workbench.tuning.sampling import mix_in, plan_draws
from workbench.tuning.tuner import Prepared, collate_for, new_loop, training_sets
from workbench.workflows.general_frames import FIRST_SCENE, general_frames


def recipe(share: float, frames: int = 3, seed: int = 0) -> Recipe:
    training = Training(max_steps=5, per_device_train_batch_size=4, seed=seed, learning_rate=1e-2)
    return Recipe(data=Data(replay=Replay(share=share, frames=frames)), training=training)


@pytest.mark.parametrize(("share", "others"), [(0.0, 0), (0.25, 10), (0.5, 20)])
def test_the_share_is_kept_from_the_beginning_and_others_are_seen_in_turn(share: float, others: int) -> None:
    plan = plan_draws(["clear"] * 8, draws=40, class_balance=0, seed=1)
    mixed = mix_in(plan, first=8, frames=3, share=share, seed=1)
    general = [draw for draw in mixed if draw.index >= 8]
    assert (len(mixed), len(general)) == (40, others)
    assert [draw for draw in mixed if draw.index < 8] == plan[: 40 - others]
    seen = Counter(draw.index for draw in general).values()
    assert max(seen, default=0) - min(seen, default=0) <= 1
    assert mixed == mix_in(plan, first=8, frames=3, share=share, seed=1)
    assert sum(draw.index >= 8 for draw in mixed[:8]) == share * 8


def test_frames_are_rendered_as_the_recipe_asks() -> None:
    assert general_frames(recipe(0.0)) == []
    frames = general_frames(recipe(0.2, frames=2))
    assert frames == general_frames(recipe(0.2, frames=2))
    assert {frame.frame_id for frame in frames}.isdisjoint(
        frame.frame_id for frame in general_frames(recipe(0.2, frames=2, seed=1))
    )
    for frame in frames:
        assert len(frame.questions) == 2
        assert all(instruction and answer for instruction, answer in frame.questions)
    assert FIRST_SCENE > 100_000_000


def test_general_answers_are_learnt_beside_the_sites(prepare_tuning: PrepareTuning, frames) -> None:
    chosen = recipe(0.5)
    plain: Prepared = prepare_tuning(chosen)
    general = [GeneralFrame(frames[7].frame_id, frames[7].image_jpeg, (("What is it?", "A dock."),))]
    prepared = Prepared(**{**vars(plain), "general": general})
    train, validation = training_sets(prepared, prepared.pixels)
    assert sum(draw.index == len(prepared.train) for draw in train.plan) == 10
    assert validation is not None
    assert all(example.task != GENERAL for frame in validation.frames for example in frame.examples)
    batch = collate_for(prepared.vlm)([train[place] for place in range(4)])
    assert Counter(batch["row_task"].tolist())[TASKS.index(GENERAL)] == 2
    told: list[float] = []
    new_loop(prepared, train, None, Watch(lambda step, metrics: told.append(metrics["train/loss"]))).run()
    assert told[-1] < told[0]
