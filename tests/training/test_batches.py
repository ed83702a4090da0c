"""Samples as they are drawn and augmented, and the batches they are put into."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from hgan.data.batch import Batch
from hgan.data.collate import Collate
from hgan.data.folder import Box, CaptionFact, Record, read_dataset
from hgan.data.pictures import Pictures
from hgan.data.samples import FalseCaption, Sample
from hgan.encoding import to_pixels
from hgan.training.batches import TrainingSet, loader


def sample(name: str = "a", captions: tuple[str, ...] = ("a dog",), regions: list[Box] | None = None) -> Sample:
    own = [frozenset((name,))] * len(captions)
    return Sample(name, list(captions), regions, own, (Path(f"{name}.png"), False))


def seen(drawn: Sample, size: int) -> np.ndarray:
    """What is seen of a sample's picture: (size, size, 3), uint8."""
    path, view = drawn.look[0], drawn.view
    light = torch.tensor([[view.brightness, view.contrast]])
    pictures = Pictures([path], size, torch.device("cpu"), progress=False)
    pixels = pictures([path], torch.tensor([view.window]), torch.tensor([view.mirror]), light)
    return (pixels[0] * 255).round().byte().permute(1, 2, 0).numpy()


def grey(drawn: Sample, size: int) -> np.ndarray:
    return np.asarray(Image.fromarray(seen(drawn, size)).convert("L"))


@pytest.fixture
def collate(tiny_processor) -> Collate:
    return Collate(tiny_processor, ["ball", "box"])


@pytest.fixture
def dot(tmp_path: Path) -> Record:
    """A black square on white, of which the exact box is known, with a caption that has no side."""
    image = Image.new("RGB", (100, 80), "white")
    image.paste("black", (55, 30, 75, 50))
    image.save(tmp_path / "dot.png")
    box = Box((0.55, 30 / 80, 0.75, 50 / 80), "box")
    return Record("dot", "dot.png", tmp_path / "dot.png", None, ("a dot",), (box,))


def test_after_crop_and_mirror_the_box_still_frames_its_object(dot):
    data = TrainingSet([dot], captions=1, crop=0.5, seed=0)
    sides = set()
    for data.epoch in range(30):
        drawn = data[0]
        if not drawn.regions:
            continue
        dark = grey(drawn, 128) < 110
        rows, columns = np.flatnonzero(dark.any(1)), np.flatnonzero(dark.any(0))
        frame = [columns[0] / 128, rows[0] / 128, (columns[-1] + 1) / 128, (rows[-1] + 1) / 128]
        assert drawn.regions[0].box == pytest.approx(frame, abs=2.5 / 128)
        sides.add(sum(frame[::2]) > 1)
    assert sides == {True, False}


@pytest.mark.parametrize(("caption", "ways"), [("dogs play", 2), ("a dog on the Left", 1), ("turning right", 1)])
def test_a_picture_with_a_side_in_its_caption_is_never_mirrored(dot, caption, ways):
    record = Record(dot.id, dot.image, dot.path, None, (caption,), None)
    data = TrainingSet([record], captions=1, crop=1, seed=0)
    found = set()
    for data.epoch in range(20):
        found.add(seen(data[0], 32).tobytes())
    assert len(found) == ways


def test_a_scene_may_stand_beside_its_mirror_image_with_the_sides_in_its_captions_exchanged(dot):
    said = ("The dot is left of it, right beside a box", "On the Right a dot", "a dot")
    scene = replace(dot, captions=said, facts=(CaptionFact("full", frozenset(("dot",))),) * 3)
    photo = replace(dot, id="photo", facts=None)
    data = TrainingSet([scene] * 4 + [photo] * 4, 3, 0.5, seed=0, sources=[0] * 4 + [1] * 4, mirrored_pairs=True)
    of_scenes = [batch for batch in data.batches(4) if max(batch) < 4]
    assert len(of_scenes) == 2
    assert all(batch[1::2] == [~index for index in batch[::2]] for batch in of_scenes)
    plain, twin = data[0], data[~0]
    assert sorted(plain.captions) == sorted(said)
    assert sorted(twin.captions) == sorted(("The dot is right of it, right beside a box", "On the Left a dot", "a dot"))
    for drawn, right in ((plain, True), (twin, False)):
        dark = np.flatnonzero((grey(drawn, 128) < 110).any(0))
        assert bool(dark.mean() > 64) is (drawn.regions[0].box[0] + drawn.regions[0].box[2] > 1) is right


