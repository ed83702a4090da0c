"""Everyday words for the kinds of COCO, to find out which words of a photograph's caption name one.

A short list, made from the commonest words of Flickr8k's training captions; what it does not hold is not counted. Words that
often mean something else there ("orange" the colour, "train" the verb, "football" the game, "pit bull") are left out.
"""

from __future__ import annotations

from collections.abc import Sequence

_WORDS = {
    "person": """person people man men woman women boy boys girl girls child children kid kids baby babies toddler toddlers
        lady ladies guy guys adult adults teenager teenagers player players rider riders skier skiers snowboarder
        snowboarders skateboarder skateboarders surfer surfers cyclist cyclists bicyclist bicyclists biker bikers climber
        climbers runner runners hiker hikers swimmer swimmers dancer dancers musician musicians couple crowd
        someone somebody pedestrian pedestrians fisherman cowboy
        motorcyclist motorcyclists racer racers wrestler wrestlers bride goalie referee clown""",
    "bicycle": "bicycle bicycles bike bikes",
    "motorcycle": "motorcycle motorcycles motorbike motorbikes dirtbike",
    "car": "car cars taxi taxis racecar",
    "bus": "bus buses",
    "truck": "truck trucks",
    "boat": "boat boats canoe canoes kayak kayaks sailboat sailboats raft",
    "airplane": "airplane airplanes plane planes aeroplane aeroplanes",
    "bench": "bench benches",
    "bird": "bird birds duck ducks seagull seagulls pigeon pigeons goose geese",
    "cat": "cat cats kitten kittens",
    "dog": "dog dogs puppy puppies doggy hound terrier poodle greyhound greyhounds collie retriever labrador shepherd",
    "horse": "horse horses pony ponies",
    "sheep": "sheep lamb lambs",
    "cow": "cow cows",
    "elephant": "elephant elephants",
    "bear": "bear bears",
    "zebra": "zebra zebras",
    "giraffe": "giraffe giraffes",
    "backpack": "backpack backpacks",
    "umbrella": "umbrella umbrellas parasol",
    "handbag": "handbag purse",
    "suitcase": "suitcase suitcases",
    "frisbee": "frisbee frisbees",
    "skis": "skis",
    "snowboard": "snowboard snowboards",
    "sports ball": "ball balls",
    "kite": "kite kites",
    "skateboard": "skateboard skateboards",
    "surfboard": "surfboard surfboards",
    "bottle": "bottle bottles",
    "cup": "cup cups mug mugs",
    "chair": "chair chairs",
    "couch": "couch couches sofa sofas",
    "bed": "bed beds",
    "dining table": "table tables",
    "tv": "tv television",
    "laptop": "laptop laptops",
    "book": "book books",
    "clock": "clock clocks",
}
_PHRASES: dict[tuple[str, ...], str] = {  # looked for first: a hot dog is no dog
    ("hot", "dog"): "hot dog",
    ("teddy", "bear"): "teddy bear",
    ("dirt", "bike"): "motorcycle",
    ("dirt", "bikes"): "motorcycle",
    ("dirt", "biker"): "person",
    ("tennis", "racket"): "tennis racket",
    ("tennis", "ball"): "sports ball",
    ("baseball", "bat"): "baseball bat",
    ("baseball", "glove"): "baseball glove",
    ("fire", "hydrant"): "fire hydrant",
    ("stop", "sign"): "stop sign",
    ("traffic", "light"): "traffic light",
    ("cell", "phone"): "cell phone",
}
_LABEL_OF = {word: label for label, words in _WORDS.items() for word in words.split()}


def named_labels(words: Sequence[str]) -> list[tuple[int, int, str]]:
    """Which words name a kind: (start, end, label) over `words`, in their order."""
    lower = [word.lower() for word in words]
    found, place = [], 0
    while place < len(lower):
        phrase = _PHRASES.get(tuple(lower[place : place + 2]))
        label = phrase or _LABEL_OF.get(lower[place])
        length = 2 if phrase else 1
        if label is not None:
            found.append((place, place + length, label))
        place += length
    return found
