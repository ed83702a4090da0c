from __future__ import annotations

import time
import unicodedata

import pytest
import torch
from PIL import Image

from hgan.encoding import to_pixels


def pieces_of_words(processor, text: str) -> list[str]:
    """The pieces that the model merges into each word, put together again."""
    batch = processor(text=text)
    tokens = processor.tokenizer.convert_ids_to_tokens(batch["input_ids"][0].tolist())
    index = batch["word_index"][0].tolist()
    count = max(index) + 1
    return ["".join(t.removeprefix("##") for t, i in zip(tokens, index, strict=True) if i == n) for n in range(count)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("A dog runs.", ("A", "dog", "runs")),
        ("the tri-colored dog, and the cat doesn't!", ("the", "tri-colored", "dog", "and", "the", "cat", "doesn't")),
        ("  a   cat\n", ("a", "cat")),
        ("(left) 3 circles", ("left", "3", "circles")),
        ("the zebra's unknown xylophone", ("the", "zebra's", "unknown", "xylophone")),
    ],
)
def test_words_are_put_together_from_their_pieces(tiny_processor, text, words):
    assert tiny_processor.read(text).words == words
    assert pieces_of_words(tiny_processor, text) == [word.lower() for word in words]


def test_spans_point_at_the_words_in_the_sentence(tiny_processor, sentences):
    for text in sentences:
        sentence = tiny_processor.read(text)
        assert tuple(text[start:end] for start, end in sentence.spans) == sentence.words


def test_punctuation_and_special_tokens_belong_to_no_word(tiny_processor):
    assert tiny_processor(text="(dog), cat")["word_index"].tolist() == [[-1, -1, 0, -1, -1, 1, -1]]


def test_a_sentence_in_a_batch_has_the_tokens_it_has_alone(tiny_processor, sentences):
    batch = tiny_processor(text=sentences)
    for row, sentence in enumerate(sentences):
        alone = tiny_processor(text=sentence)
        real = int(alone["attention_mask"].sum())
        for name in ("input_ids", "word_index"):
            assert batch[name][row, :real].tolist() == alone[name][0].tolist()
        assert batch["attention_mask"][row, real:].sum() == 0
        assert (batch["word_index"][row, real:] == -1).all()


def test_a_sentence_within_bounds_has_no_notice(tiny_processor, sentences):
    assert [tiny_processor.read(sentence).notice for sentence in sentences] == [None] * len(sentences)


def test_a_sentence_of_ten_thousand_words_is_cut_quickly_and_says_so(tiny_processor):
    text = "dog " * 10_000
    start = time.perf_counter()
    sentence = tiny_processor.read(text)
    assert time.perf_counter() - start < 1
    assert sentence.notice == "The sentence was cut: the first 48 of 10,000 words are used."
    assert tiny_processor(text=text)["input_ids"].shape[1] <= tiny_processor.max_tokens


def test_a_sentence_of_too_many_pieces_is_cut_at_the_last_word_that_fits(tiny_processor):
    text = " ".join(["qqqqqqqqqqqqqqqqqqqq"] * 10)  # each of 20 pieces; 62 fit
    sentence = tiny_processor.read(text)
    assert len(sentence.words) == 4
    assert sentence.notice == "The sentence was cut: the first 4 of 10 words are used."


@pytest.mark.parametrize("text", ["", "   ", "\n\t"])
def test_an_empty_sentence_is_refused(tiny_processor, text):
    with pytest.raises(ValueError, match="got an empty sentence, but expected at least one word"):
        tiny_processor(text=text)


def test_one_empty_sentence_among_others_is_refused(tiny_processor):
    with pytest.raises(ValueError, match="got an empty sentence"):
        tiny_processor(text=["a dog", ""])


def test_a_sentence_of_invisible_characters_is_refused(tiny_processor):
    with pytest.raises(ValueError, match="without any readable word"):
        tiny_processor(text="\u200d\u200d")


