from __future__ import annotations

import io
import struct
import subprocess
import sys
import threading
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from hgan.io import images
from hgan.io.images import open_image, to_rgb

ROOT = Path(__file__).resolve().parents[2]


def encoded(image: Image.Image, form: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def png_that_claims(width: int, height: int) -> bytes:
    """A PNG of one pixel whose header claims another size."""
    data = bytearray(encoded(Image.new("RGB", (1, 1))))
    data[16:24] = struct.pack(">II", width, height)
    data[29:33] = struct.pack(">I", zlib.crc32(bytes(data[12:29])))
    return bytes(data)


def test_a_plain_picture_comes_through_unchanged(picture):
    image = picture(0)
    opened = open_image(encoded(image))
    assert opened.mode == "RGB"
    assert opened.tobytes() == image.tobytes()


def test_a_file_and_its_bytes_give_the_same_picture(picture, tmp_path):
    data = encoded(picture(0), "JPEG")
    (tmp_path / "a.jpg").write_bytes(data)
    assert open_image(tmp_path / "a.jpg").tobytes() == open_image(data).tobytes()


def test_sixteen_bit_greys_are_scaled_and_not_saturated():
    values = np.array([[0, 16448, 32896, 65535]], dtype=np.uint16)
    opened = open_image(encoded(Image.fromarray(values)))
    assert np.asarray(opened)[0].tolist() == [[0] * 3, [64] * 3, [128] * 3, [255] * 3]


def test_eight_bit_values_in_a_wide_integer_picture_stay_as_they_are():
    opened = to_rgb(Image.fromarray(np.array([[0, 100, 255]], dtype=np.int32)))
    assert np.asarray(opened)[0, :, 0].tolist() == [0, 100, 255]


def test_cmyk_becomes_rgb():
    opened = open_image(encoded(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG", quality=100))
    assert opened.mode == "RGB"
    red, green, blue = opened.getpixel((4, 4))
    assert red > 200
    assert max(green, blue) < 60


def test_a_palette_becomes_its_colours(picture):
    image = picture(0).quantize(16)
    opened = open_image(encoded(image))
    assert opened.tobytes() == image.convert("RGB").tobytes()


def test_transparent_parts_become_white():
    image = Image.new("RGBA", (2, 1), (255, 0, 0, 255))
    image.putpixel((1, 0), (0, 0, 0, 0))
    opened = open_image(encoded(image))
    assert [opened.getpixel((x, 0)) for x in (0, 1)] == [(255, 0, 0), (255, 255, 255)]


def test_a_transparent_palette_colour_becomes_white():
    image = Image.new("P", (2, 1), 0)
    image.putpalette([0, 0, 0, 0, 0, 255])
    image.putpixel((1, 0), 1)
    opened = open_image(encoded(image, transparency=0))
    assert [opened.getpixel((x, 0)) for x in (0, 1)] == [(255, 255, 255), (0, 0, 255)]


def test_a_picture_turned_by_its_exif_note_comes_out_upright():
    image = Image.new("RGB", (40, 20), "white")
    image.paste("black", (0, 0, 20, 20))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter clockwise
    opened = open_image(encoded(image, "JPEG", exif=exif, quality=95))
    assert opened.size == (20, 40)
    assert opened.getpixel((10, 5))[0] < 50 < 200 < opened.getpixel((10, 35))[0]


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG"])
def test_the_first_frame_of_an_animation_is_taken(form):
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "blue", "green")]
    options = {"lossless": True} if form == "WEBP" else {}
    opened = open_image(encoded(frames[0], form, save_all=True, append_images=frames[1:], **options))
    assert opened.getpixel((8, 8)) == (255, 0, 0)


def test_a_single_pixel_is_a_picture():
    assert open_image(encoded(Image.new("L", (1, 1), 7))).getpixel((0, 0)) == (7, 7, 7)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "TIFF", "BMP"])
