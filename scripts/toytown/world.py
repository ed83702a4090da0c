"""The vocabulary and the scene graph of Toy Town. Knows no renderer and no grammar; both read it.

A scene graph is what the checker reasons over, so everything a caption may claim stands here and nowhere else.
Boxes are normalised XYXY in [0, 1] of the rendered picture; masks are COCO-style uncompressed RLE (column-major, starting with
the count of zeros).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

DRAWN_SPLITS = ("test", "dev", "train")  # single scenes and some hard groups, drawn one after the other
HARD_SPLITS = ("hard", "hard-dev", "hard-train")  # hard groups alone
SPLITS = {"test": 1000, "dev": 200, "train": 2000, "hard": 1224, "hard-dev": 360, "hard-train": 1200}

COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "white")
SIZES = ("small", "medium", "large")

# Every kind that can be named; "person" has the poses below, lamp and house have states.
KINDS = (
    "car", "bus", "truck", "bicycle", "boat", "train", "aeroplane", "balloon",
    "house", "tower", "tree", "bush", "flower", "bench", "lamp", "table", "chair",
    "mug", "ball", "kite", "book", "box", "umbrella", "fence",
    "dog", "cat", "duck", "horse", "cow", "sheep", "snowman", "person",
)  # fmt: skip

POSES = ("standing", "sitting", "arms up", "riding", "holding")
STATES = {"house": ("door open", "door closed"), "lamp": ("light on", "light off")}

PLACES = (
    "beach", "snow field", "meadow", "desert", "street", "kitchen", "living room", "lake", "forest", "farm",
)  # fmt: skip
INDOOR = ("kitchen", "living room")
TIMES = ("day", "sunset", "night")
WEATHERS = ("clear", "cloudy", "foggy", "snowing", "raining")

# "next to" is symmetric; left/right are the viewer's; front is nearer to the camera.
RELATIONS = ("left of", "right of", "in front of", "behind", "on", "under", "next to", "riding", "holding")
INVERSE = {  # "on" and "under" have none: a cat under a table does not make "a table on a cat"
    "left of": "right of", "right of": "left of", "in front of": "behind", "behind": "in front of", "next to": "next to",
}  # fmt: skip

DIFFERENCES = ("place", "attribute", "count", "relation", "swapped attributes")


@dataclass
class Thing:
    """One object of a scene. `clothes` is the colour of a person's shirt; then `colour` is None."""

    id: str
    kind: str
    colour: str | None
    size: str
    pose: str | None = None
    state: str | None = None
    clothes: str | None = None
    box: list[float] | None = None  # visible box, normalised XYXY; None before rendering
    visible_share: float | None = None  # visible pixels / pixels if nothing stood before it
    mask: dict[str, Any] | None = None  # {"size": [h, w], "counts": [...]}


@dataclass
class Relation:
    subject: str  # a Thing id
    predicate: str  # one of RELATIONS
    object: str  # a Thing id


@dataclass
class Scene:
    id: str  # "test-0000"
    split: str
    place: str
    time: str
    weather: str
    things: list[Thing]
    relations: list[Relation] = field(default_factory=list)
    group: dict[str, str] | None = None  # {"id": "g017", "differs": "count"} for the hard groups of four
    seed: int = 0
    camera: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The scene as plain JSON data, one line of `scenes.jsonl`."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Scene:
        """The inverse of `to_json`."""
        things = [Thing(**thing) for thing in data["things"]]
        relations = [Relation(**relation) for relation in data["relations"]]
        return cls(**{**data, "things": things, "relations": relations})
