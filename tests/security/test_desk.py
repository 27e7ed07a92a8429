"""The admin: its policy, and the log of who was refused."""

import logging

from django.contrib.auth.hashers import make_password

from tests.factories import PASSWORD, UserFactory


def policy_of(answer):
    parts = [part.partition(" ") for part in answer.headers["content-security-policy"].split("; ")]
    return {name: sources.split() for name, _, sources in parts}


def boss():
    return UserFactory.create(
        username="boss", password=make_password(PASSWORD), is_staff=True, is_superuser=True
    )


def test_the_admin_runs_no_script_that_stands_inline_or_comes_from_elsewhere(browser_as, alice):
    staff = browser_as(boss())

    for path in ("/admin/", "/admin/users/user/", f"/admin/users/user/{alice.id}/change/"):
        policy = policy_of(staff.get(path))
        assert policy["default-src"] == ["'none'"]
        assert set(policy["script-src"]) == {"'self'", "'unsafe-eval'"}
        assert policy["base-uri"] == policy["frame-ancestors"] == ["'none'"]
        assert policy["form-action"] == policy["connect-src"] == ["'self'"]
    assert "'unsafe-eval'" not in policy_of(staff.get("/home"))["script-src"]


def test_who_is_refused_stands_in_the_log(browser, browser_as, alice, caplog):
    staff, member = browser_as(boss()), browser_as(alice)

    def noted(ask):
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            ask()
        return [vars(one) for one in caplog.records if one.getMessage() == "admin refused"]

    assert noted(lambda: staff.get("/admin/users/user/")) == []
    (visitor,) = noted(lambda: browser.get("/admin/users/user/?q=x"))
    (sent_away,) = noted(lambda: member.get("/admin/tweets/tweet/"))
    (forbidden,) = noted(lambda: member.get("/admin/login/"))
    (adding,) = noted(lambda: staff.get("/admin/users/user/add/"))

    assert (visitor["path"], visitor["user_id"]) == ("/admin/users/user/", None)
    assert (sent_away["path"], sent_away["user_id"]) == ("/admin/tweets/tweet/", alice.id)
    assert (forbidden["status"], forbidden["user_id"]) == (403, alice.id)
    assert adding["status"] == 403
    assert all(one["address"] == "127.0.0.1" for one in (visitor, sent_away, forbidden, adding))