def test_a_truncated_picture_is_refused_by_name(picture, form, tmp_path):
    data = encoded(picture(0), form)
    (tmp_path / "half.img").write_bytes(data[: len(data) // 2])
    with pytest.raises(ValueError, match=r"^half\.img: got a file that cannot be decoded, but expected a picture"):
        open_image(tmp_path / "half.img")


@pytest.mark.parametrize(
    "data", [b"", b"just some text\n" * 20, b"%PDF-1.7\n", b"<svg xmlns='http://www.w3.org/2000/svg'/>"]
)
def test_a_file_that_is_no_picture_is_refused(data):
    with pytest.raises(ValueError, match="the picture: got a file that cannot be decoded"):
        open_image(data)


def test_a_missing_file_is_refused_by_name(tmp_path):
    with pytest.raises(ValueError, match=r"none\.png: no such file"):
        open_image(tmp_path / "none.png")


def test_bytes_are_called_by_the_name_given():
    with pytest.raises(ValueError, match=r"^upload 3: got"):
        open_image(b"text", name="upload 3")


@pytest.mark.parametrize(("width", "height"), [(8_000, 8_000), (12_000, 12_000), (60_000, 60_000), (2, 60_000_000)])
def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded(width, height):
    with pytest.raises(ValueError, match="pixels, but expected at most 50,000,000"):
        open_image(png_that_claims(width, height))


@pytest.mark.parametrize(("width", "height"), [(49_000_000, 1), (1, 500_001)])
def test_a_picture_of_one_endless_line_is_refused_before_it_is_decoded(width, height):
    with pytest.raises(
        ValueError, match=rf"got a picture of {width} x {height} pixels, but expected at most 500,000 on a side"
    ):
        open_image(png_that_claims(width, height))


def test_a_file_of_too_many_bytes_is_refused_with_both_sizes(picture, monkeypatch):
    monkeypatch.setattr(images, "MAX_BYTES", 100)
    data = encoded(picture(0))
    with pytest.raises(ValueError, match=f"got a file of {len(data):,} bytes, but expected at most 100"):
        open_image(data)


SMALL = Image.effect_mandelbrot((24, 16), (-2, -1, 1, 1), 20).convert("RGB")
SAMPLES = {form: encoded(SMALL, form) for form in ("PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP")}


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data", "ignore:Truncated File Read")
@settings(deadline=None, derandomize=True, max_examples=300)
@given(
    form=st.sampled_from(sorted(SAMPLES)),
    cut=st.floats(0.02, 1),
    damage=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), max_size=6),
)
def test_a_damaged_picture_gives_a_picture_or_a_value_error(form, cut, damage):
    data = bytearray(SAMPLES[form][: max(1, int(len(SAMPLES[form]) * cut))])
    for where, value in damage:
        data[int(where * len(data))] = value
    try:
        opened = open_image(bytes(data))
    except ValueError as error:
        assert str(error).startswith("the picture: got")  # noqa: PT017  # an undamaged one raises nothing
    else:
        assert opened.mode == "RGB"


def tiff(values: np.ndarray, **tags: object) -> bytes:
    return encoded(Image.fromarray(values), "TIFF", tiffinfo={int(k[1:]): v for k, v in tags.items()})


def greys(data: bytes) -> list[int]:
    return np.asarray(open_image(data))[0, :, 0].tolist()


@pytest.mark.parametrize(
    "error", [struct.error, AttributeError, SyntaxError, RuntimeError, RecursionError, AssertionError]
)
def test_whatever_a_decoder_raises_is_an_error_that_names_the_picture(error, picture, monkeypatch):
    def fail(*_: object) -> None:
        raise error("inner line")

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", fail)
    with pytest.raises(ValueError, match=rf"^a: got a file that cannot be decoded.*\({error.__name__}\)"):
        open_image(encoded(picture(0)), "a")


def test_who_stops_the_program_stops_it(picture, monkeypatch):
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", stop)
    with pytest.raises(KeyboardInterrupt):
        open_image(encoded(picture(0)))


def damaged_exif(tag: int, kind: int, value: bytes) -> bytes:
    """Orientation 6, and a tag whose type does not fit, which Pillow reads and cannot write."""
    notes = struct.pack("<HHLHH", 0x112, 3, 1, 6, 0) + struct.pack("<HHLL", tag, kind, 1, 38)
    return b"Exif\0\0II*\0" + struct.pack("<LH", 8, 2) + notes + struct.pack("<L", 0) + value


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize(
    ("tag", "kind", "value"),
    [
        (0x11A, 10, struct.pack("<ll", -1, 0)),
        (0x10F, 5, struct.pack("<LL", 1, 3)),
        (0x132, 12, struct.pack("<d", 1e300)),
    ],
)
def test_notes_that_cannot_be_written_back_cost_no_picture(form, tag, kind, value):
    image = Image.new("RGB", (40, 24), "white")
    image.paste("black", (0, 0, 20, 24))
    opened = open_image(encoded(image, form, exif=damaged_exif(tag, kind, value)))
    assert opened.size == (24, 40)
    assert opened.getpixel((12, 4))[0] < 60 < 190 < opened.getpixel((12, 36))[0]
    assert not opened.info


