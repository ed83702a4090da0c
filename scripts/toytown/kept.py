"""What training never sees: pairs of kinds of which no relation is told in training, for `hard` and `hard-dev` alone.

Which wordings are kept back stands with the wordings (`wordings.py`).
"""

from __future__ import annotations

from zlib import crc32

PART = 5  # one pair of kinds in about so many is kept back
SEED = "c"  # chosen so that every family of moves has pairs of both sorts


def is_kept(kind: str, other: str) -> bool:
    """Whether a pair of kinds, in either order, is kept back from training."""
    return crc32((SEED + " ".join(sorted((kind, other)))).encode()) % PART == 0
