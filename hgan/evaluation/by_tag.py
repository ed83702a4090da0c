"""Sentence to picture where it is known what every caption is true of: by kind of caption, and within hard groups.

Pure functions of a score table, images (rows) x texts (columns); larger is better, ties count against the truth. A hit is any
picture that the caption is true of, not only the one it was written for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ..data.truth import Group
from .metrics import Recall, ranks, recall


@dataclass(frozen=True)
class TagRecall:
    """Captions of one tag. `chance` is the R@1 of a random order, in percent."""

    captions: int
    recall: Recall
    chance: float

    def to_json(self) -> dict[str, float]:
        """As plain data."""
        return {"captions": self.captions, **asdict(self.recall), "chance": self.chance}


@dataclass(frozen=True)
class GroupResult:
    """Hard groups that differ in one thing; of each, the captions that are true of some of its pictures and not of others.

    Shares in percent: `first` of captions that rank a picture they are true of first in their group; `chance` the same for a
    random order; `whole` of groups with every such caption right.
    """

    groups: int
    captions: int
    first: float
    whole: float
    chance: float

    def to_json(self) -> dict[str, float]:
        """As plain data."""
        return asdict(self)


def recall_by_tag(
    table: Float[Tensor, "images texts"], truth: Bool[Tensor, "images texts"], tags: Sequence[str | None]
) -> dict[str, TagRecall]:
    """Recalls of the captions of each tag, in the order the tags come up; captions true of no picture here are left out.

    Args:
        table: scores.
        truth: which caption (column) is true of which picture (row).
        tags: one a caption; None where it is not known.

    Raises:
        ValueError: shapes do not fit.
    """
    _check(table, truth, len(tags))
    rank = ranks(table.T, truth.T)
    columns: dict[str, list[int]] = defaultdict(list)
    for column, tag in enumerate(tags):
        if tag is not None and rank[column] > 0:
            columns[tag].append(column)
    share = 100 * truth.float().mean(0)
    return {tag: TagRecall(len(at), recall(rank[at]), share[at].mean().item()) for tag, at in columns.items()}


def hard_group_results(
    table: Float[Tensor, "images texts"],
    truth: Bool[Tensor, "images texts"],
    image_index: Int[Tensor, texts],
    groups: Mapping[Group, Sequence[int]],
    parts: Sequence[Sequence[str]] | None = None,
) -> dict[str, GroupResult]:
    """Results by what the groups differ in, such as "relation", and over "all" of them; where `parts` are known, also of the
    captions of each part of a kind, such as "relation: on".

    Args:
        table: scores.
        truth: which caption (column) is true of which picture (row).
        image_index: row of the picture that each caption was written for; a group asks the captions of its own pictures.
        groups: rows of the pictures of each group; groups without a caption that tells its pictures apart are left out.
        parts: of each caption, the names of the parts that it counts in.

    Raises:
        ValueError: shapes do not fit.
    """
    _check(table, truth, len(image_index))
    found: dict[str, list[tuple[list[bool], list[float]]]] = defaultdict(list)
    for group, rows in groups.items():
        members = torch.tensor(list(rows))
        columns = torch.isin(image_index, members).nonzero()[:, 0]
        scores, right = table[members][:, columns], truth[members][:, columns]  # (members, captions)
        telling = right.any(0) & ~right.all(0)
        if not telling.any():
            continue
        first = ranks(scores.T, right.T) == 1
        share = right.float().mean(0)
        chosen = {group.differs: telling, "all": telling}
        for place, column in enumerate(columns.tolist()):
            for part in parts[column] if parts is not None and telling[place] else ():
                chosen.setdefault(f"{group.differs}: {part}", torch.zeros_like(telling))[place] = True
        for name, own in chosen.items():
            found[name].append((first[own].tolist(), share[own].tolist()))
    return {
        name: GroupResult(
            groups=len(results),
            captions=sum(len(first) for first, _ in results),
            first=_percent([hit for first, _ in results for hit in first]),
            whole=_percent([all(first) for first, _ in results]),
            chance=_percent([share for _, shares in results for share in shares]),
        )
        for name, results in sorted(found.items(), key=lambda entry: (entry[0] == "all", entry[0]))
    }


def _check(table: Tensor, truth: Tensor, captions: int) -> None:
    if table.dim() != 2 or table.shape != truth.shape or table.shape[1] != captions:
        raise ValueError(
            f"got a table of shape {tuple(table.shape)}, truth of shape {tuple(truth.shape)} and {captions} captions, but "
            "expected (images, texts) twice and one entry a text"
        )


def _percent(values: Sequence[float]) -> float:
    return 100 * sum(values) / len(values)
