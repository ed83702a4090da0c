"""Pictures from outside, made safe: whatever comes in, an upright 8-bit RGB picture within bounds goes out."""

from __future__ import annotations

import io
import threading
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from PIL import Image

from .depth import PLAIN, Depth, brightened, depth_of, grey_to_rgb
from .formats import FORMATS, SUFFIXES, UNREAD
from .memory import DECODING, needed

__all__ = [
    "DECODING", "MAX_BYTES", "MAX_PIXELS", "SUFFIXES", "UNREAD", "needs", "open_image", "still_webp", "to_rgb", "upright",
]  # fmt: skip

MAX_PIXELS = 50_000_000  # of a picture once decoded: 150 MB of RGB
MAX_SIDE = 500_000  # what works line by line, as scaling does, takes many times the memory of the longest line
MAX_BYTES = 50_000_000
_BLOCK = 1 << 20  # pixels that are turned into RGB at a time
_ALPHA = ("RGBA", "LA", "PA", "La", "RGBa")
_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_header = threading.Lock()  # warnings are switched for the whole process


class _RefusedError(ValueError):
    """An error of this module's own, which says all there is to say."""


def open_image(source: str | Path | bytes, name: str | None = None) -> Image.Image:
    """Decodes a picture: EXIF turn applied, first frame only, alpha over white, deep greys scaled to 8 bits (see
    `hgan.io.depth`), CMYK and palette to RGB. Pictures that are decoded at once share `DECODING.limit` bytes: one that finds
    no room waits.

    Args:
        source: a file, or its bytes.
        name: what to call it in an error; the file's name by default.

    Raises:
        ValueError: not a picture, damaged, truncated, or beyond MAX_PIXELS, MAX_BYTES or DECODING.limit.
    """
    name = name or ("the picture" if isinstance(source, bytes) else Path(source).name)
    try:
        with _opened(source, name) as (image, _, size):
            amount = needed(image, size)
        if amount > DECODING.limit:
            raise _RefusedError(
                f"{name}: got a picture that needs {amount:,} bytes of memory to decode, but expected at most "
                f"{DECODING.limit:,}: make it smaller"
            )
        # Opened anew, so that the decoder has given its memory back before another picture takes it.
        with DECODING.take(amount):
            return _decoded(source, name)
    except _RefusedError as error:
        raise ValueError(str(error)) from None
    except MemoryError:
        raise ValueError(
            f"{name}: got a picture that needs more memory than this machine has: make it smaller"
        ) from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ValueError(
            f"{name}: got a picture with too many pixels, but expected at most {MAX_PIXELS:,} in all"
        ) from None
    except Exception as error:  # decoders raise whatever they like: struct.error, AttributeError, SyntaxError ...
        reason = str(error) if type(error) is ValueError and str(error) else type(error).__name__
        raise ValueError(f"{name}: got a file that cannot be decoded, but expected a picture ({reason})") from None


def _decoded(source: str | Path | bytes, name: str) -> Image.Image:
    with _opened(source, name) as (image, file, _):
        depth = depth_of(image, file)
        image.load()
        return _turned(to_rgb(image, depth), image)


def needs(source: str | Path | bytes, name: str | None = None) -> int:
    """Bytes of memory that decoding a picture takes at worst, known from its header alone.

    Raises:
        ValueError: as `open_image`, but for damage after the header.
    """
    name = name or ("the picture" if isinstance(source, bytes) else Path(source).name)
    try:
        with _opened(source, name) as (image, _, size):
            return needed(image, size)
    except _RefusedError as error:
        raise ValueError(str(error)) from None
    except Exception as error:
        raise ValueError(
            f"{name}: got a file that cannot be decoded, but expected a picture ({type(error).__name__})"
        ) from None


@contextmanager
def _opened(source: str | Path | bytes, name: str) -> Any:
    """A picture whose header is read and within bounds, its file, and the size of that in bytes."""
    size = len(source) if isinstance(source, bytes) else _file_size(Path(source), name)
    if size > MAX_BYTES:
        raise _RefusedError(f"{name}: got a file of {size:,} bytes, but expected at most {MAX_BYTES:,}")
    file: BinaryIO
    with io.BytesIO(source) if isinstance(source, bytes) else Path(source).open("rb") as file:
        with _header, warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            try:
                image = Image.open(file, formats=FORMATS)
            except (Image.DecompressionBombError, Image.DecompressionBombWarning):
                raise _RefusedError(
                    f"{name}: got a picture with too many pixels, but expected at most {MAX_PIXELS:,} in all"
                ) from None
        with image:
            _require_size(image, name)
            yield image, file, size


