"""The audit: each of its measures on cases counted by hand, then the whole of it on a tiny model."""

from __future__ import annotations

import json
import shutil

import pytest
import torch
from PIL import Image

from hgan.cli.main import main
from hgan.data.folder import Box, read_dataset
from hgan.data.nouns import named_labels
from hgan.data.phrases import GroundedPhrase, hits, phrases_of_labels, phrases_of_truth
from hgan.data.truth import Group, Mention, SceneTruth, hard_groups, read_truth
from hgan.encoding import encode_images
from hgan.evaluation.faithfulness import audit, deletion, proposals
from hgan.evaluation.faithfulness.pointing import point
from hgan.types import CONTEXT, OBJECT, ImageGraph
from hgan.visualize.audit_plot import audit_figure

LEFT, RIGHT, WHOLE = [0.0, 0.0, 0.4, 1.0], [0.6, 0.0, 1.0, 1.0], [0.0, 0.0, 1.0, 1.0]
REGIONS = torch.tensor([WHOLE, LEFT, RIGHT])
KINDS = torch.tensor([CONTEXT, OBJECT, OBJECT])


def graph_of(boxes: list, labels: list[int]) -> ImageGraph:
    """Detections of a picture, and nothing else that a graph has."""
    n, none = len(boxes), torch.zeros(1, 0)
    return ImageGraph(
        none, none, torch.ones(1, n, dtype=torch.bool), none, none, none, torch.tensor(boxes).view(1, n, 4),
        torch.full((1, n), OBJECT), torch.tensor(labels).view(1, n), torch.ones(1, n),
    )  # fmt: skip


@pytest.fixture
def world(tiny_dataset, tmp_path):
    """The tiny dataset with scenes: one thing each, named by the words after the first of every caption."""
    folder = shutil.copytree(tiny_dataset, tmp_path / "world")
    scenes, facts = [], []
    for number, record in enumerate(read_dataset(folder)):
        box = list(record.regions[0].box) if record.regions else [0.1, 0.1, 0.5, 0.5]
        kind = "ball" if "circle" in record.id else "box"
        scenes.append({"id": record.id, "split": record.split, "things": [{"id": "t0", "kind": kind, "box": box}],
                       "group": {"id": f"g{number // 2}", "differs": "colour"}})  # fmt: skip
        row = number if record.split == "train" else number - 8
        words = [[1, 3], [0, 2]]
        facts.append({"id": record.id, "captions": [
            {"tag": tag, "true_of": [row], "mentions": [{"words": span, "things": ["t0"]}]}
            for tag, span in zip(("full", "objects"), words, strict=True)
        ]})  # fmt: skip
    for name, lines in (("scenes.jsonl", scenes), ("caption_facts.jsonl", facts)):
        (folder / name).write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


def test_a_mention_is_the_characters_of_its_words():
    caption = "A brown cat,  and the cat."
    assert [caption[slice(*Mention(words, ()).characters(caption))] for words in ((0, 3), (4, 6))] == [
        "A brown cat,",
        "the cat.",
    ]
    with pytest.raises(ValueError, match="words 5 to 7"):
        Mention((5, 7), ()).characters(caption)


def test_truth_is_read_with_things_mentions_and_groups(world):
    truth = read_truth(world, "dev")
    assert len(truth) == 4
    scene = next(iter(truth.values()))
    assert scene.things["t0"].label == "ball"
    assert scene.mentions == ((Mention((1, 3), ("t0",)),), (Mention((0, 2), ("t0",)),))
    assert [len(ids) for ids in hard_groups(truth).values()] == [2, 2]
    assert next(iter(hard_groups(truth))).differs == "colour"


def test_a_folder_without_scenes_has_no_truth(tiny_dataset):
    assert read_truth(tiny_dataset) is None


def test_a_damaged_scene_is_named_by_its_line(world):
    (world / "scenes.jsonl").write_text('{"id": "x", "split": "dev", "things": [{"id": "t0"}]}\n')
    with pytest.raises(ValueError, match=r"scenes.jsonl line 1: got a damaged scene"):
        read_truth(world)


def test_nouns_are_found_in_plural_and_in_pairs():
    words = ["Two", "women", "ride", "bikes", "past", "a", "hot", "dog", "and", "an", "orange", "ball"]
    assert named_labels(words) == [
        (1, 2, "person"),
        (3, 4, "bicycle"),
        (6, 8, "hot dog"),
        (11, 12, "sports ball"),
    ]


