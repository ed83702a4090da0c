"""The one way from a picture to pixels: whatever form a picture comes in, the numbers are the same."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import AutoProcessor

from hgan.encoding import Encoder, to_pixels
from hgan.io.pixels import as_picture
from hgan.retrieval.query import encode_query


def forms(image: Image.Image, folder) -> dict[str, object]:
    image.save(folder / "a.png")
    array = np.array(image)
    tensor = torch.from_numpy(array.copy())
    return {
        "path": folder / "a.png",
        "name of a file": str(folder / "a.png"),
        "bytes": (folder / "a.png").read_bytes(),
        "opened by Pillow": Image.open(folder / "a.png"),
        "array": array,
        "array, channels first": array.transpose(2, 0, 1),
        "array of floats": array / 255,
        "array of whole numbers": array.astype(np.int64),
        "array of 16 bits": np.where(array == 255, 255, array).astype(np.uint16),
        "tensor": tensor.permute(2, 0, 1),
        "tensor, channels last": tensor,
        "tensor of floats": tensor.permute(2, 0, 1) / 255,
        "tensor with a gradient": (tensor.permute(2, 0, 1) / 255).requires_grad_(),
    }


def test_every_form_of_a_picture_gives_the_same_pixels(tiny_model, tiny_processor, picture, tmp_path):
    image = picture(3)
    expected = to_pixels([image], tiny_model)
    for name, form in forms(image, tmp_path).items():
        assert torch.equal(tiny_processor(images=form)["pixel_values"], expected), name
        assert torch.equal(to_pixels([form], tiny_model), expected), name


def test_a_query_takes_every_form(tiny_model, tiny_processor, picture, tmp_path):
    nodes = [
        encode_query(Encoder(tiny_model, tiny_processor), None, form).graph.nodes
        for form in forms(picture(3), tmp_path).values()
    ]
    assert all(torch.equal(found, nodes[0]) for found in nodes)


def test_a_batch_is_its_pictures(tiny_processor, picture):
    both = np.stack([np.array(picture(1)), np.array(picture(2))])
    expected = tiny_processor(images=[picture(1), picture(2)])["pixel_values"]
    assert torch.equal(tiny_processor(images=both)["pixel_values"], expected)
    assert torch.equal(tiny_processor(images=torch.from_numpy(both).permute(0, 3, 1, 2))["pixel_values"], expected)


@pytest.mark.parametrize("form", ["JPEG", "WEBP", "PNG", "TIFF"])
def test_a_picture_of_pillow_is_turned_as_its_file_is(form, tiny_model, tiny_processor, picture):
    exif = Image.Exif()
    exif[0x0112] = 6
    buffer = io.BytesIO()
    picture(0).save(buffer, form, exif=exif)
    expected = to_pixels([buffer.getvalue()], tiny_model)
    for image in (Image.open(buffer), Image.open(buffer).convert("RGB"), Image.open(buffer).copy()):
        assert torch.equal(tiny_processor(images=image)["pixel_values"], expected)
    assert as_picture(Image.open(buffer)).size == (72, 96)


def test_a_picture_that_is_turned_already_is_not_turned_again(picture):
    exif = Image.Exif()
    exif[0x0112] = 6
    buffer = io.BytesIO()
    picture(0).save(buffer, "JPEG", exif=exif)
    once = as_picture(buffer.getvalue())
    assert as_picture(once).tobytes() == once.tobytes()


def test_greys_and_alpha_in_arrays():
    grey = np.array([[0, 128, 255]], np.uint8)
    for form in (grey, grey[..., None], torch.from_numpy(grey)[None], np.array([[0, 128 * 257, 65535]], np.uint16)):
        assert np.asarray(as_picture(form))[0].tolist() == [[0] * 3, [128] * 3, [255] * 3]
    clear = np.zeros((1, 2, 4), np.uint8)
    clear[0, 1, 3] = 255
    assert np.asarray(as_picture(clear))[0].tolist() == [[255] * 3, [0] * 3]
    assert np.asarray(as_picture(np.array([[True, False]])))[0].tolist() == [[255] * 3, [0] * 3]


def test_where_channels_can_be_first_and_last_arrays_have_them_last_and_tensors_first():
    assert as_picture(np.zeros((3, 9, 3), np.uint8)).size == (9, 3)
    assert as_picture(torch.zeros(3, 9, 3, dtype=torch.uint8)).size == (3, 9)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (np.zeros((6, 5, 7), np.uint8), r"got ndarray of shape \(6, 5, 7\), but expected"),
        (np.zeros((5,), np.uint8), r"got ndarray of shape \(5,\), but expected"),
        (np.zeros((0, 5, 3), np.uint8), r"got ndarray of shape \(0, 5, 3\), but expected"),
        (np.full((4, 5, 3), 200.0), r"floats from 200 to 200, but expected floats from 0 to 1"),
        (np.full((4, 5, 3), -1.0), r"floats from -1 to -1, but expected floats from 0 to 1"),
        (np.full((4, 5, 3), np.nan), r"floats from nan to nan"),
        (np.full((4, 5, 3), 300), r"values from 300 to 300, but expected whole numbers from 0 to 255"),
        (np.full((4, 5, 3), "a"), r"and type <U1, but expected uint8"),
        (np.zeros((4, 5, 3), complex), r"and type complex128"),
        (torch.zeros(2, 2, 2), r"got tensor of shape \(2, 2, 2\), but expected"),
        ({"image": 1}, r"got dict, but expected"),
        (7, r"got int, but expected"),
        ([[1, 2]], r"got list, but expected"),
        ([None], r"got NoneType, but expected"),
        ([], r"got no pictures"),
        ("no/such.png", r"no such file"),
    ],
)
def test_what_is_no_picture_is_refused_in_words(tiny_processor, given, words):
    with pytest.raises(ValueError, match=words):
        tiny_processor(images=given)


def test_a_truncated_picture_of_pillow_is_refused_in_words(tiny_processor, picture):
    buffer = io.BytesIO()
    picture(0).save(buffer, "PNG")
    image = Image.open(io.BytesIO(buffer.getvalue()[:200]))
    with pytest.raises(ValueError, match="picture 2 of 2: got a picture that cannot be decoded"):
        tiny_processor(images=[picture(1), image])


@pytest.mark.parametrize(
    "given",
    [torch.zeros(3, 4, 4).to_sparse(), torch.zeros(3, 4, 4, device="meta"), Image.new("RGB", (0, 5)), io.BytesIO(b"x")],
    ids=["sparse", "meta", "no pixels", "an open file"],
)
def test_what_holds_no_pixels_is_refused_in_plain_words(tiny_processor, given):
    with pytest.raises(ValueError, match="but expected"):
        tiny_processor(images=given)


def test_bytes_of_any_kind_are_a_picture(tiny_processor, picture):
    file = io.BytesIO()
    picture().save(file, "PNG")
    expected = tiny_processor(images=picture())["pixel_values"]
    for data in (file.getvalue(), bytearray(file.getvalue()), memoryview(file.getvalue())):
        assert torch.equal(tiny_processor(images=data)["pixel_values"], expected)


def test_the_image_processor_alone_gives_the_same_pixels(tiny_checkpoint, tiny_processor, picture, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # lies on its side
    picture(3).save(tmp_path / "turned.png", exif=exif)
    processor = AutoProcessor.from_pretrained(tiny_checkpoint)
    expected = tiny_processor(images=[tmp_path / "turned.png"])["pixel_values"]
    with Image.open(tmp_path / "turned.png") as opened:
        assert torch.equal(processor.image_processor(opened, return_tensors="pt")["pixel_values"], expected)
    assert torch.equal(processor.image_processor(picture(3).rotate(-90, expand=True))["pixel_values"], expected)
    with pytest.raises(ValueError, match="do_resize"):
        processor.image_processor(picture(3), do_resize=False)
