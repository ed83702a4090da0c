"""The GPU against the CPU in one command: `python -m benchmarks.gpu_check`, or `make gpu-check`.

Runs the tests marked `gpu`, compares search, explain, what if, evaluate and ten training steps, measures pictures and sentences
a second, and writes docs/figures/gpu.json. Every part is reported, whatever became of the others.

Exit status: 0 all as expected, 1 a part failed, 2 nothing to check with, 3 no CUDA here.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
import transformers
from PIL import Image

from hgan.data.folder import read_dataset
from hgan.data.record import Record
from hgan.defaults import ROOT, default_checkpoint, default_gallery
from hgan.gallery.build import build_gallery
from hgan.io.files import write_json
from hgan.retrieval.retriever import Retriever

from .answers import CHECKS, Pair, draw
from .differences import Differences
from .speed import speeds

TRAINED = {"float32": (1e-4, 0.02), "bfloat16": (0.05, 0.2)}  # of a loss: at the first step, at any of the ten
Part = Callable[[], tuple[bool, dict[str, Any]]]


def use_tf32(on: bool) -> None:
    """Whether float32 may be multiplied in TF32, which rounds to 10 bits."""
    torch.backends.cuda.matmul.allow_tf32 = on
    torch.backends.cudnn.allow_tf32 = on


def attempt(part: Part) -> dict[str, Any]:
    """What a part found; what it raised is a finding too."""
    start = time.perf_counter()
    try:
        passed, report = part()
    except Exception:
        passed, report = False, {"error": traceback.format_exc(limit=-4).splitlines()}
    return {"passed": passed, "seconds": round(time.perf_counter() - start, 1), **report}


def tests() -> tuple[bool, dict[str, Any]]:
    """The tests marked `gpu`."""
    command = [sys.executable, "-m", "pytest", "-m", "gpu", "-q", "-p", "no:cacheprovider", str(ROOT / "tests" / "gpu")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=200)
    return done.returncode == 0, {"said": (done.stdout + done.stderr).splitlines()[-30:]}


@lru_cache
def train(checkpoint: str, data: Path, split: str, seed: int, precision: str, hidden: bool) -> dict[str, Any]:
    """The losses of ten steps, in a process of its own; `hidden` is the GPU from it, where the CPU shall train."""
    command = [sys.executable, "-m", "benchmarks.gpu_check.training", checkpoint, str(data)]
    command += ["--split", split, "--seed", str(seed), "--precision", precision]
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": ""} if hidden else None
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=200)
    if done.returncode:
        raise RuntimeError("\n".join(done.stderr.splitlines()[-12:]))
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def training(options: argparse.Namespace, precision: str) -> tuple[bool, dict[str, Any]]:
    """Ten steps on both devices."""
    where = options.checkpoint, options.data, options.split, options.seed
    runs = [train(*where, "float32", True), train(*where, precision, False)]
    cpu, gpu = (run["losses"] for run in runs)
    first, all_ = Differences().add(cpu[:1], gpu[:1]), Differences().add(cpu, gpu)
    at_first, at_any = TRAINED[precision]
    report = {
        "devices": [run["device"] for run in runs], "steps": len(cpu), "cpu": [step["loss"] for step in cpu],
        "gpu": [step["loss"] for step in gpu], "first_step": first.to_json(), "all_steps": all_.to_json(),
    }  # fmt: skip
    return first.within(at_first) and all_.within(at_any), report


def machine(device: str) -> dict[str, Any]:
    """What it ran on."""
    return {
        "device": torch.cuda.get_device_name() if device == "cuda" else device, "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(), "torch": torch.__version__, "transformers": transformers.__version__,
        "python": platform.python_version(), "cpu_threads": torch.get_num_threads(),
    }  # fmt: skip


def open_pair(options: argparse.Namespace, records: Sequence[Record], folder: Path, device: str) -> Pair:
    """The same gallery behind both devices: the one that is named, or one of the records, built on the CPU."""
    gallery = options.gallery
    if gallery is None:
        try:
            gallery = default_gallery()
        except ValueError:
            gallery = None
    if gallery is None:
        from hgan.checkpoint import load

        gallery = folder / "gallery"
        build_gallery(*load(options.checkpoint, "cpu"), list(records), gallery, Path(options.checkpoint).name)
    texts, pictures = draw(records, options.queries, options.seed)
    cpu, gpu = (Retriever.open(options.checkpoint, gallery, where) for where in ("cpu", device))
    return Pair(cpu, gpu, records, texts, pictures)


def measure(
    options: argparse.Namespace, pair: Pair, device: str, report: Callable[[dict[str, Any]], None]
) -> dict[str, Any]:
    """Every part by name; `report` gets what is found so far after each, so that a run that is cut off tells something."""
    half = replace(pair, precision="bfloat16")
    parts: dict[str, Part] = {}
    for name, check in CHECKS.items():
        parts[name] = lambda check=check: check(pair)
        parts[f"{name}_bfloat16"] = lambda check=check: check(half)
    for precision in TRAINED:
        parts[f"training_{precision}"] = lambda precision=precision: training(options, precision)
    decoded = [Image.open(record.path).convert("RGB") for record in pair.records[:64]]

    def speed(where: Pair, batch: int, tf32: bool, retriever: Retriever) -> tuple[bool, dict[str, Any]]:
        use_tf32(tf32)
        try:
            with where.half():
                return True, speeds(retriever.model, retriever.processor, decoded, pair.texts, batch)
        finally:
            use_tf32(False)

    parts["speed_cpu"] = lambda: speed(pair, 32, False, pair.cpu)
    parts["speed_float32"] = lambda: speed(pair, options.batch, False, pair.gpu)
    parts["speed_tf32"] = lambda: speed(pair, options.batch, True, pair.gpu)
    parts["speed_bfloat16"] = lambda: speed(half, options.batch, False, pair.gpu)
    parts["tests"] = tests  # the slowest to start
    found = {}
    for name, part in parts.items():
        if options.only and not any(name.startswith(only) for only in options.only):
            continue
        use_tf32(False)
        found[name] = attempt(part)
        print(f"{name}: {'passed' if found[name]['passed'] else 'FAILED'}, {found[name]['seconds']} s", flush=True)
        report(found)
    return found


def read_options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu_check", description=__doc__)
    parser.add_argument("--checkpoint", help="folder; default: HGAN_CHECKPOINT, or the repository's")
    parser.add_argument(
        "--gallery", help="folder; default: HGAN_GALLERY, the repository's, or one built of the pictures"
    )
    parser.add_argument("--data", default=ROOT / "assets" / "toytown", type=Path, help="dataset folder with captions")
    parser.add_argument("--split", default="test")
    parser.add_argument("--pictures", type=int, default=400, help="to evaluate with; those whose file is there")
    parser.add_argument("--queries", type=int, default=16, help="sentences to ask with, and half as many pictures")
    parser.add_argument("--batch", type=int, default=256, help="for the speed of the GPU")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", action="append", help="the parts whose names begin so; may be repeated")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "figures" / "gpu.json")
    return parser.parse_args(arguments)


def run(options: argparse.Namespace, device: str) -> int:
    """Checks `device` against the CPU and writes the report.

    Raises:
        ValueError: no checkpoint, or no pictures.
    """
    options.checkpoint = options.checkpoint or default_checkpoint()
    there = [
        record for record in read_dataset(options.data, options.split) if record.path.is_file() and record.captions
    ]
    records = there[: options.pictures]
    start = time.perf_counter()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        pair = open_pair(options, records, Path(folder), device)

        def report(found: dict[str, Any]) -> None:
            write_json(options.out, {
                "command": "python -m benchmarks.gpu_check", "machine": machine(device), "seed": options.seed,
                "checkpoint_sha256": pair.cpu.fingerprint, "pictures": len(records), "split": options.split,
                "seconds": round(time.perf_counter() - start, 1),
                "passed": all(part["passed"] for part in found.values()), "parts": found,
            })  # fmt: skip

        found = measure(options, pair, device, report)
    print(f"{options.out} written", flush=True)
    return 0 if all(part["passed"] for part in found.values()) else 1


def main(arguments: Sequence[str] | None = None) -> int:
    options = read_options(arguments)
    if not torch.cuda.is_available():
        print("gpu-check: there is no CUDA on this machine, so nothing was checked", file=sys.stderr)
        return 3
    try:
        return run(options, "cuda")
    except (ValueError, OSError) as error:
        print(f"gpu-check: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
