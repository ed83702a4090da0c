"""What a single scene holds: a place, an hour, a weather and two to six things that fit there, gathered in clusters."""

from __future__ import annotations

from random import Random

from .arrange import Cluster
from .catalog import CARRIES, FLIES, FLOATS, FRONT_GRIP, HELD, KIND, SADDLE, SCALE, UNDER
from .world import INDOOR, STATES, Thing

WEATHER = {  # weights by place and hour; what is missing is "clear"
    "snow field": {"clear": 4, "cloudy": 1, "snowing": 5, "foggy": 1},
    "desert": {"clear": 6, "cloudy": 2},
    "forest": {"clear": 5, "cloudy": 1, "foggy": 2, "raining": 1, "snowing": 1},
    "street": {"clear": 5, "cloudy": 1, "foggy": 1, "raining": 2, "snowing": 1},
}
OPEN_WEATHER = {"clear": 6, "cloudy": 2, "foggy": 1, "raining": 1}


def choose(rng: Random, weights: dict[str, int]) -> str:
    return rng.choices(list(weights), list(weights.values()))[0]


def circumstances(place: str, rng: Random) -> tuple[str, str]:
    """An hour and a weather that make sense at a place; rooms are always "clear"."""
    if place in INDOOR:
        return choose(rng, {"day": 7, "night": 3}), "clear"
    time = choose(rng, {"day": 5, "night": 5} if place == "street" else {"day": 6, "sunset": 2, "night": 2})
    weathers = WEATHER.get(place, OPEN_WEATHER)
    if time == "sunset":  # fog and rain would hide the one thing that shows the hour
        weathers = {"clear": 4, "cloudy": 1}
    elif time == "night":
        weathers = {name: weight for name, weight in weathers.items() if name in ("clear", "snowing", "raining")}
    return time, choose(rng, weathers)