def _require_size(image: Image.Image, name: str) -> None:
    width, height = image.size
    if not (width and height):
        raise _RefusedError(f"{name}: got a picture of {width} x {height} pixels, but expected at least one")
    if width * height > MAX_PIXELS:
        raise _RefusedError(
            f"{name}: got a picture of {width} x {height} pixels, but expected at most {MAX_PIXELS:,} in all"
        )
    if max(width, height) > MAX_SIDE:
        raise _RefusedError(
            f"{name}: got a picture of {width} x {height} pixels, but expected at most {MAX_SIDE:,} on a side: crop it"
        )


def _file_size(path: Path, name: str) -> int:
    if not path.is_file():
        what = "not a regular file" if path.exists() else "no such file"
        raise _RefusedError(f"{name}: {what}, but expected a picture")
    return path.stat().st_size


def still_webp(path: Path, size: int) -> bytes | None:
    """The bytes of a picture that is its own thumbnail: a still WebP of at most that size, without metadata. A copy loses
    nothing, so that what is encoded again from a thumbnail is what was encoded at first. None for any other file."""
    try:
        with _opened(path, path.name) as (image, file, _):
            plain = image.format == "WEBP" and image.mode == "RGB" and not getattr(image, "is_animated", False)
            if not plain or max(image.size) > size or image.info.keys() & {"exif", "xmp", "icc_profile"}:
                return None
            file.seek(0)
            return file.read()
    except Exception:  # what cannot be opened is refused, in words, where it is decoded
        return None


def upright(image: Image.Image, name: str = "the picture") -> Image.Image:
    """An RGB picture, turned as its EXIF note says, of one that Pillow has opened or made.

    Raises:
        ValueError: beyond MAX_PIXELS, or it cannot be decoded.
    """
    if (
        image.mode == "RGB"
        and image.info.keys() <= {"icc_profile"}
        and not hasattr(image, "filename")
        and all(image.size)
    ):
        return image  # as `open_image` gives it
    try:
        _require_size(image, name)
        image.load()
        return _turned(to_rgb(image), image)
    except _RefusedError as error:
        raise ValueError(str(error)) from None
    except Exception as error:
        raise ValueError(
            f"{name}: got a picture that cannot be decoded ({type(error).__name__}), but expected a whole one"
        ) from None


def _turned(rgb: Image.Image, decoded: Image.Image) -> Image.Image:
    """Turned as the notes of the decoded picture ask for; those of a TIFF Pillow has followed, and dropped, while it decoded.
    ImageOps.exif_transpose would write all the other notes anew, and fail at what it cannot write (Pillow issue 8965)."""
    try:
        turn = decoded.getexif().get(_ORIENTATION)
        method = _TURNS.get(turn) if isinstance(turn, int) else None
    except Exception:  # damaged notes turn nothing
        method = None
    return rgb if method is None else rgb.transpose(method)


def to_rgb(image: Image.Image, depth: Depth = PLAIN) -> Image.Image:
    """An 8-bit RGB copy of a decoded picture; transparent parts become white. Nothing is turned, and no note is kept but
    the colour profile.

    Args:
        depth: what its file says of its samples.
    """
    if image.mode.startswith("I") or image.mode == "F":
        rgb = grey_to_rgb(image, depth)
    elif image.mode == "RGB" and "transparency" not in image.info and not depth.deep:
        rgb = image.copy()
    else:
        image = brightened(image) if depth.deep else image
        rgb = Image.new("RGB", image.size, "white")
        width, height = image.size
        lines = max(1, _BLOCK // max(1, width))
        for top in range(0, height, lines):
            # In blocks: a palette picture with transparent colours would be there four times.
            rgb.paste(_flat(image.crop((0, top, width, min(height, top + lines)))), (0, top))
    profile = image.info.get("icc_profile")
    rgb.info = {"icc_profile": profile} if profile else {}
    return rgb


def _flat(image: Image.Image) -> Image.Image:
    if image.mode in _ALPHA or "transparency" in image.info:
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, rgba).convert("RGB")
    return image.convert("RGB")
