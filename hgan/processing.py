"""PIL images and strings -> tensors, and words <-> word pieces."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from transformers import BatchFeature, PreTrainedTokenizerBase, ProcessorMixin
from transformers.image_processing_utils import BaseImageProcessor
from transformers.utils import logging

from .config import HGANConfig
from .function_words import content_of
from .image_processing import HGANImageProcessor
from .io.pixels import RESAMPLE, Picture, pixel_values
from .words import Draft, Sentence, draft, sentence, texts_of, word_of

__all__ = ["HGANProcessor", "Sentence", "require_agreement"]

_log = logging.get_logger(__name__)
# What a processor may be asked besides, as others are: it does so anyway.
_ANYWAY = {"padding": (True, "longest"), "truncation": (True, "longest_first")}


class HGANProcessor(ProcessorMixin):
    r"""Pictures and sentences to the tensors `HGANModel` takes.

    Args:
        image_processor: its settings (side of the square, mean, std) are what is used; the pixels are made by
            `hgan.io.pixels`, as everywhere else.
        tokenizer: a fast tokenizer (offsets are needed to merge word pieces).
        max_words, max_tokens: a longer sentence is cut; `read` says so.
        content_words: whether content words alone make nodes (see `hgan.function_words`).
    """

    def __init__(
        self,
        image_processor: BaseImageProcessor | None = None,
        tokenizer: PreTrainedTokenizerBase | None = None,
        max_words: int = 48,
        max_tokens: int = 64,
        content_words: bool = False,
        **kwargs: Any,
    ) -> None:
        self.max_words, self.max_tokens, self.content_words = max_words, max_tokens, content_words
        super().__init__(HGANImageProcessor.like(image_processor), tokenizer, **kwargs)

    @classmethod
    def from_config(cls, config: HGANConfig, tokenizer: PreTrainedTokenizerBase) -> HGANProcessor:
        """The processor that belongs to a model configuration."""
        return cls(
            HGANImageProcessor.from_config(config),
            tokenizer,
            config.max_words,
            config.max_text_tokens,
            config.content_words,
        )

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: Any, *args: Any, **kwargs: Any) -> HGANProcessor:
        """As transformers' own. Where the model's config lies beside it, that one counts: other settings of the processor
        are set right, with a warning (older checkpoints have them).

        Raises:
            ValueError: the tokenizer is not that of the model, or missing.
        """
        processor: HGANProcessor = super().from_pretrained(pretrained_model_name_or_path, *args, **kwargs)
        hub = ("cache_dir", "force_download", "local_files_only", "token", "revision", "subfolder")
        raw, _ = HGANConfig.get_config_dict(pretrained_model_name_or_path, **{k: kwargs[k] for k in hub if k in kwargs})
        if raw.get("model_type") == HGANConfig.model_type:
            config = HGANConfig.from_dict(raw)
            processor.require_tokenizer(config)
            wrong = processor.follow(config)
            if wrong:
                _log.warning(
                    f"{pretrained_model_name_or_path}: the processor was saved with other settings than the model's "
                    f"({'; '.join(wrong)}): those of the model are used. Save the checkpoint again to get rid of this warning."
                )
        return processor

    def save_pretrained(self, save_directory: Any, push_to_hub: bool = False, **kwargs: Any) -> Any:
        """As transformers' own.

        Raises:
            ValueError: the config of a model lies there already, and has other settings.
        """
        if (Path(save_directory) / "config.json").is_file():
            raw, _ = HGANConfig.get_config_dict(save_directory)
            if raw.get("model_type") == HGANConfig.model_type:
                require_agreement(HGANConfig.from_dict(raw), self)
        return super().save_pretrained(save_directory, push_to_hub=push_to_hub, **kwargs)

    def disagreements(self, config: HGANConfig) -> list[str]:
        """The settings that are written here and in a model's config, and differ: what is here, what is there."""
        own = self._own_settings()
        images = HGANImageProcessor.from_config(config)
        right = _settings(images, config.max_words, config.max_text_tokens, config.content_words)
        return [f"{name} {own[name]}, but {right[name]} in the config" for name in right if own[name] != right[name]]

    def follow(self, config: HGANConfig) -> list[str]:
        """Takes over the settings of a model's config; returns the disagreements there were."""
        wrong = self.disagreements(config)
        if wrong:
            self.image_processor = HGANImageProcessor.from_config(config)
            self.max_words, self.max_tokens = config.max_words, config.max_text_tokens
            self.content_words = config.content_words
        return wrong

    def require_tokenizer(self, config: HGANConfig) -> None:
        """Refuses a tokenizer that cannot be the one of a model.

        Raises:
            ValueError: with both sizes.
        """
        size, expected = len(self.tokenizer or ()), getattr(config.text_config, "vocab_size", None)
        # An embedding may be padded to a round size, but not to twice its size. A tokenizer without its file has five pieces.
        if expected is not None and not expected / 2 < size <= expected:
            raise ValueError(
                f"got a tokenizer of {size:,} word pieces, but the model's text encoder expects {expected:,}: is "
                "tokenizer.json missing, or that of another model?"
            )
        places = getattr(config.text_config, "max_position_embeddings", None)
        if isinstance(places, int) and config.max_text_tokens > places:
            raise ValueError(
                f"got max_text_tokens={config.max_text_tokens}, but expected at most {places}: the text encoder has no more"
            )

    def __call__(
        self,
        images: Picture | list[Picture] | None = None,
        text: str | list[str] | None = None,
        return_tensors: str | None = "pt",
        **kwargs: Any,
    ) -> BatchFeature:
        """`pixel_values` (B, 3, S, S) of pictures; `input_ids`, `attention_mask`, `word_index` (B, T) of sentences, and
        `content_mask` (B, T) where content words alone make nodes.

        Args:
            images: one or several; see `hgan.io.pixels.as_picture` for what is taken.
            text: one or several sentences.

        Raises:
            ValueError: if neither is given, a picture cannot be read, a sentence is empty or none, `return_tensors` is not
                "pt", or another setting is given: they are the checkpoint's.
        """
        if images is None and text is None:
            raise ValueError("got neither images nor text, but expected at least one of them")
        if return_tensors not in ("pt", None):
            raise ValueError(f"got return_tensors={return_tensors!r}, but expected 'pt'")
        for name, value in kwargs.items():
            if value is not None and value not in _ANYWAY.get(name, ()):
                raise ValueError(
                    f"got {name}={value!r}, but expected images and text alone: the other settings are the checkpoint's"
                )
        data: dict[str, Any] = {}
        if images is not None:
            data["pixel_values"] = pixel_values(images, *self._pixel_settings())
        if text is not None:
            data.update(self._tokens(texts_of(text)))
        return BatchFeature(data)

    def _pixel_settings(self) -> tuple[int, float, float]:
        """Side, mean and std, which are those of the checkpoint's config."""
        own = self._own_settings()
        (height, width), mean, std = own["image size"], own["image mean"], own["image std"]
        usual = {name: own[name] for name in ("resample", "rescale factor", *_SWITCHES)}
        if usual != _USUAL or height != width or len(set(mean)) != 1 or len(set(std)) != 1:
            raise ValueError(
                f"got an image processor with {own}, but expected a square, one mean and one std, and {_USUAL}: "
                "HGANProcessor.from_config makes it"
            )
        return height, mean[0], std[0]

    def read(self, text: str) -> Sentence:
        """The words that `__call__` makes nodes of.

        Raises:
            ValueError: if the sentence is empty.
        """
        return self._read([text])[2][0]

    def _own_settings(self) -> dict[str, Any]:
        return _settings(self.image_processor, self.max_words, self.max_tokens, self.content_words)

    def _tokens(self, texts: list[str]) -> dict[str, torch.Tensor]:
        encoded, drafts, sentences = self._read(texts)
        index = torch.full_like(encoded["input_ids"], -1)
        for row, (drawn, read) in enumerate(zip(drafts, sentences, strict=True)):
            place = {span: n for n, span in enumerate(read.spans)}
            number = [place.get(span, -1) for span in drawn.origin]
            for column, (start, end) in enumerate(encoded["offset_mapping"][row].tolist()):
                word = word_of(drawn.spans, start) if end > start else -1
                index[row, column] = number[word] if word >= 0 else -1
        tokens = {"input_ids": encoded["input_ids"], "attention_mask": encoded["attention_mask"], "word_index": index}
        if self.content_words:
            content = torch.zeros(len(texts), int(index.max()) + 2, dtype=index.dtype)
            for row, read in enumerate(sentences):
                content[row, 1 : 1 + len(read.words)] = torch.tensor(read.content)
            tokens["content_mask"] = content.gather(1, index + 1)
        return tokens

    def _read(self, texts: list[str]) -> tuple[Any, list[Draft], list[Sentence]]:
        drafts = [draft(text, self.max_words) for text in texts]
        encoded = self.tokenizer(
            [drawn.clean for drawn in drafts],
            padding=True,
            truncation=True,
            max_length=self.max_tokens,
            return_offsets_mapping=True,
            return_tensors="pt",
        )
        sentences = []
        for row, drawn in enumerate(drafts):
            kept = encoded.encodings[row]
            pieces = [(n, span) for n, span in enumerate(kept.offsets) if span[1] > span[0]]
            beyond = (start for part in kept.overflowing for start, end in part.offsets if end > start)
            unknown = [span for n, span in pieces if kept.ids[n] == self.tokenizer.unk_token_id]
            read = sentence(drawn, [span for _, span in pieces], next(beyond, None), unknown)
            sentences.append(replace(read, content=content_of(read.words)) if self.content_words else read)
        return encoded, drafts, sentences


