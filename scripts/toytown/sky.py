"""Light and air of an hour and a weather: sky, sun or moon, haze, clouds, stars, falling snow and rain."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi, radians, sin
from random import Random

import bpy
import numpy as np

from . import materials
from .layout import Camera
from .materials import linear
from .shapes import Toy, placed


@dataclass(frozen=True)
class Light:
    """Sky colours as the camera sees them (sRGB hex); the paler colour and strength with which the sky lights things, so that a
    red car stays red at sunset; the sun's colour, watts per square metre, elevation, side and softness in degrees."""

    horizon: str
    zenith: str
    fill: str
    ambient: float
    sun: str
    power: float
    elevation: float
    side: float = -40
    softness: float = 9


LIGHTS = {
    ("day", "clear"): Light("DCEFFA", "4D9BE6", "BCD8F2", 0.85, "FFF3DC", 3.3, 48),
    ("day", "cloudy"): Light("DDE2E6", "9FAEBB", "D6DEE6", 0.95, "FFFFFF", 1.2, 55, softness=40),
    ("day", "foggy"): Light("DADFE2", "CCD4D9", "DCE2E6", 1.0, "FFFFFF", 0.7, 60, softness=60),
    ("day", "snowing"): Light("CDD8E6", "A9BAD0", "D3DEEC", 0.85, "FFFFFF", 1.1, 45, softness=30),
    ("day", "raining"): Light("AEB9C3", "6F7D8B", "C4CED8", 0.85, "F4F7FF", 0.7, 55, softness=50),
    ("sunset", "clear"): Light("FFA552", "6C5AA8", "E8D8DA", 0.72, "FFDAB8", 3.2, 20, side=-62, softness=6),
    ("sunset", "cloudy"): Light("F7937A", "75639B", "E6D6DC", 0.8, "FFD2BC", 2.2, 20, side=-62, softness=14),
    ("night", "clear"): Light("2C3F78", "0A1230", "9CABDC", 0.62, "E2E8FF", 1.9, 50, side=35),
    ("night", "snowing"): Light("3A4A78", "141D3E", "9CABDC", 0.58, "D8E0FF", 1.2, 50, side=35),
    ("night", "raining"): Light("2B385E", "0D142C", "9CABDC", 0.6, "D4DEFF", 1.1, 50, side=35),
}
ROOM = {
    "day": Light("FFF6E8", "FFFFFF", "FFF8EE", 0.72, "FFF1DA", 2.3, 52, side=-35, softness=14),
    "night": Light("4A4668", "5A4E66", "B0A8B8", 0.5, "FFE2BC", 1.9, 66, side=20, softness=25),
}
HAZE = {"clear": 170.0, "cloudy": 90.0, "foggy": 20.0, "snowing": 75.0, "raining": 90.0}


def light(time: str, weather: str, indoor: bool) -> Light:
    return ROOM[time] if indoor else LIGHTS[time, weather]


def set_haze(now: Light, weather: str, indoor: bool) -> None:
    """To be called before any material is made, as each mixes in the air's colour."""
    materials.haze.colour = linear(now.horizon)
    materials.haze.distance = float("inf") if indoor else HAZE[weather]


def build(now: Light, time: str, weather: str, indoor: bool, camera: Camera, rng: Random) -> list[bpy.types.Object]:
    """Sets the world and the sun; gives the objects that fall through the air, which no mask may see."""
    _world(now)
    lamp = bpy.data.lights.new("sun", "SUN")
    lamp.color, lamp.energy, lamp.angle = linear(now.sun), now.power, radians(now.softness)
    sun = bpy.data.objects.new("sun", lamp)
    side = now.side if time == "sunset" or rng.random() < 0.5 else -now.side
    sun.rotation_euler = (radians(90 - now.elevation), 0, radians(side + camera.azimuth))
    bpy.context.scene.collection.objects.link(sun)
    if indoor:
        return []
    if weather in ("clear", "cloudy") and time != "night":
        _clouds(rng, 5 if weather == "clear" else 16, camera.azimuth)
    if time == "night" and weather == "clear":
        _stars(rng, camera.azimuth)
    if time == "sunset":
        turn = radians(90 + rng.uniform(-12, 12) + camera.azimuth)
        Toy().ball(5.0, (88 * cos(turn), 88 * sin(turn), 4.5), "lit").build("low sun", placed(0, 0, 0))
    if weather in ("snowing", "raining"):
        return [_falling(weather, camera, rng)]
    return []