def test_something_that_is_no_sentence_is_refused_by_its_type(tiny_processor):
    with pytest.raises(ValueError, match="got int, but expected a sentence"):
        tiny_processor(text=[7])


@pytest.mark.parametrize(
    ("text", "words"), [("🐶 🎉", ("🐶", "🎉")), ("?!", ("?!",)), ("日本 dog", ("日本", "dog")), ("🐶 dog", ("dog",))]
)
def test_emoji_and_other_scripts_become_words_that_the_model_can_read(tiny_model, tiny_processor, text, words):
    assert tiny_processor.read(text).words == words
    graph = tiny_model.encode_text(**tiny_processor(text=text))
    assert graph.mask.tolist() == [[True] * len(words)]
    assert graph.nodes.isfinite().all()


def test_an_accent_of_its_own_stays_in_its_word(tiny_processor):
    text = "two cafe\u0301s and a dog"
    assert tiny_processor.read(text).words == ("two", "cafe\u0301s", "and", "a", "dog")
    assert pieces_of_words(tiny_processor, text) == ["two", "cafes", "and", "a", "dog"]


def test_every_word_that_is_read_is_a_real_node(tiny_model, tiny_processor):
    for text in ("\u200d 🐶 dog", "हिन्दी dog", "\u0301 🐶", "a\u200db \ufffd c", "\u200d 🐶"):
        graph = tiny_model.encode_text(**tiny_processor(text=text))
        assert graph.mask.tolist() == [[True] * len(tiny_processor.read(text).words)]


@pytest.mark.parametrize("size", [(64, 64), (96, 72), (640, 31), (1, 1)])
def test_pictures_become_the_same_pixels_in_both_ways(tiny_model, tiny_processor, picture, size):
    image = picture(3, size)
    by_processor = tiny_processor(images=image)["pixel_values"]
    assert by_processor.shape == (1, 3, 64, 64)
    torch.testing.assert_close(by_processor, to_pixels([image], tiny_model), atol=1e-5, rtol=1e-5)


def test_a_list_of_pictures_is_a_batch_in_its_order(tiny_processor, picture):
    batch = tiny_processor(images=[picture(1), picture(2)])["pixel_values"]
    torch.testing.assert_close(batch[1:], tiny_processor(images=picture(2))["pixel_values"])


def test_pixels_run_from_minus_one_to_one(tiny_processor):
    black, white = (tiny_processor(images=Image.new("L", (9, 9), v))["pixel_values"] for v in (0, 255))
    torch.testing.assert_close(black, torch.full_like(black, -1))
    torch.testing.assert_close(white, torch.ones_like(white))


def test_transparent_parts_are_white_for_the_processor_too(tiny_processor):
    values = tiny_processor(images=Image.new("RGBA", (9, 9), (0, 0, 0, 0)))["pixel_values"]
    torch.testing.assert_close(values, torch.ones_like(values))


def test_a_call_without_anything_is_refused(tiny_processor):
    with pytest.raises(ValueError, match="got neither images nor text"):
        tiny_processor()


def test_tensors_of_another_framework_are_refused(tiny_processor):
    with pytest.raises(ValueError, match="got return_tensors='np', but expected 'pt'"):
        tiny_processor(text="a dog", return_tensors="np")


@pytest.mark.parametrize("text", ["qwertyuiop" * 9, "-".join("qwertyuiop" * 8), "猫" * 90, "一只狗在草地上跑步" * 12])
def test_whoever_is_cut_inside_a_word_is_told(tiny_processor, text):
    sentence = tiny_processor.read(text)
    assert sentence.words == (text,)
    assert sentence.rest == len(text) - 62
    assert "The sentence was cut inside its only word" in sentence.notice
    assert f"of its {len(text)} characters are used" in sentence.notice


