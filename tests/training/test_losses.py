from __future__ import annotations

from math import exp, log

import pytest
import torch

from hgan.training.losses import (
    distillation,
    false_caption_loss,
    group_loss,
    hardest_hinge,
    info_nce,
    negatives_of,
    objective,
)
from hgan.training.step import Collapse, TrainingError
from hgan.types import Similarity

# Two pictures, three sentences: the first two belong to the first picture.
SCORES = torch.tensor([[0.9, 0.5, 0.8], [0.3, 0.6, 0.4]])
OWNER = torch.tensor([0, 0, 1])
RIVALS = negatives_of(OWNER, 2)
MARGIN = 0.2


def one() -> torch.Tensor:
    return torch.tensor(1.0)


def test_info_nce_with_two_sentences_a_picture_is_what_paper_and_pencil_say():
    s = 2.0
    to_image = [
        -log(exp(0.9 * s) / (exp(0.9 * s) + exp(0.3 * s))),
        -log(exp(0.5 * s) / (exp(0.5 * s) + exp(0.6 * s))),
        -log(exp(0.4 * s) / (exp(0.8 * s) + exp(0.4 * s))),
    ]
    to_text = [  # a picture's other sentences are no negatives
        -log(exp(0.9 * s) / (exp(0.9 * s) + exp(0.8 * s))),
        -log(exp(0.5 * s) / (exp(0.5 * s) + exp(0.8 * s))),
        -log(exp(0.4 * s) / (exp(0.4 * s) + exp(0.3 * s) + exp(0.6 * s))),
    ]
    expected = (sum(to_image) / 3 + sum(to_text) / 3) / 2
    assert info_nce(SCORES, OWNER, torch.tensor(s), RIVALS).item() == pytest.approx(expected, abs=1e-6)


def test_hinge_with_the_hardest_negative_is_what_paper_and_pencil_say():
    # by sentence, picture to text + text to picture: (.1 + 0), (.5 + .3), (.4 + .6)
    assert hardest_hinge(SCORES, OWNER, MARGIN, RIVALS).item() == pytest.approx(1.9 / 3, abs=1e-6)


def test_hinge_of_a_table_that_keeps_the_margin_is_zero():
    assert hardest_hinge(torch.eye(3), torch.arange(3), MARGIN, negatives_of(torch.arange(3), 3)) == 0


def test_hinge_of_collapsed_embeddings_is_twice_the_margin():
    image_index = torch.arange(4)
    assert hardest_hinge(
        torch.full((4, 4), 0.7), image_index, MARGIN, negatives_of(image_index, 4)
    ).item() == pytest.approx(2 * MARGIN)


@pytest.mark.parametrize(
    "loss",
    [
        lambda s, o: info_nce(s, o, one(), negatives_of(o, 2)),
        lambda s, o: hardest_hinge(s, o, MARGIN, negatives_of(o, 2)),
    ],
)
def test_the_order_of_sentences_and_pictures_changes_no_loss(loss):
    columns, rows = torch.tensor([2, 0, 1]), torch.tensor([1, 0])
    moved = SCORES[rows][:, columns]
    image_index = rows[OWNER[columns]]  # rows is its own inverse
    assert loss(moved, image_index).item() == pytest.approx(loss(SCORES, OWNER).item(), abs=1e-6)


def test_a_picture_that_a_sentence_is_also_true_of_is_no_rival():
    # the second sentence is true of the second picture as well, which scores higher
    negatives = torch.tensor([[False, False, True], [True, False, False]])
    to_image = [-log(exp(0.9) / (exp(0.9) + exp(0.3))), 0.0, -log(exp(0.4) / (exp(0.8) + exp(0.4)))]
    to_text = [
        -log(exp(0.9) / (exp(0.9) + exp(0.8))),
        -log(exp(0.5) / (exp(0.5) + exp(0.8))),
        -log(exp(0.4) / (exp(0.4) + exp(0.3))),
    ]
    assert info_nce(SCORES, OWNER, one(), negatives).item() == pytest.approx(
        (sum(to_image) + sum(to_text)) / 6, abs=1e-6
    )
    # .1 + 0, .5 + 0, .1 + .6
    assert hardest_hinge(SCORES, OWNER, MARGIN, negatives).item() == pytest.approx(1.3 / 3, abs=1e-6)


