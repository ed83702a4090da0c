"""Models from configurations and checkpoints: the only place that turns names into weights."""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import SafetensorError

from .config import HGANConfig
from .io.jsonl import parse_object
from .io.places import Kind, folder_place
from .io.replace import new_folder
from .model.checked import require_finite
from .model.hgan import HGANModel
from .processing import HGANProcessor, require_agreement

# Settings without weights of their own: the same weights encode differently under others.
_ENCODING_SETTINGS = (
    "backbone_taps", "context_grid", "image_mean", "image_size", "image_std", "labels", "max_regions", "max_text_tokens",
    "max_words", "nms_threshold", "roi_size", "score_threshold",
)  # fmt: skip
# Those that came later, with what they are where a checkpoint says nothing: fingerprints of older ones stay what they were.
_LATER_SETTINGS = {
    "label_threshold": 0.0, "nms_between_labels": 0.0, "edge_words": 0, "content_words": False, "counts": False,
    "levels_apart": False,
}  # fmt: skip

# What a checkpoint folder holds: one file of each line.
_FILES = (
    ("config.json",),
    ("model*.safetensors", "pytorch_model*.bin"),
    ("processor_config.json", "preprocessor_config.json"),
    ("tokenizer.json", "vocab.txt"),
    ("tokenizer_config.json",),
)


def device_of(name: str = "auto") -> torch.device:
    """The device of that name; "auto" takes cuda, then mps, then cpu.

    Raises:
        ValueError: no such device here.
    """
    if name != "auto":
        try:
            found = torch.zeros(1, device=name)
            found.item()  # "meta" is a device without numbers
            return found.device
        except (RuntimeError, AssertionError, NotImplementedError):  # torch built without CUDA raises the second
            raise ValueError(
                f"got device {name!r}, which is not available, but expected auto, cpu, cuda or mps"
            ) from None
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def place(model: HGANModel, device: torch.device) -> None:
    """Moves a model; convolutions are about three times faster on a CPU in channels_last."""
    cast(Any, model).to(device, memory_format=torch.channels_last)


def load(
    checkpoint: str | Path, device: str = "auto", changes: Mapping[str, Any] | None = None
) -> tuple[HGANModel, HGANProcessor]:
    """A checkpoint by folder or hub id, in float32, ready for inference.

    Args:
        changes: settings of its HGANConfig to replace.

    Raises:
        ValueError: nothing usable is there, or not all of it: weights that are missing, not the model's, of another shape or
            not finite, a damaged config, another model's tokenizer. The message says what came.
    """
    _require_files(checkpoint)
    try:
        model = HGANModel.from_pretrained(checkpoint, dtype=torch.float32, **(changes or {}))
        processor = HGANProcessor.from_pretrained(checkpoint)
        processor.follow(model.config)  # `changes` are the model's
    except Exception as error:  # transformers, safetensors and the hub client raise a dozen kinds
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        reason = " ".join(lines[: 2 if lines[0].endswith(":") else 1]) if lines else type(error).__name__
        if "but expected" in reason:
            raise ValueError(f"checkpoint {checkpoint} cannot be loaded: {reason}") from None
        if isinstance(error, AttributeError | LookupError | TypeError):  # what no library means to say
            reason = f"one of its files is damaged: {type(error).__name__}, {reason}"
        raise ValueError(
            f"got checkpoint {checkpoint}, which cannot be loaded ({reason}), but expected an HGAN folder or hub id"
            + ("" if Path(checkpoint).is_dir() else "; there is no such local folder, so it was looked up on the hub")
        ) from None
    place(model, device_of(device))
    return model.eval(), processor


def _is_local(name: str) -> bool:
    """Whether a name can only mean a folder here: a hub id is OWNER/NAME."""
    owner = name.partition("/")[0]
    is_id = re.fullmatch(r"[\w-][\w.-]*/[\w-][\w.-]*", name, re.ASCII)
    return not is_id or Path(owner).is_dir()


def _require_files(checkpoint: str | Path) -> None:
    """Refuses a local folder that lacks a file: transformers makes up a tokenizer that knows no word."""
    folder = Path(checkpoint)
    if not folder.is_dir():
        if _is_local(str(checkpoint)):
            what = "a file" if folder.exists() else "not there"
            raise ValueError(
                f"got checkpoint {checkpoint}, which is {what}, but expected an HGAN folder or hub id: check the name, or leave "
                "it out for the project's own"
            )
        return  # a hub id
    missing = [
        " or ".join(names) for names in _FILES if not any(p.is_file() for name in names for p in folder.glob(name))
    ]
    if missing:
        raise ValueError(
            f"got checkpoint {checkpoint} without {', '.join(missing)}, but expected an HGAN folder "
            "with them, as save_checkpoint writes it"
        )
    for path in sorted(p for names in _FILES for name in names for p in folder.glob(name)):
        if path.is_file() and not os.access(path, os.R_OK):
            raise ValueError(
                f"got checkpoint {checkpoint}, whose {path.name} you may not read, but expected permission: ask its owner"
            )
        if path.is_file() and path.suffix == ".json":
            _require_json(path, checkpoint)


