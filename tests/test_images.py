from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from hgan import images
from hgan.images import open_image, to_rgb


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
