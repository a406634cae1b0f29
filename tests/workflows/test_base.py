"""A whole build of the base models in miniature: scenes, both trainings, figures and model cards."""

from dataclasses import replace
from pathlib import Path

import torch
import yaml

from workbench.models.dual_encoder import load_dual_encoder
from workbench.models.vlm import load_vlm
from workbench.pretraining.architecture import ClipShape, VlmShape
from workbench.workflows.base import BasePlan, build_base

PLAN = BasePlan(
    steps=2,
    clip_steps=2,
    scenes=24,
    held_out_scenes=8,
    seed=0,
    vlm_shape=VlmShape(
        image_px=64, vision_width=32, vision_layers=1, vision_heads=2, text_width=64, text_layers=1, text_heads=2
    ),
    clip_shape=ClipShape(image_px=64, vision_width=32, vision_layers=1, text_width=32, text_layers=1, heads=2),
    scenes_per_step=4,
    clip_scenes_per_step=8,
    processes=1,
)


def test_build_makes_two_models_with_cards(tmp_path: Path) -> None:
    told: list[tuple[int, int | None, str]] = []
    built = build_base(tmp_path / "out", PLAN, work_dir=tmp_path / "work", progress=lambda *report: told.append(report))
    assert load_vlm(built.vlm_dir).version.startswith("base-vlm@")
    assert load_dual_encoder(built.clip_dir).embed_texts(["a person"]).shape == (1, 128)
    assert [task.name for task in built.tasks] == ["class", "yes_no", "count"]
    assert all(0 <= task.share.value <= 1 for task in built.tasks)
    assert set(built.recall) == {1, 5, 10}
    assert (2, 2, "vlm steps") in told
    for directory in (built.vlm_dir, built.clip_dir):
        card = (directory / "README.md").read_text(encoding="utf-8")
        facts = yaml.safe_load(card.split("---")[1])
        assert facts["license"] == "apache-2.0"
        assert facts["model-index"][0]["results"]
        assert PLAN.command in card


def test_a_build_can_go_on_from_a_base_and_its_card_tells_both(tmp_path: Path) -> None:
    first = build_base(tmp_path / "first", PLAN, work_dir=tmp_path / "work")
    plan = replace(PLAN, seed=1, start_from=tmp_path / "first")
    assert plan.first_training_scene != PLAN.first_training_scene
    second = build_base(tmp_path / "second", plan, work_dir=tmp_path / "work-2")
    card = (second.vlm_dir / "README.md").read_text(encoding="utf-8")
    assert card.index(f"`{plan.command}`") < card.index("It went on from") < card.index(f"`{PLAN.command}`")
    before, after = load_vlm(first.vlm_dir), load_vlm(second.vlm_dir)
    assert before.processor.tokenizer.get_vocab() == after.processor.tokenizer.get_vocab()
    weights = (before.model.lm_head.weight.flatten(), after.model.lm_head.weight.flatten())
    kept = build_base(tmp_path / "kept", replace(plan, keep=0.75), work_dir=tmp_path / "work-2")
    assert "--keep 0.75`" in (kept.vlm_dir / "README.md").read_text(encoding="utf-8")
    mixed = 0.75 * weights[0] + 0.25 * weights[1]
    torch.testing.assert_close(load_vlm(kept.vlm_dir).model.lm_head.weight.flatten(), mixed)
    assert 0.3 < torch.cosine_similarity(*weights, dim=0) < 1
