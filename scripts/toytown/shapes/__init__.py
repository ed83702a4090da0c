"""Every kind of toy as a builder: `make(thing, rng, ...)` gives a `Toy` whose origin is the middle of its underside."""

from __future__ import annotations

from random import Random

from ..world import Thing
from . import animals, buildings, furniture, nature, people, playthings, vehicles
from .primitives import Toy, placed

__all__ = ["Toy", "make", "placed"]

PLAIN = {
    "car": vehicles.car, "bus": vehicles.bus, "truck": vehicles.truck, "bicycle": vehicles.bicycle, "boat": vehicles.boat,
    "train": vehicles.train, "aeroplane": vehicles.aeroplane, "tower": buildings.tower, "fence": buildings.fence,
    "snowman": nature.snowman, "bench": furniture.bench, "table": furniture.table, "chair": furniture.chair,
    "mug": playthings.mug, "ball": playthings.ball, "box": playthings.box,
    "dog": animals.dog, "cat": animals.cat, "duck": animals.duck, "horse": animals.horse,
    "cow": animals.cow, "sheep": animals.sheep,
}  # fmt: skip


def make(thing: Thing, rng: Random, grip: str = "side", seated: bool = False, held: bool = False) -> Toy:
    """The toy of a thing. `held` draws cords to the hand at the origin; `grip` and `seated` matter for people only."""
    colour = thing.colour or "white"
    if thing.kind == "person":
        return people.person(thing.clothes or "red", thing.pose or "standing", rng, grip, seated)
    if thing.kind == "house":
        return buildings.house(colour, thing.state == "door open")
    if thing.kind == "lamp":
        return buildings.lamp(colour, thing.state == "light on")
    if thing.kind in ("tree", "bush"):
        return (nature.tree if thing.kind == "tree" else nature.bush)(colour, rng)
    if thing.kind == "umbrella":
        return playthings.umbrella(colour, held)
    if thing.kind == "kite":
        return playthings.kite(colour, (0.55, 0.1, 1.75) if held else (0, 0, 2.3), (0, 0, 0))
    if thing.kind == "balloon":
        return playthings.balloon(colour, (0.06, 0, 0.75 if held else 0.9), (0, 0, 0.05 if not held else 0))
    if thing.kind in ("book", "flower"):
        return (playthings.book if thing.kind == "book" else nature.flower)(colour, held)
    return PLAIN[thing.kind](colour)
