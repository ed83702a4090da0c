"""Noun phrases and verbs, written from a `Claim` in view of what was said before.

Noun phrases are marked in the running text as `⟦node|words⟧`; `finish` takes the marks out again and tells which
words of the finished caption name which node.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

from . import lexicon as lex
from .truth import CATEGORIES, Claim, Node

MARK = re.compile(r"⟦(\d+)\|(.*?)⟧")
Mention = tuple[int, int, int]  # first word, one past the last word, the node named


class UnsayableError(ValueError):
    """The claim has no unambiguous wording in the chosen pattern; try another."""


class Discourse:
    """One caption in the making: words chosen and nodes mentioned so far. Every random choice is drawn from `rng`."""

    def __init__(self, claim: Claim, rng: random.Random) -> None:
        self.claim, self.rng = claim, rng
        self.nodes = claim.nodes
        self.said: list[int] = []
        self._nouns: dict[str, tuple[str, str]] = {}
        self._posed: set[int] = set()  # nodes whose pose is said already, by a verb or an adjective

    def pick(self, options: Sequence[str | Callable[[], str]]) -> str:
        """One of the options; a callable is called only when chosen, since writing a phrase changes what was said."""
        chosen = self.rng.choice(options)
        return chosen() if callable(chosen) else chosen

    def chance(self, share: float) -> bool:
        return self.rng.random() < share

    def form(self, pair: tuple[str, str], i: int) -> str:
        """Singular or plural of a pair of forms, to agree with node i."""
        return pair[self.plural(i)]

    def plural(self, i: int) -> bool:
        return self.nodes[i].n != 1

    def noun(self, kind: str, plural: bool) -> str:
        if kind not in self._nouns:
            options = lex.NOUNS[kind]
            self._nouns[kind] = options[0] if len(options) == 1 or self.chance(0.6) else self.rng.choice(options[1:])
        return self._nouns[kind][plural]

    def np(self, i: int, verb_follows: bool = False) -> str:
        """Node i: in full where it is new, short and definite where it is known.

        With `verb_follows` the caller goes on with `verb(i)`, which may then carry the pose ("a person ... sits").
        """
        if i in self.said:
            return self.again(i)
        node = self.nodes[i]
        adjectives, after = self.modifiers(node, i, verb_follows)
        text = " ".join([*adjectives, self.noun(node.kind, node.n != 1)])
        before = [self.nodes[j] for j in self.said if _overlap(self.nodes[j].kind, node.kind)]
        if node.n > 1:
            text = f"{lex.NUMBERS[node.n]} {text}"
        elif node in self.claim.exactly:
            text = self.rng.choice(("a single ", "just one ", "only one ", "one single ")) + text
        elif any(_could_be(node, other) for other in before):
            text = "another " + text
        else:
            text = "a " + text
        self.said.append(i)
        return self.mark(i, " ".join([text, *after]))

    def modifiers(self, node: Node, i: int, verb_follows: bool = False) -> tuple[list[str], list[str]]:
        """What the node says of its things: words before the noun, and after it."""
        adjectives, after = [], []
        if node.size:
            adjectives.append(self.rng.choice(lex.SIZE_WORDS[node.size]))
        if node.pose in lex.POSE_VERBS and i not in self._posed and not verb_follows:
            adjectives.append({"sitting": self.rng.choice(("sitting", "seated"))}.get(node.pose, node.pose))
            self._posed.add(i)
        if node.colour:
            adjectives.append(node.colour)
        if node.clothes:
            after.append(self.form(self.rng.choice(lex.CLOTHES), i).format(node.clothes))
        if node.pose == "arms up":
            after.append(self.rng.choice(lex.ARMS_UP))
        if node.state:
            after.append(self.form(self.rng.choice(lex.STATE_PHRASES[node.state]), i))
        return adjectives, after

    def again(self, i: int) -> str:
        """A node mentioned before: "the car", with its colour only where another car makes that necessary."""
        node = self.nodes[i]
        others = [other for j, other in enumerate(self.nodes) if j != i and _overlap(other.kind, node.kind)]
        noun = self.noun(node.kind, node.n != 1)
        if not others:
            return self.mark(i, f"the {noun}")
        if node.colour and all(other.colour not in (None, node.colour) for other in others):
            return self.mark(i, f"the {node.colour} {noun}")
        if node.clothes and all(other.clothes not in (None, node.clothes) for other in others):
            return self.mark(i, f"the {noun} in {node.clothes}")
        raise UnsayableError(f"nothing tells node {i} from the others of its kind: {node}")

    def known(self, i: int) -> str:
        """The bare noun with "the" on first mention, for nodes that the claim says are the only ones of their kind."""
        if Node(self.nodes[i].kind) not in self.claim.exactly:
            raise UnsayableError(f"'the {self.nodes[i].kind}' needs exactly one in the claim")
        self.said.append(i)
        return self.mark(i, f"the {self.noun(self.nodes[i].kind, False)}")

    def mark(self, i: int, words: str) -> str:
        """Words that name node i."""
        return f"⟦{i}|{words}⟧"

    def every(self, nodes: Sequence[int], verb_follows: bool = False) -> str:
        """ "A, B and C"."""
        parts = [self.np(i, verb_follows) for i in nodes]
        if len(parts) == 1:
            return parts[0]
        return ", ".join(parts[:-1]) + " and " + parts[-1]

    def none(self) -> str:
        """What the claim says is not there: "no ducks or dogs"; empty where nothing is."""
        absent = [node for node in self.claim.exactly if node.n == 0]
        words = [" ".join(filter(None, (node.colour, self.noun(node.kind, True)))) for node in absent]
        return " or ".join(words)

    def be(self, i: int) -> str:
        return self.form(("is", "are"), i)

    def verb(self, i: int, full: bool = False, before: bool = False) -> str:
        """A verb of being there that agrees with node i and, for a person, carries the pose.

        With `full` never a mere "is"; with `before` a plain form that may precede its subject.
        """
        node = self.nodes[i]
        if node.pose in lex.POSE_VERBS and i not in self._posed:
            self._posed.add(i)
            return self.form(lex.POSE_VERBS[node.pose][0] if before else self.rng.choice(lex.POSE_VERBS[node.pose]), i)
        options = lex.VERBS.get(node.kind, ())
        if full:
            options = [pair for pair in options if pair[0] in ("stands", "sits", "lies", "floats")]
        if before:
            options = [pair for pair in options if not pair[0].endswith("ing")]
        if full and not options:
            raise UnsayableError(f"no verb but 'is' for {node.kind}")
        if not options or (not full and self.chance(0.35)):
            return self.be(i)
        return self.form(self.rng.choice(options), i)

    def there_is(self, i: int) -> str:
        return self.form(("there is", "there are"), i)


def _overlap(kind: str, other: str) -> bool:
    return bool(set(CATEGORIES.get(kind, (kind,))) & set(CATEGORIES.get(other, (other,))))


def _could_be(node: Node, other: Node) -> bool:
    """Whether a thing mentioned as `other` could be taken for this one, so that "another" is due."""
    if node.kind != other.kind:
        return False
    return all(getattr(node, a) in (None, getattr(other, a)) for a in ("colour", "size", "state", "clothes", "pose"))


def finish(marked: str) -> tuple[str, list[Mention]]:
    """Marked running text -> the caption, and for each naming of a node its words (split at white space).

    Sentences get a capital and a full stop, and "a" becomes "an" where it must.
    """
    marked = re.sub(r"\s+", " ", marked).strip().rstrip(".") + "."
    marked = re.sub(
        r"\b([Aa]) (?=(?:⟦\d+\|)?[aeiou])", r"\1n ", marked
    )  # "an orange shirt"; by letter does for these words
    text, spans, last = "", [], 0
    for match in MARK.finditer(marked):
        text += marked[last : match.start()]
        start = len(text)
        text += match.group(2)
        spans.append((start, len(text), int(match.group(1))))
        last = match.end()
    text += marked[last:]
    text = re.sub(r"(^|[.!?] )([a-z])", lambda m: m.group(1) + m.group(2).upper(), text)
    words = [(m.start(), m.end()) for m in re.finditer(r"\S+", text)]
    mentions = []
    for start, end, node in spans:
        inside = [k for k, (a, b) in enumerate(words) if a < end and b > start]
        mentions.append((inside[0], inside[-1] + 1, node))
    return text, mentions
