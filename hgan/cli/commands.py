"""What each command does, from its parsed options to its exit status. `hgan.cli.main` names them and catches what they raise."""

from __future__ import annotations

import argparse
import dataclasses
import os
import random
import sys
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import torch

from ..checkpoint import CHECKPOINT, fingerprint, load, save_checkpoint, soup
from ..data.folder import Record, read_dataset
from ..data.truth import read_truth
from ..defaults import default_checkpoint
from ..evaluation.evaluate import score_records
from ..evaluation.faithfulness import audit as audit_explanations
from ..evaluation.level_weights import set_level_weights
from ..evaluation.level_weights import weigh as choose_level_weights
from ..evaluation.thresholds import choose as choose_thresholds
from ..evaluation.thresholds import find as detections_of
from ..gallery.build import MAX_THUMBNAIL, build_gallery
from ..gallery.store import GALLERY, Gallery, verify
from ..io.files import write_json
from ..io.left_out import LeftOut, count, told
from ..io.names import written
from ..io.places import file_place, folder_place, json_with
from ..io.terminal import complain, json_text, say
from ..model.hgan import HGANModel
from ..retrieval.retriever import Retriever
from ..version import __version__
from ..visualize.audit_plot import is_audit_figure, write_audit_figure
from .report import audit_lines, evaluation_lines, evaluation_report, explanation_lines, search_lines, weighing_lines

SEED = 0  # of the random choices of `audit`
# How the reports of these commands are told from other files.
REPORT_KEYS = ("dataset", "split", "model", "versions", "pictures", "captions")
EVALUATION_KEYS = (*REPORT_KEYS, "image_to_text", "text_to_image", "rsum", "levels")
AUDIT_KEYS = (*REPORT_KEYS, "pointing", "deletion", "additivity", "proposals")


def train(options: argparse.Namespace) -> int:
    from ..training.config import load_train_config  # training needs more packages than search does
    from ..training.trainer import Trainer, TrainingError
    from ..visualize.curve import draw_in

    config = load_train_config(options.config)
    if options.out is not None:
        config = dataclasses.replace(config, out=options.out)
    try:
        result = Trainer(config, after_epoch=draw_in).run()
    except TrainingError as error:
        complain(f"hgan: training stopped: {error}")
        return 1
    if not result["finished"]:
        raise KeyboardInterrupt  # the trainer has saved its state
    say(f"best dev rsum {result['rsum']:.1f} at epoch {result['epoch']}; checkpoint in {Path(config.out) / 'best'}")
    return 0


def evaluate(options: argparse.Namespace) -> int:
    checkpoint, left_out = options.checkpoint or default_checkpoint(), list[LeftOut]()
    if options.out is not None:
        options.out = file_place(
            options.out, "hgan evaluate", json_with(EVALUATION_KEYS), [options.dataset, checkpoint]
        )
    records = _read(options.dataset, options.split, left_out)
    truth = read_truth(options.dataset, options.split, left_out)
    model, processor = load(checkpoint, options.device)
    scored = score_records(model, processor, records, sys.stderr.isatty(), left_out)
    complain(*told(left_out))
    report = {**_source(options, checkpoint, model), **evaluation_report(scored, scored.records, truth)}
    report["left_out"] = count(left_out)
    if options.out:
        write_json(options.out, report)
    return _print_json(report) if options.json else _print_lines(evaluation_lines(report))


def _read(folder: str, split: str | None, left_out: list[LeftOut]) -> list[Record]:
    """Records with what is left out of a folder; notes about other files are only for building a gallery."""
    found: list[LeftOut] = []
    records = read_dataset(folder, split, found)
    left_out += [one for one in found if one.counts]
    return records


def _source(options: argparse.Namespace, checkpoint: str, model: HGANModel) -> dict[str, Any]:
    """What was measured, at the head of a report."""
    return {
        "dataset": written(options.dataset),
        "split": options.split,
        "model": {"name": written(Path(checkpoint).name), "sha256": fingerprint(model)},
        "versions": {"hgan": __version__, "torch": torch.__version__},
    }


