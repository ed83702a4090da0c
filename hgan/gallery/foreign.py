"""Queries without a match in any gallery: sentences that no picture shows, and pictures that show nothing.

The scores of their best matches show what "nothing matches" looks like in a gallery (see `hgan.gallery.calibration`).
"""

from __future__ import annotations

import numpy as np
from PIL import Image

SENTENCES = (
    "the annual report was approved by the board",
    "interest rates are expected to rise next year",
    "please enter your password and press return",
    "the committee will vote on the amendment on Thursday",
    "the figures of the last quarter in a table",
    "the derivative of a constant is zero",
    "invoice number 20417 is overdue",
    "democracy depends on free elections",
    "terms and conditions apply",
    "he forgot what he wanted to say",
    "the file could not be found",
    "the sum of two even numbers is even",
    "inflation slowed down in the second half of the year",
    "a definition of justice",
    "the contract expires at the end of the month",
    "version 2.1 fixes several minor errors",
    "the price includes value added tax",
    "grammar rules of a dead language",
    "the hypothesis was rejected at the five percent level",
    "this sentence has no meaning",
    "a list of synonyms in alphabetical order",
    "your subscription has been renewed",
    "molecules of water under an electron microscope",
    "the orbit of Neptune around the sun",
    "a protein folding inside a cell",
    "black holes bend the light of distant galaxies",
    "a blueprint of a nuclear reactor",
    "the source code of an operating system",
    "a medieval manuscript in Latin",
    "a scan of a fossil from the Jurassic period",
    "xkcd qwop zzyzx",
    "one two three four five six seven",
    "if and only if",
    "the sound of silence",
    "a rumour about the merger of two banks",
    "an argument about free will",
    "a diagram of the human nervous system",
    "a satellite map of ocean currents",
    "a chess opening called the Sicilian defence",
    "the recipe needs more salt",
)


def pictures(size: int = 224) -> list[Image.Image]:
    """Noise, plain colours, coarse blocks and gradients, three of each, always the same; RGB, size x size."""
    rng = np.random.default_rng(0)
    arrays = []
    for _ in range(3):
        arrays.append(rng.integers(0, 256, (size, size, 3)))
        arrays.append(np.broadcast_to(rng.integers(0, 256, 3), (size, size, 3)))
        blocks = rng.integers(0, 256, (size // 16, size // 16, 3))
        arrays.append(blocks.repeat(16, 0).repeat(16, 1))
        rows = np.linspace(rng.integers(0, 256, 3), rng.integers(0, 256, 3), size)
        arrays.append(np.broadcast_to(rows[:, None], (size, size, 3)))
    return [Image.fromarray(array.astype(np.uint8)) for array in arrays]