def _world(now: Light) -> None:
    world = bpy.data.worlds.new("sky")
    world.use_nodes = True
    nodes, links = world.node_tree.nodes, world.node_tree.links
    place, split, ramp = (
        nodes.new("ShaderNodeTexCoord"),
        nodes.new("ShaderNodeSeparateXYZ"),
        nodes.new("ShaderNodeValToRGB"),
    )
    ramp.color_ramp.elements[0].position, ramp.color_ramp.elements[1].position = 0.0, 0.42
    ramp.color_ramp.elements[0].color = (*linear(now.horizon), 1)
    ramp.color_ramp.elements[1].color = (*linear(now.zenith), 1)
    links.new(place.outputs["Generated"], split.inputs[0])
    links.new(split.outputs["Z"], ramp.inputs[0])
    seen, blend, path = (
        nodes.new("ShaderNodeBackground"),
        nodes.new("ShaderNodeMixShader"),
        nodes.new("ShaderNodeLightPath"),
    )
    lit = nodes["Background"]
    lit.inputs["Color"].default_value, lit.inputs["Strength"].default_value = (*linear(now.fill), 1), now.ambient
    links.new(ramp.outputs[0], seen.inputs["Color"])
    either = nodes.new("ShaderNodeMath")  # water mirrors the sky as it is seen
    either.operation = "MAXIMUM"
    links.new(path.outputs["Is Camera Ray"], either.inputs[0])
    links.new(path.outputs["Is Glossy Ray"], either.inputs[1])
    links.new(either.outputs[0], blend.inputs["Fac"])
    links.new(lit.outputs[0], blend.inputs[1])
    links.new(seen.outputs[0], blend.inputs[2])
    links.new(blend.outputs[0], nodes["World Output"].inputs["Surface"])
    bpy.context.scene.world = world


def _clouds(rng: Random, number: int, azimuth: float) -> None:
    toy = Toy()
    for _ in range(number):
        turn, far, high = radians(90 + azimuth + rng.uniform(-40, 40)), rng.uniform(45, 60), rng.uniform(5, 20)
        x, y, wide = far * cos(turn), far * sin(turn), rng.uniform(2.2, 4.5)
        for k in range(5):
            size = wide * (1 - abs(k - 2) * 0.27) * rng.uniform(0.7, 1.0)
            toy.ball((size, size, size * 0.62), (x + (k - 2) * wide * 0.75, y + rng.uniform(-1, 1), high), "cloud")
    toy.build("clouds", placed(0, 0, 0))


def _stars(rng: Random, azimuth: float) -> None:
    toy, far = Toy(), 95.0
    octahedron = (np.array([(1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1)], float), [
        (0, 2, 4), (2, 1, 4), (1, 3, 4), (3, 0, 4), (2, 0, 5), (1, 2, 5), (3, 1, 5), (0, 3, 5),
    ])  # fmt: skip
    for _ in range(110):
        turn, up, size = (
            radians(90 + azimuth + rng.uniform(-45, 45)),
            radians(rng.uniform(3, 32)),
            rng.uniform(0.12, 0.26),
        )
        toy.add(
            octahedron,
            "starlight",
            (far * cos(turn) * cos(up), far * sin(turn) * cos(up), far * sin(up)),
            size=(size, size, size),
        )
    turn, up = radians(90 + azimuth + rng.uniform(-18, 18)), radians(rng.uniform(8, 13))
    toy.ball(3.4, (80 * cos(turn) * cos(up), 80 * sin(turn) * cos(up), 80 * sin(up)), "moon")
    toy.build("stars", placed(0, 0, 0))


def _falling(weather: str, camera: Camera, rng: Random) -> bpy.types.Object:
    """Flakes or streaks all through the view, a pixel or two wide at any depth."""
    eye, a, e = np.array(camera.eye()), radians(camera.azimuth), radians(camera.elevation)
    right, ahead = np.array([cos(a), sin(a), 0.0]), np.array([-sin(a) * cos(e), cos(a) * cos(e), -sin(e)])
    up = np.cross(right, ahead)
    toy = Toy()
    for _ in range(230 if weather == "snowing" else 150):
        depth = rng.uniform(2.2, camera.distance + 6)
        half = depth * 18 / camera.lens
        spot = eye + ahead * depth + right * half * rng.uniform(-1, 1) + up * half * 0.75 * rng.uniform(-1, 1)
        if weather == "snowing":
            size = depth * rng.uniform(0.0018, 0.0042)
            toy.add(_FLAKE, "flake", spot, size=(size, size, size))
        else:
            wide, tall = depth * 0.0008, depth * rng.uniform(0.012, 0.026)
            toy.add(_FLAKE, "drop", spot, (0, 7, 0), (wide, wide, tall))
    return toy.build("falling", placed(0, 0, 0))


_TURNS = [i * pi / 3 for i in range(6)]
_FLAKE = (
    np.array([(0, 0, -1), *[(0.8 * cos(t), 0.8 * sin(t), z) for z in (-0.5, 0.5) for t in _TURNS], (0, 0, 1)]),
    [*[(0, 1 + (i + 1) % 6, 1 + i) for i in range(6)], *[(1 + i, 1 + (i + 1) % 6, 7 + (i + 1) % 6, 7 + i) for i in range(6)],
     *[(13, 7 + i, 7 + (i + 1) % 6) for i in range(6)]],
)  # fmt: skip