def average(options: argparse.Namespace) -> int:
    shares = _shares(options.shares)
    out = folder_place(options.out, CHECKPOINT, shares)
    model, processor = soup(shares)
    model.config.name_or_path = ""  # a checkpoint must not contain paths of this machine
    save_checkpoint(model, processor, out)
    say(f"the mean of {len(shares)} checkpoints is in {options.out}")
    return 0


def _shares(said: Sequence[str]) -> dict[str, float]:
    """Checkpoints and their shares, as the arguments of `average` name them."""
    shares: dict[str, float] = {}
    places: dict[str, str] = {}  # the name that came first for each folder
    for one in said:
        name, _, text = one.rpartition("=")
        try:
            share = float(text)
        except ValueError:
            share = -1.0
        if not name.strip() or not 0 < share < float("inf"):
            raise ValueError(
                f"got {one!r}, but expected CHECKPOINT=SHARE with a share above 0, such as runs/one/best=0.85"
            )
        place = os.path.realpath(name) if os.path.exists(name) else name
        first = places.setdefault(place, name)
        if first in shares:
            complain(f"hgan: {name} is named twice: its shares are added up")
        shares[first] = shares.get(first, 0.0) + share
    return shares


def weigh(options: argparse.Namespace) -> int:
    checkpoint, left_out = options.checkpoint or default_checkpoint(), list[LeftOut]()
    out = folder_place(options.out, CHECKPOINT, [checkpoint, *options.dataset])
    datasets = [_read(folder, options.split, left_out) for folder in options.dataset]
    model, processor = load(checkpoint, options.device)
    progress = sys.stderr.isatty()
    scored = [score_records(model, processor, records, progress, left_out) for records in datasets]
    complain(*told(left_out))
    found = choose_level_weights(scored, progress)
    set_level_weights(model, found[0].weights)
    model.config.name_or_path = ""
    save_checkpoint(model, processor, out)
    return _print_lines(weighing_lines(found, options.dataset))


def thresholds(options: argparse.Namespace) -> int:
    checkpoint, left_out = options.checkpoint or default_checkpoint(), list[LeftOut]()
    out = folder_place(options.out, CHECKPOINT, [checkpoint, *options.dataset])
    datasets = [_read(folder, options.split, left_out) for folder in options.dataset]
    complain(*told(left_out))
    model, _ = load(checkpoint, options.device)
    chosen = choose_thresholds([detections_of(model, records, sys.stderr.isatty()) for records in datasets])
    model, processor = load(checkpoint, "cpu", {"score_threshold": chosen.score, "label_threshold": chosen.label})
    model.config.name_or_path = ""
    save_checkpoint(model, processor, out)
    say(f"score_threshold {chosen.score:.3f}, label_threshold {chosen.label:.3f}; checkpoint in {options.out}")
    return 0


def audit(options: argparse.Namespace) -> int:
    if options.limit < 0:
        raise ValueError(f"got --limit {options.limit}, but expected 0 or more")
    plot = Path(options.plot) if options.plot is not None else None
    if plot and plot.suffix not in (".png", ".webp", ".svg"):
        raise ValueError(f"got --plot {plot}, but expected a name that ends in .png, .webp or .svg")
    checkpoint = options.checkpoint or default_checkpoint()
    sources = [options.dataset, checkpoint]
    if options.out is not None:
        options.out = file_place(options.out, "hgan audit", json_with(AUDIT_KEYS), sources)
    if plot:
        plot = file_place(plot, "hgan audit", is_audit_figure, sources)
    if options.out and plot == options.out:
        raise ValueError(f"got {plot} for both --out and --plot, but expected two files")
    left_out: list[LeftOut] = []
    records = _read(options.dataset, options.split, left_out)
    if 0 < options.limit < len(records):
        records = [records[n] for n in sorted(random.Random(SEED).sample(range(len(records)), options.limit))]
    model, processor = load(checkpoint, options.device)
    truth = read_truth(options.dataset, options.split, left_out)
    found = audit_explanations(model, processor, records, truth, SEED, progress=sys.stderr.isatty(), left_out=left_out)
    complain(*told(left_out))
    report = {
        **_source(options, checkpoint, model), "limit": options.limit or None, **found, "left_out": count(left_out)
    }  # fmt: skip
    if options.out:
        write_json(options.out, report)
    if plot:
        write_audit_figure(report, plot)
    return _print_json(report) if options.json else _print_lines(audit_lines(report))