class Composer:
    """Makes things with fresh ids for one scene."""

    def __init__(self, place: str, rng: Random) -> None:
        self.place, self.rng, self.count = place, rng, 0

    def thing(self, kind: str, size: str | None = None, pose: str | None = None) -> Thing:
        """A thing of a kind with colour, size, pose and state drawn by chance."""
        rng = self.rng
        sizes = KIND[kind].sizes
        size = size or choose(rng, {s: 5 if s == "medium" else 2 for s in sizes})
        self.count += 1
        made = Thing(f"t{self.count - 1}", kind, None, size)
        if kind == "person":
            made.clothes = rng.choice(COLOURS_WORN)
            made.pose = pose or choose(rng, {"standing": 4, "arms up": 3, "sitting": 3})
        else:
            colours = [
                c for c in KIND[kind].colours if not (self.place == "snow field" and c == "white" and kind != "snowman")
            ]
            made.colour = rng.choice(colours)
            made.state = rng.choice(STATES[kind]) if kind in STATES else None
        return made

    def fits(self, kind: str) -> bool:
        return self.place in KIND[kind].places

    def cluster(self, kind: str, room: int) -> Cluster:
        """A cluster round a thing of `kind`, of at most `room` things; often that thing alone."""
        rng, ways = self.rng, []
        if room > 1:
            ways = [
                way
                for way in ("carry", "under", "ride", "hold", "carried", "held", "sheltered")
                if self._can(way, kind)
            ]
        if not ways or rng.random() < 0.4:
            root = self.thing(kind)
            return Cluster(root, surface=self.surface(kind))
        return getattr(self, "_" + rng.choice(ways))(kind, room)

    def _can(self, way: str, kind: str) -> bool:
        if way == "carry":
            return kind in CARRIES
        if way == "under":
            return kind in UNDER
        if way == "ride":
            return kind in SADDLE
        if way == "hold":
            return kind == "person"
        if way == "carried":
            return any(kind in load and self.fits(base) for base, load in CARRIES.items())
        if way == "sheltered":
            return any(kind in load and self.fits(base) for base, load in UNDER.items())
        return kind in HELD

    def _carry(self, kind: str, room: int, load: str | None = None) -> Cluster:
        rng = self.rng
        base = self.thing(kind, "medium" if kind in ("chair", "boat") or rng.random() < 0.7 else None)
        loads = [load] if load else [k for k in CARRIES[kind] if self.fits(k)]
        cluster = Cluster(base, surface=self.surface(kind))
        if not loads:
            return cluster
        first = rng.choice(loads)
        cluster.attached.append((self._load(first, base), "on"))
        if kind in ("table", "bus", "bench") and room > 2 and rng.random() < 0.5 and first != "person":
            second = rng.choice([k for k in CARRIES[kind] if self.fits(k) and k != "person"] or [first])
            cluster.attached.append((self._load(second, base), "on"))
        return cluster

    def _load(self, kind: str, base: Thing) -> Thing:
        """A thing small enough for what carries it."""
        if kind == "person":
            return self.thing(kind, base.size if base.size in KIND[kind].sizes else "medium", "sitting")
        broad = base.kind in ("table", "bus") and base.size == "medium"
        wanted = "medium" if broad and kind not in ("box",) else "small"
        if base.size == "large" or (base.kind == "box" and base.size == "medium" and kind in ("cat", "ball", "mug")):
            wanted = "medium"
        sizes = KIND[kind].sizes
        return self.thing(kind, wanted if wanted in sizes else sizes[0])

    def _under(self, kind: str, room: int, what: str | None = None) -> Cluster:
        base = self.thing(kind, "medium" if kind == "table" else KIND[kind].sizes[-1])
        what = what or self.rng.choice([k for k in UNDER[kind] if self.fits(k)])
        sizes = KIND[what].sizes
        size = "small" if "small" in sizes else sizes[0]
        if SCALE[base.size] >= 1 and what in ("ball", "box", "duck") and self.rng.random() < 0.6:
            size = "medium"
        return Cluster(base, [(self.thing(what, size), "under")])

    def _ride(self, kind: str, room: int) -> Cluster:
        size = "small" if self.rng.random() < 0.2 else "medium"
        return Cluster(self.thing(kind, size), [(self.thing("person", size, "riding"), "riding")], self.surface(kind))

    def _hold(self, kind: str, room: int, what: str | None = None) -> Cluster:
        person = self.thing("person", None if what else "medium", "holding")
        person.size = "medium"  # before a small child most things would hide the face
        what = what or self.rng.choice([k for k in HELD if self.fits(k)])
        size = "small" if what in ("box", "ball", "flower") else "medium"  # or the face would be hidden
        return Cluster(person, [(self.thing(what, size), "holding")])

    def _carried(self, kind: str, room: int) -> Cluster:
        return self._carry(
            self.rng.choice([b for b, load in CARRIES.items() if kind in load and self.fits(b)]), 2, kind
        )

    def _sheltered(self, kind: str, room: int) -> Cluster:
        return self._under(self.rng.choice([b for b, load in UNDER.items() if kind in load and self.fits(b)]), 2, kind)

    def _held(self, kind: str, room: int) -> Cluster:
        return self._hold("person", 2, kind)

    def surface(self, kind: str) -> str:
        """Where at this place the kind stands."""
        if kind in FLIES:
            return "air" if self.rng.random() < 0.75 else "ground"
        if self.place == "street" and kind in ("car", "bus", "truck", "bicycle"):
            return "road"
        if kind == "boat" or (self.place == "lake" and kind in FLOATS):
            return "water"
        if self.place == "street" and kind == "tree":
            return "back"
        return "ground"


COLOURS_WORN = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "white")


def compose(place: str, focus: str, rng: Random) -> list[Cluster]:
    """Two to six things about `focus`; sometimes several of the same, sometimes two of a kind in different colours."""
    maker = Composer(place, rng)
    wanted = choose(rng, {"2": 2, "3": 4, "4": 4, "5": 3, "6": 1})
    left = int(wanted)
    clusters = [maker.cluster(focus, left)]
    left -= len(clusters[0].things())
    while left > 0:
        kinds = [k for k in KIND if maker.fits(k)]
        kind = rng.choice(kinds)
        used = {t.kind for c in clusters for t in c.things()}
        if kind in used and rng.random() < 0.7:
            continue
        if left >= 2 and rng.random() < 0.25 and kind not in ("train", "house", "tower", "bus", "aeroplane", "person"):
            first = maker.thing(kind)
            number = rng.randint(2, min(4, left))
            for _ in range(number):
                made = maker.thing(kind, first.size)
                made.colour, made.state = first.colour, first.state
                clusters.append(Cluster(made, surface=maker.surface(kind)))
            left -= number
            continue
        cluster = maker.cluster(kind, left)
        if len(cluster.things()) <= left:
            clusters.append(cluster)
            left -= len(cluster.things())
    _renumber(clusters)
    return clusters


def _renumber(clusters: list[Cluster]) -> None:
    """Ids t0, t1, ... without holes, whatever was drawn and thrown away."""
    for number, thing in enumerate(thing for cluster in clusters for thing in cluster.things()):
        thing.id = f"t{number}"


assert set(FRONT_GRIP) <= set(HELD)