def test_for_known_regions_pictures_stay_unread_and_whole(dot, collate):
    gone = replace(dot, path=dot.path.with_name("gone.png"))
    drawn = TrainingSet([gone], 1, crop=0.3, seed=0, whole=True)[0]
    assert drawn.regions == list(gone.regions)
    batch = collate([drawn])
    assert batch.looks == ((gone.path, False),)
    assert batch.windows.tolist() == [[0, 0, 1, 1]]


def test_without_cropping_a_picture_is_seen_as_evaluation_sees_it(dot, tiny_model):
    record = Record(dot.id, dot.image, dot.path, None, ("the left dot",), None)
    drawn = TrainingSet([record], captions=1, crop=1, seed=0)[0]
    expected = (to_pixels([Image.open(dot.path)], tiny_model)[0] * 0.5 + 0.5) * 255
    assert (seen(drawn, 64) == expected.round().byte().permute(1, 2, 0).numpy()).all()


def test_a_sample_is_the_same_whenever_it_is_drawn(tiny_dataset):
    records = read_dataset(tiny_dataset, "train")
    one, other = (TrainingSet(records, 2, 0.6, seed=3) for _ in range(2))
    for i in range(len(records)):  # `other` draws in another order
        _ = other[len(records) - 1 - i]
    assert all(one[i] == other[i] for i in range(len(records)))
    assert one.batches(2) == other.batches(2)


@pytest.mark.parametrize("changed", ["epoch", "seed"])
def test_another_epoch_or_seed_draws_other_samples_in_another_order(tiny_dataset, changed):
    records = read_dataset(tiny_dataset, "train")
    one, other = (TrainingSet(records, 2, 0.6, seed=3) for _ in range(2))
    setattr(other, changed, 7)
    assert one.batches(2) != other.batches(2)
    assert one[0].view != other[0].view


def test_captions_are_drawn_without_repeats_while_there_are_enough(dot):
    five = Record(dot.id, dot.image, dot.path, None, tuple("abcde"), None)
    data = TrainingSet([five], captions=5, crop=1, seed=0)
    assert sorted(data[0].captions) == list("abcde")
    data.captions = 7
    assert len(data[0].captions) == 7
    assert set(data[0].captions) == set("abcde")


def test_training_on_a_picture_without_captions_is_refused_by_name(dot):
    bare = Record("bare", dot.image, dot.path, None, (), None)
    with pytest.raises(ValueError, match="got picture bare without captions"):
        TrainingSet([dot, bare], 1, 1, 0)


def test_a_caption_that_is_true_of_many_pictures_is_drawn_less(dot):
    facts = (CaptionFact("context", frozenset(map(str, range(100)))), CaptionFact("full", frozenset(("dot",))))
    record = Record(dot.id, dot.image, dot.path, None, ("a dot", "the dot"), None, facts)
    data = TrainingSet([record], captions=1, crop=1, seed=0)
    drawn = Counter()
    for data.epoch in range(200):
        drawn.update(data[0].captions)
    assert 5 <= drawn["a dot"] <= 40  # 1 in 11


def test_where_truth_is_exact_a_crop_keeps_nine_tenths(dot):
    loose = TrainingSet([replace(dot, regions=(Box((0, 0, 1, 1), "all"),))] * 30, 1, crop=0.3, seed=0)
    exact = TrainingSet(
        [replace(r, facts=(CaptionFact("full", frozenset(("dot",))),)) for r in loose.records], 1, crop=0.3, seed=0
    )
    darkest = [min(seen(d[i], 32).min() for i in range(30)) for d in (loose, exact)]
    assert darkest[1] < 60  # the dot is seen in every one
    assert all(seen(exact[i], 32).min() < 60 for i in range(30))
    assert not all(seen(loose[i], 32).min() < 60 for i in range(30))


# batches


