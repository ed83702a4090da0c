"""The command line: train, average, weigh, thresholds | evaluate, audit | gallery build, info, verify | search, explain.
Bad input: one line, exit status 2."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import Any

from huggingface_hub.utils import logging as hub_logging
from transformers.utils import logging as transformers_logging

from ..io.terminal import Parser, complain, guarded, plain
from . import commands as run

Commands = Any  # what argparse's `add_subparsers` gives


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; returns the exit status: 0 done, 1 `verify` found faults or training stopped, 2 bad input."""
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    hub_logging.set_verbosity_error()  # its retries are reported once, at the end
    with guarded():
        options = _parser().parse_args(arguments)
        command: Callable[[argparse.Namespace], int] = options.run
        try:
            return command(options)
        except (ValueError, OSError) as error:
            complain(f"hgan: {' '.join(plain(error).split())}")
            return 2
        except KeyboardInterrupt:
            complain("hgan: stopped; run the same command again to resume")
            return 130


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="hgan", description="Image-text retrieval with scores that are sums of readable parts.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for add in (_train, _judge, _change, _gallery, _ask):
        add(commands)
    return parser


def _train(commands: Commands) -> None:
    train = commands.add_parser("train", help="train or resume the run that a config file describes")
    train.add_argument("config", help="a file such as configs/hgan_mini.py")
    train.add_argument("--out", help="folder of the run (default: as in the config)")
    train.set_defaults(run=run.train)


def _judge(commands: Commands) -> None:
    evaluation = commands.add_parser("evaluate", help="recall in both directions, of the score and of each level alone")
    evaluation.add_argument("--dataset", required=True, metavar="DIR", help="a dataset folder")
    evaluation.add_argument("--split", help="only the records of this split")
    _model_options(evaluation)
    evaluation.add_argument("--json", action="store_true", help="print JSON")
    evaluation.add_argument("--out", metavar="FILE", help="write JSON to this file too")
    evaluation.set_defaults(run=run.evaluate)

    audits = commands.add_parser(
        "audit", help="how faithful the explanations are: pointing game, deletion, additivity, proposals"
    )
    audits.add_argument("--dataset", required=True, metavar="DIR", help="a dataset folder with regions or scenes")
    audits.add_argument("--split", help="only the records of this split")
    audits.add_argument("--limit", type=int, default=0, metavar="N", help="only N pictures, chosen with a fixed seed")
    _model_options(audits)
    audits.add_argument("--json", action="store_true", help="print JSON")
    audits.add_argument("--out", metavar="FILE", help="write JSON to this file too")
    audits.add_argument("--plot", metavar="FILE", help="write a figure too: .png, .webp or .svg")
    audits.set_defaults(run=run.audit)


def _change(commands: Commands) -> None:
    averaging = commands.add_parser(
        "average", help="the weighted mean of checkpoints that were trained one after another"
    )
    averaging.add_argument(
        "shares",
        nargs="+",
        metavar="CHECKPOINT=SHARE",
        help="such as runs/one/best=0.85; shares are scaled to sum to 1",
    )
    averaging.add_argument("--out", required=True, metavar="DIR", help="the checkpoint folder to write")
    averaging.set_defaults(run=run.average)

    weighing = commands.add_parser("weigh", help="choose the level weights of a checkpoint on dev sets")
    weighing.add_argument(
        "--dataset", required=True, action="append", metavar="DIR", help="a dataset folder; may be repeated"
    )
    weighing.add_argument("--split", default="dev", help="the split to choose on (default dev)")
    weighing.add_argument("--out", required=True, metavar="DIR", help="the checkpoint folder to write")
    _model_options(weighing)
    weighing.set_defaults(run=run.weigh)

    thresholds = commands.add_parser(
        "thresholds", help="choose on dev sets which detections are nodes, and which labels are shown"
    )
    thresholds.add_argument(
        "--dataset", required=True, action="append", metavar="DIR", help="a dataset folder; may be repeated"
    )
    thresholds.add_argument("--split", default="dev", help="the records to choose on (default dev)")
    thresholds.add_argument("--out", required=True, metavar="DIR", help="the checkpoint folder to write")
    _model_options(thresholds)
    thresholds.set_defaults(run=run.thresholds)


def _gallery(commands: Commands) -> None:
    gallery = commands.add_parser("gallery", help="build, describe or verify a gallery")
    actions = gallery.add_subparsers(required=True, metavar="ACTION")
    build = actions.add_parser("build", help="encode a folder of pictures or a dataset folder")
    build.add_argument("source", metavar="SOURCE", help="a folder of pictures, or a dataset folder with captions.jsonl")
    build.add_argument("--out", required=True, metavar="DIR", help="the gallery folder to write")
    build.add_argument("--split", help="only the records of this split")
    build.add_argument("--limit", type=int, default=0, metavar="N", help="only the first N pictures")
    build.add_argument(
        "--lean", action="store_true", help="store no caption graphs; they are encoded at first use, then kept"
    )
    build.add_argument("--thumbnail-size", type=int, default=320, metavar="PIXELS", help="longest side (default 320)")
    _model_options(build)
    build.set_defaults(run=run.gallery_build)
    for name, function, text in (
        ("info", run.gallery_info, "what a gallery holds"),
        ("verify", run.gallery_verify, "check every file's SHA-256 and the counts"),
    ):
        action = actions.add_parser(name, help=text)
        action.add_argument("dir", metavar="DIR")
        action.add_argument("--json", action="store_true", help="print JSON")
        action.set_defaults(run=function)


def _ask(commands: Commands) -> None:
    for name, function, text in (
        ("search", run.search, "ranked matches of a sentence or a picture"),
        ("explain", run.explain, "one match, explained by level, word and region"),
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
                "--id", required=True, help="id of a picture; with --image, of a caption (PICTURE#NUMBER)"
            )
        _model_options(command)
        command.add_argument("--json", action="store_true", help="print JSON")
        command.set_defaults(run=function)


def _model_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--checkpoint", metavar="C", help="folder or hub id; default: HGAN_CHECKPOINT, or the checkpoint of the project"
    )
    parser.add_argument("--device", default="auto", help="auto (default), cpu, cuda or mps")
