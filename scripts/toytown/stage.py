"""Builds one staged scene in Blender: place, air, things, camera."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

import bpy
from mathutils import Vector

from . import places, sky
from .catalog import FRONT_GRIP
from .layout import Camera, footprint
from .sample import Staged
from .shapes import Toy, make, placed
from .world import INDOOR


@dataclass
class Set:
    """What stands in Blender: the object of each thing by id, and what falls through the air."""

    things: dict[str, bpy.types.Object]
    falling: list[bpy.types.Object]


def build(staged: Staged) -> Set:
    """An empty Blender file filled with the scene; the chance in it depends on the layout alone, so a hard group shares it."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene, layout = staged.scene, staged.layout
    indoor = scene.place in INDOOR
    seed = scene.group["id"] + scene.split if scene.group else scene.id
    now = sky.light(scene.time, scene.weather, indoor)
    sky.set_haze(now, scene.weather, indoor)
    prints = [footprint(t, layout.poses[t.id]) for t in scene.things]
    places.build(scene.place, scene.time, Random(f"{seed}-place"), prints)
    falling = sky.build(now, scene.time, scene.weather, indoor, layout.camera, Random(f"{seed}-sky"))
    things = {thing.id: _thing(staged, index, seed) for index, thing in enumerate(scene.things)}
    _camera(layout.camera)
    return Set(things, falling)


def _thing(staged: Staged, index: int, seed: str) -> bpy.types.Object:
    scene, poses = staged.scene, staged.layout.poses
    thing = scene.things[index]
    pose = poses[thing.id]
    held = pose.how == "holding"
    kinds = {t.id: t.kind for t in scene.things}
    load = next((kinds[i] for i, p in poses.items() if p.how == "holding" and p.base == thing.id and i in kinds), None)
    grip = "front" if load in FRONT_GRIP else "side"
    if pose.how == "riding":
        grip = "bars" if kinds[pose.base or ""] == "bicycle" else "side"
    seated = pose.how == "on" and kinds[pose.base or ""] in ("bench", "chair")
    toy = make(thing, Random(f"{seed}-{thing.id}"), grip, seated, held)
    matrix = placed(pose.x, pose.y, pose.z, pose.yaw, pose.scale)
    made = toy.build(thing.id, matrix)
    made.pass_index = index + 1
    if toy.strings:
        cord = Toy()
        for start, end in toy.strings:
            cord.limb([start, end], 0.01, "cord")
            if not held:
                cord.ball((0.09, 0.09, 0.05), (end[0], end[1], 0.02), "charcoal")  # the weight that holds it down
        cord.build(f"{thing.id} cord", matrix)
    for place, watts in toy.lights:
        lamp = bpy.data.lights.new("bulb", "POINT")
        lamp.energy, lamp.color, lamp.shadow_soft_size = watts, (1.0, 0.78, 0.45), 0.15
        bulb = bpy.data.objects.new("bulb", lamp)
        bulb.location = matrix @ Vector(place)
        bpy.context.scene.collection.objects.link(bulb)
    return made


def _camera(camera: Camera) -> None:
    data = bpy.data.cameras.new("camera")
    data.lens, data.sensor_width, data.clip_end = camera.lens, 36.0, 400.0
    made = bpy.data.objects.new("camera", data)
    eye = Vector(camera.eye())
    made.location = eye
    made.rotation_euler = (Vector(camera.target) - eye).to_track_quat("-Z", "Y").to_euler()
    bpy.context.scene.collection.objects.link(made)
    bpy.context.scene.camera = made
