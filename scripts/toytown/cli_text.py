"""The subcommands that need no renderer: captions, manifest, check, stats, more, everyday."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from .place import require_own_folder, require_own_lines
from .world import SPLITS

FOLDER = Path("assets/toytown")
WORK = Path("build/toytown")
MORE = Path("build/toytown-train")
EVERYDAY = Path("assets/captions/everyday.jsonl")


def add_parsers(subparsers: Any) -> None:
    """Adds the subcommands to what `add_subparsers` returned; each sets `run`, which gives the exit status."""
    for name, run, told in (
        ("captions", _captions, "write the captions, their truth and the manifest for all rendered scenes"),
        ("manifest", _manifest, "write the SHA-256 of every file"),
        ("check", _check, "verify pictures, graphs, captions and hashes"),
        (
            "assemble",
            _assemble,
            "gather the scenes rendered elsewhere, whose pictures and truth files were copied here",
        ),
        ("stats", _stats, "count what is there and write it into the data card, README.md"),
    ):
        parser = subparsers.add_parser(name, help=told, description=told)
        parser.add_argument("--folder", type=Path, default=FOLDER, help="dataset folder (default: %(default)s)")
        if name == "assemble":
            parser.add_argument("--work", type=Path, default=WORK, help="truth files (default: %(default)s)")
        if name == "captions":
            parser.add_argument(
                "--split",
                choices=tuple(SPLITS),
                action="append",
                help="only of this split; may be given again (default: all)",
            )
        parser.set_defaults(run=run)
    told = "write a dataset folder of one split with more captions a scene, to train on"
    parser = subparsers.add_parser("more", help=told, description=told)
    parser.add_argument("--folder", type=Path, default=FOLDER, help="dataset folder (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=MORE, help="dataset folder to write (default: %(default)s)")
    parser.add_argument("--split", choices=tuple(SPLITS), default="train", help="(default: %(default)s)")
    parser.add_argument("--times", type=int, default=8, help="captions of each tag (default: %(default)s)")
    parser.set_defaults(run=_more)
    told = "write 2,000 captions for photographs of everyday life"
    parser = subparsers.add_parser("everyday", help=told, description=told)
    parser.add_argument("--out", type=Path, default=EVERYDAY, help="JSON lines (default: %(default)s)")
    parser.add_argument("--count", type=int, default=2000)
    parser.set_defaults(run=_everyday)


def _captions(args: argparse.Namespace) -> int:
    from .caption_files import build
    from .check import write_manifest

    wrong = build(args.folder, only=args.split or tuple(SPLITS))
    print(*wrong, f"{write_manifest(args.folder)} files in the manifest", sep="\n")
    return 1 if wrong else 0


def _manifest(args: argparse.Namespace) -> int:
    from .check import write_manifest

    print(f"{write_manifest(args.folder)} files in the manifest")
    return 0


def _assemble(args: argparse.Namespace) -> int:
    from .store import assemble, unpack

    unpack(args.folder, args.work)
    print(f"{assemble(args.folder, args.work)} scenes in {args.folder}")
    return 0


def _check(args: argparse.Namespace) -> int:
    from .check import check

    stands, wrong = check(args.folder)
    print(*stands, sep="\n")
    print(
        *wrong,
        f"{len(wrong)} things are wrong" if wrong else "all is well",
        sep="\n",
        file=sys.stderr if wrong else sys.stdout,
    )
    return 1 if wrong else 0


def _stats(args: argparse.Namespace) -> int:
    from .stats import table, write_card

    numbers = table(args.folder)
    write_card(args.folder / "README.md", numbers)
    print(numbers)
    return 0


def _more(args: argparse.Namespace) -> int:
    from .caption_files import build_more

    require_own_folder(args.out)
    print(f"{build_more(args.folder, args.out, args.times, args.split)} captions in {args.out}")
    return 0


def _everyday(args: argparse.Namespace) -> int:
    from .everyday import build

    require_own_lines(args.out, ("id", "text", "topic"))
    print(f"{build(args.out, args.count)} sentences in {args.out}")
    return 0


def main(argv: list[str] | None = None) -> int:
    """The text subcommands alone, where the renderer's front door is not wanted."""
    parser = argparse.ArgumentParser(prog="python -m scripts.toytown.cli_text", description=__doc__)
    add_parsers(parser.add_subparsers(required=True))
    args = parser.parse_args(argv)
    return args.run(args)


if __name__ == "__main__":
    sys.exit(main())
