from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hgan.model.boxes import area, batched_nms, context_cells, generalised_iou, pairwise_iou, roi_align, xyxy_to_cxcywh


def random_boxes(*shape: int, seed: int = 0) -> torch.Tensor:
    corners = torch.rand(*shape, 2, 2, generator=torch.Generator().manual_seed(seed)).sort(-2).values
    return corners.flatten(-2)


def test_centre_and_size_are_those_of_a_box_measured_by_hand():
    expected = torch.tensor([0.3, 0.5, 0.4, 0.6])
    torch.testing.assert_close(xyxy_to_cxcywh(torch.tensor([0.1, 0.2, 0.5, 0.8])), expected)


def test_area_of_a_box_turned_inside_out_is_zero():
    assert area(torch.tensor([0.5, 0.5, 0.2, 0.9])) == 0


def test_iou_of_two_overlapping_boxes_is_what_paper_and_pencil_say():
    a, b = torch.tensor([[0.0, 0.0, 0.4, 0.4]]), torch.tensor([[0.2, 0.2, 0.6, 0.6], [0.5, 0.5, 0.6, 0.6]])
    torch.testing.assert_close(pairwise_iou(a, b), torch.tensor([[0.04 / 0.28, 0.0]]))


def test_iou_of_two_empty_boxes_is_zero_and_not_nan():
    empty = torch.tensor([[0.3, 0.3, 0.3, 0.3]])
    assert pairwise_iou(empty, empty).item() == 0


def test_generalised_iou_is_negative_for_boxes_apart_and_one_for_equal_boxes():
    a, b = torch.tensor([0.0, 0.0, 0.25, 1.0]), torch.tensor([0.75, 0.0, 1.0, 1.0])
    torch.testing.assert_close(generalised_iou(a, b), torch.tensor(-0.5))
    torch.testing.assert_close(generalised_iou(a, a), torch.tensor(1.0))


def nms_by_hand(boxes: torch.Tensor, scores: torch.Tensor, threshold: float) -> list[int]:
    kept: list[int] = []
    for i in range(len(boxes)):
        overlaps = [pairwise_iou(boxes[i][None], boxes[j][None]).item() for j in kept]
        if scores[i] > 0 and all(overlap <= threshold for overlap in overlaps):
            kept.append(i)
    return kept


@given(seed=st.integers(0, 1000), threshold=st.sampled_from([0.1, 0.3, 0.5]))
def test_suppression_of_a_batch_equals_the_greedy_loop_over_each_picture(seed, threshold):
    boxes = random_boxes(2, 12, seed=seed)
    scores = torch.linspace(1, -0.2, 12).repeat(2, 1)
    keep = batched_nms(boxes, scores, threshold)
    for row in range(2):
        assert keep[row].nonzero().flatten().tolist() == nms_by_hand(boxes[row], scores[row], threshold)


def test_a_suppressed_box_suppresses_nothing():
    chain = torch.tensor([[[0.0, 0.0, 0.4, 1.0], [0.15, 0.0, 0.55, 1.0], [0.3, 0.0, 0.7, 1.0]]])
    keep = batched_nms(chain, torch.tensor([[0.9, 0.8, 0.7]]), 0.3)
    assert keep.tolist() == [[True, False, True]]


def test_a_box_without_score_suppresses_nothing():
    mirrored_pairs = torch.tensor([[[0.0, 0.0, 0.4, 1.0], [0.0, 0.0, 0.4, 1.0]]])
    assert batched_nms(mirrored_pairs, torch.tensor([[0.0, 0.0]]), 0.5).tolist() == [[False, False]]


def ramp(height: int, width: int) -> torch.Tensor:
    """A map whose two channels are x and y of the pixel centres."""
    y, x = (torch.arange(n).add(0.5).div(n) for n in (height, width))
    return torch.stack([x.expand(height, -1), y[:, None].expand(-1, width)])[None]


@pytest.mark.parametrize("size", [1, 2, 3])
def test_roi_align_of_a_ramp_is_the_centre_of_the_box(size):
    boxes = torch.tensor([[[0.2, 0.3, 0.6, 0.5], [0.25, 0.25, 0.75, 0.75]]])
    pooled = roi_align(ramp(20, 10), boxes, size)
    torch.testing.assert_close(pooled, xyxy_to_cxcywh(boxes)[..., :2])


def test_roi_align_takes_each_box_from_its_own_picture():
    maps = torch.cat([torch.zeros(1, 1, 4, 4), torch.ones(1, 1, 4, 4)])
    assert roi_align(maps, random_boxes(2, 3), 2)[..., 0].tolist() == [[0.0] * 3, [1.0] * 3]


def test_roi_align_takes_the_value_at_the_border_for_an_empty_box_in_the_corner():
    assert roi_align(torch.full((1, 1, 4, 4), 7.0), torch.ones(1, 1, 4), 3).item() == 7


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_roi_align_of_coarse_numbers_samples_in_single_precision(dtype):
    maps = torch.randn(2, 96, 32, 32, generator=torch.Generator().manual_seed(0)).to(dtype)
    maps = maps.contiguous(memory_format=torch.channels_last)
    boxes = random_boxes(2, 9)
    pooled = roi_align(maps, boxes, 3)
    assert pooled.dtype == dtype
    torch.testing.assert_close(pooled, roi_align(maps.float(), boxes, 3).to(dtype), atol=0, rtol=0)


@pytest.mark.parametrize("grid", [1, 2, 3])
def test_context_cells_tile_the_picture(grid):
    cells = context_cells(grid)
    assert len(cells) == grid * grid
    torch.testing.assert_close(area(cells).sum(), torch.tensor(1.0))
    inside = pairwise_iou(cells, cells) - torch.eye(grid * grid)
    assert inside.abs().max() < 1e-6


def test_context_cells_run_row_by_row():
    assert context_cells(2)[1].tolist() == [0.5, 0.0, 1.0, 0.5]
