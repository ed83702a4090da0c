"""Trains hgan-mini on a machine with a GPU that has the code, PyTorch and transformers, but neither the data nor a network.

python -m scripts.gpu_training pack          here: .gpu/1, .gpu/2 ... each small enough to travel
python -m scripts.gpu_training run OUT       there, with all pieces in .gpu: trains for some minutes, or goes on where it was;
                                             OUT takes metrics and, in pieces, the checkpoint
python -m scripts.gpu_training try OUT       there, with piece 1 alone: a few steps, timed, and what they cost
python -m scripts.gpu_training join OUT      here: OUT's pieces become a checkpoint folder again
"""

from __future__ import annotations

import argparse
import io
import json
import lzma
import shutil
import signal
import sys
import tarfile
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from statistics import median

import torch
from safetensors.torch import load_file, save
from torch.profiler import profile

from hgan.training.batches import loader
from hgan.training.config import TrainConfig, load_train_config
from hgan.training.initialise import resolve_source
from hgan.training.optimizer import freeze, freeze_statistics
from hgan.training.trainer import Trainer
from hgan.visualize.curve import draw_in

CONFIG = "configs/hgan_mini_2.py"
PLACE = Path(".gpu")
PIECE = 62_000_000  # bytes of a piece at most
PART = 15_000_000  # bytes of a file that comes back at most
PROFILED = 5  # steps of a try
SAMPLE = 128  # records of each dataset whose pictures are in the first piece, and a quarter as many of each dev set
MANY = 8  # times that a try passes through them, in place of each time of the run
MOVED = {  # folders of the run -> where they are unpacked
    "../shared/flickr8k": PLACE / "data/photographs",
    "build/toytown-train": PLACE / "data/scenes",
    "assets/toytown": PLACE / "data/toytown",
}
LINES = ("captions.jsonl", "regions.jsonl", "caption_facts.jsonl", "scenes.jsonl")


def moved(config: TrainConfig) -> TrainConfig:
    """The run with its data and its weights to start from in `PLACE`."""

    def there(folder: str) -> str:
        return str(MOVED.get(folder, folder))

    return replace(
        config,
        data={there(folder): passes for folder, passes in config.data.items()},
        dev=tuple(map(there, config.dev)),
        backbone=str(PLACE / "data/backbone"),
        text_encoder=str(PLACE / "data/text"),
        out=str(PLACE / "run"),
    )


