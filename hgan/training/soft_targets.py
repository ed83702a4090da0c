"""Soft targets: what a sentence encoder that stays as it was says about how like captions are."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm import tqdm
from transformers import AutoModel, AutoTokenizer

from ..checkpoint import device_of
from ..data.folder import Record
from .initialise import resolve_source

BATCH = 128


@torch.no_grad()
def embed_captions(source: str, records: Sequence[Record], progress: bool = True) -> list[Tensor | None]:
    """The captions of each record as unit vectors (captions, hidden): the mean of a sentence encoder's last states, which is
    how MiniLM was taught to compare sentences (Reimers and Gurevych, EMNLP 2019).

    Args:
        source: folder, hub id, or "package:NAME" of the encoder.
    """
    folder = resolve_source(source)
    device = device_of("auto")
    encoder = AutoModel.from_pretrained(folder, dtype=torch.float32).eval().to(device)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    texts = [caption for record in records for caption in record.captions]
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    vectors = torch.empty(len(texts), encoder.config.hidden_size)
    for start in tqdm(range(0, len(texts), BATCH), desc="teacher", unit="batch", disable=not progress):
        chosen = order[start : start + BATCH]
        tokens = tokenizer([texts[i] for i in chosen], padding=True, truncation=True, return_tensors="pt").to(device)
        states = encoder(**tokens).last_hidden_state  # (B, T, H)
        real = tokens["attention_mask"][..., None].float()
        vectors[chosen] = F.normalize((states * real).sum(1) / real.sum(1), dim=-1).cpu()
    return list(vectors.split([len(record.captions) for record in records]))
