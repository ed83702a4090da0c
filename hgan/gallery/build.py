"""Building a gallery: decode, encode, thumbnail, hash. Stopped and started again, it goes on where it was."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from tqdm import tqdm

from ..ahead import one_ahead
from ..build import fingerprint
from ..data.folder import Record
from ..encoding import encode_images, encode_texts
from ..files import atomic, sha256, write_json
from ..images import open_image
from ..model.hgan import HGANModel
from ..model.similarity import SimilarityParameters
from ..processing import HGANProcessor
from ..types import ImageGraph, TextGraph
from .calibrate import calibrate_sentences
from .calibration import SAMPLE, sample
from .captions import encode_captions
from .ragged import RaggedGraphs, flatten
from .store import FORMAT, Gallery, Item, item_json

CHUNK = 32  # pictures that are encoded together and saved together


@dataclass(frozen=True)
class Opened:
    """A picture at the model's size with its thumbnail, or why there is none."""

    record: Record
    image: Image.Image | None
    size: tuple[int, int]  # of the original
    thumbnail: bytes
    reason: str


def build_gallery(
    model: HGANModel,
    processor: HGANProcessor,
    records: list[Record],
    out: str | Path,
    model_name: str,
    thumbnail_size: int = 320,
    progress: bool = False,
    lean: bool = False,
    report: Callable[[int, int], None] | None = None,
) -> Gallery:
    """Encodes records into a gallery folder.

    The folder appears only when it is whole; until then the work lies beside it in `OUT.building`, and a second call
    with the same model and records
    takes that up. A picture that cannot be read is skipped, named in the manifest, and counted.

    Args:
        records: of a dataset folder or a plain folder of pictures.
        out: must not exist, or be a gallery (which is replaced).
        model_name: for the manifest and for messages.
        thumbnail_size: longest side in pixels.
        lean: keep no caption graphs on disk; they are encoded at first use (see `hgan.gallery.captions`).
        report: called with (pictures done, pictures in all), for a progress display of the caller's own.

    Raises:
        ValueError: `out` is something else than a gallery, ids are not unique, or no picture can be read.
    """
    out = Path(out)
    if out.exists() and not (out / "manifest.json").is_file() and (not out.is_dir() or any(out.iterdir())):
        raise ValueError(
            f"got {out}, which exists and is no gallery, but expected a new folder or a gallery to replace"
        )
    id_, count = Counter(record.id for record in records).most_common(1)[0]
    if count > 1:
        raise ValueError(f"got {count} pictures with the id {id_}, but expected different file names")
    mark = fingerprint(model)
    work = out.with_name(out.name + ".building")
    _claim(work, [mark, thumbnail_size, lean, [(r.id, r.image, r.captions, _plain(r)) for r in records]])
    chunks = [records[i : i + CHUNK] for i in range(0, len(records), CHUNK)]

    def open_chunk(chunk: list[Record]) -> list[Opened]:
        return [_open(record, model.config.image_size, thumbnail_size) for record in chunk]

    with tqdm(total=len(records), desc="gallery", unit="picture", disable=not progress) as bar:
        waiting = [(n, chunk) for n, chunk in enumerate(chunks) if not (work / f"part-{n:05d}.pkl").exists()]
        done = len(records) - sum(len(chunk) for _, chunk in waiting)
        bar.update(done)
        # Decodes and makes thumbnails ahead of the model, on the other core.
        opened = one_ahead(open_chunk, [chunk for _, chunk in waiting])
        for (number, chunk), pictures in zip(waiting, opened, strict=True):
            _encode_chunk(model, processor, pictures, work, number, lean)
            done += len(chunk)
            bar.update(len(chunk))
            if report:
                report(done, len(records))
    _assemble(
        model, processor, work, len(chunks), out.name, {"name": model_name, "sha256": mark, "dim": model.config.dim}
    )
    if out.exists():
        shutil.rmtree(out)
    work.rename(out)
    return Gallery(out)


def _plain(record: Record) -> list[Any]:
    return [[fact.tag, sorted(fact.true_of)] for fact in record.facts or ()]


def _claim(work: Path, plan: list[Any]) -> None:
    """Keeps the work of an interrupted build of the same plan, throws away that of another."""
    digest = hashlib.sha256(json.dumps(plan).encode()).hexdigest()
    note = work / "plan.txt"
    if work.exists() and (not note.is_file() or note.read_text() != digest):
        shutil.rmtree(work)
    with atomic(note) as temporary:
        temporary.write_text(digest)


