"""Building a gallery: decode, encode, thumbnail, hash. Stopped and started again, it goes on where it was."""

from __future__ import annotations

import io
import json
import pickle
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from tqdm import tqdm

from ..data.folder import Record
from ..encoding import Encoder
from ..io.files import atomic, sha256, write_json
from ..io.images import open_image, still_webp
from ..io.locks import OWNER, locked_folder
from ..io.pixels import square
from ..io.places import folder_place
from ..io.prefetch import one_ahead
from ..io.replace import remove_files, replace, tidy
from ..io.terminal import Patient
from ..model.hgan import HGANModel
from ..processing import HGANProcessor
from ..types import ImageGraph, TextGraph
from .calibrate import calibrate_sentences
from .calibration import SAMPLE, sample
from .captions import encode_captions
from .packed import RaggedGraphs, flatten
from .plan import WORK, part_file, prepare, read_part, work_place
from .store import FORMAT, GALLERY, PLAN, Gallery, Item, item_json

MAX_THUMBNAIL = 16_383  # pixels a side: what WebP holds
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
    sources: Sequence[str | Path] = (),
    encoder: Encoder | None = None,
) -> Gallery:
    """Encodes records into a gallery folder.

    The folder appears only when it is whole; until then the work lies beside it in `OUT.building`, and a second call with the
    same model takes up what belongs to the very same files. A gallery that was there before stands until then, and whoever has
    it open goes on with it. A picture that cannot be read is skipped, named in the manifest, and counted.

    Args:
        records: of a dataset folder or a plain folder of pictures.
        out: new, empty, or a gallery, which is replaced; files in it that no build made are kept. A link is followed.
        model_name: for the manifest and for messages.
        thumbnail_size: longest side in pixels.
        lean: keep no caption graphs on disk; they are encoded at first use (see `hgan.gallery.captions`).
        report: called with (pictures done, pictures in all), for a progress display of the caller's own.
        sources: what the records were read from, and whatever else `out` must not be mixed up with.
        encoder: of this model, where it is not to encode in float32 on the device where it is.

    Raises:
        ValueError: `out` is something else than a gallery or mixed up with a source, another process builds it, ids are not
            unique, the model gives numbers that are not finite, or no picture can be read.
    """
    if not 16 <= thumbnail_size <= MAX_THUMBNAIL:
        raise ValueError(
            f"got a thumbnail size of {thumbnail_size} pixels, but expected 16 to {MAX_THUMBNAIL:,}, the most that WebP can store"
        )
    if not records:
        raise ValueError("got no pictures, but expected at least one to build a gallery from")
    if not isinstance(model_name, str):
        raise ValueError(f"got {type(model_name).__name__} for the name of the model, but expected text")
    place = folder_place(out, GALLERY, [*sources, *{record.path.parent for record in records}])
    id_, count = Counter(record.id for record in records).most_common(1)[0]
    if count > 1:
        raise ValueError(f"got {count} pictures with the id {id_}, but expected different file names")
    encoder = encoder or Encoder(model, processor)
    mark, name = encoder.fingerprint, Path(out).name or place.name
    chunks = [records[i : i + CHUNK] for i in range(0, len(records), CHUNK)]
    work = work_place(place)
    with locked_folder(work, f"building the gallery {name}"):
        tidy(place, GALLERY)
        if not prepare(work, [mark, thumbnail_size, lean], chunks):
            _encode(encoder, chunks, work, thumbnail_size, lean, progress, report)
            named = {"name": model_name, "sha256": mark, "dim": model.config.dim}
            _assemble(encoder, work, len(chunks), name, named)
        remove_files(work, {OWNER, *(part_file(work, n).name for n in range(len(chunks)))})
        replace(work, place, GALLERY)
        remove_files(place, {PLAN})
    return Gallery(place)


def _encode(
    encoder: Encoder,
    chunks: list[list[Record]],
    work: Path,
    thumbnail_size: int,
    lean: bool,
    progress: bool,
    report: Callable[[int, int], None] | None,
) -> None:
    """The pieces that are not there yet, each saved as soon as it is done."""

    def open_chunk(chunk: list[Record]) -> list[Opened]:
        return [_open(record, encoder.model.config.image_size, thumbnail_size) for record in chunk]

    total = sum(len(chunk) for chunk in chunks)
    waiting = [(n, chunk) for n, chunk in enumerate(chunks) if read_part(work, n) is None]
    done = total - sum(len(chunk) for _, chunk in waiting)
    with tqdm(
        total=total, initial=done, desc="gallery", unit="picture", disable=not progress, file=Patient(sys.stderr)
    ) as bar:
        # Decodes and makes thumbnails ahead of the model, on the other core.
        opened = one_ahead(open_chunk, [chunk for _, chunk in waiting])
        for (number, chunk), pictures in zip(waiting, opened, strict=True):
            _encode_chunk(encoder, pictures, work, number, lean)
            done += len(chunk)
            bar.update(len(chunk))
            if report:
                report(done, total)