def test_a_false_sentence_is_a_rival_of_its_picture_and_asks_for_none():
    scores = torch.tensor([[0.9, 0.8, 0.1], [0.2, 0.7, 0.5]])  # the second sentence is a false one of the first picture
    image_index, negatives = torch.tensor([0, -1, 1]), torch.tensor([[False, True, True], [True, False, False]])
    to_image = [-log(exp(0.9) / (exp(0.9) + exp(0.2))), -log(exp(0.5) / (exp(0.5) + exp(0.1)))]
    to_text = [-log(exp(0.9) / (exp(0.9) + exp(0.8) + exp(0.1))), -log(exp(0.5) / (exp(0.5) + exp(0.2)))]
    assert info_nce(scores, image_index, one(), negatives).item() == pytest.approx(
        (sum(to_image) + sum(to_text)) / 4, abs=1e-6
    )
    # picture to text + text to picture: .1 + 0, 0 + 0
    assert hardest_hinge(scores, image_index, MARGIN, negatives).item() == pytest.approx(0.1 / 2, abs=1e-6)


def test_soft_targets_are_what_paper_and_pencil_say():
    scores, teacher = torch.tensor([[0.0, log(3)], [0.0, 0.0]]), torch.tensor([[0.0, 0.0], [0.0, log(4)]])
    # columns: softmax of teacher (.5 .5), (.2 .8); of scores (.5 .5), (.75 .25)
    to_image = (log(2) + -0.2 * log(0.75) - 0.8 * log(0.25)) / 2
    # rows: softmax of teacher (.5 .5), (.2 .8); of scores (.25 .75), (.5 .5)
    to_text = (-0.5 * log(0.25) - 0.5 * log(0.75) + log(2)) / 2
    assert distillation(scores, teacher, one(), 1.0).item() == pytest.approx((to_image + to_text) / 2, abs=1e-6)


def test_soft_targets_are_least_where_the_scores_say_what_the_teacher_says():
    teacher = torch.tensor([[0.9, 0.5, 0.1], [0.3, 0.7, 0.6]])
    at = distillation(teacher, teacher, torch.tensor(10.0), 0.1)
    assert all(distillation(teacher + 0.1 * torch.randn(2, 3), teacher, torch.tensor(10.0), 0.1) > at for _ in range(5))


def levels() -> Similarity:
    tables = {"global": SCORES, "local": SCORES * 0.5, "cross": -SCORES}
    return Similarity(SCORES * 0.8, tables, {"global": 0.5, "local": 0.3, "cross": 0.2})


def weighed(hinge_weight: float, teacher: torch.Tensor | None = None) -> tuple[torch.Tensor, torch.Tensor]:
    return objective(
        levels(), OWNER, one(), RIVALS, teacher, hinge_weight=hinge_weight, level_weight=0.5, teacher_weight=0.25,
        teacher_temperature=0.5, margin=MARGIN,
    )  # fmt: skip


def test_a_teacher_takes_its_share_of_info_nce():
    teacher = torch.tensor([[0.9, 0.8, 0.2], [0.3, 0.1, 0.9]])
    loss, _ = weighed(0, teacher)
    expected = 0.75 * weighed(0)[0]
    for share, table in ((1, levels().score), *((0.5, level) for level in levels().levels.values())):
        expected = expected + 0.25 * share * distillation(table, teacher, one(), 0.5)
    torch.testing.assert_close(loss, expected)


def test_without_a_hinge_weight_the_objective_is_info_nce_of_the_score_and_a_share_of_each_level():
    loss, _ = weighed(hinge_weight=0)
    expected = info_nce(levels().score, OWNER, one(), RIVALS)
    expected = expected + 0.5 * sum(info_nce(level, OWNER, one(), RIVALS) for level in levels().levels.values())
    torch.testing.assert_close(loss, expected)