def _open(record: Record, image_size: int, thumbnail_size: int) -> Opened:
    try:
        image = open_image(record.path)
    except ValueError as error:
        return Opened(record, None, (0, 0), b"", str(error))
    # The model takes this size anyway, and a chunk of large pictures would fill the memory.
    square = image.resize((image_size, image_size), Image.Resampling.BILINEAR)
    thumbnail = _small_webp(record.path, thumbnail_size)
    if thumbnail is None:
        small, buffer = image.copy(), io.BytesIO()
        small.thumbnail((thumbnail_size, thumbnail_size), Image.Resampling.BILINEAR)
        small.save(buffer, "WEBP", quality=80, method=2)  # half the time of the default, 4 % more bytes
        thumbnail = buffer.getvalue()
    return Opened(record, square, image.size, thumbnail, "")


def _small_webp(path: Path, size: int) -> bytes | None:
    """The bytes of a picture that is its own thumbnail: a still WebP of at most that size, without metadata. A copy loses
    nothing, so that what is encoded again from a thumbnail is what was encoded at first."""
    with Image.open(path) as image:
        plain = image.format == "WEBP" and image.mode == "RGB" and not getattr(image, "is_animated", False)
        if not plain or max(image.size) > size or image.info.keys() & {"exif", "xmp", "icc_profile"}:
            return None
    return path.read_bytes()


def _encode_chunk(
    model: HGANModel, processor: HGANProcessor, pictures: list[Opened], work: Path, number: int, lean: bool
) -> None:
    good = [(opened, opened.image) for opened in pictures if opened.image is not None]
    part: dict[str, Any] = {
        "skipped": [{"image": o.record.image, "reason": o.reason} for o in pictures if o.image is None],
        "items": [],
    }
    if good:
        part["images"] = flatten(encode_images(model, [image for _, image in good]))
        texts = [caption for opened, _ in good for caption in opened.record.captions]
        if texts and not lean:
            part["captions"] = flatten(encode_texts(model, processor, texts))
    for place, (opened, _) in enumerate(good):
        name, record = f"thumbnails/{number * CHUNK + place:06d}.webp", opened.record
        part["items"].append(
            item_json(Item(record.id, record.image, *opened.size, name, record.captions, record.facts))
        )
        with atomic(work / name) as temporary:
            temporary.write_bytes(opened.thumbnail)
    with atomic(work / f"part-{number:05d}.pkl") as temporary:
        temporary.write_bytes(pickle.dumps(part))


def _assemble(
    model: HGANModel, processor: HGANProcessor, work: Path, parts_count: int, name: str, named: dict[str, Any]
) -> None:
    files = [work / f"part-{n:05d}.pkl" for n in range(parts_count)]
    parts = [pickle.loads(path.read_bytes()) for path in files]  # written by this very build
    items = [item for part in parts for item in part["items"]]
    skipped = [entry for part in parts for entry in part["skipped"]]
    if not items:
        reason = f" (the first: {skipped[0]['reason']})" if skipped else ""
        raise ValueError(f"got {len(skipped)} pictures of which none can be read{reason}, but expected at least one")
    with atomic(work / "items.jsonl") as temporary:
        temporary.write_text("".join(json.dumps(item, ensure_ascii=False) + "\n" for item in items), encoding="utf-8")
    images: list[dict[str, np.ndarray]] = [part["images"] for part in parts if "images" in part]
    captions = [part["captions"] for part in parts if "captions" in part]
    pictures = RaggedGraphs.join(images, ImageGraph)
    pictures.write(work / "images")
    texts = [caption for item in items for caption in item["captions"]]
    graphs = None
    if captions:
        graphs = RaggedGraphs.join(captions, TextGraph)
        graphs.write(work / "captions")
    elif texts:
        graphs = encode_captions(model, processor, [texts[n] for n in sample(len(texts), SAMPLE)])
    with torch.no_grad():
        learned = model.similarity_parameters
        parameters = SimilarityParameters(learned.temperature.cpu(), learned.level_weights.cpu())
    calibration = calibrate_sentences(model, processor, parameters, pictures, graphs)
    for path in [*files, work / "plan.txt"]:
        path.unlink()
    listed = sorted(p.relative_to(work).as_posix() for p in work.rglob("*") if p.is_file())
    write_json(
        work / "manifest.json",
        {
            "format": FORMAT,
            "name": name,
            "count": len(items),
            "captions": sum(len(item["captions"]) for item in items),
            "regions": int(sum(part["counts"].sum() for part in images)),
            "skipped": skipped,
            "model": named,
            "calibration": calibration.to_json(),
            "files": {n: {"sha256": sha256(work / n), "bytes": (work / n).stat().st_size} for n in listed},
        },
    )
