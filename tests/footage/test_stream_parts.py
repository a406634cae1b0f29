"""What live streams are made of, without a stream."""

import threading

import pytest

from workbench.domain import StreamKind, utc_now
from workbench.errors import FootageError
from workbench.footage.addresses import host_is_known, require_stream, without_credentials
from workbench.footage.pictures import Jpeg
from workbench.footage.stream_clock import StreamClock, due_after_keyframe_s, is_due, next_due_s
from workbench.footage.stream_mailbox import Mailbox, Pause
from workbench.footage.stream_messages import LiveStill
from workbench.footage.stream_supervisor import StreamState


def offsets(clock: StreamClock, *seen: tuple[float, float]) -> list[float]:
    return [clock.offset_s(camera_s, now_s) for camera_s, now_s in seen]


def still(offset_s: float) -> LiveStill:
    return LiveStill(offset_s, Jpeg(b"", (1, 1)))


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("rtsp://ann:s3/cret@cam/1", "rtsp://cam/1"),
        ("rtsp://ann:s3?cret@cam/1", "rtsp://cam/1"),
        ("rtsp://ann:s3#cret@cam/1", "rtsp://cam/1"),
        ("rtsp://ann:1/s3cret@cam/1", "rtsp://cam/1"),
        ("rtsp://ann@site.example:s3/cret@cam/1", "rtsp://cam/1"),
        ("rtsp://cam:554/user=ann&password=s3cret&channel=1", "rtsp://cam:554/user=&password=&channel=1"),
        ("rtsp://cam:554/user=ann_password=s3cret_channel=1", "rtsp://cam:554/user="),
        ("ann:s3cret@cam/1", "cam/1"),
        ("rtsp://ann:s3cret@[fe80::1%25eth0]:554/1", "rtsp://[fe80::1%25eth0]:554/1"),
        ("rtsp://[bad:s3cret@cam/1", "rtsp://cam/1"),
        ("http://cam:8080/video?user=ann@site.example&password=s3cret", "http://cam:8080/video"),
        ("rtsp://cam/live@1", "rtsp://cam/live@1"),
    ],
)
def test_credentials_do_not_show_however_the_address_is_written(url: str, shown: str) -> None:
    assert without_credentials(url) == shown


@pytest.mark.parametrize(
    "url",
    ["cam-7/s3cret", "file:///s3cret", "rtsp:///s3cret", "rtsp://ann:s3/cret@cam/1", "rtsp://cam/s3cret\r\nX: 1", ""],
)
def test_what_cannot_be_the_address_of_a_stream_is_told_but_not_repeated(url: str) -> None:
    with pytest.raises(FootageError, match="address of a stream") as caught:
        require_stream(url)

    assert "cret" not in str(caught.value)


@pytest.mark.parametrize("url", ["rtsp://cam/1", "RTSPS://ann:p%40ss@cam-7.example:322/1?x=1", "http://[::1]:80/a@b"])
def test_addresses_of_streams_are_taken(url: str) -> None:
    require_stream(url)


def test_a_host_is_looked_for_by_its_name_alone() -> None:
    assert host_is_known("rtsp://ann:s3cret@localhost:554/1")
    assert host_is_known("rtsp://[::1]:554/1")
    assert not host_is_known("rtsp://ann:s3cret@no-such-camera.invalid:554/1")
    assert not host_is_known("rtsp://cam..7/1")


def test_the_cameras_times_rule_when_frames_come_in_bursts() -> None:
    clock = StreamClock(base_s=30.0, is_live=True)

    assert offsets(clock, (5.0, 100.0), (5.1, 100.4), (5.2, 100.4), (8.0, 103.0)) == pytest.approx(
        [30.0, 30.1, 30.2, 33.0]
    )