def test_batches_are_of_one_dataset_and_hold_groups_whole(dot):
    photos = [replace(dot, id=f"p{i}") for i in range(20)]
    scenes = [replace(dot, id=f"s{i}", group=f"g{i // 4}") for i in range(20)]
    data = TrainingSet(photos + scenes * 2, 1, 1, seed=0, sources=[0] * 20 + [1] * 40)
    batches = data.batches(8)
    assert len(batches) == 2 + 5
    for batch in batches:
        ids = [data.records[i].id for i in batch]
        assert len({id_[0] for id_ in ids}) == 1
        if ids[0][0] == "s":
            assert sorted(int(id_[1:]) // 4 for id_ in ids)[::4] == sorted(int(id_[1:]) // 4 for id_ in ids)[3::4]
    assert len({i for batch in batches for i in batch}) == 7 * 8


def test_a_picture_that_a_caption_is_true_of_is_no_rival_in_a_batch(collate):
    one = replace(sample("a", ("dog", "a big cat")), true_of=[frozenset("a"), frozenset("ab")])
    batch = collate([one, sample("b", ("a red ball",))])
    texts = [
        (image_index, text)
        for image_index, text in zip(batch.image_index.tolist(), batch.input_ids.tolist(), strict=True)
    ]
    assert [image_index for image_index, _ in texts] == [0, 0, 1]  # by length
    assert batch.negatives.tolist() == [[False, False, True], [True, False, False]]


def test_a_mirror_image_is_a_rival_where_the_caption_has_a_side(collate):
    path = Path("a.png")
    plain = replace(sample("a", ("a dog", "a big dog left of it")), look=(path, False))
    twin = replace(sample("a", ("the big dog right of it",)), look=(path, True))
    other = replace(sample("b", ("the big red dog left of the cat",)), look=(Path("b.png"), False))
    batch = collate([plain, twin, other])
    assert batch.image_index.tolist() == [0, 0, 1, 2]  # by length
    assert batch.negatives.tolist() == [
        [False, False, True, True],
        [False, True, False, False],  # what another picture's caption with a side says of a mirror image is not known
        [True, True, False, False],
    ]


def test_a_false_caption_is_a_rival_of_its_own_picture_alone(collate):
    one = replace(sample("a", ("the red dog",)), false=(FalseCaption("the big red dog", 0),))
    batch = collate([one, sample("b", ("a cat",))])
    assert batch.image_index.tolist() == [1, 0, -1]  # by length
    assert batch.negatives.tolist() == [[True, False, True], [False, True, False]]
    assert batch.false_of.tolist() == [-1, -1, 1]


def test_only_captions_whose_truth_is_exact_are_made_false(dot):
    known = replace(dot, captions=("two dots",), facts=(CaptionFact("full", frozenset(("dot",))),))
    photo = replace(known, facts=None)
    data = TrainingSet([known, photo], 1, 1, seed=0, false=True)
    found = set()
    for data.epoch in range(20):  # some numbers are exchanged less often than others
        found |= {(false.text, false.of) for false in data[0].false}
        assert data[1].false == ()
    assert found == {("three dots", 0), ("four dots", 0)}
    assert TrainingSet([known], 1, 1, seed=0)[0].false == ()


def test_the_teacher_compares_each_text_with_all_captions_of_each_picture(collate):
    samples = [
        replace(sample("a"), caption_embeddings=torch.tensor([[1.0, 0.0]]), mean_embedding=torch.tensor([0.6, 0.8])),
        replace(
            sample("b", ("a cat",)),
            caption_embeddings=torch.tensor([[0.0, 1.0]]),
            mean_embedding=torch.tensor([0.0, 1.0]),
        ),
    ]
    torch.testing.assert_close(collate(samples).teacher, torch.tensor([[0.6, 0.8], [0.0, 1.0]]))
    assert collate([samples[0], sample("c")]).teacher is None


def test_captions_of_a_batch_know_their_pictures(collate, tiny_processor):
    samples = [sample("a", ("the big red dog runs", "dog")), sample("b", ("a cat", "a big cat"))]
    batch = collate(samples)
    assert batch.ids == ("a", "b")
    for row, image_index in enumerate(batch.image_index.tolist()):
        text = tiny_processor.tokenizer.decode(batch.input_ids[row], skip_special_tokens=True)
        assert text in samples[image_index].captions
    assert sorted(batch.image_index.tolist()) == [0, 0, 1, 1]


def test_boxes_of_a_batch_are_padded_and_masked(collate):
    ball, odd = Box((0.1, 0.1, 0.5, 0.5), "ball", 0.7), Box((0, 0, 1, 1), "unheard-of")
    batch = collate([sample(regions=[ball, odd]), sample(regions=[]), sample(regions=None)])
    assert batch.box_mask.tolist() == [[True, True], [False, False], [False, False]]
    assert batch.has_boxes.tolist() == [True, True, False]
    assert batch.labels[0].tolist() == [0, -1]
    torch.testing.assert_close(batch.boxes[0, 0], torch.tensor([0.1, 0.1, 0.5, 0.5]))
    torch.testing.assert_close(batch.scores[0], torch.tensor([0.7, 1.0]))


def test_other_spellings_of_a_label_are_known(tiny_processor):
    collate = Collate(tiny_processor, ["couch", "airplane"])
    batch = collate([sample(regions=[Box((0, 0, 1, 1), "aeroplane"), Box((0, 0, 1, 1), "sofa")])])
    assert batch.labels.tolist() == [[1, 0]]


def test_blocks_of_sentences_give_the_same_graphs_with_less_padding(collate, tiny_model):
    batch = collate([sample("a", ("dog", "the big red dog runs on the white field")), sample("b", ("cat", "a cat"))])
    with torch.no_grad():
        whole = tiny_model.encode_text(batch.input_ids, batch.attention_mask, batch.word_index)
        blocks = [tiny_model.encode_text(**block) for block in batch.text_blocks(3)]
    assert blocks[0].nodes.shape[1] == 2
    torch.testing.assert_close(
        torch.cat([block.global_node for block in blocks]), whole.global_node, atol=1e-5, rtol=1e-4
    )


def ids(batches: list[Batch]) -> list[tuple[str, ...]]:
    return [batch.ids for batch in batches]


def test_a_loader_begun_in_the_middle_gives_the_rest_of_the_same_batches(tiny_dataset, collate):
    data = TrainingSet(read_dataset(tiny_dataset), 1, 1, seed=0)
    whole = ids(list(loader(data, collate, 5, start=0, workers=0)))
    assert [len(batch) for batch in whole] == [5, 5]  # two of twelve do not fill a batch
    assert len({name for batch in whole for name in batch}) == 10
    assert ids(list(loader(data, collate, 5, start=1, workers=0))) == whole[1:]


def test_words_of_a_photograph_are_grounded_by_known_boxes_as_they_are_seen(dot, collate):
    record = replace(dot, captions=("a dog",), regions=(replace(dot.regions[0], label="dog"),))
    data = TrainingSet([record], captions=1, crop=1, seed=0, grounded=True)
    ways = set()
    for data.epoch in range(20):
        sample = data[0]
        named = collate([sample]).named
        assert (named.text.tolist(), named.words.tolist(), named.mask.tolist()) == ([0], [[1]], [[True]])
        assert named.boxes[0].tolist() == [pytest.approx(sample.regions[0].box)]
        ways.add(sample.regions[0].box)
    assert len(ways) == 2  # as it is, and mirrored
    doubtful = replace(record, regions=(replace(record.regions[0], score=0.4),))
    assert collate([TrainingSet([doubtful], 1, 1, 0, grounded=True)[0]]).named.text.tolist() == []
    assert collate([TrainingSet([record], 1, 1, 0)[0]]).named.text.tolist() == []


def test_opening_a_loader_leaves_the_random_numbers_of_the_model_alone(tiny_dataset, collate):
    data = TrainingSet(read_dataset(tiny_dataset), 1, 1, seed=0)
    before = torch.get_rng_state()
    next(iter(loader(data, collate, 5, start=0, workers=0)))
    assert torch.equal(torch.get_rng_state(), before)


def test_batches_from_a_worker_process_are_the_same(tiny_dataset, collate):
    data = TrainingSet(read_dataset(tiny_dataset), 1, 0.5, seed=0, grounded=True)
    for own, sent in zip(loader(data, collate, 5, 0, workers=0), loader(data, collate, 5, 0, workers=1), strict=True):
        assert (own.ids, own.looks) == (sent.ids, sent.looks)
        assert torch.equal(own.input_ids, sent.input_ids)
        assert torch.equal(own.named.boxes, sent.named.boxes)