def test_a_noun_counts_only_where_a_box_of_its_label_is_known(tiny_processor):
    sentence = tiny_processor.read("a dog and a cat")
    grounded_phrases = phrases_of_labels(sentence, [Box((0.0, 0.0, 0.5, 0.5), "dog"), Box((0.5, 0.0, 1.0, 0.5), "dog")])
    assert phrases_of_labels(sentence, [Box((0.0, 0.0, 0.5, 0.5), "dog", score=0.49)]) == []  # too doubtful to be truth
    assert [(n.words, n.kind, n.boxes.shape) for n in grounded_phrases] == [((1,), "dog", (2, 4))]


def test_a_detectors_spelling_of_a_label_is_understood(tiny_processor):
    sentence = tiny_processor.read("an airplane")
    assert len(phrases_of_labels(sentence, [Box((0.0, 0.0, 1.0, 1.0), "aeroplane")])) == 1


def test_mentions_become_nodes_of_the_text_graph(tiny_processor):
    truth = SceneTruth({"t0": Box((0.0, 0.0, 0.5, 1.0), "ball")}, ((Mention((1, 3), ("t0",)),),), None)
    sentence = tiny_processor.read("A red, ball!")
    (named_phrase,) = phrases_of_truth(sentence, 0, truth)
    assert [sentence.words[n] for n in named_phrase.words] == ["red", "ball"]
    assert named_phrase.kind == "ball"


def test_the_region_with_the_largest_sum_of_terms_points():
    named_phrase = GroundedPhrase((0, 1), torch.tensor([LEFT]), "dog")
    terms = torch.tensor([[0.0, 0.5, 0.4], [0.0, 0.1, 0.4], [9.0, 0.0, 0.0]])  # right by sum, left by one word alone
    pointed = point(named_phrase, terms, REGIONS, KINDS)
    assert not pointed["all"].hit
    assert point(GroundedPhrase((0,), named_phrase.boxes, "dog"), terms, REGIONS, KINDS)["all"].hit
    assert pointed["all"].random == pytest.approx(1 / 3)
    assert pointed["objects"].random == pytest.approx(1 / 2)


def test_a_context_cell_can_point_but_not_among_objects():
    terms = torch.tensor([[0.9, 0.1, 0.5]])
    pointed = point(GroundedPhrase((0,), torch.tensor([RIGHT]), "dog"), terms, REGIONS, KINDS)
    assert (pointed["all"].hit, pointed["objects"].hit) == (False, True)


@pytest.mark.parametrize(
    ("box", "hit", "iou"),
    [
        ([0.0, 0.0, 0.4, 0.4], False, False),  # centre of the left region is below, IoU 0.4
        ([0.0, 0.0, 0.4, 0.6], True, True),
        ([0.1, 0.4, 0.3, 0.6], True, False),  # small, around the centre
        (RIGHT, False, False),
    ],
)
def test_a_region_hits_by_overlap_or_by_its_centre(box, hit, iou):
    on, overlap = hits(torch.tensor([LEFT]), torch.tensor([box]))
    assert (bool(on), bool(overlap)) == (hit, iou)


def test_any_of_several_things_is_a_hit():
    assert hits(torch.tensor([LEFT]), torch.tensor([RIGHT, LEFT]))[0].all()


def test_a_picture_without_detections_misses_among_objects():
    pointed = point(GroundedPhrase((0,), torch.tensor([WHOLE]), "dog"), torch.ones(1, 1), REGIONS[:1], KINDS[:1])
    assert (pointed["all"].hit, pointed["objects"].hit, pointed["objects"].possible) == (True, False, False)


def test_nodes_go_in_their_order():
    keep = deletion.keep_masks(torch.tensor([[2, 0, 1]]))[0]
    assert keep.tolist() == [[True, True, True], [True, True, False], [False, True, False], [False, False, False]]


def test_area_and_curve_are_those_counted_by_hand():
    costs = torch.tensor([0.0, 2.0, 4.0])
    assert deletion.area_under(costs) == 2.0
    assert deletion.at_shares(costs, 4).tolist() == [0.0, 1.0, 2.0, 3.0, 4.0]


