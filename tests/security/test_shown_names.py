"""Names that would mislead who reads them: turned round, doubled, empty."""

import pytest

from apps.graph.services_lists import BadList, create_list
from apps.infra import clock
from apps.infra.shown_names import shown_name
from apps.users.models import Application, User
from apps.users.services import BadProfile, create_user, update_profile
from apps.users.services_apps import BadApplication, create_application
from tests.factories import PASSWORD

WALES = "\U0001f3f4\U000e0067\U000e0062\U000e0077\U000e006c\U000e0073\U000e007f"
FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
INVISIBLE = [
    *"\u00ad\u034f\u061c\u115f\u17b4\u180e\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060",
    *"\u2061\u2066\u2067\u2068\u2069\u206f\u3164\ufeff\uffa0\U0001d173\U000e0001\U000e0041",
]


@pytest.mark.parametrize("one", INVISIBLE, ids=[f"U+{ord(one):04X}" for one in INVISIBLE])
def test_what_nobody_sees_is_taken_out(one):
    assert shown_name(f"{one}Ali{one}ce{one}") == "Alice"
    assert shown_name(one * 3) == ""


@pytest.mark.parametrize(
    "name",
    [
        WALES,
        FAMILY,
        f"x {WALES}",
        "\u2764\ufe0f",
        "می\u200cخواهم",
        "क्\u200dष",
        "葛\U000e0100",
        "עברית",
        "José",
    ],
)
def test_what_joins_or_draws_something_stays(name):
    assert shown_name(name) == name


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("Jose\u0301", "José"),
        ("a\nb\u2028c\x07", "a b c"),
        ("a\u200d", "a"),
        ("a\u200d\u200cb", "ab"),
        ("\u200da", "a"),
        ("a \ufe0f", "a"),
        ("a\ufe0f\ufe0f", "a\ufe0f"),
        (f"a{WALES[1:]}", "a"),
        (" \u2800 ", ""),
    ],
)
def test_what_does_nothing_goes(given, kept):
    assert shown_name(given) == kept


def test_every_name_that_others_read_is_kept_so(alice):
    now, given = clock.now(), "\u202eec\u200bilA"
    update_profile(user_id=alice.id, name=given, bio="", location="", url="", now=now)
    made = create_user(username="newcomer", password=PASSWORD, name=given, now=now)
    shelf = create_list(owner_id=alice.id, name=given, now=now)
    keys = create_application(owner_id=alice.id, name=given, now=now)

    names = [*User.objects.filter(id__in=[alice.id, made.id]).values_list("name", flat=True)]
    names += [shelf.name, Application.objects.get(id=keys.application_id).name]
    assert names == ["ecilA"] * 4
    with pytest.raises(BadProfile):
        update_profile(user_id=alice.id, name="\u202e\u3164", bio="", location="", url="", now=now)
    with pytest.raises(BadList):
        create_list(owner_id=alice.id, name="\u202e", now=now)
    with pytest.raises(BadApplication):
        create_application(owner_id=alice.id, name="\u202e", now=now)
    assert create_user(username="blank", password=PASSWORD, name="\u3164", now=now).name == "blank"
