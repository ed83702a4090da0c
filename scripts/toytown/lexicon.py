"""The words of Toy Town's captions: names, plurals, verbs, places, hours and weathers.

Every synonym here must be true of whatever the picture shows: "person", never "woman"; "stands", never "grazes".
"""

from __future__ import annotations

# kind -> ((singular, plural), ...); the first is the usual one and is taken more often.
NOUNS: dict[str, tuple[tuple[str, str], ...]] = {
    "car": (("car", "cars"),),
    "bus": (("bus", "buses"),),
    "truck": (("truck", "trucks"), ("lorry", "lorries")),
    "bicycle": (("bicycle", "bicycles"), ("bike", "bikes")),
    "boat": (("boat", "boats"),),
    "train": (("train", "trains"),),
    "aeroplane": (("aeroplane", "aeroplanes"), ("plane", "planes")),
    "balloon": (("balloon", "balloons"),),
    "house": (("house", "houses"),),
    "tower": (("tower", "towers"),),
    "tree": (("tree", "trees"),),
    "bush": (("bush", "bushes"), ("shrub", "shrubs")),
    "flower": (("flower", "flowers"),),
    "bench": (("bench", "benches"),),
    "lamp": (("lamp", "lamps"),),
    "table": (("table", "tables"),),
    "chair": (("chair", "chairs"),),
    "mug": (("mug", "mugs"), ("cup", "cups")),
    "ball": (("ball", "balls"),),
    "kite": (("kite", "kites"),),
    "book": (("book", "books"),),
    "box": (("box", "boxes"),),
    "umbrella": (("umbrella", "umbrellas"),),
    "fence": (("fence", "fences"),),
    "dog": (("dog", "dogs"),),
    "cat": (("cat", "cats"),),
    "duck": (("duck", "ducks"),),
    "horse": (("horse", "horses"),),
    "cow": (("cow", "cows"),),
    "sheep": (("sheep", "sheep"),),
    "snowman": (("snowman", "snowmen"),),
    "person": (("person", "people"),),
    "animal": (("animal", "animals"),),
    "farm animal": (("farm animal", "farm animals"),),
    "road vehicle": (("road vehicle", "road vehicles"),),
}

# kind -> verbs (singular, plural) that say no more than that it is there; the grammar adds "is", always possible.
_STAND, _LIE, _PARKED, _WAIT = ("stands", "stand"), ("lies", "lie"), ("is parked", "are parked"), ("waits", "wait")
_STANDING = ("is standing", "are standing")
VERBS: dict[str, tuple[tuple[str, str], ...]] = {
    **dict.fromkeys(("car", "bus", "truck"), (_PARKED, _STAND, _WAIT)),
    "bicycle": (_PARKED, _STAND),
    "train": (_STAND, _WAIT),
    **dict.fromkeys(("house", "tower", "bench", "table", "chair", "lamp", "snowman", "mug"), (_STAND,)),
    **dict.fromkeys(("tree", "bush", "flower"), (_STAND, ("grows", "grow"))),
    **dict.fromkeys(("ball", "book"), (_LIE,)),
    "box": (_STAND,),
    "kite": (("flies", "fly"), ("is flying", "are flying")),
    "cat": (("sits", "sit"), ("is sitting", "are sitting")),
    "balloon": (("floats", "float"), ("is floating", "are floating")),
    "dog": (_STAND, _STANDING, _WAIT),
    **dict.fromkeys(("horse", "cow", "sheep"), (_STAND, _STANDING)),
}
POSE_VERBS = {
    "standing": (("stands", "stand"), ("is standing", "are standing")),
    "sitting": (("sits", "sit"), ("is sitting", "are sitting")),
}

NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
SIZE_WORDS = {"small": ("small", "little"), "large": ("large", "big"), "medium": ("medium-sized",)}

# Each is (singular, plural), to follow the noun.
STATE_PHRASES = {
    "door open": (
        ("with its door open", "with their doors open"),
        ("with an open door", "with open doors"),
        ("whose door is open", "whose doors are open"),
    ),
    "door closed": (
        ("with its door closed", "with their doors closed"),
        ("with a closed door", "with closed doors"),
        ("whose door is shut", "whose doors are shut"),
    ),
    "light on": (
        ("with its light on", "with their lights on"),
        ("that is switched on", "that are switched on"),
        ("that is lit", "that are lit"),
    ),
    "light off": (
        ("with its light off", "with their lights off"),
        ("that is switched off", "that are switched off"),
        ("that is not lit", "that are not lit"),
    ),
}
STATE_PREDICATES = {
    "door open": (("has its door open", "have their doors open"), ("has an open door", "have open doors")),
    "door closed": (("has its door closed", "have their doors closed"), ("has a closed door", "have closed doors")),
    "light on": (("is switched on", "are switched on"), ("is lit", "are lit")),
    "light off": (("is switched off", "are switched off"), ("is not lit", "are not lit")),
}
ARMS_UP = ("with both arms up", "with raised arms", "with arms in the air", "with both arms raised")
CLOTHES = (
    ("in a {} shirt", "in {} shirts"),
    ("wearing a {} shirt", "wearing {} shirts"),
    ("dressed in {}", "dressed in {}"),
    ("in {}", "in {}"),
    ("with a {} shirt", "with {} shirts"),
)