def test_deletion_reports_means_over_pairs():
    one = deletion.Costs(torch.tensor([0.0, 3.0]), torch.tensor([0.0, -1.0]), torch.tensor([[0.0, 1.0], [0.0, 2.0]]))
    two = deletion.Costs(torch.tensor([0.0, 1.0]), torch.tensor([0.0, 0.0]), torch.tensor([[0.0, 2.0], [0.0, 2.0]]))
    report = deletion.summarise([one, two])
    assert report["first"] == pytest.approx({"top": 2.0, "random": 1.75, "least": -0.5})
    assert report["area_between"] == pytest.approx((0.75 - 0.5) / 2)
    assert report["top_costs_more"] == {"first": 50.0, "area": 50.0}
    assert deletion.summarise([]) is None


def test_taking_all_nodes_away_costs_the_same_in_every_order(tiny_model, tiny_processor, picture):
    from hgan.encoding import to_pixels

    with torch.no_grad():
        regions, _ = tiny_model.encode_regions(to_pixels([picture(0)], tiny_model))
        words = tiny_model.encode_words(**tiny_processor(text="a big red circle"))
    costs = deletion.costs_of_pair(tiny_model, regions, words, torch.Generator().manual_seed(0))
    assert len(costs["words"].top) == 5
    for cost in costs.values():
        assert cost.top[0] == cost.random[0, 0] == 0
        torch.testing.assert_close(cost.random[:, -1], cost.top[-1].expand(3))
        assert not torch.allclose(cost.top[1], cost.least[1])


def test_proposals_are_counted_by_overlap_and_label(tiny_model, picture):
    images = (encode_images(tiny_model, [picture(seed)]) for seed in range(20))
    image = next(image for image in images if (image.kinds[image.mask] == OBJECT).any())
    objects = (image.kinds[0] == OBJECT).nonzero()[:, 0]
    place = int(objects[0])
    box = tuple(image.boxes[0, place].tolist())
    label = tiny_model.config.labels[int(image.labels[0, place])]
    away = Box((0.0, 0.0, 1e-3, 1e-3), "dog")
    known = [Box(box, label), Box(box, "no such kind"), away]
    boxes, detections = proposals.compare(image, known, tiny_model.config.labels)
    assert [(box.iou > 0.99, box.right) for box in boxes] == [(True, True), (True, False), (False, False)]
    assert detections[0] == proposals.Detected(meets=True, again=False, labelled=True, right=True)
    report = proposals.summarise(boxes, detections, 1)
    assert report["recall"]["0.5"] == pytest.approx(200 / 3)
    assert report["label_accuracy"] == 50
    assert report["proposals_per_picture"] == len(objects)
    assert report["proposals_per_box"] == len(objects) / 3


def test_detections_are_counted_by_what_they_meet_and_labels_by_whether_they_are_right():
    # Of five detections two lie on the dog, one on the box without its label, two on nothing, one of these with a label.
    dog, box = (0.0, 0.0, 0.4, 0.4), (0.5, 0.5, 0.9, 0.9)
    near, away = (0.0, 0.0, 0.4, 0.36), (0.0, 0.6, 0.2, 0.8)
    image = graph_of([dog, near, box, away, away], labels=[1, 0, -1, -1, 0])
    known, detected = proposals.compare(image, [Box(dog, "dog"), Box(box, "box")], ["cat", "dog", "box"])
    report = proposals.summarise(known, detected, 1)
    assert report["recall"] == {"0.5": 100, "0.3": 100}
    assert (report["proposals_per_box"], report["precision"], report["repeated"]) == (2.5, 60, 20)
    assert report["label_accuracy"] == 100  # the box has no label
    assert report["labels"] == {"shown": 60, "right": pytest.approx(100 / 3), "agree": 50}


def test_a_picture_without_known_boxes_or_without_detections_is_compared_too():
    none, some = graph_of([], labels=[]), graph_of([(0.0, 0.0, 0.4, 0.4)], labels=[0])
    known, detected = proposals.compare(none, [Box((0.0, 0.0, 0.4, 0.4), "cat")], ["cat"])
    assert (known, detected) == ([proposals.Known("cat", 0.0, False, False)], [])
    known, detected = proposals.compare(some, [], ["cat"])
    assert (known, detected) == ([], [proposals.Detected(False, False, True, False)])
    assert proposals.summarise([], [], 0)["recall"]["0.5"] is None