def test_a_hinge_weight_adds_the_hinge_of_the_score_and_of_each_level():
    without, hinge = weighed(hinge_weight=0)
    loss, same = weighed(hinge_weight=2)
    added = hardest_hinge(levels().score, OWNER, MARGIN, RIVALS)
    torch.testing.assert_close(hinge, added)
    torch.testing.assert_close(same, added)
    added = added + 0.5 * sum(hardest_hinge(level, OWNER, MARGIN, RIVALS) for level in levels().levels.values())
    torch.testing.assert_close(loss, without + 2 * added)


def test_following_the_gradient_lowers_the_objective():
    scores = SCORES.clone().requires_grad_()
    loss = info_nce(scores, OWNER, one(), RIVALS) + hardest_hinge(scores, OWNER, MARGIN, RIVALS)
    loss.backward()
    after = scores.detach() - 0.05 * scores.grad
    assert info_nce(after, OWNER, one(), RIVALS) + hardest_hinge(after, OWNER, MARGIN, RIVALS) < loss


def test_embeddings_at_one_point_stop_training_with_those_words():
    watch = Collapse(MARGIN, steps=5)
    for _ in range(4):
        watch.watch(0.4001, spread=0.001)
    words = r"collapsed to one point: .*2 x margin \(0\.4001\) for 5 steps.*hinge_from"
    with pytest.raises(TrainingError, match=words):
        watch.watch(0.4001, spread=0.001)


@pytest.mark.parametrize(("hinge", "spread"), [(0.3, 0.001), (0.4, 0.2)], ids=["hinge moves", "scores still spread"])
def test_one_healthy_step_begins_the_watch_anew(hinge, spread):
    watch = Collapse(MARGIN, steps=5)
    for step in range(20):
        if step % 4 == 3:
            watch.watch(hinge, spread)
        else:
            watch.watch(0.4, 0.001)
    assert watch.seen == 0


# groups and false captions


def softplus(x: float) -> float:
    return log(1 + exp(x))


def test_within_a_group_a_text_is_set_against_its_own_group_alone():
    scores = torch.tensor([[0.9, 0.5, 0.1], [0.4, 0.7, 0.2], [0.8, 0.9, 0.6]])
    image_index, group = torch.tensor([0, 1, 2]), torch.tensor([0, 0, 1])  # the third picture has no other in its group
    s = 3.0
    to_image = [softplus(s * (0.4 - 0.9)), softplus(s * (0.5 - 0.7))]
    to_text = [softplus(s * (0.5 - 0.9)), softplus(s * (0.4 - 0.7))]
    loss = group_loss(scores, image_index, torch.tensor(s), negatives_of(image_index, 3), group)
    assert loss.item() == pytest.approx((sum(to_image) + sum(to_text)) / 4, abs=1e-6)


def test_a_text_that_is_true_of_its_whole_group_teaches_nothing_there():
    scores = torch.randn(2, 2, requires_grad=True)
    nothing = torch.zeros(2, 2, dtype=torch.bool)
    loss = group_loss(scores, torch.tensor([0, 1]), one(), nothing, torch.tensor([0, 0]))
    loss.backward()
    assert loss == 0
    assert (scores.grad == 0).all()
    alone = group_loss(scores, torch.tensor([0, 1]), one(), ~nothing, torch.tensor([-1, -1]))
    assert alone == 0


def test_a_false_caption_should_lie_under_the_one_it_was_made_of():
    scores = torch.tensor([[0.9, 0.8, 0.1], [0.2, 0.7, 0.5]])  # the second text is a false version of the third
    loss = false_caption_loss(scores, torch.tensor([0, -1, 1]), torch.tensor(2.0), torch.tensor([-1, 2, -1]))
    assert loss.item() == pytest.approx(softplus(2 * (0.7 - 0.5)), abs=1e-6)
    assert false_caption_loss(scores, torch.tensor([0, 0, 1]), one(), torch.tensor([-1, -1, -1])) == 0
