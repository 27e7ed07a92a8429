"""Page tokens."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.infra.web import pagination
from apps.infra.web.pagination import BadPageToken, Position


@given(st.sampled_from(["n", "p"]), st.integers(0, pagination.MAX_ID))
def test_a_token_says_what_was_put_in(direction, position_id):
    token = pagination.encode(direction, position_id)

    assert pagination.decode(token) == Position(direction, position_id)
    assert len(token) == pagination.LENGTH
    # As X describes them.
    assert re.fullmatch("[a-z0-9]{16,19}", token)


@given(st.integers(0, pagination.MAX_ID), st.integers(1, pagination.MAX_DEPTH))
def test_a_token_may_say_how_deep_it_is(position_id, depth):
    token = pagination.encode("n", position_id, depth=depth)

    assert pagination.decode(token) == Position("n", position_id, depth)
    assert len(token) == pagination.LENGTH


@given(st.text(max_size=30))
def test_what_was_not_made_here_is_refused(text):
    try:
        position = pagination.decode(text)
    except BadPageToken:
        return
    assert pagination.encode(position.direction, position.id, depth=position.depth) == text


@given(
    st.integers(0, pagination.MAX_ID),
    st.integers(0, pagination.MAX_DEPTH),
    st.integers(0, pagination.LENGTH - 1),
    st.sampled_from("0123456789abcdefghijklmnopqrstuvwxyzG"),
)
def test_one_wrong_letter_is_noticed(position_id, depth, place, letter):
    token = pagination.encode("n", position_id, depth=depth)
    altered = token[:place] + letter + token[place + 1 :]

    if altered != token:
        with pytest.raises(BadPageToken):
            pagination.decode(altered)


@given(st.integers(0, pagination.MAX_ID), st.integers(0, pagination.LENGTH - 2))
def test_two_letters_that_changed_places_are_noticed(position_id, place):
    token = pagination.encode("p", position_id, depth=7)
    swapped = token[:place] + token[place + 1] + token[place] + token[place + 2 :]

    if swapped != token:
        with pytest.raises(BadPageToken):
            pagination.decode(swapped)
