"""What Toy Town's folder knows beyond captions and boxes: which things stand in a scene, which words name them, and
which scenes form a hard group. Read from `scenes.jsonl` and `caption_facts.jsonl` (their form: assets/toytown/README.md)."""

from __future__ import annotations

import operator
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from ..io.jsonl import read_jsonl
from ..io.left_out import LeftOut, log, require_some
from .record import Box


@dataclass(frozen=True)
class Mention:
    """Words that name things. `words` is [start, end) of the caption split at white space; `things` are keys of
    `SceneTruth.things`."""

    words: tuple[int, int]
    things: tuple[str, ...]

    def characters(self, caption: str) -> tuple[int, int]:
        """The same words as a range of characters of the caption.

        Raises:
            ValueError: the caption has fewer words.
        """
        spans, place = [], 0
        for word in caption.split():
            place = caption.index(word, place)
            spans.append((place, place + len(word)))
            place += len(word)
        start, end = self.words
        if not 0 <= start < end <= len(spans):
            raise ValueError(
                f"got a mention of words {start} to {end}, but expected some of the {len(spans)} of {caption!r}"
            )
        return spans[start][0], spans[end - 1][1]


@dataclass(frozen=True)
class Group:
    """A hard group: scenes alike but for one thing."""

    id: str  # with the split, as every split counts its groups from one
    differs: str  # in what: place, attribute, count, relation, swapped attributes


@dataclass(frozen=True)
class SceneTruth:
    """One scene. Boxes are normalised XYXY of what is visible; `mentions` has one entry a caption, in their order."""

    things: dict[str, Box]
    mentions: tuple[tuple[Mention, ...], ...]
    group: Group | None


def read_truth(
    folder: str | Path, split: str | None = None, left_out: list[LeftOut] | None = None
) -> dict[str, SceneTruth] | None:
    """Scenes by record id, captioned or not; None where the folder has no `scenes.jsonl`.

    Args:
        folder: a dataset folder.
        split: only scenes of this split.
        left_out: takes lines that cannot be used; without it they go to the log of "hgan".
    """
    folder, bad = Path(folder), list[LeftOut]()
    if not (folder / "scenes.jsonl").is_file():
        return None
    mentions = _read_mentions(folder / "caption_facts.jsonl", bad)
    found, read = {}, 0
    for where, line in read_jsonl(folder / "scenes.jsonl", bad):
        try:
            if split is not None and line["split"] != split:
                read += 1
                continue
            things = {
                str(thing["id"]): Box((b[0], b[1], b[2], b[3]), str(thing["kind"]))
                for thing in line["things"]
                for b in [[float(v) for v in thing["box"]]]
            }
            group = line.get("group")
            found[str(line["id"])] = SceneTruth(
                things,
                mentions.get(line["id"], ()),
                Group(f"{line['split']}-{group['id']}", str(group["differs"])) if group else None,
            )
        except (KeyError, TypeError, ValueError, IndexError, OverflowError) as error:
            reason = f"got a damaged scene ({error}), but expected id, split and things with id, kind and box"
            bad.append(LeftOut(where, reason))
    if not read:
        require_some(found, bad)
    if left_out is None:
        log(bad, folder)
    else:
        left_out += bad
    return found


def hard_groups(truth: dict[str, SceneTruth]) -> dict[Group, list[str]]:
    """The ids of every hard group, in the order of the scenes."""
    members: dict[Group, list[str]] = defaultdict(list)
    for id_, scene in truth.items():
        if scene.group is not None:
            members[scene.group].append(id_)
    return dict(members)


def _read_mentions(path: Path, left_out: list[LeftOut]) -> dict[str, tuple[tuple[Mention, ...], ...]]:
    if not path.is_file():
        return {}
    found, bad = {}, list[LeftOut]()
    for where, line in read_jsonl(path, bad):
        try:
            found[str(line["id"])] = tuple(
                tuple(
                    Mention(
                        (operator.index(m["words"][0]), operator.index(m["words"][1])), tuple(map(str, m["things"]))
                    )
                    for m in caption["mentions"]
                )
                for caption in line["captions"]
            )
        except (KeyError, TypeError, IndexError) as error:
            reason = f"got a damaged mention ({error}), but expected words [start, end) and ids of things"
            bad.append(LeftOut(where, reason))
    require_some(found, bad)
    left_out += bad
    return found
