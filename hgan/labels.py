"""Display labels of regions: the 80 kinds of COCO and those that Toy Town adds."""

from __future__ import annotations

COCO_LABELS = tuple(
    """person, bicycle, car, motorcycle, airplane, bus, train, truck, boat, traffic light, fire hydrant, stop sign,
    parking meter, bench, bird, cat, dog, horse, sheep, cow, elephant, bear, zebra, giraffe, backpack, umbrella,
    handbag,
    tie, suitcase, frisbee, skis, snowboard, sports ball, kite, baseball bat, baseball glove, skateboard, surfboard,
    tennis racket, bottle, wine glass, cup, fork, knife, spoon, bowl, banana, apple, sandwich, orange, broccoli, carrot,
    hot dog, pizza, donut, cake, chair, couch, potted plant, bed, dining table, toilet, tv, laptop, mouse, remote,
    keyboard, cell phone, microwave, oven, toaster, sink, refrigerator, book, clock, vase, scissors, teddy bear,
    hair drier, toothbrush""".replace("\n    ", " ").split(", ")
)  # fmt: skip
TOYTOWN_LABELS = (
    "balloon", "house", "tower", "tree", "bush", "flower", "lamp", "table", "mug", "ball", "box", "fence", "duck",
    "snowman",
)  # fmt: skip
LABELS = COCO_LABELS + TOYTOWN_LABELS

# Other spellings of the same kinds in the wild (Pascal VOC's, British English's).
_ALIASES = {
    "aeroplane": "airplane",
    "motorbike": "motorcycle",
    "sofa": "couch",
    "pottedplant": "potted plant",
    "diningtable": "dining table",
    "tvmonitor": "tv",
}


def label_index(name: str, labels: tuple[str, ...] | list[str] = LABELS) -> int | None:
    """Index of a label by name or alias, `None` if the model does not know it."""
    name = _ALIASES.get(name, name)
    return list(labels).index(name) if name in labels else None


def canonical(name: str) -> str:
    """The label that a name or alias stands for; other names stay as they are."""
    index = label_index(name)
    return name if index is None else LABELS[index]
