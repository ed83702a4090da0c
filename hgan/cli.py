"""The command line: train, average, weigh | evaluate, audit | gallery build, info, verify | search, explain. Bad input: one
line, exit status 2."""

from __future__ import annotations

import argparse
import dataclasses
import random
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from transformers.utils import logging as transformers_logging

from .audit import audit
from .build import fingerprint, load, save_checkpoint, soup
from .data.folder import Record, read_dataset
from .data.left_out import LeftOut, count, told
from .data.names import written
from .data.truth import read_truth
from .evaluation import score_records
from .files import write_json
from .gallery.build import build_gallery
from .gallery.store import Gallery, verify
from .level_weights import set_level_weights, weigh
from .model.hgan import HGANModel
from .report import (
    audit_lines,
    evaluation_lines,
    evaluation_report,
    explanation_lines,
    search_lines,
    weighing_lines,
)
from .retriever import Retriever, default_checkpoint
from .terminal import Parser, complain, guarded, json_text, say
from .version import __version__
from .visualize.audit_plot import write_audit_figure

SEED = 0  # of everything that `audit` draws


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; returns the exit status: 0 done, 1 `verify` found faults or training stopped, 2 bad input."""
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    with guarded():
        options = _parser().parse_args(arguments)
        command: Callable[[argparse.Namespace], int] = options.run
        try:
            return command(options)
        except (ValueError, OSError) as error:
            complain(f"hgan: {' '.join(str(error).split())}")
            return 2
        except KeyboardInterrupt:
            complain("hgan: stopped; run the same command again to go on")
            return 130


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="hgan", description="Image-text retrieval whose scores are sums of parts one can read off.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    train = commands.add_parser("train", help="train or resume the run that a config file describes")
    train.add_argument("config", help="a file such as configs/hgan_mini.py")
    train.add_argument("--out", help="folder of the run, in place of the config's")
    train.set_defaults(run=_train)

    evaluation = commands.add_parser(
        "evaluate", help="recall in both directions, for the score and for each level alone"
    )
    evaluation.add_argument("--dataset", required=True, metavar="DIR", help="a dataset folder")
    evaluation.add_argument("--split", help="only the records of this split")
    _model_options(evaluation)
    evaluation.add_argument("--json", action="store_true", help="print JSON")
    evaluation.add_argument("--out", metavar="FILE", help="write JSON to this file too")
    evaluation.set_defaults(run=_evaluate)

    audits = commands.add_parser(
        "audit", help="whether the explanations are true: pointing, deletion, additivity, proposals"
    )
    audits.add_argument("--dataset", required=True, metavar="DIR", help="a dataset folder with regions or scenes")
    audits.add_argument("--split", help="only the records of this split")
    audits.add_argument("--limit", type=int, default=0, metavar="N", help="only N pictures, drawn with a fixed seed")
    _model_options(audits)
    audits.add_argument("--json", action="store_true", help="print JSON")
    audits.add_argument("--out", metavar="FILE", help="write JSON to this file too")
    audits.add_argument("--plot", metavar="FILE", help="draw it too: .png, .webp or .svg")
    audits.set_defaults(run=_audit)

    averaging = commands.add_parser("average", help="the weighted mean of checkpoints that went on from one another")
    averaging.add_argument(
        "shares",
        nargs="+",
        metavar="CHECKPOINT=SHARE",
        help="such as runs/one/best=0.85; shares are scaled to sum to 1",
    )
    averaging.add_argument("--out", required=True, metavar="DIR", help="the checkpoint folder to write")
    averaging.set_defaults(run=_average)

    weighing = commands.add_parser("weigh", help="choose a checkpoint's level weights on dev sets")
    weighing.add_argument(
        "--dataset", required=True, action="append", metavar="DIR", help="a dataset folder; may be repeated"
    )
    weighing.add_argument("--split", default="dev", help="the records to choose on (default dev)")
    weighing.add_argument("--out", required=True, metavar="DIR", help="the checkpoint folder to write")
    _model_options(weighing)
    weighing.set_defaults(run=_weigh)

    gallery = commands.add_parser("gallery", help="build, describe or verify a gallery")
    actions = gallery.add_subparsers(required=True, metavar="ACTION")
    build = actions.add_parser("build", help="encode a folder of pictures or a dataset folder")
    build.add_argument("source", metavar="SOURCE", help="a folder of pictures, or a dataset folder with captions.jsonl")
    build.add_argument("--out", required=True, metavar="DIR", help="the gallery folder to write")
    build.add_argument("--split", help="only the records of this split")
    build.add_argument("--limit", type=int, default=0, metavar="N", help="only the first N pictures")
    build.add_argument("--lean", action="store_true", help="no caption graphs on disk: encoded at first use, and kept")
    build.add_argument("--thumbnail-size", type=int, default=320, metavar="PIXELS", help="longest side (default 320)")
    _model_options(build)
    build.set_defaults(run=_gallery_build)
    for name, function, text in (
        ("info", _gallery_info, "what a gallery holds"),
        ("verify", _gallery_verify, "check every file's SHA-256 and the counts"),
    ):
        action = actions.add_parser(name, help=text)
        action.add_argument("dir", metavar="DIR")
        action.add_argument("--json", action="store_true", help="print JSON")
        action.set_defaults(run=function)

    for name, function, text in (
        ("search", _search, "ranked matches of a sentence or a picture"),
        ("explain", _explain, "one match taken apart by level, word and region"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument(
            "--gallery", metavar="DIR", help="default: HGAN_GALLERY, or the project's Toy Town gallery"
        )
        query = command.add_mutually_exclusive_group(required=True)
        query.add_argument("--text", metavar="T", help="a sentence")
        query.add_argument("--image", metavar="FILE", help="a picture")
        if name == "search":
            command.add_argument("-k", type=int, default=10, help="how many matches (default 10)")
        else:
            command.add_argument(
                "--id", required=True, help="of a picture, or of a caption (PICTURE#NUMBER) for --image"
            )
        _model_options(command)
        command.add_argument("--json", action="store_true", help="print JSON")
        command.set_defaults(run=function)
    return parser


def _model_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--checkpoint", metavar="C", help="folder or hub id; default: HGAN_CHECKPOINT, or the project's own"
    )
    parser.add_argument("--device", default="auto", help="auto (default), cpu, cuda or mps")


def _train(options: argparse.Namespace) -> int:
    from .train_config import load_train_config  # training needs more packages than search does
    from .training import Trainer, TrainingError

    config = load_train_config(options.config)
    if options.out:
        config = dataclasses.replace(config, out=options.out)
    try:
        result = Trainer(config).run()
    except TrainingError as error:
        complain(f"hgan: training stopped: {error}")
        return 1
    if not result["finished"]:
        raise KeyboardInterrupt  # the trainer has saved its state
    say(f"best dev rsum {result['rsum']:.1f} at epoch {result['epoch']}; checkpoint in {Path(config.out) / 'best'}")
    return 0


def _evaluate(options: argparse.Namespace) -> int:
    left_out: list[LeftOut] = []
    records = _read(options.dataset, options.split, left_out)
    truth = read_truth(options.dataset, options.split, left_out)
    checkpoint = options.checkpoint or default_checkpoint()
    model, processor = load(checkpoint, options.device)
    scored = score_records(model, processor, records, sys.stderr.isatty(), left_out)
    complain(*told(left_out))
    report = {**_source(options, checkpoint, model), **evaluation_report(scored, scored.records, truth)}
    report["left_out"] = count(left_out)
    if options.out:
        write_json(Path(options.out), report)
    return _print_json(report) if options.json else _print_lines(evaluation_lines(report))


def _read(folder: str, split: str | None, left_out: list[LeftOut]) -> list[Record]:
    """Records with what is left out of a folder; remarks on what is not meant for it are for those who build a gallery."""
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


def _average(options: argparse.Namespace) -> int:
    shares = {}
    for said in options.shares:
        name, _, share = said.rpartition("=")
        try:
            shares[name] = float(share)
        except ValueError:
            shares[name] = -1.0
        if not name or not 0 < shares[name] < float("inf"):
            raise ValueError(
                f"got {said!r}, but expected CHECKPOINT=SHARE with a share above 0, such as runs/one/best=0.85"
            )
    model, processor = soup(shares)
    model.config.name_or_path = ""  # a checkpoint must not say where this machine keeps its files
    save_checkpoint(model, processor, Path(options.out))
    say(f"the mean of {len(shares)} checkpoints is in {options.out}")
    return 0


def _weigh(options: argparse.Namespace) -> int:
    left_out: list[LeftOut] = []
    datasets = [_read(folder, options.split, left_out) for folder in options.dataset]
    model, processor = load(options.checkpoint or default_checkpoint(), options.device)
    progress = sys.stderr.isatty()
    scored = [score_records(model, processor, records, progress, left_out) for records in datasets]
    complain(*told(left_out))
    found = weigh(scored, progress)
    set_level_weights(model, found[0].weights)
    model.config.name_or_path = ""
    save_checkpoint(model, processor, Path(options.out))
    return _print_lines(weighing_lines(found, options.dataset))


def _audit(options: argparse.Namespace) -> int:
    if options.limit < 0:
        raise ValueError("expected --limit of 0 or more")
    plot = Path(options.plot) if options.plot else None
    if plot and plot.suffix not in (".png", ".webp", ".svg"):
        raise ValueError(f"got --plot {plot}, but expected a name that ends in .png, .webp or .svg")
    left_out: list[LeftOut] = []
    records = _read(options.dataset, options.split, left_out)
    if 0 < options.limit < len(records):
        records = [records[n] for n in sorted(random.Random(SEED).sample(range(len(records)), options.limit))]
    checkpoint = options.checkpoint or default_checkpoint()
    model, processor = load(checkpoint, options.device)
    truth = read_truth(options.dataset, options.split, left_out)
    found = audit(model, processor, records, truth, SEED, progress=sys.stderr.isatty(), left_out=left_out)
    complain(*told(left_out))
    report = {
        **_source(options, checkpoint, model), "limit": options.limit or None, **found, "left_out": count(left_out)
    }  # fmt: skip
    if options.out:
        write_json(Path(options.out), report)
    if plot:
        write_audit_figure(report, plot)
    return _print_json(report) if options.json else _print_lines(audit_lines(report))


def _gallery_build(options: argparse.Namespace) -> int:
    if options.limit < 0 or options.thumbnail_size < 16:
        raise ValueError("expected --limit of 0 or more and --thumbnail-size of at least 16 pixels")
    left_out: list[LeftOut] = []
    records = read_dataset(options.source, options.split, left_out)[: options.limit or None]
    missing = f", {count(left_out)} left out" if count(left_out) else ""
    say(f"{options.source}: {len(records)} pictures, {sum(len(r.captions) for r in records)} captions{missing}")
    complain(*told(left_out))
    checkpoint = options.checkpoint or default_checkpoint()
    model, processor = load(checkpoint, options.device)
    name = Path(checkpoint).name
    gallery = build_gallery(
        model, processor, records, options.out, name, options.thumbnail_size, progress=True, lean=options.lean
    )
    where = {record.image: record.place for record in records}
    unread = [LeftOut(where.get(s["image"], s["image"]), s["reason"]) for s in gallery.manifest["skipped"]]
    complain(*told(unread))
    say(f"{options.out}: {gallery.manifest['count']} pictures, {gallery.manifest['captions']} captions, "
        f"{len(unread) + count(left_out)} skipped")  # fmt: skip
    return 0


def _gallery_info(options: argparse.Namespace) -> int:
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


def _gallery_verify(options: argparse.Namespace) -> int:
    wrong = verify(options.dir)
    if options.json:
        _print_json({"ok": not wrong, "wrong": wrong})
    else:
        say(*(wrong or [f"{options.dir}: every file is as it was built"]))
    return 1 if wrong else 0


def _search(options: argparse.Namespace) -> int:
    retriever = Retriever.open(options.checkpoint, options.gallery, options.device)
    result = retriever.search(text=options.text, image=options.image, k=options.k)
    return _print_json(result.to_json()) if options.json else _print_lines(search_lines(result))


def _explain(options: argparse.Namespace) -> int:
    retriever = Retriever.open(options.checkpoint, options.gallery, options.device)
    explanation = retriever.explain(options.id, text=options.text, image=options.image)
    return _print_json(explanation.to_json()) if options.json else _print_lines(explanation_lines(explanation))


def _print_lines(lines: Sequence[str]) -> int:
    say(*lines)
    return 0


def _print_json(data: Any) -> int:
    print(json_text(data, sys.stdout))
    return 0
