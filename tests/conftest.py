"""Fixtures shared by every test: a tiny live model, its checkpoint, a tiny dataset. No network, no downloads.

Session-scoped fixtures are shared: copy (`copy.deepcopy`, `shutil.copytree`) whatever a test changes.

tiny_config       HGANConfig: MobileNetV2 at a tenth of its width, one BERT layer, dim 32, pictures of 64 x 64
tiny_tokenizer    WordPiece with the words of the tiny dataset, single letters and digits for everything else
tiny_model        HGANModel in eval mode, random but lively: pictures and sentences differ in score, detections differ in number
tiny_processor    its HGANProcessor
tiny_checkpoint   both as a checkpoint folder (`hgan.checkpoint.load` takes it)
tiny_dataset      dataset folder: 12 pictures of coloured shapes, splits train (8) and dev (4), 2 captions each, regions.jsonl
tiny_gallery      folder of a gallery of all 12 pictures and 24 captions, thumbnails as large as the pictures
tiny_retriever    a Retriever of tiny_model and tiny_gallery
tiny_towers       folders of a backbone and a text encoder with tokenizer, for TrainConfig
train_config_at   function(out, **changes) -> TrainConfig of a run of seconds on tiny_dataset
train_config      function(**changes) -> the same with `out` in the test's own folder
picture           function(seed=0, size=(96, 72)) -> a PIL picture of coloured shapes
sentences         a few sentences of different lengths
chromium          path of the browser; without one the test is skipped, and in CI it fails
browser           a running Chromium, one for all tests: two of Playwright's loops do not fit into one process
flickr8k          path of ../shared/flickr8k; the test is skipped where it is absent
"""

from __future__ import annotations

import importlib.util
import json
import os
import random
import string
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch
from PIL import Image, ImageDraw
from transformers import AutoModel, BertConfig, BertTokenizer, MobileNetV2Config

from hgan import HGANConfig, HGANModel, HGANProcessor
from hgan.checkpoint import save_checkpoint
from hgan.data.folder import read_dataset
from hgan.encoding import to_pixels
from hgan.gallery.build import build_gallery
from hgan.gallery.store import Gallery
from hgan.io.pixels import pixels
from hgan.retrieval.retriever import Retriever
from hgan.training.config import TrainConfig
from scripts.chromium import MISSING, find, in_ci

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT = Path(__file__).resolve().parent.parent
# Outside CI the tests of model and library run with no browser package installed.
collect_ignore = [] if importlib.util.find_spec("playwright") or in_ci() else ["browser"]
COLOURS = ("red", "green", "blue", "yellow", "black", "orange")
SHAPES = {"circle": "ball", "square": "box"}  # word in captions -> display label
WORDS = (
    *COLOURS, *SHAPES, "a", "an", "the", "on", "of", "in", "at", "and", "left", "right", "big", "small", "white", "field",
    "dog", "cat", "runs", "cafes", "don", "tri", "color",
)  # fmt: skip
TINY_BACKBONE = {
    "model_type": "mobilenet_v2",
    "depth_multiplier": 0.1,
    "finegrained_output": False,
    "image_size": 64,
    "initializer_range": 0.1,
}
TINY_SETTINGS = {
    "backbone_taps": [2, 9, -1],
    "backbone_channels": [8, 16, 128],  # of those hidden states, by a dry run
    "image_size": 64,
    "pyramid_dim": 16,
    "region_dim": 48,
    "dim": 32,
    "heads": 4,
    "groups": 4,
    "concepts": 4,
    "max_regions": 5,
    "context_grid": 2,
    "initializer_range": 0.2,  # lively: at the default of 0.02 every node is nearly the same, and no test would notice
}


def _tokenizer() -> BertTokenizer:
    letters = string.ascii_lowercase + string.digits
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *string.punctuation, *letters, *(f"##{c}" for c in letters)]
    pieces += ["##ed", *(word for word in WORDS if len(word) > 1)]
    return BertTokenizer(vocab={piece: i for i, piece in enumerate(pieces)})


def _text_config(tokenizer: BertTokenizer) -> BertConfig:
    return BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
        initializer_range=0.2,
    )