def _require_json(path: Path, checkpoint: str | Path) -> None:
    """Raises ValueError where a settings file holds no settings: transformers' own error would be one of its inner lines."""
    try:
        found = parse_object(path.read_bytes())
        reason = "" if isinstance(found, dict) else f"got {'null' if found is None else type(found).__name__}"
    except ValueError as error:
        reason = str(error)
    if reason:
        raise ValueError(
            f"got checkpoint {checkpoint}, which cannot be loaded ({path.name} is damaged: {reason}), but expected an HGAN "
            "folder with a JSON object in that file: copy the checkpoint again"
        )


def soup(shares: Mapping[str, float], changes: Mapping[str, Any] | None = None) -> tuple[HGANModel, HGANProcessor]:
    """The weighted mean of checkpoints that went on from one another, with the settings of the first.

    Args:
        shares: of each checkpoint (folder or hub id); scaled to sum to 1.
        changes: as in `load`.

    Raises:
        ValueError: a checkpoint cannot be loaded, or is not built like the first; or shares that are not above 0 and finite.
    """
    shares = _scaled(shares)
    (first, share), *others = shares.items()
    model, processor = load(first, "cpu", changes)
    mixed = {name: value * share if value.is_floating_point() else value for name, value in model.state_dict().items()}
    for name, share in others:
        other = load(name, "cpu")[0].state_dict()
        if {n: v.shape for n, v in other.items()} != {n: v.shape for n, v in mixed.items()}:
            raise ValueError(f"got {name}, which has other weights than {first}, but expected checkpoints of one model")
        for key, value in mixed.items():
            if value.is_floating_point():
                value += other[key] * share
    model.load_state_dict(mixed)
    return model, processor


def _scaled(shares: Mapping[str, float]) -> dict[str, float]:
    """Shares that sum to 1: divided by the largest first, as a sum of huge ones would be infinite, and every share 0."""
    bad = [name for name, share in shares.items() if not 0 < share < math.inf]
    if bad or not shares:
        what = f"a share of {shares[bad[0]]} for {bad[0]}" if bad else "no checkpoints"
        raise ValueError(f"got {what}, but expected checkpoints, each with a share above 0")
    largest = max(shares.values())
    parts = {name: share / largest for name, share in shares.items()}
    return {name: part / math.fsum(parts.values()) for name, part in parts.items()}


def fingerprint(model: HGANModel, part: str = "") -> str:
    """SHA-256 of the settings that change what is encoded, and of the weights by name as a checkpoint stores them: the
    same for a model in memory, on disk and on a hub. Of all weights, or of those whose name begins with `part`."""
    settings = {name: getattr(model.config, name) for name in _ENCODING_SETTINGS}
    later = {name: getattr(model.config, name) for name in _LATER_SETTINGS}
    settings |= {name: value for name, value in later.items() if value != _LATER_SETTINGS[name]}
    digest = hashlib.sha256(json.dumps(settings).encode())
    for name, value in sorted(model.state_dict().items()):
        if not name.startswith(part):
            continue
        digest.update(name.encode())
        value = value.detach().cpu().contiguous()
        digest.update((value.half() if value.is_floating_point() else value).numpy().tobytes())
    return digest.hexdigest()


def _own_checkpoint(folder: Path) -> set[str] | None:
    try:
        config = json.loads((folder / "config.json").read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(config, dict) or config.get("model_type") != HGANConfig.model_type:
        return None
    return {path.name for pattern in CHECKPOINT.patterns for path in folder.glob(pattern) if path.is_file()}


CHECKPOINT = Kind(
    "a checkpoint of HGAN",
    "hgan",
    _own_checkpoint,
    (
        "config.json", "generation_config.json", "preprocessor_config.json", "processor_config.json", "tokenizer.json",
        "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.txt", "model.safetensors",
        "model-?????-of-?????.safetensors", "model.safetensors.index.json",
    ),
)  # fmt: skip


def save_checkpoint(model: HGANModel, processor: HGANProcessor, folder: Path) -> None:
    """A stand-alone Hugging Face folder, weights in half precision; it replaces `folder` only once it is whole.

    Raises:
        ValueError: `load` would refuse it: the processor is not that of the model, or weights are not finite; or `folder` holds
            something else than a checkpoint (see `hgan.io.places`).
        OSError: it cannot be written, on a full disk for example; what was there before still is.
    """
    require_agreement(model.config, processor)
    require_finite({k: v.half() if v.is_floating_point() else v for k, v in model.state_dict().items()}, str(folder))
    place = folder_place(folder, CHECKPOINT)
    with new_folder(place, CHECKPOINT) as new:
        half = {k: v.half() if v.is_floating_point() else v for k, v in model.state_dict().items()}
        try:
            model.save_pretrained(new, state_dict=half)
            processor.save_pretrained(new)
            for path in new.iterdir():
                path.chmod(0o644)  # safetensors writes for its owner alone
        except SafetensorError as error:  # what a full disk is called there
            raise OSError(f"cannot write the weights to {folder} ({error}): is the disk full?") from None