PREPOSITIONS = {
    "left of": ("to the left of", "to the left of", "left of", "on the left of"),
    "right of": ("to the right of", "to the right of", "right of", "on the right of"),
    "in front of": ("in front of",),
    "behind": ("behind",),
    "on": ("on",),
    "under": ("under", "beneath", "underneath"),
    "next to": ("next to", "beside", "close to", "right beside", "near"),
}
ON = {
    "boat": ("in", "aboard"),
    "box": ("on", "on top of"),
    "bus": ("on top of", "on the roof of"),
    "table": ("on", "on top of"),
}
# The object as a pronoun: "a house with a tree behind it".
ABOUT_IT = {
    "left of": (("to its left", "to their left"), ("on its left", "on their left")),
    "right of": (("to its right", "to their right"), ("on its right", "on their right")),
    "in front of": (("in front of it", "in front of them"),),
    "behind": (("behind it", "behind them"),),
    "on": (("on it", "on them"),),
    "under": (("under it", "under them"), ("beneath it", "beneath them")),
    "next to": (("next to it", "next to them"), ("beside it", "beside them")),
}

# place -> phrases, phrases that take an adjective ("on a foggy beach"), and bare nouns.
PLACES: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "beach": (("on the beach", "at the beach", "on a sandy beach"), ("on a {} beach",), ("a beach", "a sandy beach")),
    "snow field": (
        ("in the snow", "on a field of snow", "out in the snow"),
        ("on a {} field of snow",),
        ("a field of snow",),
    ),
    "meadow": (
        ("in the meadow", "in a green meadow", "in a meadow"),
        ("in a {} meadow",),
        ("a meadow", "a green meadow"),
    ),
    "desert": (
        ("in the desert", "in a desert", "out in the desert"),
        ("in a {} desert",),
        ("a desert", "a sandy desert"),
    ),
    "street": (
        ("in the street", "on a town street", "on a street"),
        ("on a {} street",),
        ("a street", "a town street"),
    ),
    "kitchen": (("in the kitchen", "in a kitchen"), ("in a {} kitchen",), ("a kitchen",)),
    "living room": (("in the living room", "in a living room"), ("in a {} living room",), ("a living room",)),
    "lake": (("at the lake", "at a lake", "by the lake"), ("at a {} lake",), ("a lake",)),
    "forest": (("in the forest", "in the woods", "in a forest"), ("in a {} forest",), ("a forest", "a wood")),
    "farm": (("on the farm", "on a farm", "at the farm"), ("on a {} farm",), ("a farm",)),
}
TIME_PHRASES = {
    "day": ("by day", "during the day", "in daylight"),
    "sunset": ("at sunset", "in the evening light", "at sundown"),
    "night": ("at night", "by night", "after dark"),
}
# The first also serves after "on a foggy"; the others only stand alone.
TIME_NOUNS = {"day": ("day",), "sunset": ("evening", "sunset"), "night": ("night",)}
WEATHER_PHRASES = {
    "clear": ("under a clear sky", "in clear weather"),
    "cloudy": ("under a cloudy sky", "in cloudy weather"),
    "foggy": ("in the fog", "in foggy weather", "in fog"),
    "snowing": ("in falling snow", "while it snows", "with snow falling"),
    "raining": ("in the rain", "while it rains", "with rain falling"),
}
WEATHER_ADJECTIVES = {
    "clear": ("clear",),
    "cloudy": ("cloudy", "overcast"),
    "foggy": ("foggy", "misty"),
    "snowing": ("snowy",),
    "raining": ("rainy", "wet"),
}
# Adjectives that may stand before the place itself: "a clear beach" would say something else.
PLACE_ADJECTIVES = {"foggy": ("foggy", "misty"), "raining": ("rainy",)}
IT_IS = {
    "clear": ("the weather is clear", "the sky is clear"),
    "cloudy": ("it is cloudy", "the sky is full of clouds", "the sky is overcast"),
    "foggy": ("it is foggy", "fog hangs in the air"),
    "snowing": ("it is snowing", "snow is falling"),
    "raining": ("it is raining", "rain is falling"),
}
# Indoors the sky is out of sight.
INDOOR_TIMES = {"day": ("it is day", "it is daytime"), "sunset": ("it is evening",), "night": ("it is night",)}
IT_IS_TIME = {
    "day": ("it is day", "it is daytime"),
    "sunset": ("it is evening", "the sun is setting", "it is sunset"),
    "night": ("it is night", "it is dark", "night has fallen"),
}
