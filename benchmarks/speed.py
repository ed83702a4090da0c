"""What things cost, as ratios within one run: `python -m benchmarks.speed [--json]`.

Pictures are made here (noise and shapes), so that it runs on any machine; their content does not change the cost but
for the number of detections,
which is printed.
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageDraw

from hgan.checkpoint import load
from hgan.data.folder import read_dataset
from hgan.encoding import encode_images, encode_texts, to_pixels
from hgan.gallery.build import CHUNK, build_gallery
from hgan.model.edges import image_edges
from hgan.model.similarity import score_table
from hgan.retrieval.retriever import Retriever, default_checkpoint, default_gallery
from hgan.types import ImageGraph, TextGraph

SENTENCE = "A brown dog runs across the green meadow behind a red house."


def median_ms(call: Callable[[], Any], repeats: int) -> float:
    """Median wall time of a call in milliseconds, after one call to warm up."""
    call()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times)


def make_pictures(folder: Path, count: int, seed: int) -> None:
    """Pictures of shapes on noise, 500 x 375, as JPEG."""
    rng = np.random.default_rng(seed)
    for n in range(count):
        noise = rng.integers(0, 255, (24, 32, 3), dtype=np.uint8)
        image = Image.fromarray(noise).resize((500, 375), Image.Resampling.BICUBIC)
        draw = ImageDraw.Draw(image)
        for _ in range(4):
            x, y, size = rng.integers(0, 400), rng.integers(0, 300), rng.integers(40, 160)
            draw.ellipse((x, y, x + size, y + size), fill=tuple(int(c) for c in rng.integers(0, 255, 3)))
        image.save(folder / f"{n:04d}.jpg", quality=90)


def table_cost(images: ImageGraph, texts: TextGraph, retriever: Retriever) -> dict[str, float]:
    """A 1,000 x 5,000 score table against the bare matrix products that it contains: real nodes only, no padding."""
    rows = torch.arange(1000) % len(images)
    columns = torch.arange(5000) % len(texts)
    images, texts = images[rows], texts[columns]
    regions, words = images.nodes[images.mask], texts.nodes[texts.mask]
    phi = predicates = regions.new_zeros(0, 1)  # of the real edges of pictures and of sentences
    if retriever.parameters.edges is not None and texts.relations is not None:
        pairs = image_edges(images, retriever.parameters.edges)
        phi, predicates = pairs.phi[pairs.mask], texts.relations.predicate[texts.relations.mask]

    def products() -> None:
        for rows in phi.split(2048):
            for columns in predicates.split(128):
                rows @ columns.T
        for rows in regions.split(512):  # in blocks as the table's, so that the result need not lie in memory whole
            for columns in words.split(2048):
                rows @ columns.T
        regions @ texts.global_node.T
        images.global_node @ words.T
        images.global_node @ texts.global_node.T

    bare = median_ms(products, 1)
    whole = median_ms(lambda: score_table(images, texts, retriever.parameters), 1)
    return {"regions": len(regions), "words": len(words), "bare_ms": bare, "table_ms": whole, "ratio": whole / bare}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", default=default_checkpoint())
    parser.add_argument("--gallery", default=default_gallery())
    parser.add_argument("--pictures", type=int, default=96, help="to build a gallery of")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()

    report: dict[str, Any] = {
        "machine": {
            "cpu": platform.processor() or platform.machine(),
            "threads": torch.get_num_threads(),
            "torch": torch.__version__,
        }
    }
    cold = [sys.executable, "-m", "hgan", "search", "--checkpoint", options.checkpoint]
    cold += ["--gallery", options.gallery, "--text", SENTENCE]
    start = time.perf_counter()
    subprocess.run(cold, check=True, stdout=subprocess.DEVNULL)
    report["cold_start_s"] = time.perf_counter() - start

    model, processor = load(options.checkpoint, "cpu")
    retriever = Retriever.open(options.checkpoint, options.gallery, "cpu")
    query = retriever.encode(text=SENTENCE)
    best = retriever.search(query=query).hits[0].id
    encode = median_ms(lambda: retriever.encode(text=SENTENCE), 15)
    search = median_ms(lambda: retriever.search(query=query), 15)
    explain = median_ms(lambda: retriever.explain(best, query=query), 15)
    report["sentence_query"] = {
        "gallery_pictures": len(retriever.gallery.items),
        "encode_ms": encode,
        "score_ms": search,
        "explain_ms": explain,
        "score_over_encode": search / encode,
    }

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "pictures"
        folder.mkdir()
        make_pictures(folder, options.pictures, options.seed)
        records = read_dataset(folder)
        picture = records[0].path
        report["picture_encode_ms"] = median_ms(lambda: retriever.encode(image=picture), 9)

        pixel_values = to_pixels([Image.open(r.path) for r in records[:CHUNK]], model)
        assert model.regions is not None
        with torch.inference_mode():
            bare = median_ms(lambda: model.encode_regions(pixel_values), 3) / len(pixel_values)
        start = time.perf_counter()
        gallery = build_gallery(model, processor, records, Path(name) / "gallery", "benchmark")
        built = (time.perf_counter() - start) * 1000 / len(records)
        report["build"] = {
            "pictures_per_s": 1000 / built,
            "bare_region_encoder_per_s": 1000 / bare,
            "ratio": bare / built,
            "regions_per_picture": gallery.manifest["regions"] / len(records),
        }
        images = encode_images(model, [Image.open(r.path).convert("RGB") for r in records[:CHUNK]])

    sentences = [" ".join(SENTENCE.split()[: 4 + n % 9]) for n in range(64)]
    report["table_1000x5000"] = table_cost(images, encode_texts(model, processor, sentences), retriever)
    report["peak_memory_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    if options.json:
        print(json.dumps(report, indent=2))
        return 0
    for title, values in report.items():
        if isinstance(values, dict):
            print(
                title
                + ": "
                + ", ".join(f"{k} {v:.3g}" if isinstance(v, float) else f"{k} {v}" for k, v in values.items())
            )
        else:
            print(f"{title}: {values:.3g}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
