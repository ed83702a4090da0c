"""Thirty sentences that nobody trained on, as a new user would type them: what finds its picture and what does not.

On a Toy Town gallery every sentence has a claim (`scripts.toytown.truth`), so hits are counted; on another gallery the ids of
the best matches are listed, for the eye.

python -m scripts.free_sentences [--gallery DIR] [--sheet FILE]
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from PIL import Image
from tqdm import tqdm

from hgan.io.places import file_place
from hgan.retrieval.retriever import ROOT, Retriever, default_gallery

from .toytown.lines import read_lines
from .toytown.truth import Claim, true_of
from .toytown.world import Scene

TOP = 5
SENTENCES = Path(__file__).with_name("free_sentences.jsonl")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--checkpoint")
    parser.add_argument("--gallery", default=default_gallery())
    parser.add_argument("--scenes", type=Path, default=ROOT / "assets" / "toytown" / "scenes.jsonl")
    parser.add_argument("--sheet", type=_new_file, help="draw the best matches here, a row a sentence")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    retriever = Retriever.open(options.checkpoint, options.gallery)
    scenes = [Scene.from_json(row) for row in read_lines(options.scenes)]
    scenes = [scene for scene in scenes if scene.id in retriever.gallery.row_of]
    found, rows = [], read_lines(SENTENCES)
    for row in tqdm(rows, desc="sentences", disable=options.json):
        result = retriever.search(text=row["text"], k=len(retriever.gallery.items))
        true = set(true_of(Claim.from_json(row["claim"]), scenes))
        hits = [hit.id in true for hit in result.hits]
        found.append(
            {
                "about": row["about"], "text": row["text"], "verdict": result.verdict.level, "true": len(true),
                "rank": hits.index(True) + 1 if True in hits else None, "right": sum(hits[:TOP]),
                "best": [hit.id for hit in result.hits[:TOP]],
            }
        )  # fmt: skip
    if options.sheet:
        _draw(retriever, [entry["best"] for entry in found], options.sheet)
    if options.json:
        print(json.dumps(found, indent=2))
        return 0
    for entry in found:
        told = ", ".join(entry["best"])
        if scenes:
            told = f"true of {entry['true']}, first at rank {entry['rank'] or '-'}, {entry['right']} of the best {TOP}"
        print(f"{entry['about']:16}{entry['text'][:60]:62}{entry['verdict']:9}{told}")
    if scenes:
        asked = [entry for entry in found if entry["true"]]
        for k in (1, TOP, 10):
            hit = sum(entry["rank"] <= k for entry in asked)
            print(f"a true scene among the first {k}: {hit} of {len(asked)} sentences that are true of any")
    return 0


def _new_file(name: str) -> Path:
    return file_place(name, "this script, which replaces nothing", lambda data: False)


def _draw(retriever: Retriever, best: list[list[str]], path: Path) -> None:
    width, height = 160, 120
    sheet = Image.new("RGB", (width * TOP, height * len(best)), "white")
    for y, ids in enumerate(best):
        for x, id_ in enumerate(ids):
            with Image.open(retriever.gallery.thumbnail(retriever.row(id_))) as picture:
                sheet.paste(picture.convert("RGB").resize((width, height)), (x * width, y * height))
    sheet.save(path)


if __name__ == "__main__":
    raise SystemExit(main())
