"""How fast stills are had from a 1080p H.264 clip, beside a full decode of the same file by ffmpeg, and in what memory.

    python benchmarks/footage.py --minutes 3 --json

Makes the clip (25 frames a second, a keyframe every 2 s, no B-frames, as cameras record; moving blocks over a noisy
scene), then measures in turns, each in a process of its own: ``ffmpeg -i clip -f null -``, and our sampling of one
still a second to JPEG bytes, decoding everything and decoding keyframes only. All use as many threads as there are
cores. Rates are medians of the rounds, in seconds of footage per second of waiting; ours contain the scan of the file
and the JPEG. Peak memory is that of the process, also for the clip's first third.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from fractions import Fraction
from importlib.metadata import version
from pathlib import Path
from typing import Any

import av
import numpy as np

from workbench.footage.pictures import LONG_SIDE_PX, encode_jpeg
from workbench.footage.sampling import plan_every, plan_keyframes
from workbench.footage.video_files import open_video

SIZE_WH = (1920, 1080)
FPS = 25
GOP_S = 2
BIT_RATE = 4_000_000
TARGETS = {"keyframes": 5.0, "full decode": 0.9}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=3.0, help="length of the clip (default 3)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured (default 3)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--sample", nargs=2, metavar=("MODE", "CLIP"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.sample:
        print(json.dumps(sample(arguments.sample[0], Path(arguments.sample[1]))))
        return
    if shutil.which("ffmpeg") is None:
        parser.error("expected ffmpeg on PATH, to measure beside it; install the package ffmpeg")
    with tempfile.TemporaryDirectory(prefix="bench-footage-") as folder:
        result = measure(Path(folder), arguments.minutes, arguments.rounds)
    print(json.dumps(result, indent=2) if arguments.json else told(result))


def measure(folder: Path, minutes: float, rounds: int) -> dict[str, Any]:
    clip, third = folder / "clip.mp4", folder / "third.mp4"
    duration_s = 60 * minutes
    write_clip(clip, duration_s)
    cut = ["ffmpeg", "-v", "error", "-i", str(clip), "-t", str(duration_s / 3), "-c", "copy", str(third)]
    subprocess.run(cut, check=True)
    waits_s: dict[str, list[float]] = {"ffmpeg": [], **{mode: [] for mode in TARGETS}}
    peaks_mib: dict[str, float] = {}
    stills: dict[str, int] = {}
    for _ in range(rounds):
        waits_s["ffmpeg"].append(ffmpeg_decode_s(clip))
        for mode in TARGETS:
            found = in_own_process(mode, clip)
            waits_s[mode].append(found["wait_s"])
            peaks_mib[mode], stills[mode] = found["peak_mib"], found["stills"]
    rate = {name: duration_s / statistics.median(waits) for name, waits in waits_s.items()}
    return {
        "machine": machine(),
        "clip": {"minutes": minutes, "mib": round(clip.stat().st_size / 2**20, 1)},
        "ffmpeg": {"times_real_time": round(rate["ffmpeg"], 1)},
        **{
            mode: {
                "times_real_time": round(rate[mode], 1),
                "times_ffmpeg": round(rate[mode] / rate["ffmpeg"], 2),
                "target_times_ffmpeg": target,
                "stills": stills[mode],
                "peak_mib": round(peaks_mib[mode]),
                "peak_mib_third": round(in_own_process(mode, third)["peak_mib"]),
            }
            for mode, target in TARGETS.items()
        },
    }


def sample(mode: str, path: Path) -> dict[str, float]:
    """Sample one still a second to JPEG bytes and say how long it took and what memory it needed."""
    began = time.perf_counter()
    video = open_video(path)
    plan = plan_keyframes(video, 1.0) if mode == "keyframes" else plan_every(video, 1.0, until_s=None)
    damage: list[str] = []
    stills = 0
    for _, still in plan.stills(on_damage=damage.append):
        encode_jpeg(still.image(long_side_px=LONG_SIDE_PX))
        stills += 1
    assert not damage, damage
    wait_s = time.perf_counter() - began
    return {"stills": stills, "wait_s": wait_s, "peak_mib": peak_mib()}


def peak_mib() -> float:
    """Return this process's own peak; ``ru_maxrss`` would contain that of the process which started it."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def in_own_process(mode: str, clip: Path) -> dict[str, Any]:
    command = [sys.executable, __file__, "--sample", mode, str(clip)]
    found: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return found


def ffmpeg_decode_s(clip: Path) -> float:
    began = time.perf_counter()
    subprocess.run(["ffmpeg", "-v", "error", "-nostdin", "-i", str(clip), "-f", "null", "-"], check=True)
    return time.perf_counter() - began


def ffmpeg_version() -> str:
    return subprocess.run(["ffmpeg", "-version"], check=True, capture_output=True, text=True).stdout.split()[2]


def machine() -> str:
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, nice {os.nice(0)}; "
        f"Python {platform.python_version()}, PyAV {version('av')}, Pillow {version('pillow')}, "
        f"ffmpeg {ffmpeg_version()}"
    )


def write_clip(path: Path, duration_s: float) -> None:
    width, height = SIZE_WH
    dice = np.random.default_rng(1)
    rows, columns = np.mgrid[0:height, 0:width]
    scene = 110 + 50 * np.sin(columns / 37) * np.cos(rows / 53) + (columns // 120 + rows // 90) % 2 * 20
    noise = [dice.normal(0, 3, (height, width)).astype(np.int16) for _ in range(5)]
    options = {"preset": "veryfast", "bf": "0", "g": str(GOP_S * FPS), "sc_threshold": "0"}
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options=options)
        stream.width, stream.height = SIZE_WH
        stream.pix_fmt, stream.bit_rate = "yuv420p", BIT_RATE
        for number in range(round(duration_s * FPS)):
            brightness = scene.astype(np.int16) + noise[number % len(noise)]
            for block in range(3):
                left, top = (number * 6 + block * 500) % (width - 120), 200 + block * 250
                brightness[top : top + 160, left : left + 120] = 60 + 40 * block
            planes = np.full((height * 3 // 2, width), 128, np.uint8)
            planes[:height] = np.clip(brightness, 0, 255)
            frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def told(result: dict[str, Any]) -> str:
    lines = [result["machine"], f"ffmpeg, full decode: {result['ffmpeg']['times_real_time']} x real time"]
    for mode, target in TARGETS.items():
        own = result[mode]
        lines.append(
            f"{mode}: {own['times_real_time']} x real time, {own['times_ffmpeg']} x ffmpeg (target {target}), "
            f"{own['stills']} stills, peak {own['peak_mib']} MiB (a third of the clip: {own['peak_mib_third']} MiB)"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
