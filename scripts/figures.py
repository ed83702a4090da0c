"""The figures of README.md and the model card, from the files that the commands wrote: nothing is copied by hand.

    python -m scripts.figures measure     # evaluates and audits the checkpoint on both datasets, about ten minutes
    python -m scripts.figures             # writes the tables between <!-- figures: NAME --> and <!-- end of figures -->
    python -m scripts.figures ablation build/ablation.jsonl    # prints the table of a results file of benchmarks.ablation

The measurements are docs/figures/*.json: of `hgan evaluate` and `hgan audit`, and of benchmarks.abuse and benchmarks.ablation (a
.jsonl). The texts are README.md, docs/figures.md, docs/hosting.md and the model card; prose names no figure that a table holds.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from hgan.cli.main import main as hgan
from hgan.io.files import atomic
from hgan.retrieval.retriever import ROOT, default_checkpoint
from hgan.types import LEVELS

FOLDER = ROOT / "docs" / "figures"
DATASETS = {"photographs": ("../shared/flickr8k", "dev"), "toytown": ("assets/toytown", "test")}
AUDITED = 300  # pictures, drawn with a fixed seed
TEXTS = [
    ROOT / "README.md",
    ROOT / "docs" / "figures.md",
    ROOT / "docs" / "hosting.md",
    Path(default_checkpoint()) / "README.md",
]
OF_ABLATION = {"rsum": "rsum", "full_r1": "`full`, text to image R@1", "pointing": "pointing, %"}
Reports = dict[str, Any]


def measure(names: list[str]) -> None:
    """Writes the reports, and the figures of the audits into docs/."""
    for name in names:
        folder, split = DATASETS[name]
        where = ["--dataset", folder, "--split", split]
        for status in (
            hgan(["evaluate", *where, "--out", str(FOLDER / f"evaluate-{name}.json")]),
            hgan(["audit", *where, "--limit", str(AUDITED), "--out", str(FOLDER / f"audit-{name}.json"),
                  "--plot", str(FOLDER.parent / f"audit-{name}.webp")]),
        ):  # fmt: skip
            if status:
                raise SystemExit(status)


def recalls(report: Reports) -> str:
    """Both directions, of the score and of each level."""
    rows = []
    for name, found in {"**score**": report, **{f"{n} alone": report["levels"][n] for n in LEVELS}}.items():
        ways = [found[way][at] for way in ("image_to_text", "text_to_image") for at in ("r1", "r5", "r10")]
        rows.append([name, *(f"{value:.1f}" for value in ways), f"{found['rsum']:.1f}"])
    head = ["", "image to text R@1", "R@5", "R@10", "text to image R@1", "R@5", "R@10", "rsum"]
    medians = [f"{report[way]['medr']:.0f}" for way in ("image_to_text", "text_to_image")]
    return f"{table(head, rows)}\n\nThe median rank is {medians[0]} (image to text) and {medians[1]} (text to image)."


def summary(photographs: Reports, toytown: Reports) -> str:
    """The few figures of the README."""
    rows = []
    for name, report in (("photographs: Flickr8k, dev", photographs), ("rendered scenes: Toy Town, test", toytown)):
        ways = [report[way][at] for way in ("image_to_text", "text_to_image") for at in ("r1", "r10")]
        rows.append([name, *(f"{value:.1f}" for value in ways), f"{report['rsum']:.1f}"])
    head = ["1,000 pictures, 5,000 captions", "image to text R@1", "R@10", "text to image R@1", "R@10", "rsum (of 600)"]
    return table(head, rows)


def tags(report: Reports) -> str:
    """Sentence to picture by kind of caption."""
    rows = [
        [tag, f"{r['captions']:,}", *(f"{r[at]:.1f}" for at in ("r1", "r5", "r10", "chance"))]
        for tag, r in report["tags"].items()
    ]
    return table(["tag", "captions", "R@1", "R@5", "R@10", "chance R@1"], rows)


def groups(report: Reports) -> str:
    """Hard groups by what their scenes differ in."""
    rows = [
        [name, str(r["groups"]), str(r["captions"]), *(f"{r[key]:.1f}" for key in ("first", "chance", "whole"))]
        for name, r in report["hard_groups"].items()
    ]
    return table(["differ in", "groups", "captions", "right one first", "chance", "all right"], rows)


def audits(*reports: Reports) -> str:
    """Both audits side by side."""
    rows: dict[str, Callable[[Reports], str]] = {
        "words that name an object: mentions": lambda r: f"{r['pointing']['mentions']:,}",
        "the region with their largest term lies on it, all regions (%)": lambda r: _shares(r, "all", "share"),
        "… a random region, the largest region": lambda r: _shares(r, "all", "random", "largest"),
        "the same, detections alone (%)": lambda r: _shares(r, "objects", "share"),
        "… a random detection, the largest": lambda r: _shares(r, "objects", "random", "largest"),
        "one of the regions taken away: the score falls by, top, random, least": lambda r: _first(r, "regions"),
        "regions taken away one by one: area between top and random": lambda r: _area(r, "regions"),
        "one of the words taken away: the score falls by, top, random, least": lambda r: _first(r, "words"),
        "words taken away one by one: area between top and random": lambda r: _area(r, "words"),
        "worst sum error over 10,000 pairs": lambda r: f"{r['additivity']['worst']:.1e}",
        "proposals: recall at IoU 0.5, 0.3 (%)": lambda r: ", ".join(
            f"{r['proposals']['recall'][iou]:.1f}" for iou in ("0.5", "0.3")
        ),
        "proposals a picture, right label (%)": lambda r: (
            f"{r['proposals']['proposals_per_picture']:.1f}, {r['proposals']['label_accuracy']:.1f}"
        ),
    }
    return table(["", "Toy Town", "photographs"], [[name, *(of(r) for r in reports)] for name, of in rows.items()])


# What the statuses and outcomes of the benchmark mean to a person who is not at home in HTTP.
STATUSES = {
    "200": "let in",
    "400": "refused as malformed",
    "404": "refused: no such address",
    "413": "refused: too long",
    "429": "refused: wait your turn",
    "500": "answered with an error in plain words",
    "503": "refused: the app is full",
}
ATTACKS = {
    "past_the_queue": "large pictures sent around the queue",
    "large_pictures": "twelve very large pictures, through the queue",
    "long_text": "up to 0.8 MB of text, typed into What if?",
    "long_bodies": "megabytes of JSON: long, deep, wide, huge numbers",
    "one_long_line": "40,000 captions for one picture, in one line",
    "false_galleries": "zips that pretend to be galleries of millions of items",
    "endless_lines": "pictures that are one line of millions of pixels",
    "others_files": "building from a file that is somebody else's",
    "many_galleries": "40 galleries, each in a session of its own",
    "many_sessions": "600 requests, each in a session of its own",
    "full_queue": "300 questions at once, from many sessions",
    "one_sessions_flood": "200 questions of one session",
    "unused_uploads": "600 MB of uploads that are never used",
    "form_fields": "an upload that holds text in place of a file",
    "a_false_case": "40 MB of JSON as a saved case",
    "analyses": "six analyses of the whole gallery at once",
    "many_streams": "500 open pages",
    "odd_values": "wrong types and wrong counts, to every handler",
    "shut_addresses": "parts of gradio that the app does not use",
}


def abuse(report: Reports) -> str:
    """What each attack of benchmarks.abuse came to, and how long two other visitors waited meanwhile."""
    rows = []
    for one in report["attacks"]:
        came = re.sub(r"\b(\d+) x (\d{3}|\w+)", lambda m: f"{m[1]} {STATUSES.get(m[2], m[2])}", one["outcome"])
        rows.append([
            ATTACKS.get(one["attack"], one["attack"].replace("_", " ")), came, f"{one['peak_mb']:,.0f} MB",
            f"{one['second_s']:.2f} s", f"{one['classmate_s']:.2f} s",
        ])  # fmt: skip
    head = ["what the attacker tries", "what the app does", "most memory", "a stranger waits", "a classmate waits"]
    return table(head, rows)


def gpu(report: Reports | None) -> str:
    """What `make gpu-check` found: which parts agree with the CPU, and how fast it is."""
    if report is None:
        return "No figures of a GPU for this checkpoint yet."
    rows = []
    for name, part in report["parts"].items():
        speeds = [f"{part[key]:,.0f}" if key in part else "" for key in ("pictures_per_s", "sentences_per_s")]
        rows.append([name.replace("_", " "), "passed" if part["passed"] else "failed", *speeds])
    machine = report["machine"]
    told = f"{machine['device']}, torch {machine['torch']}, seed {report['seed']}, {report['pictures']} pictures."
    return f"{told}\n\n{table(['part', 'agrees with the CPU', 'pictures/s', 'sentences/s'], rows)}"


def _shares(report: Reports, regions: str, *keys: str) -> str:
    return ", ".join(f"{report['pointing']['regions'][regions][key]:.1f}" for key in keys)


def _first(report: Reports, name: str) -> str:
    return ", ".join(f"{report['deletion'][name]['first'][order]:.4f}" for order in ("top", "random", "least"))


def _area(report: Reports, name: str) -> str:
    return f"{report['deletion'][name]['area_between']:.4f} ± {report['deletion'][name]['se']:.4f}"


def ablation(lines: list[dict[str, Any]]) -> str:
    """Mean and standard deviation over seeds of the runs with the budget of the last; one column a dataset and figure."""
    lines = [line for line in lines if line["budget"] == lines[-1]["budget"]]
    columns = list(
        dict.fromkeys((name, figure) for line in lines for name, found in line["dev"].items() for figure in found)
    )
    heads = [f"{name}: {OF_ABLATION[figure]}" for name, figure in columns]
    rows = []
    for variant in dict.fromkeys(line["variant"] for line in lines):
        own = [line for line in lines if line["variant"] == variant]
        cells = []
        for name, figure in columns:
            values = [line["dev"][name][figure] for line in own]
            spread = f" ± {stdev(values):.1f}" if len(values) > 1 else ""
            cells.append(f"{mean(values):.1f}{spread}")
        rows.append([variant, str(len(own)), *cells])
    return table(["variant", "seeds", *heads], rows)


def table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [head, ["---"] * len(head), *rows])


def lines_of(path: Path) -> list[Reports]:
    """The lines of a file of JSON lines."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def blocks() -> dict[str, str]:
    """Every table by its name."""
    read = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in FOLDER.glob("*.json")}
    toytown = read["evaluate-toytown"]
    return {
        "summary": summary(read["evaluate-photographs"], toytown),
        "photographs": recalls(read["evaluate-photographs"]),
        "toytown": recalls(toytown),
        "tags": tags(toytown),
        "groups": groups(toytown),
        "audit": audits(read["audit-toytown"], read["audit-photographs"]),
        "abuse": abuse(read["abuse"]),
        "gpu": gpu(read.get("gpu")),
        "ablation": ablation(lines_of(FOLDER / "ablation.jsonl")),
    }


def fill(text: str, found: dict[str, str]) -> str:
    """The text with every block of figures written anew.

    Raises:
        ValueError: a block of an unknown name.
    """

    def written(match: re.Match[str]) -> str:
        if match[2] not in found:
            raise ValueError(f"got figures {match[2]!r}, but expected one of {', '.join(found)}")
        return f"{match[1]}\n{found[match[2]]}\n{match[3]}"

    return re.sub(r"(<!-- figures: (\w+) -->)\n.*?(<!-- end of figures -->)", written, text, flags=re.DOTALL)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", nargs="?", choices=["measure", "ablation"])
    parser.add_argument("file", nargs="?", type=Path, default=FOLDER / "ablation.jsonl", help="for `ablation`")
    parser.add_argument("--only", nargs="+", choices=list(DATASETS), default=list(DATASETS))
    options = parser.parse_args()
    if options.action == "ablation":
        print(ablation(lines_of(options.file)))
        return
    if options.action:
        measure(options.only)
        return
    for path in TEXTS:
        with atomic(path) as temporary:
            temporary.write_text(fill(path.read_text(encoding="utf-8"), blocks()), encoding="utf-8")


if __name__ == "__main__":
    main()