def pack(config: TrainConfig) -> list[Path]:
    """Writes the pieces: weights and lines and some pictures in the first, the other pictures after it."""
    shutil.rmtree(PLACE, ignore_errors=True)
    pieces: list[Path] = []
    files, size = list[tuple[str, bytes]](), 0
    for name, data in _files(config):
        if size + len(data) + 1024 > PIECE:
            pieces.append(_piece(len(pieces) + 1, files))
            files, size = [], 0
        files.append((name, data))
        size += 512 + -(-len(data) // 512) * 512  # as tar has it
    return [*pieces, _piece(len(pieces) + 1, files)]


def _piece(number: int, files: list[tuple[str, bytes]]) -> Path:
    path = PLACE / str(number) / "data.tar"
    path.parent.mkdir(parents=True)
    with tarfile.open(path, "w") as tar:
        for name, data in files:
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return path


def _files(config: TrainConfig) -> Iterator[tuple[str, bytes]]:
    """Names below `PLACE`/data and contents, in the order in which they are wanted."""
    assert config.backbone is not None
    yield from _weights(Path(config.backbone), "backbone")
    yield from _weights(Path(resolve_source(config.text_encoder)), "text")
    first, rest = dict[str, Path](), dict[str, Path]()
    for folder in dict.fromkeys((*config.data, *config.dev)):
        root, to = Path(folder), MOVED[folder].name
        splits = [config.train_split] * (folder in config.data) + [config.dev_split] * (folder in config.dev)
        wanted = {config.train_split: SAMPLE, config.dev_split: SAMPLE // 4}
        seen = dict.fromkeys(splits, 0)
        for line in (root / "captions.jsonl").open(encoding="utf-8"):
            record = json.loads(line)
            if record["split"] in seen:
                seen[record["split"]] += 1
                some = first if seen[record["split"]] <= wanted[record["split"]] else rest
                some[f"{to}/{record['image']}"] = root / record["image"]
        for name in LINES:
            if (root / name).exists():
                yield f"{to}/{name}.xz", lzma.compress(_lines(root / name))
    for name, path in {**first, **rest}.items():
        yield name, path.read_bytes()


def _lines(path: Path) -> bytes:
    """A file of lines, without the masks of scenes: no training reads them."""
    if path.name != "scenes.jsonl":
        return path.read_bytes()
    scenes = [json.loads(line) for line in path.open(encoding="utf-8")]
    for scene in scenes:
        for thing in scene["things"]:
            thing.pop("mask", None)
    return "".join(json.dumps(scene) + "\n" for scene in scenes).encode()


def _weights(folder: Path, to: str) -> Iterator[tuple[str, bytes]]:
    """A folder of weights to start from, in half precision."""
    for path in sorted(folder.iterdir()):
        if path.suffix == ".safetensors":
            half = {n: v.half() if v.is_floating_point() else v for n, v in load_file(path).items()}
            yield f"{to}/{path.name}", save(half, {"format": "pt"})
        elif path.suffix in (".json", ".txt"):
            yield f"{to}/{path.name}", path.read_bytes()


def unpack() -> None:
    """Unpacks the pieces that are there and not unpacked yet, and lets cuDNN look for its fastest way: shapes stay the same."""
    torch.backends.cudnn.benchmark = True
    for piece in sorted(PLACE.glob("*/data.tar")):
        done = piece.with_suffix(f".{piece.stat().st_size}.done")
        if done.exists():
            continue
        with tarfile.open(piece) as tar:
            tar.extractall(PLACE / "data", filter="data")
        done.touch()
    for path in (PLACE / "data").glob("*/*.xz"):
        path.with_suffix("").write_bytes(lzma.decompress(path.read_bytes()))
        path.unlink()


def run(config: TrainConfig, out: Path, minutes: float) -> None:
    """Trains until the run is finished, or for some minutes of this call; what it has then goes to `out`."""
    unpack()
    stop = threading.Timer(60 * minutes, lambda: signal.raise_signal(signal.SIGTERM))  # the trainer saves its state
    stop.daemon = True
    stop.start()
    print(Trainer(moved(config), progress=False, after_epoch=draw_in).run())
    give(PLACE / "run", out)


def give(run: Path, out: Path) -> None:
    """Copies what a run has to tell to `out`, its checkpoint in parts."""
    out.mkdir(parents=True, exist_ok=True)
    for name in ("metrics.jsonl", "curve.png"):
        if (run / name).exists():
            shutil.copy(run / name, out / name)
    best = run / "best"
    if best.is_dir():
        with tempfile.TemporaryFile() as file:
            with tarfile.open(fileobj=file, mode="w") as tar:
                for path in sorted(best.iterdir()):
                    tar.add(path, path.name)
            file.seek(0)
            for number, part in enumerate(iter(lambda: file.read(PART), b""), 1):
                (out / f"best.{number}").write_bytes(part)


def join(parts: Path, checkpoint: Path) -> None:
    """The checkpoint that `give` took apart."""
    data = b"".join(path.read_bytes() for path in sorted(parts.glob("best.*")))
    with tarfile.open(fileobj=io.BytesIO(data), mode="r") as tar:
        tar.extractall(checkpoint, filter="data")


def attempt(config: TrainConfig, out: Path, steps: int) -> None:
    """A short run on what the first piece holds, its steps timed, then some of them profiled: the table goes to `out`."""
    unpack()
    there = moved(config)
    passes = {folder: MANY * times for folder, times in there.data.items()}
    small = replace(there, data=passes, limit=SAMPLE, out=str(PLACE / "tried"), epochs=1)
    trainer = Trainer(small, progress=False)
    freeze(trainer.model, small, 0)
    trainer.model.train()
    freeze_statistics(trainer.model)
    print(f"{trainer.device}, {trainer.per_epoch} steps an epoch of a sample, {small.workers} workers")
    batches = iter(loader(trainer.data, trainer.collate, small.batch_size, 0, small.workers))
    times = []
    for _ in range(min(steps, trainer.per_epoch - PROFILED)):
        start = time.monotonic()
        batch = next(batches)
        loaded = time.monotonic()
        losses = {name: value.item() for name, value in trainer.train_step(batch).items()}
        times.append((loaded - start, time.monotonic() - loaded))
    load, step = (median(part) for part in zip(*times[len(times) // 3 :], strict=True))
    print(
        f"median of {len(times)} steps of {small.batch_size} pictures: loading {load:.3f} s, step {step:.3f} s; {losses}"
    )
    if trainer.device.type == "cuda":
        print(f"{torch.cuda.max_memory_allocated() / 1e9:.1f} GB of GPU memory at most")
    with profile() as found:
        for _ in range(PROFILED):
            trainer.train_step(next(batches))
    out.mkdir(parents=True, exist_ok=True)
    tables = [
        found.key_averages().table(sort_by=by, row_limit=40) for by in ("self_cpu_time_total", "self_device_time_total")
    ]
    (out / "profile.txt").write_text("\n\n".join(tables))
    start = time.monotonic()
    trainer.ledger.add("the last step", trainer.train_step(next(batches)))
    trainer.finish_epoch()
    print(f"evaluation and saving took {time.monotonic() - start:.1f} s")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("pack", "run", "try", "join"))
    parser.add_argument("out", nargs="?", type=Path, default=Path("build/gpu"))
    parser.add_argument("--config", default=CONFIG)
    parser.add_argument("--minutes", type=float, default=9.0, help="of this call")
    parser.add_argument("--steps", type=int, default=30, help="of a try")
    parser.add_argument("--checkpoint", type=Path, default=Path("runs/hgan_mini_2/best"), help="where join puts it")
    options = parser.parse_args()
    config = load_train_config(options.config)
    if options.command == "pack":
        for piece in pack(config):
            print(piece, f"{piece.stat().st_size / 2**20:.1f} MiB")
    elif options.command == "run":
        run(config, options.out, options.minutes)
    elif options.command == "try":
        attempt(config, options.out, options.steps)
    else:
        join(options.out, options.checkpoint)
    return 0


if __name__ == "__main__":
    sys.exit(main())