_SWITCHES = ("do_resize", "do_rescale", "do_normalize", "do_center_crop")
_USUAL = {
    "resample": int(RESAMPLE), "rescale factor": 1 / 255, "do_resize": True, "do_rescale": True, "do_normalize": True,
    "do_center_crop": False,
}  # fmt: skip


def _settings(image: Any, max_words: int, max_tokens: int, content_words: bool) -> dict[str, Any]:
    """What a checkpoint's processor and its config both say."""
    if image is None:
        raise ValueError(
            "got a processor without an image processor, but expected one: HGANProcessor.from_config makes it"
        )
    size = getattr(image, "size", None) or {}
    height, width = (
        size.get(name) if isinstance(size, dict) else getattr(size, name, None) for name in ("height", "width")
    )
    resample = getattr(image, "resample", None)
    return {
        "image size": (height, width),
        "image mean": _floats(getattr(image, "image_mean", None)),
        "image std": _floats(getattr(image, "image_std", None)),
        "resample": None if resample is None else int(resample),
        "rescale factor": getattr(image, "rescale_factor", None),
        **{name: bool(getattr(image, name, False)) for name in _SWITCHES},
        "max_words": max_words,
        "max_tokens": max_tokens,
        "content_words": content_words,
    }


def _floats(value: Any) -> tuple[float, ...]:
    return (float(value),) * 3 if isinstance(value, int | float) else tuple(float(v) for v in value or ())


def require_agreement(config: HGANConfig, processor: HGANProcessor) -> None:
    """Refuses a processor that is not that of a model.

    Raises:
        ValueError: with every setting that differs.
    """
    wrong = processor.disagreements(config)
    if wrong:
        raise ValueError(
            f"got a processor with {'; '.join(wrong)}, but expected the same: processor.follow(model.config) corrects it"
        )
    processor.require_tokenizer(config)
