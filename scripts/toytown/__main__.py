"""`python -m scripts.toytown`: render the gallery, draw a contact sheet, write and check captions."""

from __future__ import annotations

import argparse
import importlib.util
import sys
from pathlib import Path

from .place import require_own_folder
from .world import SPLITS


def _render(args: argparse.Namespace) -> int:
    if importlib.util.find_spec("bpy") is None:
        print("render needs Blender's bpy: pip install -r scripts/toytown/requirements.txt", file=sys.stderr)
        return 2
    from .work import run

    require_own_folder(args.out)
    seconds = run(args.split, args.start, args.limit, args.out, args.work, args.workers)
    print(f"{seconds:.2f} s a scene")
    return 0


def _sheet(args: argparse.Namespace) -> int:
    from .sheet import write

    if args.target.exists() and args.target.suffix != ".webp":
        raise ValueError(f"got {args.target}, but expected a new file, or a .webp to replace")
    print(f"{write(args.out, args.target, args.number, args.columns, args.width, args.start)} scenes in {args.target}")
    return 0


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m scripts.toytown", description=__doc__)
    commands = made.add_subparsers(required=True, metavar="COMMAND")

    render = commands.add_parser("render", help="render a split; resumes where it stopped")
    render.add_argument("--split", choices=tuple(SPLITS), default="test")
    render.add_argument(
        "--start", type=int, default=0, help="skip so many: for a second process, in folders of its own"
    )
    render.add_argument("--limit", type=int, help="only the first so many scenes of the split")
    render.add_argument("--workers", type=int, default=1, help="processes, for the hard splits (default: %(default)s)")
    render.add_argument("--out", type=Path, default=Path("assets/toytown"), help="the dataset folder")
    render.add_argument(
        "--work", type=Path, default=Path("build/toytown"), help="one truth file a scene while work goes on"
    )
    render.set_defaults(run=_render)

    sheet = commands.add_parser("sheet", help="a contact sheet of rendered scenes")
    sheet.add_argument("--out", type=Path, default=Path("assets/toytown"), help="the dataset folder")
    sheet.add_argument("--target", type=Path, default=Path("docs/toytown.webp"))
    sheet.add_argument("--number", type=int, default=40)
    sheet.add_argument("--start", type=int, default=0, help="skip so many scenes")
    sheet.add_argument("--columns", type=int, default=8)
    sheet.add_argument("--width", type=int, default=200, help="pixels a picture")
    sheet.set_defaults(run=_sheet)

    if importlib.util.find_spec("scripts.toytown.cli_text") is not None:
        from . import cli_text

        cli_text.add_parsers(commands)
    return made


def main() -> int:
    args = parser().parse_args()
    try:
        return args.run(args) or 0
    except (ValueError, OSError) as error:
        print(f"toytown: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
