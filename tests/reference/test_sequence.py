"""The fold, with a step whose results are read off: it appends a digit, h' = 10 h + x, and puts it out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from reference import carried, elapsed_backwards, fold


def append(x: Any, h: Any, _: int) -> Any:
    new = 10.0 * h + x
    return new, new


def run(samples: Any, state: Any = ((0.0,),), **options: Any) -> tuple[list[list[float]], list[float]]:
    """Return outputs, one list a sample of the batch, and last states; samples are (batch, time)."""
    inputs = np.asarray(samples, dtype=float)[..., None]
    outputs, last = fold(append, inputs, np.asarray(state), **options)
    return np.stack(outputs, axis=1)[..., 0].tolist(), last[:, 0].tolist()


def test_steps_run_from_first_to_last() -> None:
    assert run([[1, 2, 3]]) == ([[1, 12, 123]], [123])


def test_backwards_runs_from_last_to_first_and_keeps_running_order() -> None:
    assert run([[1, 2, 3]], go_backwards=True) == ([[3, 32, 321]], [321])


def test_initial_state_is_the_state_before_the_first_step() -> None:
    assert run([[1, 2]], state=[[7.0]]) == ([[71, 712]], [712])
    assert run([[1, 2]], state=[[7.0]], go_backwards=True) == ([[72, 721]], [721])


def test_samples_of_a_batch_are_apart() -> None:
    assert run([[1, 2], [3, 4]], state=[[0.0], [9.0]]) == ([[1, 12], [93, 934]], [12, 934])


def test_a_masked_step_holds_the_state_and_puts_out_the_previous_output() -> None:
    assert run([[1, 2, 3, 4]], mask=[[True, False, False, True]]) == ([[1, 1, 1, 14]], [14])


def test_output_is_zero_before_the_first_unmasked_step() -> None:
    assert run([[1, 2, 3]], mask=[[False, False, True]]) == ([[0, 0, 3]], [3])


def test_output_is_zero_before_the_first_unmasked_step_though_there_it_would_be_zero() -> None:
    assert run([[0, 2]], mask=[[False, True]]) == ([[0, 2]], [2])


def test_output_is_zero_before_the_first_unmasked_step_though_a_state_is_given() -> None:
    assert run([[1, 2, 3]], state=[[7.0]], mask=[[False, True, False]]) == ([[0, 72, 72]], [72])


def test_a_state_that_no_sample_changes_is_kept() -> None:
    assert run([[1, 2]], state=[[7.0]], mask=[[False, False]]) == ([[0, 0]], [7])


def test_masked_outputs_are_zero_where_asked_and_the_state_is_held() -> None:
    options = {"mask": [[False, True, False, True]], "zero_output_for_mask": True}
    assert run([[1, 2, 3, 4]], state=[[7.0]], **options) == ([[0, 72, 0, 724]], [724])


def test_zero_output_for_mask_needs_a_mask_to_do_anything() -> None:
    assert run([[1, 2]], zero_output_for_mask=True) == ([[1, 12]], [12])


def test_the_mask_of_each_sample_is_its_own() -> None:
    mask = [[True, True, False], [False, True, True]]
    assert run([[1, 2, 3], [4, 5, 6]], state=[[0.0], [0.0]], mask=mask) == (
        [[1, 12, 12], [0, 5, 56]],
        [12, 56],
    )


def test_backwards_the_mask_goes_with_its_samples() -> None:
    mask = [[True, True, False]]
    assert run([[1, 2, 3]], mask=mask, go_backwards=True) == ([[0, 2, 21]], [21])


@pytest.mark.parametrize(("backwards", "seen"), [(False, [0, 1, 2]), (True, [2, 1, 0])])
def test_the_step_is_told_the_index_of_its_sample(backwards: bool, seen: list[int]) -> None:
    indices = []

    def note(x: Any, h: Any, k: int) -> Any:
        indices.append(k)
        assert x.item() == 10 * (k + 1)
        return h, h

    fold(note, np.array([[[10.0], [20.0], [30.0]]]), np.zeros((1, 1)), go_backwards=backwards)
    assert indices == seen


def test_units_share_one_mask() -> None:
    state = np.array([[1.0, 2.0]])
    outputs, last = fold(append, np.array([[[5.0, 6.0], [7.0, 8.0]]]), state, mask=[[True, False]])
    np.testing.assert_array_equal(outputs, [[[15.0, 26.0]], [[15.0, 26.0]]])
    np.testing.assert_array_equal(last, [[15.0, 26.0]])


def test_the_output_may_be_another_than_the_state() -> None:
    def step(x: Any, h: Any, _: int) -> Any:
        return np.concatenate([x, -x], axis=-1), 10.0 * h + x

    mask = [[False, True, False, True]]
    outputs, last = fold(step, np.array([[[1.0], [2.0], [3.0], [4.0]]]), np.zeros((1, 1)), mask=mask)
    np.testing.assert_array_equal(np.stack(outputs, axis=1), [[[0, 0], [2, -2], [2, -2], [4, -4]]])
    np.testing.assert_array_equal(last, [[24.0]])


TIMES = np.array([[1.0, 2.0, 4.0, 8.0], [16.0, 32.0, 64.0, 128.0]])
COUNTS = np.array([[True, False, False, True], [False, True, True, False]])


def test_the_time_of_masked_samples_is_added_to_the_next_that_counts() -> None:
    got = carried(TIMES, COUNTS)
    np.testing.assert_array_equal(got[COUNTS], [1.0, 14.0, 48.0, 64.0])


def test_backwards_time_is_carried_backwards() -> None:
    got = carried(TIMES, COUNTS, go_backwards=True)
    np.testing.assert_array_equal(got[COUNTS], [7.0, 8.0, 32.0, 192.0])


def test_what_is_carried_leaves_the_times_as_they_were() -> None:
    before = TIMES.copy()
    carried(TIMES, COUNTS)
    np.testing.assert_array_equal(TIMES, before)


EVERY = np.ones((1, 4), bool)
SINCE = np.array([[9.0, 1.0, 2.0, 4.0]])
"""Of samples at times 0, 1, 3 and 7; that of the first is since a sample before the sequence."""


@pytest.mark.parametrize("carry", [False, True])
def test_backwards_the_times_are_those_that_pass_between_samples(carry: bool) -> None:
    got = elapsed_backwards(SINCE, EVERY, carry=carry)
    np.testing.assert_array_equal(got, [[1.0, 2.0, 4.0, 0.0]])


def test_backwards_what_is_masked_is_not_there() -> None:
    """The last sample that counts takes 0, and each other the timespan of the next that counts."""
    got = elapsed_backwards(TIMES, COUNTS)
    np.testing.assert_array_equal(got[COUNTS], [8.0, 0.0, 64.0, 0.0])


def test_backwards_time_passes_at_masked_samples_where_it_is_carried() -> None:
    """The last sample that counts takes what passes at those after it."""
    got = elapsed_backwards(TIMES, COUNTS, carry=True)
    np.testing.assert_array_equal(got[COUNTS], [14.0, 0.0, 64.0, 128.0])


def test_a_sequence_carried_backwards_takes_the_time_between_its_stamps() -> None:
    """Samples at 0, 1, 3, 7; the second is missing: from 7 to 3 are 4, from 3 to 0 are 3."""
    mask = np.array([[True, False, True, True]])
    got = elapsed_backwards(SINCE, mask, carry=True)
    np.testing.assert_array_equal(got[mask], [3.0, 4.0, 0.0])


def test_what_passes_backwards_leaves_the_times_as_they_were() -> None:
    before = TIMES.copy()
    elapsed_backwards(TIMES, COUNTS, carry=True)
    np.testing.assert_array_equal(TIMES, before)