def test_a_tiff_is_turned_once():
    image = Image.new("RGB", (40, 24), "white")
    image.paste("black", (0, 0, 20, 24))
    opened = open_image(encoded(image, "TIFF", tiffinfo={0x112: 6}))
    assert opened.size == (24, 40)
    assert opened.getpixel((12, 4))[0] == 0


@pytest.mark.parametrize("ending", [".jfif", ".jpe", ".avif", ".jpg", ".mpo", ".apng", ".dib"])
def test_these_endings_are_pictures(ending):
    assert ending in images.SUFFIXES


@pytest.mark.parametrize("ending", [".heic", ".jp2", ".cr2", ".dng", ".svg", ".psd", ".pdf", ".mp4"])
def test_what_is_not_read_has_a_word_on_what_would_read_it(ending):
    assert ending not in images.SUFFIXES
    assert len(images.UNREAD[ending]) > 20


@pytest.mark.parametrize("form", ["AVIF", "MPO", "DIB"])
def test_other_forms_are_read_and_the_first_frame_is_taken(form):
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "blue")]
    more = {} if form == "DIB" else {"save_all": True, "append_images": frames[1:]}
    red, _, blue = open_image(encoded(frames[0], form, **more)).getpixel((8, 8))
    assert (red > 250, blue < 5) == (True, True)


