"""Named ways to say one relation, a number or colours, beside the grammar's own: either thing first, passives, lists.

A third of them is kept back from training (`kept`): `hard` and `hard-dev` alone use those, so that what is measured there is
more than a memory of patterns. In a pattern `{a}` and `{b}` are the two things as noun phrases and `{a:is|are}` a form that
agrees with the thing; of "left of" a is the left one, of "in front of" the nearer one, of "holding" and "riding" who does it.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

from . import lexicon as lex
from .catalog import ANIMALS
from .grammar import with_context
from .phrases import Discourse, Mention, UnsayableError, finish
from .truth import Claim, Node

_SLOT = re.compile(r"\{([ab])(?::([^|}]*)\|([^}]*))?\}")
_TURNED = {"right of": "left of", "behind": "in front of"}  # the same fact with its things exchanged


@dataclass(frozen=True)
class Wording:
    """A pattern for one relation."""

    name: str
    predicate: str
    pattern: str
    kept: bool = False  # never used in training


def _of(predicate: str, taught: dict[str, str], kept: dict[str, str]) -> list[Wording]:
    return [
        Wording(name, predicate, pattern, is_kept)
        for patterns, is_kept in ((taught, False), (kept, True))
        for name, pattern in patterns.items()
    ]


RELATIONS: tuple[Wording, ...] = (
    *_of(
        "left of",
        {
            "left, right": "{a} on the left, {b} on the right",
            "right, left": "{b} on the right, {a} on the left",
            "on the left there is": "on the left there {a:is|are} {a}, and on the right {b}",
            "on the right there is": "on the right there {b:is|are} {b}, and on the left {a}",
            "is on the left": "{a} {a:is|are} on the left and {b} on the right",
            "is on the right": "{b} {b:is|are} on the right and {a} on the left",
            "left-hand side": "{a} {a:is|are} on the left-hand side of {b}",
            "right-hand side": "{b} {b:is|are} on the right-hand side of {a}",
            "on its right-hand side": "on the right-hand side of {a} there {b:is|are} {b}",
            "with on the left": "{b} with {a} on the left",
            "with on the right": "{a} with {b} on the right",
            "has on the left": "{b} {b:has|have} {a} on the left",
            "has on the right": "{a} {a:has|have} {b} on the right",
            "found to the left": "{a} can be found to the left of {b}",
            "found to the right": "{b} can be found to the right of {a}",
        },
        {
            "from left to right": "from left to right: {a}, then {b}",
            "from right to left": "from right to left: {b}, then {a}",
            "further left": "{a} {a:is|are} further left than {b}",
            "further right": "{b} {b:is|are} further to the right than {a}",
            "comes before": "read from left to right, {a} {a:comes|come} before {b}",
            "comes before, from the right": "read from right to left, {b} {b:comes|come} before {a}",
            "flanked on the left": "{b} {b:is|are} flanked on the left by {a}",
            "flanked on the right": "{a} {a:is|are} flanked on the right by {b}",
            "look to the left": "look to the left of {b} and you find {a}",
            "look to the right": "look to the right of {a} and you find {b}",
        },
    ),
    *_of(
        "in front of",
        {
            "nearer": "{a} {a:is|are} nearer to us than {b}",
            "further away": "{b} {b:is|are} further away than {a}",
            "in front, behind": "{a} in front, {b} behind",
            "behind, in front": "{b} behind, {a} in front",
            "in front there is": "in front there {a:is|are} {a}, and further back {b}",
            "with further back": "{a} with {b} further back",
            "behind you can see": "behind {a} you can see {b}",
            "closer, farther": "{a} {a:is|are} closer to us, {b} farther off",
            "farther, closer": "{b} {b:is|are} farther off, {a} closer to us",
            "in front of can be found": "in front of {b} one can find {a}",
        },
        {
            "from front to back": "from front to back: {a}, then {b}",
            "from back to front": "from back to front: {b}, then {a}",
            "closer to the camera": "{a} {a:is|are} closer to the camera than {b}",
            "at the back": "{b} {b:is|are} at the back and {a} at the front",
            "at the front": "{a} {a:is|are} at the front and {b} at the back",
            "farther from us": "{b} {b:is|are} farther from us than {a}",
        },
    ),
    *_of(
        "on",
        {
            "carries": "{b} {b:carries|carry} {a}",
            "with on top": "{b} with {a} on top",
            "rests": "{a} {a:rests|rest} on {b}",
            "placed": "{a} {a:has|have} been placed on {b}",
            "and on it": "there {b:is|are} {b}, and on {b:it|them} {a}",
            "on top of": "{a} on top of {b}",
        },
        {
            "supports": "{b} {b:supports|support} {a}",
            "serves as a stand": "{b} {b:serves|serve} as a stand for {a}",
            "carried": "{a} {a:is|are} carried by {b}",
        },
    ),
    *_of(
        "under",
        {
            "above": "{b} {b:is|are} above {a}",
            "over": "{b} over {a}",
            "shelters": "{a} {a:shelters|shelter} under {b}",
            "below": "below {b} there {a:is|are} {a}",
            "put underneath": "{a} {a:has|have} been put underneath {b}",
        },
        {
            "covered": "{a} {a:is|are} covered by {b}",
            "overhead": "{a} {a:has|have} {b} overhead",
            "stands over": "{b} {b:stands|stand} over {a}",
        },
    ),
    *_of(
        "next to",
        {
            "are side by side": "{a} and {b} are side by side",
            "close together": "{a} and {b} are close together",
            "at the side": "{a} {a:is|are} at the side of {b}",
            "not far": "{a} {a:is|are} not far from {b}",
            "alongside": "alongside {b} there {a:is|are} {a}",
        },
        {
            "side by side": "side by side: {a} and {b}",
            "neighbours": "{a} and {b} are neighbours",
            "keeps company": "{a} {a:keeps|keep} {b} company",
        },
    ),
    *_of(
        "holding",
        {
            "held": "{b} {b:is|are} held by {a}",
            "in the hands": "{b} in the hands of {a}",
            "carrying": "{a} {a:is|are} carrying {b}",
            "hands there is": "in the hands of {a} there {b:is|are} {b}",
        },
        {
            "in the grip": "{b} {b:is|are} in the grip of {a}",
            "got hold": "{a} {a:has|have} got hold of {b}",
        },
    ),
    *_of(
        "riding",
        {
            "ridden": "{b} {b:is|are} ridden by {a}",
            "astride": "{a} {a:sits|sit} astride {b}",
            "with riding it": "{b} with {a} riding {b:it|them}",
            "on rides": "on {b} {a:rides|ride} {a}",
        },
        {
            "mounted": "{a} {a:is|are} mounted on {b}",
            "in the saddle": "{b} {b:has|have} {a} in the saddle",
        },
    ),
)
# How a number is said; {n} is the number word, {many} the things in the plural, {count} number and things together.
COUNTS = {
    "exactly": "there {are} exactly {count}",
    "you can count": "you can count {count}",
    "in all": "{count} in all",
    "no more, no less": "{count}, no more and no less",
    "in total": "in total there {are} {count}",
}
KEPT_COUNTS = {"colon": "{many}: {n}", "the number of": "the number of {many} is {n}"}
# How a thing has its colour: of a thing and of a person's shirt.
COLOURS = {
    "that is": ("a {kind} that is {colour}", "a {kind} who wears {colour}"),
    "in": ("a {kind} in {colour}", "a {kind} in {colour}"),
    "has the colour": ("a {kind} of {colour} colour", "a {kind} with a shirt of {colour} colour"),
    "bare": ("{colour} {kind}", "{kind} in {colour}"),
}
KEPT_COLOURS = {
    "apposition": ("a {kind}, {colour}", "a {kind}, dressed in {colour}"),
    "whose colour is": ("a {kind} whose colour is {colour}", "a {kind} whose shirt is {colour}"),
}


def names(kept: bool) -> list[str]:
    """The names of all wordings that are kept back, or of all that training may use."""
    found = [wording.name for wording in RELATIONS if wording.kept is kept]
    return found + [f"number: {n}" for n in (KEPT_COUNTS if kept else COUNTS)] + [
        f"colour: {n}" for n in (KEPT_COLOURS if kept else COLOURS)
    ]  # fmt: skip


def write(claim: Claim, tag: str, rng: random.Random, kept: bool) -> tuple[str, list[Mention], str]:
    """One caption for the claim by a wording drawn from those kept back or from the others: text, mentions, and its name.

    A claim of tag "relations" has one link, one of "objects" one counted node before any others, one of "attributes" a colour
    on every node.

    Raises:
        UnsayableError: no wording says this claim.
    """
    for _ in range(30):
        d = Discourse(claim, rng)
        try:
            name, text = {"relations": _relation, "objects": _count, "attributes": _colours}[tag](d, kept)
            text, mentions = finish(with_context(d, text) if claim.place else text)
        except UnsayableError:
            continue
        if {node for _, _, node in mentions} == set(range(len(claim.nodes))):
            return text, mentions, name
    raise UnsayableError(f"no {'kept ' * kept}wording says {claim}")


def _relation(d: Discourse, kept: bool) -> tuple[str, str]:
    if len(d.claim.links) != 1 or len(d.nodes) != 2:
        raise UnsayableError(f"these wordings say one relation of two things, not {d.claim}")
    s, p, o = d.claim.links[0]
    if p in _TURNED:
        s, p, o = o, _TURNED[p], s
    fitting = [w for w in RELATIONS if w.predicate == p and w.kept is kept and _fits(w, d.nodes[s], d.nodes[o])]
    if not fitting:
        raise UnsayableError(f"no wording for {p}")
    wording = d.rng.choice(fitting)
    if p == "next to" and d.chance(0.5):
        s, o = o, s
    at = {"a": s, "b": o}

    def fill(slot: re.Match[str]) -> str:
        node = at[slot[1]]
        return d.np(node) if slot[2] is None else d.form((slot[2], slot[3]), node)

    return wording.name, _SLOT.sub(fill, wording.pattern)


def _fits(wording: Wording, a: Node, b: Node) -> bool:
    if wording.predicate == "on" and b.kind in ("boat", "bus"):  # what is in a boat is not on it
        return b.kind == "bus" and wording.name in ("with on top", "on top of")
    if wording.name in ("placed", "put underneath", "serves as a stand", "on top of"):
        return a.kind != "person"
    return not (wording.name == "in the saddle" and b.kind not in (*ANIMALS, "bicycle"))


def _count(d: Discourse, kept: bool) -> tuple[str, str]:
    node, patterns = d.nodes[0], KEPT_COUNTS if kept else COUNTS
    if node not in d.claim.exactly:
        raise UnsayableError("the number of the first node is not claimed")
    name, pattern = d.rng.choice(sorted(patterns.items()))
    adjectives, after = d.modifiers(node, 0)
    number = lex.NUMBERS[node.n]
    count = " ".join([number, *adjectives, d.noun(node.kind, node.n != 1), *after])
    _, after_many = d.modifiers(Node(node.kind, clothes=node.clothes, n=2), 0)
    many = " ".join([*adjectives, d.noun(node.kind, True), *after_many])
    d.said.append(0)
    text = pattern.format(n=number, are=d.be(0), count=d.mark(0, count), many=d.mark(0, many))
    rest = list(range(1, len(d.nodes)))
    if rest:
        text += d.pick([f", and there {d.be(rest[0])} also ", ", with ", "; besides, there " + d.be(rest[0]) + " "])
        text += d.every(rest)
    return f"number: {name}", text


def _colours(d: Discourse, kept: bool) -> tuple[str, str]:
    if any(node.n != 1 or not (node.colour or node.clothes) for node in d.nodes):
        raise UnsayableError("not every thing has a colour to tell")
    if any(node.size or node.state or node.pose for node in d.nodes):
        raise UnsayableError("more than colours to tell")
    name, patterns = d.rng.choice(sorted((KEPT_COLOURS if kept else COLOURS).items()))
    order = list(range(len(d.nodes)))
    d.rng.shuffle(order)
    parts = []
    for i in order:
        node = d.nodes[i]
        pattern = patterns[node.kind == "person"]
        d.said.append(i)
        parts.append(d.mark(i, pattern.format(kind=d.noun(node.kind, False), colour=node.colour or node.clothes)))
    joint = ", and " if name == "apposition" else " and "
    text = ", ".join(parts) if name == "bare" else ", ".join(parts[:-1]) + joint * (len(parts) > 1) + parts[-1]
    return f"colour: {name}", text
