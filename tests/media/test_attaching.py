"""Whose pictures hang on which tweet."""

from datetime import timedelta

import pytest

from apps.infra import clock
from apps.infra.errors import Invalid
from apps.media.models import Media
from apps.media.services.attaching import NotReady
from tests.media.conftest import animation
from tests.media.verbs import begin, hang, once

pytestmark = pytest.mark.usefixtures("files")


def test_pictures_hang_on_one_tweet_for_good(alice):
    ids = [once(alice).id for _ in range(4)]

    hang(alice, *ids)
    hang(alice, *ids)

    rows = Media.objects.filter(id__in=ids)
    assert {(row.tweet_id, row.expires_at) for row in rows} == {(77, None)}
    with pytest.raises(NotReady, match="another tweet"):
        hang(alice, ids[0], tweet_id=78)


def test_at_most_four_and_none_twice(alice):
    ids = [once(alice).id for _ in range(5)]

    for wrong in (ids, ids[:1] * 2, []):
        with pytest.raises(Invalid):
            hang(alice, *wrong)


def test_an_animation_stands_alone(alice):
    moving, still = once(alice, animation()).id, once(alice).id

    with pytest.raises(Invalid, match="alone"):
        hang(alice, moving, still)
    hang(alice, moving)


def test_only_what_is_ones_own_and_ready(alice, bob):
    foreign, unfinished, expired = once(bob).id, begin(alice, 10).id, once(alice).id
    own = once(alice).id

    with pytest.raises(NotReady, match="no picture"):
        hang(alice, own, foreign)
    with pytest.raises(NotReady, match="uploading"):
        hang(alice, own, unfinished)
    with pytest.raises(NotReady, match="no picture"):
        hang(alice, own, 12345)
    with clock.frozen(clock.now() + timedelta(hours=25)), pytest.raises(NotReady):
        hang(alice, expired)
    assert Media.objects.get(id=own).tweet_id is None
