"""What a training run keeps in its folder: how the folder is recognised, and its state, written whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from ..data.folder import read_jsonl
from ..io.files import atomic
from ..io.places import Kind, folder_place
from .config import TrainConfig

FIXED = (
    "seed",
    "data",
    "batch_size",
    "captions",
    "limit",
    "mirrored_pairs",
)  # settings that a resumed run may not change


def _own_run(folder: Path) -> set[str] | None:
    """What a run made in its folder, recognised by the config that it keeps there."""
    try:
        known = json.loads((folder / "train_config.json").read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(known, dict) or not {"data", "dev", "out", "epochs", "batch_size"} <= set(known):
        return None
    return {path.relative_to(folder).as_posix() for pattern in RUN.patterns for path in folder.glob(pattern)}


RUN = Kind(
    "a training run",
    "hgan train",
    _own_run,
    ("train_config.json", "state.pt", "metrics.jsonl", "curve.png", "best/*", "regions/*.pt"),
)


def run_place(config: TrainConfig) -> Path:
    """The folder of a run, apart from its data and from the checkpoints that it starts from.

    Raises:
        ValueError: it holds something else than a run, or is mixed up with what is read.
    """
    starts = [config.start] if isinstance(config.start, str) else list(config.start or ())
    return folder_place(config.out, RUN, [*config.data, *config.dev, *starts])


def write_state(out: Path, state: dict[str, Any]) -> None:
    """Everything that a resumed run needs, in `out`/state.pt.

    Raises:
        OSError: it cannot be written; the state before still stands.
    """
    with atomic(out / "state.pt") as path:
        try:
            torch.save(state, path)
        except RuntimeError as error:  # what a full disk is called there
            raise OSError(f"cannot write {out / 'state.pt'} ({error}): is the disk full?") from None


def read_state(out: Path, config: TrainConfig) -> dict[str, Any] | None:
    """The state of a run, on the CPU; None where it has none yet.

    Raises:
        ValueError: it is damaged, of an earlier version, or belongs to a run with another seed, data or batch size.
    """
    path = out / "state.pt"
    if not path.exists():
        return None
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch and pickle raise a dozen kinds for a damaged file
        raise ValueError(
            f"{path}: got a file that cannot be read ({type(error).__name__}), but expected the state of a run: move it "
            "away to begin anew, or name another `out`"
        ) from None
    if "seconds" not in state:
        raise ValueError(f"{path}: got a run of an earlier version, but expected one of this: name another `out`")
    for key in FIXED:
        if (known := state["config"].get(key, False)) != asdict(config)[key]:
            raise ValueError(
                f"{path}: got a run with {key}={known!r}, but expected {getattr(config, key)!r}; "
                "name another `out` or remove the old run"
            )
    return state


def read_metrics(out: Path) -> list[dict[str, Any]]:
    """One line an epoch."""
    path = out / "metrics.jsonl"
    return [line for _, line in read_jsonl(path)] if path.exists() else []


def write_metrics(out: Path, lines: Sequence[dict[str, Any]]) -> None:
    """All lines anew."""
    with atomic(out / "metrics.jsonl") as path:
        path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
