"""The output of commands: plain data for programs, lines for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..data.folder import Record
from ..data.record import CaptionFact
from ..data.truth import SceneTruth, hard_groups
from ..evaluation.by_tag import hard_group_results, recall_by_tag
from ..evaluation.evaluate import Scored
from ..evaluation.level_weights import Weighed
from ..evaluation.metrics import tags_of
from ..retrieval.results import Explanation, SearchResult
from ..types import LEVELS


def evaluation_report(
    scored: Scored, records: Sequence[Record], truth: Mapping[str, SceneTruth] | None = None
) -> dict[str, Any]:
    """Metrics of the score and of the levels; `tags` and `hard_groups` if the facts about captions and scenes are known.

    Args:
        scored: of these records.
        truth: scenes by record id.
    """
    metrics = scored.metrics()
    report: dict[str, Any] = {
        "pictures": len(records),
        "captions": len(scored.image_index),
        **metrics["score"].to_json(),
        "levels": {name: metrics[name].to_json() for name in LEVELS},
    }
    tags = tags_of(records)
    if not any(tags):
        return report
    by_tag = recall_by_tag(scored.table.score, scored.truth, tags)
    report["tags"] = {tag: result.to_json() for tag, result in by_tag.items()}
    row_of = {record.id: row for row, record in enumerate(records)}
    groups = {
        group: rows
        for group, ids in hard_groups(dict(truth or {})).items()
        if len(rows := [row_of[id_] for id_ in ids if id_ in row_of]) > 1
    }
    facts = [fact for record in records for fact in record.facts or ()]
    results = hard_group_results(scored.table.score, scored.truth, scored.image_index, groups, list(map(_parts, facts)))
    report["hard_groups"] = {name: result.to_json() for name, result in results.items()}
    return report


def _parts(fact: CaptionFact) -> list[str]:
    """By what else the captions of hard groups are told apart: their relation, and what training never saw of them."""
    own = [] if fact.relation is None else [fact.relation]
    return own + [f"kept {name}" for name in fact.kept]


def evaluation_lines(report: Mapping[str, Any]) -> list[str]:
    """The same for people."""
    lines = [
        f"{report['pictures']} pictures, {report['captions']} captions{_missing(report)}",
        f"{'':8}{'image to text':^28}{'text to image':^28}",
        f"{'':8}" + f"{'R@1':>6}{'R@5':>6}{'R@10':>6}{'medr':>6}    " * 2 + f"{'rsum':>6}",
    ]
    for name, metrics in {"score": report, **report["levels"]}.items():
        cells = "".join(
            f"{r['r1']:6.1f}{r['r5']:6.1f}{r['r10']:6.1f}{r['medr']:6.0f}    "
            for r in (metrics["image_to_text"], metrics["text_to_image"])
        )
        lines.append(f"{name:8}{cells}{metrics['rsum']:6.1f}")
    if report.get("tags"):
        lines += ["", f"{'text to image, by tag':24}{'captions':>8}{'R@1':>7}{'R@5':>7}{'R@10':>7}{'chance R@1':>12}"]
        lines += [
            f"{tag:24}{r['captions']:8}{r['r1']:7.1f}{r['r5']:7.1f}{r['r10']:7.1f}{r['chance']:12.1f}"
            for tag, r in report["tags"].items()
        ]
    if report.get("hard_groups"):
        lines += [
            "",
            f"{'hard groups differ in':36}{'groups':>8}{'captions':>10}{'first':>7}{'chance':>8}{'groups right':>14}",
        ]
        lines += [
            f"{name:36}{r['groups']:8}{r['captions']:10}{r['first']:7.1f}{r['chance']:8.1f}{r['whole']:14.1f}"
            for name, r in report["hard_groups"].items()
        ]
    return lines


def weighing_lines(found: Sequence[Weighed], datasets: Sequence[str]) -> list[str]:
    """The best level weights, and each level alone, with the rsum that each dataset has with them."""
    lines = ["".join(f"{name:>8}" for name in LEVELS) + f"{'mean':>9}  " + "  ".join(datasets)]
    for one in [*found[:5], *(w for w in found if max(w.weights) == 1)]:
        weights = "".join(f"{weight:8.1f}" for weight in one.weights)
        rsums = "  ".join(f"{r:{len(name)}.1f}" for r, name in zip(one.rsums, datasets, strict=True))
        lines.append(f"{weights}{one.mean:9.1f}  {rsums}")
    return lines


def audit_lines(report: Mapping[str, Any]) -> list[str]:
    """An audit (`hgan.evaluation.faithfulness.audit`) for people; shares in percent."""
    exact = report["truth"] == "exact"
    source = (
        "the scenes' exact truth" if exact else "a detector's boxes and a list of nouns: weak labels, not the truth"
    )
    pointing, proposals, additivity = report["pointing"], report["proposals"], report["additivity"]
    lines = [f"{report['pictures']} pictures, {report['captions']} captions{_missing(report)}; compared with {source}"]
    lines += [
        "",
        f"{'pointing':24}{'hits':>7}{'by IoU':>8}{'random':>8}{'largest':>9}{'ceiling':>9}"
        f"   ({pointing['mentions']} mentions)",
    ]
    for name, r in pointing["regions"].items():
        label = "objects and context" if name == "all" else "objects alone"
        lines.append(
            f"{label:24}{_number(r['share'], 7)}{_number(r['share_iou'], 8)}{_number(r['random'], 8)}"
            f"{_number(r['largest'], 9)}{_number(r['ceiling'], 9)}"
        )
    if (edges := report["edges"])["captions"]:
        lines.append(
            f"{'edges: both things':24}{_number(edges['share'], 7)}{_number(edges['share_iou'], 8)}"
            f"{_number(edges['random'], 8)}{'':9}{_number(edges['ceiling'], 9)}   ({edges['captions']} captions)"
        )
    lines += ["", f"{'deletion, in score':24}{'top':>9}{'random':>9}{'least':>9}{'top costs more':>16}"]
    for name, r in report["deletion"].items():
        for part, title in (("first", "one"), ("area", "all, mean")) if r else ():
            costs = "".join(f"{r[part][order]:9.4f}" for order in ("top", "random", "least"))
            lines.append(f"{f'{name}: {title}':24}{costs}{r['top_costs_more'][part]:14.1f} %")
        if r:
            lines.append(f"{'  area between':24}{r['area_between']:9.4f} +- {r['se']:.4f} over {r['pairs']} pairs")
    lines += ["", f"additivity: worst error {additivity['worst']:.1e} over {additivity['pairs']} pairs"]
    labels = proposals["labels"]
    recalls = ", ".join(f"{_number(value, 0)} at IoU {t}" for t, value in proposals["recall"].items())
    lines += [
        "",
        f"proposals: recall {recalls}; right label {_number(proposals['label_accuracy'], 0)}; "
        f"{proposals['proposals_per_picture']:.1f} a picture, {proposals['boxes_per_picture']:.1f} known boxes",
        f"{_number(proposals['proposals_per_box'], 0)} a known box, of which {_number(proposals['precision'], 0)} fit one and "
        f"{_number(proposals['repeated'], 0)} repeat a better one; labels shown on {_number(labels['shown'], 0)}: right "
        f"{_number(labels['right'], 0)}, where a known box lies {_number(labels['agree'], 0)}",
        "",
        f"{'kind':16}{'mentions':>9}{'all':>7}{'objects':>9}{'boxes':>9}{'recall':>8}{'label':>7}",
    ]
    for kind in dict.fromkeys([*pointing["kinds"], *proposals["kinds"]]):
        p, q = pointing["kinds"].get(kind, {}), proposals["kinds"].get(kind, {})
        lines.append(
            f"{kind:16}{p.get('mentions', 0):9}{_number(p.get('all'), 7)}{_number(p.get('objects'), 9)}"
            f"{q.get('boxes', 0):9}{_number(q.get('recall'), 8)}{_number(q.get('label_accuracy'), 7)}"
        )
    return lines


def search_lines(result: SearchResult) -> list[str]:
    """Ranked matches with the parts of their scores."""
    lines = [*result.notices, f"{'rank':>4}  {'score':>7}  {'global':>7}{'local':>8}{'cross':>8}  id"]
    for hit in result.hits:
        parts = "".join(f"{hit.contributions[name]:8.3f}" for name in LEVELS)
        lines.append(f"{hit.rank:4}  {hit.score:7.3f} {parts}  {hit.id}" + (f"  {hit.caption}" if hit.caption else ""))
    timing = result.timing_ms
    return [
        *lines,
        f"global + local + cross = score; encode {timing['encode']:.0f} ms, search {timing['search']:.0f} ms",
    ]


def explanation_lines(explanation: Explanation) -> list[str]:
    """One match: its levels, then words and regions by contribution."""
    parts = ", ".join(f"{name} {explanation.contributions[name]:.3f}" for name in LEVELS)
    lines = [
        *explanation.notices,
        f"{explanation.id}: {explanation.caption}",
        f"score {explanation.score:.3f} = {parts} (sum error {explanation.check['sum_error']:.1e})",
    ]
    for title, nodes in (("word", explanation.words), ("region", explanation.regions)):
        lines += ["", f"{title:24}{'local':>8}{'cross':>8}{'total':>8}"]
        lines += [
            f"{node.label[:23]:24}{node.local:8.3f}{node.cross:8.3f}{node.total:8.3f}"
            for node in sorted(nodes, key=lambda node: -node.total)
        ]
    lines += ["", "a local term belongs to a word and a region and is listed under both; a cross term is listed once"]
    return lines + _edge_lines(explanation)


def _edge_lines(explanation: Explanation) -> list[str]:
    """What pairs of words brought, each with the pair of regions that brought most of it."""
    if not explanation.edges:
        return []
    words, regions = explanation.words, explanation.regions
    lines = ["", f"{'edge':24}{'total':>8}{'subject':>9}{'object':>8}{'place':>8}  words that say it; regions"]
    for edge in explanation.edges:
        parts = [sum(getattr(pair, name) for pair in edge.pairs) for name in ("subject", "object", "fit")]
        said = ", ".join(words[word].label for word, _ in edge.reads)
        best = edge.pairs[0] if edge.pairs else None
        shown = "none" if best is None else f"{regions[best.first].label}, {regions[best.second].label}"
        lines.append(
            f"{edge.label[:23]:24}{edge.total:8.3f}{parts[0]:9.3f}{parts[1]:8.3f}{parts[2]:8.3f}  {said}; {shown}"
        )
    return lines


def _missing(report: Mapping[str, Any]) -> str:
    return f", {report['left_out']:,} left out" if report.get("left_out") else ""


def _number(value: float | None, width: int) -> str:
    return f"{'-':>{width}}" if value is None else f"{value:{width}.1f}"
