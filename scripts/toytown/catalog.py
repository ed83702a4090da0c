"""What each kind is like without a renderer: its extent, colours, sizes, and where it belongs.

Extents are (width, depth, height) in units at medium size, with the toy's front towards -y or, for long toys, +x.
"""

from __future__ import annotations

from dataclasses import dataclass

from .world import KINDS, PLACES

SCALE = {"small": 0.7, "medium": 1.0, "large": 1.4}
LONG = {
    "car",
    "bus",
    "truck",
    "bicycle",
    "boat",
    "train",
    "aeroplane",
    "dog",
    "cat",
    "duck",
    "horse",
    "cow",
    "sheep",
}  # look along +x

ANY = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "white")
BRIGHT = ("red", "orange", "yellow", "green", "blue", "purple", "pink")
ANIMALS = ("dog", "cat", "duck", "horse", "cow", "sheep")
LAND = ("beach", "snow field", "meadow", "desert", "street", "lake", "forest", "farm")
OPEN = ("beach", "snow field", "meadow", "desert", "lake", "farm")


@dataclass(frozen=True)
class Kind:
    """`places` in which the kind may stand; what the place's own decoration shows is left out there, so that counts stay true."""

    extent: tuple[float, float, float]
    colours: tuple[str, ...]
    places: tuple[str, ...]
    sizes: tuple[str, ...] = ("small", "medium", "large")


KIND = {
    "car": Kind((2.1, 1.0, 1.05), ANY, LAND, ("small", "medium")),
    "bus": Kind(
        (2.75, 1.1, 1.4),
        (*BRIGHT, "white"),
        ("street", "beach", "desert", "farm", "meadow", "snow field"),
        ("small", "medium"),
    ),
    "truck": Kind((2.45, 1.0, 1.35), ANY, LAND, ("small", "medium")),
    "bicycle": Kind((1.75, 0.56, 1.1), ANY, LAND),
    "boat": Kind((2.2, 0.85, 2.35), (*BRIGHT, "brown", "white"), ("beach", "lake"), ("small", "medium")),
    "train": Kind(
        (3.4, 0.95, 1.4),
        (*BRIGHT, "black"),
        ("meadow", "desert", "snow field", "farm", "living room"),
        ("small", "medium"),
    ),
    "aeroplane": Kind((2.5, 2.5, 1.3), (*BRIGHT, "white"), LAND, ("small", "medium")),
    "balloon": Kind((0.75, 0.75, 1.9), (*BRIGHT, "white"), PLACES),
    "house": Kind(
        (2.5, 2.3, 2.45), ANY, ("meadow", "snow field", "desert", "lake", "forest", "beach"), ("small", "medium")
    ),
    "tower": Kind(
        (1.65, 1.65, 3.4), ANY, ("meadow", "snow field", "desert", "lake", "forest", "beach"), ("small", "medium")
    ),
    "tree": Kind(
        (1.9, 1.8, 2.6),
        ("green", "orange", "yellow", "red", "pink"),
        ("meadow", "farm", "lake", "street", "snow field"),
        ("small", "medium"),
    ),
    "bush": Kind(
        (1.45, 1.1, 0.9),
        ("green", "orange", "yellow", "red", "purple"),
        ("meadow", "farm", "lake", "street", "snow field", "desert", "forest"),
    ),
    "flower": Kind(
        (0.75, 0.45, 1.15), (*BRIGHT, "white"), ("meadow", "farm", "lake", "forest", "street", "desert", "living room")
    ),
    "bench": Kind(
        (1.6, 0.85, 1.0),
        ANY,
        ("meadow", "snow field", "street", "lake", "forest", "beach", "farm"),
        ("small", "medium"),
    ),
    "lamp": Kind(
        (0.85, 0.85, 2.05), ANY, ("street", "living room", "kitchen", "snow field", "lake"), ("small", "medium")
    ),
    "table": Kind(
        (1.75, 1.1, 0.96), ANY, ("kitchen", "living room", "meadow", "beach", "farm", "forest"), ("small", "medium")
    ),
    "chair": Kind((0.8, 0.85, 1.25), ANY, ("kitchen", "living room", "beach", "meadow", "lake"), ("small", "medium")),
    "mug": Kind((0.7, 0.52, 0.55), ANY, ("kitchen", "living room"), ("medium", "large")),
    "ball": Kind((0.66, 0.66, 0.66), ANY, PLACES),
    "kite": Kind((0.95, 0.4, 3.0), (*BRIGHT, "white"), OPEN, ("medium", "large")),
    "book": Kind((0.95, 0.62, 0.62), ANY, ("kitchen", "living room", "meadow", "street"), ("medium", "large")),
    "box": Kind((0.92, 0.92, 0.72), ANY, PLACES),
    "umbrella": Kind((1.6, 1.6, 1.65), ANY, LAND, ("small", "medium")),
    "fence": Kind(
        (2.0, 0.2, 0.82), ANY, ("meadow", "snow field", "street", "lake", "beach", "desert"), ("small", "medium")
    ),
    "dog": Kind((1.6, 0.5, 1.1), ("brown", "black", "white", "orange"), PLACES),
    "cat": Kind((1.05, 0.62, 1.12), ("orange", "black", "white", "brown"), PLACES),
    "duck": Kind(
        (1.1, 0.6, 0.82),
        ("yellow", "white", "brown"),
        ("lake", "farm", "meadow", "street", "beach", "kitchen", "snow field"),
    ),
    "horse": Kind(
        (2.25, 0.5, 1.85),
        ("brown", "black", "white"),
        ("farm", "meadow", "desert", "beach", "forest", "snow field"),
        ("small", "medium"),
    ),
    "cow": Kind(
        (2.2, 0.8, 1.45), ("white", "brown", "black"), ("farm", "meadow", "lake", "street"), ("small", "medium")
    ),
    "sheep": Kind((1.4, 0.8, 1.1), ("white", "black", "brown"), ("farm", "meadow", "snow field", "lake")),
    "snowman": Kind((1.6, 1.0, 2.1), ("white",), ("snow field",)),
    "person": Kind((0.95, 0.55, 1.65), (), PLACES, ("small", "medium")),
}
assert set(KIND) == set(KINDS)

TOP = {
    "table": 0.95,
    "bench": 0.5,
    "chair": 0.55,
    "box": 0.7,
    "boat": 0.54,
    "bus": 1.36,
}  # height of what carries things
# What may stand upon a kind; named twice, twice as often.
CARRIES = {
    "table": ("mug", "book", "ball", "box", "cat", "duck", "flower", "mug", "book"),
    "bench": ("cat", "book", "ball", "duck", "person", "person"),
    "chair": ("cat", "ball", "book", "person", "duck"),
    "box": ("cat", "duck", "ball", "mug"),
    "boat": ("cat", "duck", "ball", "person"),
    "bus": ("cat", "duck", "ball", "box"),
}
UNDER = {"table": ("cat", "dog", "ball", "duck", "box"), "umbrella": ("cat", "dog", "ball", "duck", "box", "book")}
SADDLE = {"horse": (0.0, 1.12), "bicycle": (-0.22, 0.95), "cow": (0.0, 1.02)}  # x and height of the seat
FRONT_GRIP = ("ball", "box", "book")  # held with both hands
HELD = ("umbrella", "balloon", "kite", "flower", "mug", "ball", "box", "book")
FLIES = ("aeroplane",)
FLOATS = ("boat", "duck")
