"""Place, hour and weather: as an adverbial, as a noun phrase and as a clause; each says all of the claim's context."""

from __future__ import annotations

from . import lexicon as lex
from .phrases import Discourse, UnsayableError
from .world import INDOOR


def where(d: Discourse) -> str:
    """An adverbial that says all the claim says of place, time and weather: "on the beach at sunset in the rain"."""
    place, time, weather = d.claim.place, d.claim.time, d.claim.weather
    parts = []
    if place:
        plain, qualified, _ = lex.PLACES[place]
        if weather in lex.PLACE_ADJECTIVES and d.chance(0.35):
            parts.append(d.rng.choice(qualified).format(d.rng.choice(lex.PLACE_ADJECTIVES[weather])))
            weather = None
        elif place == "snow field" and weather == "snowing":
            parts.append("on a field of snow")  # "in the snow in falling snow" stumbles
        else:
            parts.append(d.rng.choice(plain))
    if time and weather and d.chance(0.6):
        parts.append(f"on a {d.rng.choice(lex.WEATHER_ADJECTIVES[weather])} {lex.TIME_NOUNS[time][0]}")
    else:
        parts += [d.rng.choice(lex.TIME_PHRASES[time])] if time else []
        parts += [d.rng.choice(lex.WEATHER_PHRASES[weather])] if weather else []
    return " ".join(parts)


def scenery(d: Discourse) -> str:
    """The same as a noun phrase: "a foggy evening on the beach"."""
    place, time, weather = d.claim.place, d.claim.time, d.claim.weather
    at = d.rng.choice(lex.PLACES[place][0]) if place else ""
    adjective = d.rng.choice(lex.WEATHER_ADJECTIVES[weather]) if weather else ""
    if time:
        if not (place or weather):
            raise UnsayableError("a bare 'a day' is no scenery")
        noun = d.rng.choice(lex.TIME_NOUNS[time]) if place not in INDOOR else lex.TIME_NOUNS[time][0]
        return " ".join(filter(None, ("a " + " ".join(filter(None, (adjective, noun))), at)))
    if weather:
        weather_noun = {"foggy": "fog", "snowing": "falling snow", "raining": "rain"}.get(
            weather
        ) or f"{adjective} skies"
        return f"{weather_noun} {at}".strip()
    if not place:
        raise UnsayableError("no context in the claim")
    return d.rng.choice(lex.PLACES[place][2])


def it_is(d: Discourse) -> str:
    """The same as a clause: "it is evening on the beach and fog hangs in the air"."""
    place, time, weather = d.claim.place, d.claim.time, d.claim.weather
    at = d.rng.choice(lex.PLACES[place][0]) if place else ""
    if time and weather and d.chance(0.5):
        adjective, noun = d.rng.choice(lex.WEATHER_ADJECTIVES[weather]), lex.TIME_NOUNS[time][0]
        return f"it is a {adjective} {noun} {at}".strip()
    hours = lex.INDOOR_TIMES if place in INDOOR else lex.IT_IS_TIME
    clauses = [d.rng.choice(hours[time])] if time else []
    clauses += [d.rng.choice(lex.IT_IS[weather])] if weather else []
    if not clauses:
        raise UnsayableError("neither hour nor weather in the claim")
    clauses[0] = f"{clauses[0]} {at}".strip()
    return " and ".join(clauses)
