"""Pictures of a dataset through the picture tower: those that can be read, and by name those that cannot."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from PIL import Image
from tqdm import tqdm

from ..encoding import encode_images
from ..io.images import open_image
from ..io.left_out import LeftOut
from ..io.names import written
from ..io.pixels import square
from ..io.prefetch import one_ahead
from ..model.hgan import HGANModel
from ..types import ImageGraph, concatenate
from .record import Record

Opened = tuple[list[Image.Image], list[Record], list[LeftOut]]


def encode_records(
    model: HGANModel, records: Iterable[Record], batch_size: int = 32, progress: bool = False
) -> ImageGraph:
    """Pictures of a dataset through the picture tower, one row a record.

    Raises:
        ValueError: a picture cannot be read; `encode_readable` goes on without it.
    """
    records, left_out = list(records), list[LeftOut]()
    encode, size = partial(encode_images, model), model.config.image_size
    graph, _ = encode_readable(encode, size, records, left_out, batch_size, progress)
    if left_out:
        raise ValueError(f"{left_out[0].where}: {left_out[0].reason}")
    return graph


def encode_readable(
    encode: Callable[[Sequence[Image.Image]], ImageGraph],
    size: int,
    records: Sequence[Record],
    left_out: list[LeftOut],
    batch_size: int = 32,
    progress: bool = False,
) -> tuple[ImageGraph, list[Record]]:
    """Pictures of a dataset through the picture tower, and the records that they are of: those that can be read. The others
    are named in `left_out`, with their captions.

    Args:
        encode: a batch of pictures, one row each.
        size: of the squares that the model takes, in pixels.

    Raises:
        ValueError: none of them can be read.
    """
    parts, kept = [], list[Record]()
    chunks = [records[i : i + batch_size] for i in range(0, len(records), batch_size)]
    opened: Iterable[Opened] = one_ahead(partial(open_readable, size=size), chunks)
    for images, read, unread in tqdm(opened, total=len(chunks), desc="pictures", unit="batch", disable=not progress):
        left_out += unread
        if images:
            parts.append(encode(images))
            kept += read
    if not parts:
        raise ValueError(none_readable(len(records), left_out))
    return concatenate(parts), kept


def open_readable(records: Sequence[Record], size: int) -> Opened:
    """Pictures that can be read, as squares of the size that the model takes (large ones would add up), their records, and the
    others with the reason."""
    images, kept, left_out = list[Image.Image](), list[Record](), list[LeftOut]()
    for record in records:
        try:
            images.append(square(open_image(record.path), size))
            kept.append(record)
        except (ValueError, OSError) as error:
            lost = f"; its {len(record.captions)} captions are left out too" if record.captions else ""
            left_out.append(LeftOut(record.place, f"{written(str(error))}{lost}"))
    return images, kept, left_out


def none_readable(count: int, left_out: Sequence[LeftOut]) -> str:
    """What to say where not one picture of so many can be read."""
    first = f" (the first: {left_out[0].where}: {left_out[0].reason})" if left_out else ""
    return f"got {count:,} pictures, none of which can be read{first}, but expected at least one"
