"""What stands where: shared out among the nearest image tokens, counted by its sum, and learnt."""

import pytest
import torch

from workbench.pretraining.place_loss import PlaceTeacher, words_of
from workbench.pretraining.scene_cache import CachedMark

SCENES = ((CachedMark(0.25, 0.75, ("person", "vest")), CachedMark(0.5, 0.5, ("person",))), ())


def test_a_thing_lies_where_it_is_and_sums_count_things() -> None:
    words = words_of(SCENES)
    assert words == ("person", "vest")
    targets = PlaceTeacher(4, words).targets(SCENES, image_tokens=16).unflatten(1, (4, 4))
    assert targets.shape == (2, 4, 4, 2)
    assert targets[0].sum(dim=(0, 1)).tolist() == pytest.approx([2.0, 1.0])
    assert not targets[1].any()
    vest = targets[0, :, :, 1]
    assert vest[2:, :2].tolist() == [[0.25, 0.25], [0.25, 0.25]]
    assert vest.sum() == 1


@pytest.mark.parametrize("corner", [(0.0, 0.0), (1.0, 1.0), (0.0, 1.0)])
def test_a_thing_at_the_edge_is_not_lost(corner: tuple[float, float]) -> None:
    targets = PlaceTeacher(4, ("car",)).targets(((CachedMark(*corner, ("car",)),),), image_tokens=9)
    grid = targets.reshape(3, 3)
    assert grid.sum() == 1
    assert grid[round(2 * corner[1]), round(2 * corner[0])] == 1


def test_the_layer_learns_to_tell_where_a_thing_is() -> None:
    torch.manual_seed(0)
    teacher = PlaceTeacher(16, ("person", "vest"))
    targets = teacher.targets(SCENES[:1], image_tokens=16)
    features = torch.eye(16)[None]
    optimizer = torch.optim.Adam(teacher.parameters(), lr=0.3)
    for _ in range(100):
        optimizer.zero_grad()
        torch.autograd.backward(teacher.loss(features, targets))
        optimizer.step()
    with torch.inference_mode():
        features = torch.nn.functional.layer_norm(features, features.shape[-1:])
        person, vest = teacher.layer(features)[0].unbind(dim=1)
    assert set(vest.topk(4).indices.tolist()) == {8, 9, 12, 13}
    assert person.sigmoid().sum().item() == pytest.approx(2, abs=0.5)