@pytest.mark.parametrize(("most", "bits"), [(1023, 10), (4095, 12), (16383, 14), (65535, 16)])
@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_fewer_bits_in_a_picture_of_16_are_told_by_their_range(most, bits, form):
    values = np.array([[0, most // 2, most]], dtype=np.uint16)
    assert greys(encoded(Image.fromarray(values), form)) == [0, 127, 255]


def with_sbit(data: bytes, bits: int) -> bytes:
    chunk = b"sBIT" + bytes([bits])
    return data[:33] + struct.pack(">I", 1) + chunk + struct.pack(">I", zlib.crc32(chunk)) + data[33:]


def test_a_png_says_how_many_of_its_bits_matter():
    dark = encoded(Image.fromarray(np.array([[0, 1000, 2000]], dtype=np.uint16)))
    assert greys(with_sbit(dark, 16)) == [0, 3, 7]
    assert greys(with_sbit(dark, 12)) == [0, 62, 124]


def test_a_tiff_says_its_largest_value():
    values = np.array([[0, 1000, 2000]], dtype=np.uint16)
    assert greys(tiff(values, t281=65535)) == [0, 3, 7]


def test_a_signed_tiff_is_neither_black_nor_white():
    data = bytearray(tiff(np.array([[0, 100, 200]], dtype=np.uint16), t339=2))
    at = data.index(struct.pack("<HHH", 0, 100, 200))
    data[at : at + 6] = struct.pack("<hhh", -1000, 0, 1000)
    assert greys(bytes(data)) == [0, 127, 255]


@pytest.mark.parametrize(
    ("values", "seen"),
    [
        ([0, 0.5, 1], [0, 127, 255]),
        ([0, 0.25, 0.5], [0, 63, 127]),
        ([0, 100, 255], [0, 100, 255]),
        ([-1, 0, 1], [0, 127, 255]),
        ([0, float("nan"), 1], [0, 0, 255]),
        ([0, float("inf"), 1], [0, 255, 255]),
        ([float("nan")] * 3, [0, 0, 0]),
        ([0, 2048, 4095], [0, 127, 255]),
        ([0, 5e8, 1e9], [0, 127, 255]),
        ([3e38, -3e38, 0], [255, 0, 127]),
    ],
)
def test_floating_point_pictures_show_what_they_hold(values, seen):
    assert greys(tiff(np.array([values], dtype=np.float32))) == seen


def test_colours_of_12_bits_in_16_are_not_black():
    # Pillow writes no such PNG: a header and three pixels of 16 bits a colour.
    raw = b"\0" + struct.pack(">9H", 0, 0, 0, 2048, 2048, 2048, 4095, 0, 0)

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 3, 1, 16, 2, 0, 0, 0))
    data = b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")
    assert np.asarray(open_image(data))[0].tolist() == [[0, 0, 0], [136, 136, 136], [255, 0, 0]]


def test_conversion_in_blocks_is_conversion_of_the_whole(monkeypatch):
    image = SMALL.convert("RGBA")
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    whole = to_rgb(image).tobytes()
    monkeypatch.setattr(images, "_BLOCK", image.width * 3)
    assert to_rgb(image).tobytes() == whole


def test_what_decoding_needs_is_known_from_the_header(picture):
    assert images.needs(png_that_claims(5000, 5000)) > 5000 * 5000 * 8
    assert images.needs(encoded(picture(0))) < 1_000_000


def test_a_picture_that_needs_more_than_there_is_is_refused_before_it_is_decoded(monkeypatch):
    monkeypatch.setattr(images.DECODING, "limit", 100_000)
    with pytest.raises(
        ValueError, match=r"got a picture that needs [\d,]+ bytes of memory to decode, but expected at most"
    ):
        open_image(png_that_claims(1000, 1000))


def test_the_largest_tile_of_a_tiff_counts():
    tags = {256: 16, 257: 16, 258: 8, 259: 5, 262: 1, 277: 1, 322: 40_000, 323: 40_000, 324: 8, 325: 100}
    entries = b"".join(struct.pack("<HHLL", tag, 4, 1, value) for tag, value in tags.items())
    data = b"II*\0" + struct.pack("<LH", 8, len(tags)) + entries + bytes(200)
    assert images.needs(data) > 40_000**2
    with pytest.raises(ValueError, match=r"bytes of memory to decode"):
        open_image(data)


def test_big_pictures_wait_for_one_another(picture, monkeypatch):
    data = encoded(picture(0, (400, 300)))
    monkeypatch.setattr(images.DECODING, "limit", int(images.needs(data) * 1.5))  # room for one
    at_once, most, lock = 0, 0, threading.Lock()
    plain = images.to_rgb

    def slow(*given: object) -> Image.Image:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        time.sleep(0.05)
        with lock:
            at_once -= 1
        return plain(*given)

    monkeypatch.setattr(images, "to_rgb", slow)
    with ThreadPoolExecutor(4) as pool:
        sizes = [opened.size for opened in pool.map(open_image, [data] * 4)]
    assert (most, sizes) == (1, [(400, 300)] * 4)
    assert images.DECODING.taken == 0


def test_a_picture_that_fails_gives_its_memory_back(picture):
    data = encoded(picture(0, (400, 300)))
    with pytest.raises(ValueError, match="cannot be decoded"):
        open_image(data[: len(data) // 2])
    assert images.DECODING.taken == 0


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_picture_of_16_bits_takes_no_multiple_of_its_size(tmp_path):
    side = 3000
    Image.fromarray(np.full((side, side), 40_000, np.uint16)).save(tmp_path / "a.png")
    Image.new("RGB", (8, 8)).save(tmp_path / "b.png")
    code = (
        "import sys; from hgan.io.images import needs, open_image\n"
        "def most(): return int([l for l in open('/proc/self/status') if l.startswith('VmHWM')][0].split()[1]) * 1024\n"
        "open_image(sys.argv[2]); before = most(); open_image(sys.argv[1]); print(most() - before, needs(sys.argv[1]))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "a.png"), str(tmp_path / "b.png")],
        capture_output=True, text=True, check=True, cwd=ROOT,
    )  # fmt: skip
    took, said = map(int, run.stdout.split())
    assert took < 16 * side**2
    assert took < said * 1.3


def test_a_webp_that_is_its_own_thumbnail_is_told_from_what_is_not(tmp_path, picture):
    for name, form, options in (("a", "WEBP", {}), ("b", "PNG", {}), ("c", "WEBP", {"icc_profile": b"x" * 200})):
        picture(0).save(tmp_path / name, form, **options)
    (tmp_path / "d").write_bytes(b"RIFF no picture")
    found = {name: images.still_webp(tmp_path / name, 320) for name in "abcde"}
    assert found == {**dict.fromkeys("bcde"), "a": (tmp_path / "a").read_bytes()}
    assert images.still_webp(tmp_path / "a", 64) is None
