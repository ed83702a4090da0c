"""Cycles on one CPU thread: the picture, and the object masks that give boxes and visible shares."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from PIL import Image

from . import stage
from .rle import compress
from .sample import Staged
from .world import INDOOR, Relation, Scene, Thing

WIDTH, HEIGHT = 320, 240
# Samples a pixel before the denoiser. At 5 no difference can be seen side by side; what people look at has a margin.
SAMPLES = {"test": 10, "dev": 10, "train": 5, "hard": 5, "hard-dev": 5, "hard-train": 5}
LEAST_SHARE = 0.3  # a thing of which less is seen is not "in" the picture
LEAST_PIXELS = 60


def picture(staged: Staged) -> tuple[Image.Image, Scene, bool]:
    """Renders a staged scene: the RGB picture, the scene with its truth, and whether all things are plain to see."""
    with _silence():
        built = stage.build(staged)
        _settings(SAMPLES[staged.scene.split], staged.scene.place in INDOOR)
        shown, alone = _masks(built, len(staged.scene.things))
        image = _shot().convert("RGB")
    scene = staged.scene
    good = True
    for index, thing in enumerate(scene.things, 1):
        mask = shown == index
        thing.visible_share = round(float(mask.sum() / max(1, alone[index])), 3)
        good &= thing.visible_share >= LEAST_SHARE and mask.sum() >= LEAST_PIXELS
        thing.box, thing.mask = box_of(mask), encode(mask)
    scene.relations = [r for r in scene.relations if _seen(r, {t.id: t for t in scene.things})]
    return image, scene, bool(good)


def box_of(mask: np.ndarray) -> list[float] | None:
    """The normalised XYXY box of a (height, width) mask; None when it is empty."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return None
    height, width = mask.shape
    return [
        round(float(v), 4)
        for v in (columns[0] / width, rows[0] / height, (columns[-1] + 1) / width, (rows[-1] + 1) / height)
    ]  # fmt: skip


def encode(mask: np.ndarray) -> dict[str, Any]:
    """COCO's compressed RLE: column-major run lengths that start with the zeros."""
    flat = mask.flatten(order="F").astype(np.int8)
    edges = np.flatnonzero(np.diff(flat)) + 1
    counts = np.diff([0, *edges, flat.size]).tolist()
    return {"size": list(mask.shape), "counts": compress(([0] if flat[0] else []) + counts)}


def _seen(relation: Relation, things: dict[str, Thing]) -> bool:
    """A relation is kept where both things are seen and their rendered boxes agree with left and right."""
    a, b = things[relation.subject], things[relation.object]
    if a.box is None or b.box is None or min(a.visible_share or 0, b.visible_share or 0) < LEAST_SHARE:
        return False
    if relation.predicate == "left of":
        return a.box[2] <= b.box[0] + 0.02
    if relation.predicate == "right of":
        return b.box[2] <= a.box[0] + 0.02
    return True


def _settings(samples: int, indoor: bool) -> None:
    scene = bpy.context.scene
    render, cycles = scene.render, scene.cycles
    render.engine, render.threads_mode, render.threads = "CYCLES", "FIXED", 1
    render.resolution_x, render.resolution_y, render.resolution_percentage = WIDTH, HEIGHT, 100
    render.image_settings.file_format, render.image_settings.color_mode = "PNG", "RGB"
    render.image_settings.compression = 0
    render.filter_size, render.dither_intensity = 1.3, 0.0
    cycles.device, cycles.samples, cycles.seed = "CPU", samples, 1
    cycles.use_adaptive_sampling = False
    cycles.use_denoising, cycles.denoiser, cycles.denoising_prefilter = True, "OPENIMAGEDENOISE", "FAST"
    # Measured on one core: the light tree costs a third and sampling the sky as a light another third, for no visible gain
    # after the denoiser; a second diffuse bounce only shows in rooms.
    cycles.use_light_tree = False
    scene.world.cycles.sampling_method = "NONE"
    cycles.max_bounces, cycles.glossy_bounces, cycles.transmission_bounces = 3, 1, 0
    cycles.diffuse_bounces = 2 if indoor else 1
    cycles.caustics_reflective = cycles.caustics_refractive = False
    cycles.sample_clamp_indirect = 4.0
    scene.view_settings.view_transform = "Khronos PBR Neutral"


def _shot() -> Image.Image:
    with tempfile.TemporaryDirectory() as folder:
        bpy.context.scene.render.filepath = str(Path(folder) / "shot.png")
        bpy.ops.render.render(write_still=True)
        with Image.open(Path(folder) / "shot.png") as image:
            return image.copy()


def _masks(built: stage.Set, number: int) -> tuple[np.ndarray, dict[int, int]]:
    """Which thing each pixel shows (0: none), and how many pixels each thing would fill with nothing before it.

    One sample a pixel of every object's pass index as a flat colour.
    """
    scene, layer = bpy.context.scene, bpy.context.view_layer
    world, transform, samples = scene.world, scene.view_settings.view_transform, scene.cycles.samples
    layer.material_override = _index_material()
    scene.world, scene.view_settings.view_transform = None, "Raw"
    scene.cycles.samples, scene.cycles.use_denoising, scene.render.filter_size = 1, False, 0.01
    lights = [o for o in scene.objects if o.type == "LIGHT"]
    for made in (*built.falling, *lights):
        made.hide_render = True
    shown = _indices()
    alone = {}
    hidden = [o for o in scene.objects if o.type == "MESH" and not o.hide_render]
    for made in hidden:
        made.hide_render = True
    for made in built.things.values():
        made.hide_render = False
        alone[made.pass_index] = int((_indices() == made.pass_index).sum())
        made.hide_render = True
    for made in (*hidden, *built.falling, *lights):
        made.hide_render = False
    layer.material_override = None
    scene.world, scene.view_settings.view_transform = world, transform
    scene.cycles.samples, scene.cycles.use_denoising, scene.render.filter_size = samples, True, 1.3
    return shown, alone


def _indices() -> np.ndarray:
    return np.asarray(_shot().convert("RGB"))[..., 0]


def _index_material() -> bpy.types.Material:
    material = bpy.data.materials.new("index")
    material.use_nodes = True
    nodes, links = material.node_tree.nodes, material.node_tree.links
    nodes.remove(nodes["Principled BSDF"])
    info, scale, flat = nodes.new("ShaderNodeObjectInfo"), nodes.new("ShaderNodeMath"), nodes.new("ShaderNodeEmission")
    scale.operation = "DIVIDE"
    scale.inputs[1].default_value = 255.0
    links.new(info.outputs["Object Index"], scale.inputs[0])
    links.new(scale.outputs[0], flat.inputs["Strength"])
    flat.inputs["Color"].default_value = (1, 1, 1, 1)
    links.new(flat.outputs[0], nodes["Material Output"].inputs["Surface"])
    return material


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Blender reports each sample on the standard output, which would tear the progress bar."""
    kept, null = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(null)