def _open(record: Record, image_size: int, thumbnail_size: int) -> Opened:
    try:
        image = open_image(record.path)
    except (ValueError, OSError) as error:
        return Opened(record, None, (0, 0), b"", str(error))
    # The model takes this size anyway, and a chunk of large pictures would fill the memory.
    seen, size, thumbnail = square(image, image_size), image.size, still_webp(record.path, thumbnail_size)
    if thumbnail is None:
        buffer = io.BytesIO()
        image.thumbnail((thumbnail_size, thumbnail_size), Image.Resampling.BILINEAR)
        try:
            image.save(buffer, "WEBP", quality=80, method=2)  # half the time of the default, 4 % more bytes
        except Exception as error:  # a picture of its own kind costs itself alone
            reason = f"{record.path.name}: got a picture that cannot be made into a thumbnail ({type(error).__name__})"
            return Opened(record, None, (0, 0), b"", reason)
        thumbnail = buffer.getvalue()
    return Opened(record, seen, size, thumbnail, "")


def _encode_chunk(encoder: Encoder, pictures: list[Opened], work: Path, number: int, lean: bool) -> None:
    good = [(opened, opened.image) for opened in pictures if opened.image is not None]
    part: dict[str, Any] = {
        "skipped": [{"image": o.record.image, "reason": o.reason} for o in pictures if o.image is None],
        "items": [],
    }
    if good:
        part["images"] = flatten(encoder.images([image for _, image in good]))
        _require_finite(RaggedGraphs(part["images"], ImageGraph), f"picture {good[0][0].record.image} or a later one")
        texts = [caption for opened, _ in good for caption in opened.record.captions]
        if texts and not lean:
            part["captions"] = flatten(encoder.texts(texts))
            _require_finite(RaggedGraphs(part["captions"], TextGraph), f"the caption {texts[0]!r} or a later one")
    for place, (opened, _) in enumerate(good):
        name, record = f"thumbnails/{number * CHUNK + place:06d}.webp", opened.record
        part["items"].append(
            item_json(Item(record.id, record.image, *opened.size, name, record.captions, record.facts))
        )
        with atomic(work / name) as temporary:
            temporary.write_bytes(opened.thumbnail)
    with atomic(part_file(work, number)) as temporary:
        temporary.write_bytes(pickle.dumps(part))


def _require_finite(graphs: RaggedGraphs, where: str) -> None:
    if broken := graphs.not_finite():
        raise ValueError(
            f"got numbers that are not finite from the model ({broken} of {where}), but expected finite ones: are its weights "
            "whole?"
        )


def _assemble(encoder: Encoder, work: Path, parts_count: int, name: str, named: dict[str, Any]) -> None:
    files = [part_file(work, n) for n in range(parts_count)]
    parts = [part for n in range(parts_count) if (part := read_part(work, n)) is not None]
    if len(parts) < parts_count:
        raise ValueError(
            f"got {parts_count - len(parts)} of {parts_count} pieces of {work} that cannot be read, but expected all of them: "
            "run the command again"
        )
    items = [item for part in parts for item in part["items"]]
    skipped = [entry for part in parts for entry in part["skipped"]]
    if not items:
        reason = f" (the first: {skipped[0]['reason']})" if skipped else ""
        raise ValueError(f"got {len(skipped)} pictures, none of which can be read{reason}, but expected at least one")
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
        graphs = encode_captions(encoder, [texts[n] for n in sample(len(texts), SAMPLE)])
    calibration = calibrate_sentences(encoder, pictures, graphs)
    listed = ["items.jsonl", *(item["thumbnail"] for item in items)]
    listed += [f"images/{array}.npy" for array in pictures.arrays]
    listed += [f"captions/{array}.npy" for array in graphs.arrays] if captions and graphs else []
    # Of an earlier plan with more pictures, or with captions.
    remove_files(work, (WORK.own(work) or set()) - {*listed, *(path.name for path in files), PLAN, OWNER})
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
            "files": {n: {"sha256": sha256(work / n), "bytes": (work / n).stat().st_size} for n in sorted(listed)},
        },
    )
