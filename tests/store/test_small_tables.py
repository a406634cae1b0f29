"""What is kept of streams, of samplings and of pictures' likeness comes back as it went in, on each database."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from workbench.domain import Camera, LiveRecording, Sampling, SelectionStep, Site, StreamKind
from workbench.errors import NotFoundError
from workbench.store import Print, Store
from workbench.workflows.workspace import Workspace

AT = datetime(2026, 3, 2, 8, tzinfo=UTC)


@pytest.fixture
def store(workspace: Workspace) -> Store:
    workspace.store.sites.add(Site("yard", ("clear", "truck")))
    workspace.store.sites.add_camera(Camera("yard", "gate"))
    return workspace.store


def a_print(picture_id: str, number: float, encoder: str = "e1") -> Print:
    return Print(picture_id, f"{int(number):064x}", np.full(4, number, np.float32), encoder)


def test_a_camera_has_one_address_and_one_recording(store: Store) -> None:
    for number in (1, 2):
        store.streams.set_address("yard", "gate", address=f"rtsp://cam/{number}", sealed=f"sealed {number}")
        store.streams.put_recording(
            LiveRecording("yard", "gate", StreamKind.WAITING, AT, "No route.", 2.0, number, 5, 1, 77, AT)
        )

    assert store.streams.addresses("yard") == {"gate": "rtsp://cam/2"}
    assert store.streams.sealed_address("yard", "gate") == "sealed 2"
    assert store.streams.recordings("yard")["gate"].reconnects == 2
    assert store.streams.recordings("yard")["gate"].kind is StreamKind.WAITING
    with pytest.raises(NotFoundError, match="the address at which camera dock streams"):
        store.streams.sealed_address("yard", "dock")


def test_samplings_come_back_newest_first(store: Store) -> None:
    steps = (SelectionStep("perceptual hash", 3, 4, "within 10 bits"),)
    made = [
        Sampling(
            "yard",
            "gate",
            name,
            "ann",
            AT,
            1.5,
            (name,),
            AT,
            None,
            7,
            3,
            0,
            steps,
            {"header": 1},
            ("a line",),
            ("a note",),
        )
        for name in ("a.mp4", "b.mp4", "c.mp4")
    ]
    for one in made:
        store.samplings.add(one)

    assert store.samplings.newest("yard", 2) == [made[2], made[1]]
    assert store.samplings.newest("field", 2) == []


def test_prints_are_those_of_one_encoder_and_can_be_forgotten(store: Store) -> None:
    store.prints.put([a_print("p1", 1), a_print("p2", 2), a_print("p2", 2)])
    store.prints.put([a_print("p2", 3, "e2")])

    known = store.prints.of(["p1", "p2", "p3"], encoder="e1")
    assert list(known) == ["p1"]
    assert known["p1"].embedding.tolist() == [1.0] * 4
    assert store.prints.of(["p2"], encoder="e2")["p2"].hash == f"{3:064x}"
    store.prints.forget(["p1"])
    assert store.prints.of(["p1"], encoder="e1") == {}


def test_hooks_that_came_after_a_look_wait_on_though_another_follower_settled_those_before(store: Store) -> None:
    store.hooks.add("yard")
    (seen,) = store.hooks.waiting()
    store.hooks.settle(replace(seen, first_at=seen.first_at - timedelta(seconds=1)))
    assert store.hooks.waiting() == [seen]
    store.hooks.settle(seen)
    assert store.hooks.waiting() == []


def test_what_was_announced_is_unsettled_until_it_arrives(store: Store) -> None:
    store.arrivals.announce(["p1", "p2", "p2"])
    store.arrivals.announce(["p2", "p3"])
    store.arrivals.settle(["p1", "p2"])

    assert store.arrivals.unsettled() == ["p3"]
    assert store.footage.in_no_site(["p3"]) == {"p3"}
