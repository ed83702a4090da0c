"""Toy people: shirt in a named colour, trousers, hair and skin chosen by chance. They look along -y, 1.6 units tall.

Poses: `standing`, `arms up`, `sitting` (legs stretched on the ground, or bent when `seated`), `riding` (astride, hands forward;
grip "bars" reaches down to a handlebar) and `holding` (one hand raised at the side, or both in front with grip "front").
"""

from __future__ import annotations

from random import Random

from .primitives import Toy

TROUSERS = ("denim", "khaki", "charcoal")
HAND_SIDE = (0.44, -0.2, 0.86)  # where a thing held at the side touches the hand; `arrange.HAND_SIDE` is the same


def person(shirt: str, pose: str, rng: Random, grip: str = "side", seated: bool = False) -> Toy:
    """`seated` bends the knees for a chair, bench or horse; otherwise a sitting person has the legs stretched on the ground.

    The origin is between the feet when standing, under the hips when sitting or riding.
    """
    toy = Toy()
    skin, hair, legs = f"skin{rng.randrange(4)}", f"hair{rng.randrange(4)}", rng.choice(TROUSERS)
    long_hair = rng.random() < 0.5
    hips = 0.58 if pose not in ("sitting", "riding") else 0.12
    if pose == "riding":
        for side in (-1, 1):
            out, down = (0.17, -0.58) if grip == "bars" else (0.38, -0.36)
            knee = (side * (out - 0.01), -0.24, 0.0)
            toy.limb([(side * 0.12, 0, hips), knee, (side * out, -0.14, down)], [0.13, 0.11, 0.09], legs)
            toy.ball((0.08, 0.14, 0.07), (side * out, -0.2, down - 0.06), "nose")
    elif pose == "sitting" and seated:
        for side in (-1, 1):
            toy.limb(
                [
                    (side * 0.12, 0, hips),
                    (side * 0.13, -0.34, hips),
                    (side * 0.13, -0.42, -0.12),
                    (side * 0.13, -0.42, -0.3),
                ],
                [0.13, 0.115, 0.1, 0.09],
                legs,
            )
            toy.ball((0.085, 0.14, 0.07), (side * 0.13, -0.48, -0.36), "nose")
    elif pose == "sitting":
        for side in (-1, 1):
            toy.limb(
                [(side * 0.12, 0, hips), (side * 0.16, -0.35, hips), (side * 0.19, -0.66, 0.1)],
                [0.13, 0.115, 0.1],
                legs,
            )
            toy.ball((0.085, 0.08, 0.14), (side * 0.2, -0.74, 0.14), "nose")
    else:
        for side in (-1, 1):
            toy.limb([(side * 0.12, 0, hips), (side * 0.13, 0, 0.3), (side * 0.13, 0, 0.1)], [0.13, 0.11, 0.1], legs)
            toy.ball((0.095, 0.15, 0.075), (side * 0.13, -0.04, 0.07), "nose")
    toy.ball((0.225, 0.205, 0.18), (0, 0, hips), legs)
    toy.limb([(0, 0, hips + 0.13), (0, 0, hips + 0.24), (0, 0, hips + 0.44)], [0.2, 0.22, 0.19], shirt)
    toy.ring(0.19, 0.04, (0, 0, hips + 0.08), "nose")  # belt and collar: a brown shirt must not look like bare skin
    toy.ring(0.115, 0.04, (0, 0, hips + 0.545), "paper" if shirt != "white" else "grey")
    _head(toy, hips + 0.76, skin, hair, long_hair)
    shoulder = hips + 0.46
    for side in (-1, 1):
        _arm(toy, side, shoulder, pose, grip, shirt, skin)
    return toy


def _arm(toy: Toy, side: int, shoulder: float, pose: str, grip: str, shirt: str, skin: str) -> None:
    start = (side * 0.2, 0, shoulder)
    if pose == "arms up":
        elbow, hand = (side * 0.38, -0.02, shoulder + 0.2), (side * 0.44, -0.03, shoulder + 0.52)
    elif pose == "riding":
        low = 0.44 if grip == "bars" else 0.2
        elbow, hand = (side * 0.32, -0.2, shoulder - 0.22), (side * 0.24, -0.5, shoulder - low)
    elif pose == "holding" and grip == "front":
        elbow, hand = (side * 0.36, -0.12, shoulder - 0.22), (side * 0.26, -0.38, shoulder - 0.3)
    elif pose == "holding" and side > 0:
        elbow, hand = (0.36, -0.04, shoulder - 0.22), HAND_SIDE
    elif pose == "sitting":
        elbow, hand = (side * 0.32, -0.06, shoulder - 0.22), (side * 0.2, -0.28, shoulder - 0.36)
    else:
        elbow, hand = (side * 0.3, 0.0, shoulder - 0.2), (side * 0.35, -0.04, shoulder - 0.42)
    toy.limb([start, elbow, hand], [0.1, 0.085, 0.075], shirt).ball(0.085, hand, skin)


def _head(toy: Toy, z: float, skin: str, hair: str, long_hair: bool) -> None:
    toy.ball((0.25, 0.24, 0.26), (0, 0, z), skin).tube(0.09, 0.12, (0, 0, z - 0.32), skin)
    toy.ball((0.265, 0.25, 0.24), (0, 0.045, z + 0.07), hair)
    if long_hair:
        toy.ball((0.24, 0.13, 0.3), (0, 0.16, z - 0.12), hair)
    for side in (-1, 1):
        toy.ball((0.03, 0.02, 0.038), (side * 0.09, -0.232, z - 0.01), "eye")
        toy.ball((0.035, 0.012, 0.022), (side * 0.14, -0.205, z - 0.09), "blush")
    toy.limb([(-0.06, -0.222, z - 0.1), (0, -0.222, z - 0.125), (0.06, -0.222, z - 0.1)], 0.013, "nose")
