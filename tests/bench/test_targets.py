"""Every figure that the project wants to be measured by, with the floor and the goal it has."""

import pytest

from bench.figures import BY_ID

# id: (direction, floor, goal). Loosening one is a decision, not an edit.
TARGETS = {
    "F1": ("higher", 0.5, 0.9),
    "F2": ("higher", 4, 8),
    "F3": ("higher", 3, 8),
    "F4": ("lower", 3.5, 1.5),
    "F5": ("lower", 3, 1.3),
    "F6": ("higher", 0.8, 0.95),
    "L1": ("lower", 1.5, 1.0),
    "R1": ("higher", 0.35, 0.5),
    "R2": ("higher", 1, 2),
    "R3": ("higher", 10, 40),
    "R4": ("lower", 3, 1.5),
    "R5": ("lower", 1.5, 1.1),
    "R6": ("lower", 30, 8),
    "U1": ("lower", 6, 4),
    "W1": ("higher", 0.1, 0.3),
    "W2": ("lower", 8, 3),
    "W3": ("lower", 1.2, 1.02),
    "W4": ("higher", 0.3, 1),
    "M1": ("lower", 1.5, 1.3),
    "M3": ("lower", 2, 1.3),
    "M4": ("lower", 900, 450),
    "C1": ("lower", 10, 1),
    "C2": ("lower", 50, 1),
    "I1": ("higher", 0.25, 1.0),
    "D1": ("lower", 20, 6),
    "E": ("lower", 1.5, 1.1),
    "O1": ("higher", 0.8, 0.9),
    "S1": ("lower", 1000, 250),
    "S3": ("higher", 5, 50),
    "T1": ("lower", 2, 1),
    "X1": ("lower", 200, 96),
}


def test_no_figure_is_missing_and_none_is_extra():
    assert list(TARGETS) == list(BY_ID)


@pytest.mark.parametrize("figure_id", TARGETS)
def test_a_figure_has_the_limits_that_were_set(figure_id):
    figure = BY_ID[figure_id]

    assert (figure.better, figure.floor, figure.goal) == TARGETS[figure_id]
    assert figure.passes(figure.goal, figure.floor)
