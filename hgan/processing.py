"""PIL images and strings -> tensors, and words <-> word pieces."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import torch
from PIL import Image
from transformers import BatchFeature, PreTrainedTokenizerBase, ProcessorMixin
from transformers.image_processing_utils import BaseImageProcessor
from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

from .config import HGANConfig
from .images import to_rgb

# A word: letters and digits, their accents where these are characters of their own (as in file names of a Mac), with
# apostrophes or hyphens inside ("don't", "tri-colored").
_LETTERS = r"\w[\w\u0300-\u036f]*"
_WORD = re.compile(rf"{_LETTERS}(?:['’\-]{_LETTERS})*")
_ANY = re.compile(r"\S+")


@dataclass(frozen=True)
class Sentence:
    """A sentence as the model sees it: node n of its text graph is `words[n]`."""

    text: str
    words: tuple[str, ...]
    spans: tuple[tuple[int, int], ...]  # character range of each word in `text`
    dropped: int  # words cut off at the end

    @property
    def notice(self) -> str | None:
        """What to tell the person when words were cut."""
        if not self.dropped:
            return None
        return (
            f"The sentence was cut: the first {len(self.words)} of {len(self.words) + self.dropped:,} words are used."
        )


class HGANProcessor(ProcessorMixin):
    r"""Pictures and sentences to the tensors `HGANModel` takes.

    Args:
        image_processor: resizes to a square without keeping the aspect, scales and normalises.
        tokenizer: a fast tokenizer (offsets are needed to merge word pieces).
        max_words, max_tokens: a longer sentence is cut; `read` says so.
    """

    def __init__(
        self,
        image_processor: BaseImageProcessor | None = None,
        tokenizer: PreTrainedTokenizerBase | None = None,
        max_words: int = 48,
        max_tokens: int = 64,
        **kwargs: Any,
    ) -> None:
        self.max_words, self.max_tokens = max_words, max_tokens
        super().__init__(image_processor, tokenizer, **kwargs)

    @classmethod
    def from_config(cls, config: HGANConfig, tokenizer: PreTrainedTokenizerBase) -> HGANProcessor:
        """The processor that belongs to a model configuration."""
        image_processor = ViTImageProcessorPil(
            size={"height": config.image_size, "width": config.image_size},
            image_mean=[config.image_mean] * 3,
            image_std=[config.image_std] * 3,
            resample=Image.Resampling.BILINEAR,
        )
        return cls(image_processor, tokenizer, max_words=config.max_words, max_tokens=config.max_text_tokens)

    def __call__(
        self,
        images: Image.Image | list[Image.Image] | None = None,
        text: str | list[str] | None = None,
        return_tensors: str = "pt",
        **kwargs: Any,
    ) -> BatchFeature:
        """`pixel_values` (B, 3, S, S) of pictures; `input_ids`, `attention_mask`, `word_index` (B, T) of sentences.

        Raises:
            ValueError: if neither is given, a sentence is empty, or `return_tensors` is not "pt".
        """
        if images is None and text is None:
            raise ValueError("got neither images nor text, but expected at least one of them")
        if return_tensors != "pt":
            raise ValueError(f"got return_tensors={return_tensors!r}, but expected 'pt'")
        data: dict[str, Any] = {}
        if images is not None:
            images = [images] if isinstance(images, Image.Image) else list(images)
            rgb = [to_rgb(image) for image in images]
            data["pixel_values"] = self.image_processor(rgb, return_tensors="pt").pixel_values
        if text is not None:
            data.update(self._tokens([text] if isinstance(text, str) else list(text)))
        return BatchFeature(data)

    def read(self, text: str) -> Sentence:
        """The words that `__call__` makes nodes of.

        Raises:
            ValueError: if the sentence is empty.
        """
        return self._read([text])[1][0]

    def _tokens(self, texts: list[str]) -> dict[str, torch.Tensor]:
        encoded, sentences = self._read(texts)
        index = torch.full_like(encoded["input_ids"], -1)
        for row, sentence in enumerate(sentences):
            owner = {c: w for w, (start, end) in enumerate(sentence.spans) for c in range(start, end)}
            for column, (start, end) in enumerate(encoded["offset_mapping"][row].tolist()):
                if end > start:
                    index[row, column] = owner.get(start, -1)
        return {"input_ids": encoded["input_ids"], "attention_mask": encoded["attention_mask"], "word_index": index}

    def _read(self, texts: list[str]) -> tuple[Any, list[Sentence]]:
        found = [_spans(text) for text in texts]
        # Cut before the tokenizer sees it: a sentence of 10,000 words costs no more than one of max_words.
        cut = [text[: spans[: self.max_words][-1][1]] for text, spans in zip(texts, found, strict=True)]
        encoded = self.tokenizer(
            cut,
            padding=True,
            truncation=True,
            max_length=self.max_tokens,
            return_offsets_mapping=True,
            return_tensors="pt",
        )
        sentences = []
        for row, (text, spans) in enumerate(zip(texts, found, strict=True)):
            pieces = {start for start, end in encoded["offset_mapping"][row].tolist() if end > start}
            # A word may end up without a piece: cut off, or all of it dropped by the tokenizer (a bare accent).
            kept = [span for span in spans[: self.max_words] if not pieces.isdisjoint(range(*span))]
            if not kept:  # characters that the tokenizer drops altogether
                raise ValueError(f"got a sentence without any readable word ({text[:40]!r}), but expected words")
            words = tuple(text[start:end] for start, end in kept)
            cut_off = len(spans) - 1 - spans.index(kept[-1])
            sentences.append(Sentence(text, words, tuple(kept), cut_off))
        return encoded, sentences


def _spans(text: str) -> list[tuple[int, int]]:
    """Character ranges of the words; of anything that is not white space where there is no word (emoji only)."""
    if not isinstance(text, str):
        raise ValueError(f"got {type(text).__name__}, but expected a sentence")
    if re.search("[\ud800-\udfff]", text):  # bytes of a command line or a file that are not UTF-8
        raise ValueError("got a sentence with bytes that are not UTF-8, or half a character, but expected whole text")
    spans = [m.span() for m in _WORD.finditer(text)] or [m.span() for m in _ANY.finditer(text)]
    if not spans:
        raise ValueError("got an empty sentence, but expected at least one word")
    return spans
