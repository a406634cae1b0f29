"""Damaged footage, made and read in a process of its own: ``python tests/footage/fuzzing.py FOLDER SEED COUNT``.

The folder holds good clips. Each variant of them is announced before it is read, so that whoever waits for this process
knows which one it hangs on or dies of. A defect ends it with a traceback.
"""

import itertools
import os
import random
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import psutil

from workbench.errors import FootageError
from workbench.footage.motion import ChangeDetection
from workbench.footage.sampling import SamplingPlan, plan_changes, plan_every, plan_keyframes
from workbench.footage.sources import find_recordings

_BLOCK = 256
_HEADER = 2048
_MOST_STILLS = 40


def flip_bits(content: bytearray, dice: random.Random) -> None:
    for _ in range(dice.choice([1, 4, 16, 64])):
        content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)


def truncate(content: bytearray, dice: random.Random) -> None:
    del content[dice.randrange(len(content)) :]


def swap_blocks(content: bytearray, dice: random.Random) -> None:
    for _ in range(dice.choice([1, 3])):
        one, other = (dice.randrange(max(1, len(content) - _BLOCK)) for _ in range(2))
        first, second = content[one : one + _BLOCK], content[other : other + _BLOCK]
        content[one : one + len(second)], content[other : other + len(first)] = second, first


def edit_header(content: bytearray, dice: random.Random) -> None:
    """Put extreme numbers where containers keep sizes, counts, rates and times: at the front or at the end."""
    for _ in range(dice.choice([1, 2, 5])):
        at = dice.randrange(min(_HEADER, len(content)))
        at = dice.choice([at, len(content) - 1 - at])
        content[at : at + 4] = dice.choice([bytes(4), b"\xff" * 4, b"\x7f\xff\xff\xff", b"\0\0\0\1", dice.randbytes(4)])


def repeat_block(content: bytearray, dice: random.Random) -> None:
    at = dice.randrange(len(content))
    content[at:at] = content[at : at + _BLOCK * dice.choice([1, 8])]


MUTATIONS: tuple[Callable[[bytearray, random.Random], None], ...] = (
    flip_bits,
    truncate,
    swap_blocks,
    edit_header,
    repeat_block,
)


def variant(good: bytes, dice: random.Random) -> bytes:
    content = bytearray(good)
    for mutate in dice.sample(MUTATIONS, dice.choice([1, 1, 1, 2])):
        if content:
            mutate(content, dice)
    return bytes(content)


def read_everything(path: Path) -> int:
    """Read the footage in every way, check that what comes is whole, and return how many stills came."""
    stills = 0
    for found in find_recordings(str(path)):
        with found.opened() as recording:
            offsets_s = list(recording.timeline.offsets_s)
            assert offsets_s[0] == 0
            assert all(earlier < later for earlier, later in itertools.pairwise(offsets_s))
            assert min(recording.size_wh) > 0
            assert len(recording.digest()) == 64
            assert recording.start().at.tzinfo is not None
            interval_s = max(0.2, recording.timeline.duration_s / _MOST_STILLS)
            for plan in (
                plan_every(recording, interval_s, until_s=None),
                plan_keyframes(recording, interval_s),
                plan_changes(recording, ChangeDetection(look_every_s=interval_s)),
            ):
                stills += _read(plan)
    return stills


def _read(plan: SamplingPlan) -> int:
    told: list[str] = []
    looks: list[int] = []
    stills = list(plan.stills(on_damage=told.append, on_look=looks.append))
    assert len(looks) + len(told) == len(plan.instants_s), "a still was lost without a word"
    assert all("\n" not in text for text in told)
    assert [offset_s for offset_s, _ in stills] == sorted({offset_s for offset_s, _ in stills} & set(plan.instants_s))
    for _, still in stills[:3]:
        assert max(still.image(long_side_px=64).size) <= 64
    return len(stills)


def main() -> None:
    folder, dice, count = Path(sys.argv[1]), random.Random(int(sys.argv[2])), int(sys.argv[3])
    clips = sorted(folder.iterdir())
    for clip in clips:
        assert read_everything(clip), clip
    files_before = set(Path("/proc/self/fd").iterdir())
    for number in range(count):
        clip = clips[number % len(clips)]
        path = folder / f"variant{clip.suffix}"
        path.write_bytes(variant(clip.read_bytes(), dice))
        os.utime(path, (1_700_000_000, 1_700_000_000))
        print(f"{number} {clip.name}", end=" ", flush=True)
        try:
            print(f"{read_everything(path)} stills", flush=True)
        except FootageError as error:
            print(error, flush=True)
        path.unlink()
    assert set(Path("/proc/self/fd").iterdir()) == files_before, "files were left open"
    assert threading.active_count() == 1, "threads were left"
    assert psutil.Process().children() == [], "processes were left"


if __name__ == "__main__":
    main()