@pytest.mark.parametrize("set_to_s", [9000.0, -9000.0, 0.0])
def test_a_camera_whose_clock_is_set_does_not_move_the_offsets(set_to_s: float) -> None:
    clock = StreamClock(base_s=0.0, is_live=True)
    seen = [(50.0, 100.0), (51.0, 101.0), (set_to_s, 101.5), (set_to_s + 1, 102.5)]

    assert offsets(clock, *seen) == pytest.approx([0.0, 1.0, 1.5, 2.5])


@pytest.mark.parametrize("rate", [0.0, 0.5, 2.0])
def test_a_camera_whose_clock_is_broken_stays_within_a_minute_of_ours(rate: float) -> None:
    clock = StreamClock(base_s=0.0, is_live=True)
    seen = offsets(clock, *((rate * second, float(second)) for second in range(1000)))

    assert seen == sorted(seen)
    assert all(abs(offset_s - second) <= 61.0 for second, offset_s in enumerate(seen))


def test_a_recording_may_be_sent_faster_than_it_was_taken_but_does_not_go_back() -> None:
    clock = StreamClock(base_s=0.0, is_live=False)

    assert offsets(clock, (0.0, 0.0), (600.0, 0.1), (599.0, 0.2), (1200.0, 0.2)) == pytest.approx(
        [0, 600, 600.1, 1201.1]
    )


def test_stills_are_due_at_multiples_of_the_interval() -> None:
    assert next_due_s(0.0, 0.5) == 0.5
    assert next_due_s(0.4999, 0.5) == 1.0
    assert next_due_s(37.2, 2.0) == 38.0


def test_keyframes_are_far_enough_apart_however_their_clock_trembles() -> None:
    due_s = due_after_keyframe_s(37.2, 2.0)
    assert is_due(39.17, due_s)
    assert not is_due(39.1, due_s)
    assert is_due(37.2, due_after_keyframe_s(37.2, 0.0))


def test_a_mailbox_keeps_the_newest_stills_and_every_state_in_order() -> None:
    mailbox = Mailbox(waiting_stills=2)
    state = StreamState(StreamKind.LIVE, utc_now())
    for event in (still(0), state, still(1), still(2), still(3)):
        mailbox.put(event, may_drop=True)
    mailbox.close()

    assert [mailbox.take() for _ in range(4)] == [state, still(2), still(3), None]
    assert mailbox.stills_dropped == 2


def test_a_mailbox_does_not_grow_with_states_that_nobody_takes() -> None:
    mailbox = Mailbox(waiting_stills=2)
    for count in range(1000):
        mailbox.put(StreamState(StreamKind.WAITING, utc_now(), reconnects=count), may_drop=True)
    mailbox.close()
    taken = list(iter(mailbox.take, None))

    assert len(taken) < 100
    assert isinstance(taken[-1], StreamState)
    assert taken[-1].reconnects == 999
    assert mailbox.stills_dropped == 0


def test_a_mailbox_from_which_nothing_may_be_dropped_waits_for_its_reader() -> None:
    mailbox = Mailbox(waiting_stills=2)

    def send() -> None:
        for offset_s in range(20):
            mailbox.put(still(offset_s), may_drop=False)
        mailbox.close()

    sender = threading.Thread(target=send)
    sender.start()
    taken = list(iter(mailbox.take, None))
    sender.join()

    assert taken == [still(offset_s) for offset_s in range(20)]


def test_a_reader_who_left_lets_a_waiting_sender_go_and_an_error_reaches_one_who_stays() -> None:
    mailbox = Mailbox(waiting_stills=1)
    mailbox.put(still(0), may_drop=False)
    sender = threading.Thread(target=mailbox.put, args=(still(1),), kwargs={"may_drop": False})
    sender.start()
    mailbox.close(FootageError(expected="pictures", found="none", remedy="wait"))
    sender.join()

    assert mailbox.take() == still(0)
    assert mailbox.take() == still(1)
    with pytest.raises(FootageError, match="none"):
        mailbox.take()


def test_whoever_waits_in_vain_hears_of_the_pause() -> None:
    mailbox = Mailbox(waiting_stills=2)
    assert mailbox.take(0.01) == Pause()