def gallery_build(options: argparse.Namespace) -> int:
    if options.limit < 0 or not 16 <= options.thumbnail_size <= MAX_THUMBNAIL:
        raise ValueError(
            f"got --limit {options.limit} and --thumbnail-size {options.thumbnail_size}, but expected a limit of 0 or more and "
            f"16 to {MAX_THUMBNAIL:,} pixels, the most that WebP can store"
        )
    left_out: list[LeftOut] = []
    records = read_dataset(options.source, options.split, left_out)[: options.limit or None]
    missing = f", {count(left_out)} left out" if count(left_out) else ""
    say(f"{options.source}: {len(records)} pictures, {sum(len(r.captions) for r in records)} captions{missing}")
    complain(*told(left_out))
    checkpoint = options.checkpoint or default_checkpoint()
    sources = [options.source, checkpoint]
    folder_place(options.out, GALLERY, sources)  # before the model is loaded
    model, processor = load(checkpoint, options.device)
    name = Path(checkpoint).name
    gallery = build_gallery(
        model, processor, records, options.out, name, options.thumbnail_size, progress=True, lean=options.lean,
        sources=sources,
    )  # fmt: skip
    where = {record.image: record.place for record in records}
    unread = [
        LeftOut(where.get(s["image"], s["image"]), s["reason"].removeprefix(f"{PurePosixPath(s['image']).name}: "))
        for s in gallery.manifest["skipped"]
    ]
    complain(*told(unread))
    say(f"{options.out}: {gallery.manifest['count']} pictures, {gallery.manifest['captions']} captions, "
        f"{len(unread) + count(left_out)} skipped")  # fmt: skip
    return 0


def gallery_info(options: argparse.Namespace) -> int:
    manifest = Gallery(options.dir).manifest
    size = sum(entry["bytes"] for entry in manifest["files"].values())
    info = {key: value for key, value in manifest.items() if key != "files"} | {
        "files": len(manifest["files"]),
        "bytes": size,
    }
    if options.json:
        return _print_json(info)
    say(
        f"{info['name']}: {info['count']} pictures, {info['regions']} regions, {info['captions']} captions, {size / 1e6:.1f} MB"
    )
    say(f"model {info['model']['name']} ({info['model']['sha256'][:12]}), {info['model']['dim']} dimensions")
    for skipped in info["skipped"]:
        say(f"skipped {skipped['image']}: {skipped['reason']}")
    return 0


def gallery_verify(options: argparse.Namespace) -> int:
    wrong = verify(options.dir)
    if options.json:
        _print_json({"ok": not wrong, "wrong": wrong})
    else:
        say(*(wrong or [f"{options.dir}: all files are intact"]))
    return 1 if wrong else 0


def search(options: argparse.Namespace) -> int:
    retriever = Retriever.open(options.checkpoint, options.gallery, options.device)
    result = retriever.search(text=options.text, image=options.image, k=options.k)
    return _print_json(result.to_json()) if options.json else _print_lines(search_lines(result))


def explain(options: argparse.Namespace) -> int:
    retriever = Retriever.open(options.checkpoint, options.gallery, options.device)
    explanation = retriever.explain(options.id, text=options.text, image=options.image)
    return _print_json(explanation.to_json()) if options.json else _print_lines(explanation_lines(explanation))


def _print_lines(lines: Sequence[str]) -> int:
    say(*lines)
    return 0


def _print_json(data: Any) -> int:
    print(json_text(data, sys.stdout))
    return 0