def draw(seed: int = 0, size: tuple[int, int] = (96, 72)) -> Image.Image:
    """Three coloured shapes on a plain ground."""
    rng = random.Random(seed)
    image = Image.new("RGB", size, tuple(rng.choices(range(150, 256), k=3)))
    pen = ImageDraw.Draw(image)
    for _ in range(3):
        x, y = rng.randrange(size[0] * 2 // 3 + 1), rng.randrange(size[1] * 2 // 3 + 1)
        box = (x, y, x + size[0] // 3, y + size[1] // 3)
        (pen.ellipse if rng.random() < 0.5 else pen.rectangle)(box, fill=tuple(rng.choices(range(256), k=3)))
    return image


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where there is no CUDA, tests marked `gpu` are deselected, and counted so."""
    if torch.cuda.is_available():
        return
    deselected = [item for item in items if item.get_closest_marker("gpu")]
    if deselected:
        config.hook.pytest_deselected(items=deselected)
        items[:] = [item for item in items if item not in deselected]


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Tests neither use nor fill the cache folder of whoever runs them."""
    os.environ["HGAN_CACHE"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def picture() -> Callable[..., Image.Image]:
    return draw


@pytest.fixture(scope="session")
def sentences() -> list[str]:
    return [
        "a dog",
        "a big red circle on the left of a small blue square",
        "green!",
        "the tri-colored dog runs on a white field, and the cat doesn't",
    ]


@pytest.fixture(scope="session")
def tiny_tokenizer() -> BertTokenizer:
    return _tokenizer()


@pytest.fixture(scope="session")
def tiny_config(tiny_tokenizer: BertTokenizer) -> HGANConfig:
    return HGANConfig(
        backbone_config=dict(TINY_BACKBONE),
        text_config=_text_config(tiny_tokenizer).to_dict(),
        score_threshold=0.5,
        **TINY_SETTINGS,
    )


@pytest.fixture(scope="session")
def tiny_model(tiny_config: HGANConfig) -> HGANModel:
    torch.manual_seed(0)
    model = HGANModel(tiny_config)
    with torch.no_grad():
        # Batch norm takes the statistics of real pictures, so that activations neither fade nor explode.
        model.train()
        model.regions.backbone(to_pixels([draw(seed) for seed in range(100, 116)], model))
        # An untrained head finds nothing; at even odds it finds something in most pictures, and not the same number.
        model.regions.head.objectness.bias.zero_()
        model.level_logits.copy_(torch.tensor([0.5, 0.0, -0.5]))
    return model.eval()


@pytest.fixture(scope="session")
def tiny_processor(tiny_config: HGANConfig, tiny_tokenizer: BertTokenizer) -> HGANProcessor:
    return HGANProcessor.from_config(tiny_config, tiny_tokenizer)


@pytest.fixture(scope="session")
def tiny_checkpoint(
    tiny_model: HGANModel, tiny_processor: HGANProcessor, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder = tmp_path_factory.mktemp("checkpoint") / "tiny"
    save_checkpoint(tiny_model, tiny_processor, folder)
    return folder


@pytest.fixture(scope="session")
def tiny_dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dataset") / "shapes"
    (folder / "images").mkdir(parents=True)
    captions, regions = [], []
    kinds = [(colour, shape) for colour in COLOURS for shape in SHAPES]
    for number, (colour, shape) in enumerate(kinds):
        side = ("left", "right")[number % 2]
        x, y = (8 if side == "left" else 50), 10 + number
        image = Image.new("RGB", (96, 72), "white")
        pen = ImageDraw.Draw(image)
        (pen.ellipse if shape == "circle" else pen.rectangle)((x, y, x + 40, y + 36), fill=colour)
        name = f"images/{number:02d}_{colour}_{shape}.png"
        image.save(folder / name)
        captions.append(
            {
                "image": name,
                "split": "train" if number < 8 else "dev",
                "captions": [f"a {colour} {shape} on the {side}", f"{colour} {shape}, white field"],
            }
        )
        box = [x / 96, y / 72, (x + 41) / 96, (y + 37) / 72]
        if number != 7:  # nothing is known about this one
            known = [] if number == 6 else [{"box": box, "label": SHAPES[shape], "score": 1.0}]
            regions.append({"image": name, "regions": known})
    for file, lines in (("captions.jsonl", captions), ("regions.jsonl", regions)):
        (folder / file).write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def tiny_gallery(
    tiny_model: HGANModel,
    tiny_processor: HGANProcessor,
    tiny_dataset: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    out = tmp_path_factory.mktemp("galleries") / "shapes"
    build_gallery(tiny_model, tiny_processor, read_dataset(tiny_dataset), out, "tiny")
    return out


@pytest.fixture(scope="session")
def tiny_retriever(tiny_model: HGANModel, tiny_processor: HGANProcessor, tiny_gallery: Path) -> Retriever:
    return Retriever(tiny_model, tiny_processor, Gallery(tiny_gallery))


@pytest.fixture(scope="session")
def tiny_towers(tiny_tokenizer: BertTokenizer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("towers")
    torch.manual_seed(1)
    config = MobileNetV2Config(**{k: v for k, v in TINY_BACKBONE.items() if k != "model_type"})
    backbone = AutoModel.from_config(config)
    backbone.train()
    with torch.no_grad():  # as above
        backbone(torch.stack([pixels(draw(seed, (64, 64)), 0.5, 0.5) for seed in range(100, 116)]))
    backbone.save_pretrained(folder / "backbone")
    AutoModel.from_config(_text_config(tiny_tokenizer), add_pooling_layer=False).save_pretrained(folder / "text")
    tiny_tokenizer.save_pretrained(folder / "text")
    return {"backbone": folder / "backbone", "text_encoder": folder / "text"}


@pytest.fixture(scope="session")
def train_config_at(tiny_dataset: Path, tiny_towers: dict[str, Path]) -> Callable[..., TrainConfig]:
    def build(out: Path, **changes: Any) -> TrainConfig:
        settings: dict[str, Any] = {
            "data": {str(tiny_dataset): 1},
            "dev": (str(tiny_dataset),),
            "out": str(out),
            "backbone": str(tiny_towers["backbone"]),
            "text_encoder": str(tiny_towers["text_encoder"]),
            "model": dict(TINY_SETTINGS),
            "epochs": 2,
            "batch_size": 2,
            "precision": "float32",
        }
        return TrainConfig(**{**settings, **changes})

    return build


@pytest.fixture
def train_config(train_config_at: Callable[..., TrainConfig], tmp_path: Path) -> Callable[..., TrainConfig]:
    return partial(train_config_at, tmp_path / "run")


@pytest.fixture(scope="session")
def flickr8k() -> Path:
    folder = ROOT.parent / "shared" / "flickr8k"
    if not (folder / "captions.jsonl").is_file():
        pytest.skip("needs ../shared/flickr8k, which is not here")
    return folder


@pytest.fixture(scope="session")
def chromium() -> str:
    path = find()
    if path is None and in_ci():
        pytest.fail(MISSING)
    if path is None:
        pytest.skip("NO CHROMIUM: nothing was looked at in a browser (see scripts/chromium.py)")
    return path


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright  # here, so that tests of the model need no browser package

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()