def test_a_cut_inside_the_last_word_names_the_last_word(tiny_processor):
    notice = tiny_processor.read("dog " + "qwertyuiop" * 9).notice
    assert notice == "The sentence was cut inside its last word: the first 61 of its 90 characters are used."


@pytest.mark.parametrize("text", ["x" * 150, "ก" * 150])
def test_a_word_too_long_to_be_read_is_told(tiny_processor, text):
    assert "A word of 150 characters is too long to be read" in tiny_processor.read(text).notice


@pytest.mark.parametrize(
    ("text", "longest"),
    [("a" * 1_000_000, 1), ("dog " * 250_000, 1), ("猫" * 1_000_000, 1), ("!" * 1_000_000, 1), ("a\u0301" * 500_000, 1.5),
     ("a" + "\u0301\u0323" * 500_000, 1.5), ("a" + " " * 1_000_000 + "b", 1), ("a-" * 500_000, 1)],
)  # fmt: skip
def test_a_million_characters_take_no_time_and_are_told(tiny_processor, text, longest):
    start = time.perf_counter()
    sentence = tiny_processor.read(text)
    assert tiny_processor(text=text)["input_ids"].shape[1] <= tiny_processor.max_tokens
    assert time.perf_counter() - start < 2 * longest
    assert sentence.notice or "!" in text


def test_signs_alone_at_the_beginning_are_refused_in_words(tiny_processor):
    with pytest.raises(ValueError, match="got a sentence whose beginning has no word"):
        tiny_processor.read("!" * 200 + " dog")


@pytest.mark.parametrize(
    "text", ["café", "two cafés and a dog", "Tiếng Việt", "한국어 dog", "Ångström", "\u0929 dog", "آب dog"]
)
def test_two_normal_forms_are_one_sentence(tiny_model, tiny_processor, text):
    one, other = text, unicodedata.normalize("NFD", text)
    assert one != other
    read = [tiny_processor.read(form) for form in (one, other)]
    for form, sentence in zip((one, other), read, strict=True):
        assert sentence.text == form
        assert tuple(form[start:end] for start, end in sentence.spans) == sentence.words
    assert [unicodedata.normalize("NFC", w) for w in read[0].words] == [
        unicodedata.normalize("NFC", w) for w in read[1].words
    ]
    batches = [tiny_processor(text=form) for form in (one, other)]
    for name in batches[0]:
        assert batches[0][name].tolist() == batches[1][name].tolist()


def test_halves_of_characters_are_left_out_with_a_word(tiny_processor):
    sentence = tiny_processor.read("a \ud83d dog\udc36")
    assert sentence.words == ("a", "dog")
    assert sentence.notice == "Invalid characters (half surrogate pairs) were left out: 2."
    sentence.text.encode()
    assert tiny_processor(text=["a \ud83d dog"])["input_ids"].shape[0] == 1


@pytest.mark.parametrize("text", ["\ud800", "\u200b\u200b", "\ufeff", "\u2060 \u200d"])
def test_nothing_that_can_be_read_is_refused(tiny_processor, text):
    with pytest.raises(ValueError, match="got a"):
        tiny_processor.read(text)


@pytest.mark.parametrize("text", [5, 1.5, b"a dog", {"text": "a dog"}, [None], [b"a"], ["a", 3], [["a"]], True])
def test_what_is_no_sentence_is_refused(tiny_processor, text):
    with pytest.raises(ValueError, match=r"got \w+, but expected a sentence"):
        tiny_processor(text=text)


def test_no_sentences_are_refused(tiny_processor):
    with pytest.raises(ValueError, match="got no sentences"):
        tiny_processor(text=[])


def test_settings_of_a_call_that_nothing_reads_are_refused(tiny_processor, picture):
    with pytest.raises(ValueError, match="got size=32, but expected images and text alone"):
        tiny_processor(images=picture(0), size=32)
    assert tiny_processor(text="a dog", padding=True, truncation=True)["input_ids"].shape[0] == 1