def test_an_audit_is_the_same_twice_and_its_terms_add_up(tiny_model, tiny_processor, world):
    records, truth = read_dataset(world, "dev"), read_truth(world, "dev")
    report = audit(tiny_model, tiny_processor, records, truth, pairs=20)
    assert report == audit(tiny_model, tiny_processor, records, truth, pairs=20)
    assert report["truth"] == "exact"
    assert report["pointing"]["mentions"] == report["captions"] == 8
    assert report["deletion"]["regions"]["pairs"] == 4
    assert 0 < report["additivity"]["worst"] < 1e-5
    assert report["proposals"]["boxes"] == 4


def test_without_scenes_the_known_boxes_are_a_teachers(tiny_model, tiny_processor, tiny_dataset):
    report = audit(tiny_model, tiny_processor, read_dataset(tiny_dataset, "dev"), pairs=1)
    assert report["truth"] == "teacher"
    assert report["pointing"]["mentions"] == 0  # no caption names a kind of COCO
    assert report["pointing"]["regions"]["all"]["share"] is None


def test_an_audit_without_captions_is_refused(tiny_model, tiny_processor, tiny_dataset):
    with pytest.raises(ValueError, match="without captions"):
        audit(tiny_model, tiny_processor, read_dataset(tiny_dataset / "images"))


def test_the_command_writes_what_it_prints(capsys, tiny_checkpoint, world, tmp_path, monkeypatch):
    monkeypatch.setattr("hgan.evaluation.faithfulness.run.PAIRS", 5)
    arguments = ["audit", "--dataset", str(world), "--split", "dev", "--limit", "2", "--device", "cpu"]
    arguments += ["--checkpoint", str(tiny_checkpoint), "--out", str(tmp_path / "audit.json")]
    assert main([*arguments, "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads((tmp_path / "audit.json").read_text())
    assert (printed["pictures"], printed["limit"]) == (2, 2)
    assert len(printed["model"]["sha256"]) == 64
    assert main([*arguments, "--plot", str(tmp_path / "audit.webp")]) == 0
    out = capsys.readouterr().out
    assert "objects alone" in out
    assert "over 5 pairs" in out
    with Image.open(tmp_path / "audit.webp") as drawn:
        assert drawn.format == "WEBP"
    assert main([*arguments, "--plot", "audit.txt"]) == 2
    assert "got --plot audit.txt, but expected a name that ends in .png" in capsys.readouterr().err


def test_a_figure_shows_the_curves_and_shares_of_the_report(tiny_model, tiny_processor, world):
    records, truth = read_dataset(world, "dev"), read_truth(world, "dev")
    report = audit(tiny_model, tiny_processor, records, truth, pairs=1)
    regions, _, pointing = audit_figure(report).axes
    assert [list(line.get_ydata()) for line in regions.lines] == list(report["deletion"]["regions"]["curve"].values())
    shares = {
        label.get_text(): bar.get_width()
        for label, bar in zip(pointing.get_yticklabels(), pointing.patches, strict=True)
    }
    assert shares["largest term\n(detections alone)"] == report["pointing"]["regions"]["objects"]["share"]
    assert shares["perfect choice\n(detections and context cells)"] == report["pointing"]["regions"]["all"]["ceiling"]


def test_evaluate_reports_tags_and_hard_groups_where_facts_are_known(capsys, tiny_checkpoint, world):
    arguments = ["evaluate", "--dataset", str(world), "--split", "dev", "--checkpoint", str(tiny_checkpoint)]
    assert main([*arguments, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert {tag: row["captions"] for tag, row in report["tags"].items()} == {"full": 4, "objects": 4}
    assert report["tags"]["full"]["chance"] == 25
    assert (report["hard_groups"]["colour"]["groups"], report["hard_groups"]["all"]["captions"]) == (2, 8)
    assert main(arguments) == 0
    out = capsys.readouterr().out
    assert "by tag" in out
    assert "hard groups" in out


def test_hard_groups_are_of_scenes_that_have_one():
    scene = SceneTruth({}, (), Group("g1", "count"))
    assert hard_groups({"a": scene, "b": SceneTruth({}, (), None), "c": scene}) == {Group("g1", "count"): ["a", "c"]}
