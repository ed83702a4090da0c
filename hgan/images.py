"""Pictures from outside, made safe: whatever comes in, an upright 8-bit RGB picture within bounds goes out."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from .formats import FORMATS, SUFFIXES, UNREAD

__all__ = ["MAX_BYTES", "MAX_PIXELS", "SUFFIXES", "UNREAD", "open_image", "to_rgb"]

MAX_PIXELS = 50_000_000  # of a picture once decoded: 150 MB of RGB
MAX_BYTES = 50_000_000


def open_image(source: str | Path | bytes, name: str | None = None) -> Image.Image:
    """Decodes a picture: EXIF turn applied, first frame only, alpha over white, 16 bits scaled to 8, CMYK and
    palette to RGB.

    Args:
        source: a file, or its bytes.
        name: what to call it in an error; the file's name by default.

    Raises:
        ValueError: not a picture, damaged, truncated, or beyond MAX_PIXELS or MAX_BYTES.
    """
    name = name or ("the picture" if isinstance(source, bytes) else Path(source).name)
    size = len(source) if isinstance(source, bytes) else _file_size(Path(source), name)
    if size > MAX_BYTES:
        raise ValueError(f"{name}: got a file of {size:,} bytes, but expected at most {MAX_BYTES:,}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source, formats=FORMATS) as image:
                width, height = image.size
                if width * height > MAX_PIXELS:
                    raise ValueError(
                        f"{name}: got a picture of {width} x {height} pixels, but expected at most {MAX_PIXELS:,} in all"
                    )
                image.load()
                return to_rgb(ImageOps.exif_transpose(image) or image)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ValueError(f"{name}: got a picture with too many pixels, but expected at most {MAX_PIXELS:,}") from None
    except ValueError as error:
        if str(error).startswith(f"{name}: got"):
            raise
        raise ValueError(f"{name}: got a file that cannot be decoded, but expected a picture ({error})") from None
    except (OSError, SyntaxError, EOFError, IndexError, TypeError, KeyError, MemoryError) as error:
        raise ValueError(
            f"{name}: got a file that cannot be decoded, but expected a picture ({type(error).__name__})"
        ) from None


def _file_size(path: Path, name: str) -> int:
    if not path.is_file():
        raise ValueError(f"{name}: no such file, but expected a picture")
    return path.stat().st_size


def to_rgb(image: Image.Image) -> Image.Image:
    """An 8-bit RGB copy of a decoded picture; transparent parts become white."""
    if image.mode.startswith("I") or image.mode == "F":
        values = np.asarray(image, dtype=np.float64)
        # A plain convert saturates 16-bit greys; 65535 / 255 = 257.
        divisor = 257.0 if values.max(initial=0) > 255 else 1.0
        return Image.fromarray((values / divisor).clip(0, 255).astype(np.uint8)).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, rgba).convert("RGB")
    return image.convert("RGB")
