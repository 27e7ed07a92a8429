"""Pictures of accounts: cut, shown everywhere at once, gone when they are replaced."""

import io
import re

import pytest
from PIL import Image

from apps.infra import clock
from apps.infra.errors import DomainError
from apps.media.models import Media
from apps.media.services.profile_pictures import cut, set_profile_picture
from apps.media.services.sweeping import sweep
from apps.tweets.services import post_tweet
from apps.users.models import User
from tests.media.conftest import animation, files, picture  # noqa: F401 - a fixture

pytestmark = pytest.mark.usefixtures("files")
PAGE = "/settings/pictures"


def _file(data=b"", name="a.jpg", kind="image/jpeg"):
    return (name, data or picture(size=(640, 300)), kind)


def _address(page, css="av"):
    return re.findall(rf'<img class="{css}[^"]*" src="([^"]+)"', page.text)[0]


def test_the_middle_is_cut_out_and_what_is_see_through_gets_paper():
    wide = Image.open(io.BytesIO(cut(picture(size=(640, 300)), (256, 256))))
    clear = io.BytesIO()
    Image.new("RGBA", (40, 80)).save(clear, "PNG")
    paper = Image.open(io.BytesIO(cut(clear.getvalue(), (256, 256))))
    moving = Image.open(io.BytesIO(cut(animation(size=(320, 180)), (1200, 400))))

    assert (wide.format, wide.size) == ("JPEG", (256, 256))
    assert paper.getpixel((10, 10)) == (255, 255, 255)
    assert (moving.format, moving.size) == ("JPEG", (1200, 400))


def test_it_is_shown_on_posts_and_profile_and_served_to_everybody(browser_as, browser, alice):
    post_tweet(author_id=alice.id, text="hello", now=clock.now())
    hers = browser_as(alice)
    assert "<img" not in browser.get("/alice").text

    done = hers.post(PAGE, {}, files={"avatar": _file(), "banner": _file()}, follow=True)
    assert "Changes saved." in done.text
    profile = browser.get("/alice")

    assert profile.text.count('<img class="av') == 2
    for css in ("av", "banner"):
        served = browser.get(_address(profile, css))
        assert served.status_code == 200
        assert Image.open(io.BytesIO(served.content)).size in {(256, 256), (1200, 400)}
    assert '<img class="av' in hers.get("/home").text


def test_what_is_replaced_or_removed_is_swept(browser_as, alice):
    browser = browser_as(alice)
    for _ in range(2):
        browser.post(PAGE, {}, files={"avatar": _file()})
    address = _address(browser.get("/alice"))
    sweep(now=clock.now())
    assert Media.objects.count() == 1
    assert browser.get(address).status_code == 200

    browser.post(PAGE, {"remove": "avatar"})

    assert "<img" not in browser.get("/alice").text
    assert browser.get(address).status_code == 404
    sweep(now=clock.now())
    assert not Media.objects.exists()


def test_what_is_no_picture_is_refused_and_the_old_one_stays(browser_as, alice):
    browser = browser_as(alice)
    browser.post(PAGE, {}, files={"avatar": _file()})
    before = User.objects.get(id=alice.id).avatar

    bad = browser.post(PAGE, {}, files={"avatar": _file(b"%PDF-1.7 nothing")})
    empty = browser.post(PAGE, {})

    assert bad.status_code == 422
    assert 'role="alert"' in bad.text
    assert "Choose a picture first." in empty.text
    assert User.objects.get(id=alice.id).avatar == before


def test_it_cannot_be_hung_on_a_post(alice):
    set_profile_picture(user_id=alice.id, which="avatar", data=picture(), now=clock.now())
    media = Media.objects.get()

    with pytest.raises(DomainError):
        post_tweet(author_id=alice.id, text="", media_ids=[media.id], now=clock.now())


def test_large_ones_come_through_and_visitors_log_in_first(browser_as, browser, alice):
    noise = picture("PNG", size=(1400, 1000)) + b"\0" * 1_500_000

    sent = browser_as(alice).post(PAGE, {}, files={"avatar": _file(noise, "a.png", "image/png")})
    browser.get("/login")

    assert sent.status_code == 302
    assert "/login" in browser.get(PAGE).headers["location"]
    assert "/login" in browser.post(PAGE, {}, files={"avatar": _file()}).headers["location"]


def test_the_api_tells_where_it_is(api_as, browser, alice):
    api = api_as(alice)
    path = "/2/users/me?user.fields=profile_image_url,profile_banner_url"
    assert "profile_image_url" not in api.get(path).json()["data"]

    set_profile_picture(user_id=alice.id, which="avatar", data=picture(), now=clock.now())
    told = api.get(path).json()["data"]

    assert "profile_banner_url" not in told
    here = told["profile_image_url"].split("/media/")[1]
    assert browser.get(f"/media/{here}").status_code == 200
