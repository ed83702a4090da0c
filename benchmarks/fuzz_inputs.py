"""What `benchmarks.fuzz` tries: pictures, captions, dataset lines and zips, made with a seed, and ways to spoil them."""

from __future__ import annotations

import io
import json
import random
import zipfile
from typing import Any

from PIL import Image

FORMS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "MPO", "AVIF")
TOKENS = (
    b"{", b"}", b"[", b"]", b'"', b",", b":", b"\n", b"\r", b"\0", b"\xff", b"\xed\xa0\x80", b"\\ud800", b"9" * 5000, b"[" * 3000,
    b"NaN", b"-Infinity", b"null", b"true", b"../", b"\\", b"\xef\xbb\xbf", b"\xe2\x80\xae", b"\x1b[31m", b" " * 3000, b"1e999",
    b'"captions"', b'"image"', b'"split"', b'"true_of"', b"a.png", b"\xe2\x80\x8b", b"=cmd|x", b"#", b"-1", b"0.5",
)  # fmt: skip


def spoil(data: bytes, rng: random.Random) -> bytes:
    """A few bytes changed, cut out, doubled or put in, or the end cut off."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        at = rng.randrange(len(out) + 1)
        what = rng.randrange(6)
        if what == 0 and out:
            out[at % len(out)] ^= 1 << rng.randrange(8)
        elif what == 1 and out:
            out[at % len(out)] = rng.choice((0, 1, 127, 128, 255))
        elif what == 2:
            del out[at:]
        elif what == 3:
            out[at:at] = rng.choice(TOKENS)
        elif what == 4:
            del out[at : at + rng.randrange(64)]
        else:
            out[at:at] = out[at : at + rng.randrange(256)]
    return bytes(out)


def picture(rng: random.Random) -> bytes:
    """A small picture of any format and mode."""
    form = rng.choice(FORMS)
    mode = rng.choice(
        {"JPEG": ("RGB", "L", "CMYK"), "TIFF": ("RGB", "L", "I;16", "F", "1", "P", "RGBA", "LAB")}.get(form, ("RGB",))
    )
    size, buffer = (rng.randrange(1, 40), rng.randrange(1, 40)), io.BytesIO()
    options: dict[str, Any] = {}
    if form in ("JPEG", "PNG", "WEBP", "TIFF") and rng.random() < 0.5:
        options["exif"] = Image.Exif()
        options["exif"][0x0112] = rng.choice((1, 3, 6, 8, 9, 0))
    if form == "TIFF" and mode != "F":
        options["compression"] = rng.choice((None, "tiff_lzw", "tiff_deflate", "packbits"))
    try:
        Image.new(mode, size, rng.randrange(200)).save(buffer, form, **options)
    except (OSError, ValueError, KeyError, RuntimeError):  # a format this Pillow cannot write
        Image.new("RGB", size).save(buffer, "PNG")
    return buffer.getvalue()


def lines(rng: random.Random) -> bytes:
    """JSON lines as of a dataset folder."""
    made = []
    for n in range(rng.randrange(1, 8)):
        captions: list[Any] = rng.sample(
            ["a dog", "", "\u200b", 3, None, "x" * 2000, "\ud800", ["a"]], rng.randrange(4)
        )
        line = {"captions": captions, "image": rng.choice((f"{n}.png", "a/b.png", "../a", 3, "", "a.png"))}
        line |= {"id": rng.choice((n, "a")), "split": rng.choice(("train", "dev", None, 3, []))}
        line |= {"regions": rng.choice(([], 3, [{"box": [0, 0, 1, 1], "label": "x"}])), "thumbnail": "t/0.webp"}
        made.append({**line, "things": rng.choice(([], 3, [{"id": 1, "kind": "x", "box": [0, 0, 1, 1]}]))})
    return b"".join(json.dumps(line).encode() + b"\n" for line in made)


def table(rng: random.Random) -> bytes:
    """A CSV of captions."""
    rows = [
        "image,caption",
        *(f"{n}.png,{rng.choice(('a dog', '', 'a, b', chr(34) + 'x', 'é'))}" for n in range(rng.randrange(6))),
    ]
    return (
        rng.choice(("\n", "\r\n", "\r"))
        .join(rows)
        .encode(rng.choice(("utf-8", "utf-8-sig", "utf-16", "latin-1")), "replace")
    )


def packed(rng: random.Random) -> bytes:
    """A zip of pictures, captions, a gallery or worse."""
    buffer, folder = io.BytesIO(), rng.choice(("", "g/", "../", "/", "a/" * 12))
    manifest = {"format": 1, "name": "g", "count": 1, "model": {"sha256": "0"}, "files": {"items.jsonl": {}}}
    with zipfile.ZipFile(
        buffer, "w", rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2))
    ) as archive:
        for n in range(rng.randrange(4)):
            archive.writestr(f"{folder}{n}.{rng.choice(('png', 'JPG', 'heic', 'exe', 'zip'))}", picture(rng))
        if rng.random() < 0.5:
            archive.writestr(f"{folder}captions.{rng.choice(('csv', 'jsonl'))}", rng.choice((table, lines))(rng))
        if rng.random() < 0.5:
            for name, data in (
                ("manifest.json", json.dumps(manifest).encode()),
                ("items.jsonl", lines(rng)),
                ("t/0.webp", picture(rng)),
            ):
                archive.writestr(f"{folder}{name}", data)
    return buffer.getvalue()
