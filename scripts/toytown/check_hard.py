"""What `check` asks of the hard splits beyond what it asks of all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from . import wordings
from .captions import number_of
from .kept import is_kept
from .truth import Claim, Split
from .world import HARD_SPLITS, Scene

LEAST_HARD = {
    "hard": {"relation": 100, "count": 100, "swapped attributes": 100},
    "hard-dev": {"relation": 30, "count": 30, "swapped attributes": 30},
    "hard-train": {"relation": 150, "count": 75, "swapped attributes": 75},
}
LEAST_SEEN = 0.3  # share of a thing in a hard group
KEPT_WORDINGS = frozenset(wordings.names(kept=True))


def telling_faults(texts: list[str], facts: list[dict], scene: Scene) -> Iterator[str]:
    """The first four captions tell the scene from others of its group; what is kept back is marked, and never in training."""
    first = number_of(scene.id) // 4 * 4
    for text, fact in zip(texts[:4], facts[:4], strict=False):
        if set(range(first, first + 4)) <= set(fact["true_of"]):
            yield f"tells nothing of its group apart: {text!r}"
    for text, fact in zip(texts, facts, strict=False):
        nodes = Claim.from_json(fact["claim"]).nodes
        pairs = [(nodes[s].kind, nodes[o].kind) for s, _, o in fact["claim"].get("links", [])]
        back = ["wording"] * (fact.get("wording") in KEPT_WORDINGS)
        back += ["pair"] * (fact["tag"] != "full" and any(is_kept(*pair) for pair in pairs))
        if fact.get("kept", []) != back:
            yield f"kept back is {back}, not {fact.get('kept', [])}: {text!r}"
        if scene.split == "hard-train" and (back or any(is_kept(*pair) for pair in pairs)):
            yield f"training says what is kept back: {text!r}"


def split_faults(splits: dict[str, Split]) -> Iterator[str]:
    """Hard splits hold groups alone, of each kind what is promised, and every thing is plain to see."""
    for name in HARD_SPLITS:
        if name not in splits:
            continue
        groups = Counter(scene.group["differs"] if scene.group else "nothing" for scene in splits[name].scenes)
        for differs, least in LEAST_HARD[name].items():
            if groups[differs] < 4 * least:
                yield f"{groups[differs] // 4} groups of {name} differ in {differs}, {least} are promised"
        for scene in splits[name].scenes:
            hidden = [t.id for t in scene.things if t.visible_share is not None and t.visible_share < LEAST_SEEN]
            if hidden:
                yield f"{scene.id}: of {', '.join(hidden)} less than {LEAST_SEEN:.0%} is seen"
