"""Every text that people can store, with every naughty string: it comes back exactly, or was
refused with the reason.

The table covers every text member of every body in the API's description; a new one without a row
fails. Profiles and applications are filled in on pages.
"""

import html
import json
import re
from datetime import timedelta
from urllib.parse import quote

import pytest

from apps.infra import clock
from apps.infra.shown_names import shown_name
from apps.infra.web.envelope import timestamp
from apps.media.services import uploads
from tests.flows.naughty import BLNS, NO_BLNS, OWN, corpus, text_places
from tests.media.conftest import picture

RULES = "/2/tweets/search/stream/rules"
# Text members that are not kept, and what they are.
NOT_STORED = {
    ("POST /2/tweets/search/stream/rules", "delete.values.0"): "names a rule",
    ("POST /2/scheduled_tweets", "scheduled_at"): "a time",
    ("PUT /2/scheduled_tweets/{id}", "scheduled_at"): "a time",
    ("POST /2/media/upload", "media"): "a file",
    ("POST /2/media/upload", "media_category"): "a word from a list",
    ("POST /2/media/upload", "media_type"): "a type of file",
    ("POST /2/media/upload/initialize", "media_type"): "a type of file",
    ("POST /2/media/upload/initialize", "media_category"): "a word from a list",
    ("POST /2/media/upload/{id}/append", "media"): "a file",
    ("POST /2/media/metadata", "id"): "names a picture",
    ("POST /1.1/media/upload.json", "media"): "a file",
    ("POST /1.1/media/upload.json", "media_data"): "a file",
    ("POST /1.1/media/upload.json", "segment_index"): "a number",
    ("POST /1.1/media/upload.json", "total_bytes"): "a number",
    ("POST /1.1/media/upload.json", "media_type"): "a type of file",
    ("POST /1.1/media/upload.json", "additional_owners"): "taken, and means nothing",
}


def refused(answer):
    """Whether it was refused; then with a reason."""
    if answer.status_code < 400:
        return False
    assert answer.status_code in {400, 413}, answer.content
    told = answer.json()
    assert told["detail"]
    assert all(one["message"] for one in told.get("errors", []))
    return True


def post(client, path, body, method="POST"):
    return client.request(
        method, path, body=json.dumps(body).encode(), headers={"content-type": "application/json"}
    )


class Texts:
    """Stores a text in one place and gives what is read there then; None: it was refused."""

    def __init__(self, client, alice):
        self.client, self.alice = client, alice

    def tweet(self, text):
        answer = post(self.client, "/2/tweets", {"text": text})
        if refused(answer):
            return None
        data = answer.json()["data"]
        assert data["text"] == text
        return self.client.get(f"/2/tweets/{data['id']}").json()["data"]["text"]

    def _scheduled(self, **body):
        when = timestamp(clock.now() + timedelta(hours=1))
        body = {"text": "later", "scheduled_at": when, **body}
        answer = post(self.client, "/2/scheduled_tweets", body)
        if refused(answer):
            return None
        made = f"/2/scheduled_tweets/{answer.json()['data']['id']}"
        found = self.client.get(made).json()["data"]
        self.client.delete(made)
        return found

    def scheduled(self, text):
        found = self._scheduled(text=text)
        return found and found["text"]

    def scheduled_option(self, text):
        found = self._scheduled(poll={"options": ["yes", text], "duration_minutes": 5})
        return found and found["poll"]["options"][1]

    def changed_scheduled(self, text):
        if not hasattr(self, "_later"):
            when = timestamp(clock.now() + timedelta(hours=1))
            made = post(self.client, "/2/scheduled_tweets", {"text": "later", "scheduled_at": when})
            self._later = f"/2/scheduled_tweets/{made.json()['data']['id']}"
        answer = post(self.client, self._later, {"text": text}, "PUT")
        return None if refused(answer) else self.client.get(self._later).json()["data"]["text"]

    def option(self, text):
        poll = {"options": ["yes", text], "duration_minutes": 5}
        answer = post(self.client, "/2/tweets", {"text": "?", "poll": poll})
        if refused(answer):
            return None
        found = self.client.get(
            f"/2/tweets/{answer.json()['data']['id']}?expansions=attachments.poll_ids"
        )
        return found.json()["includes"]["polls"][0]["options"][1]["label"]

    def _list(self, member, text, list_id=None):
        body = {"name": "x", member: text}
        if list_id is None:
            answer = post(self.client, "/2/lists", body)
        else:
            answer = post(self.client, f"/2/lists/{list_id}", body, "PUT")
        if refused(answer):
            return None
        made = list_id or answer.json()["data"]["id"]
        found = self.client.get(f"/2/lists/{made}?list.fields=description").json()["data"]
        if list_id is None:
            self.client.delete(f"/2/lists/{made}")
        return found[member]

    def list_name(self, text):
        return self._list("name", text)

    def list_description(self, text):
        return self._list("description", text)

    def _own_list(self):
        return post(self.client, "/2/lists", {"name": "one"}).json()["data"]["id"]

    def new_list_name(self, text):
        return self._list("name", text, self._own_list())

    def new_list_description(self, text):
        return self._list("description", text, self._own_list())

    def _rule(self, value, tag):
        answer = post(self.client, RULES, {"add": [{"value": value, "tag": tag}]})
        if answer.status_code == 400 and "meta" in answer.json():
            (error,) = answer.json()["errors"]
            assert error["detail"]
            assert error["value"] == value
            return None
        if refused(answer):
            return None
        (made,) = answer.json()["data"]
        (found,) = self.client.get(f"{RULES}?ids={made['id']}").json()["data"]
        post(self.client, RULES, {"delete": {"ids": [made["id"]]}})
        return found

    def rule_value(self, text):
        found = self._rule(text, "")
        return found and found["value"]

    def rule_tag(self, text):
        found = self._rule("tea", text)
        return found and found.get("tag", "")

    def _picture(self):
        made = uploads.upload_once(owner_id=self.alice.id, data=picture(), now=clock.now())
        return made.id, made.media_key

    def _described(self, key):
        found = self.client.get(f"/2/media/{key}?media.fields=alt_text").json()["data"]
        return found.get("alt_text", "")

    def alt_text(self, text):
        media_id, key = self.kept_picture
        body = {"id": str(media_id), "metadata": {"alt_text": {"text": text}}}
        answer = post(self.client, "/2/media/metadata", body)
        return None if refused(answer) else self._described(key)

    def old_alt_text(self, text):
        media_id, key = self.kept_picture
        body = {"media_id": str(media_id), "alt_text": {"text": text}}
        answer = post(self.client, "/1.1/media/metadata/create.json", body)
        return None if refused(answer) else self._described(key)

    @property
    def kept_picture(self):
        if not hasattr(self, "_kept"):
            self._kept = self._picture()
        return self._kept


STORED = {
    ("POST /2/tweets", "text"): Texts.tweet,
    ("POST /2/tweets", "poll.options.0"): Texts.option,
    ("POST /2/scheduled_tweets", "text"): Texts.scheduled,
    ("POST /2/scheduled_tweets", "poll.options.0"): Texts.scheduled_option,
    ("PUT /2/scheduled_tweets/{id}", "text"): Texts.changed_scheduled,
    ("POST /2/lists", "name"): Texts.list_name,
    ("POST /2/lists", "description"): Texts.list_description,
    ("PUT /2/lists/{id}", "name"): Texts.new_list_name,
    ("PUT /2/lists/{id}", "description"): Texts.new_list_description,
    ("POST /2/tweets/search/stream/rules", "add.0.value"): Texts.rule_value,
    ("POST /2/tweets/search/stream/rules", "add.0.tag"): Texts.rule_tag,
    ("POST /2/media/metadata", "metadata.alt_text.text"): Texts.alt_text,
    ("POST /1.1/media/metadata/create.json", "alt_text.text"): Texts.old_alt_text,
}
# Space around these means nothing.
STRIPPED = {
    Texts.option,
    Texts.scheduled_option,
    Texts.list_description,
    Texts.new_list_description,
}
# What nobody sees is taken out of names.
NAMES = {Texts.list_name, Texts.new_list_name}


def test_every_text_of_the_api_is_in_the_table():
    found = {
        (place.operation, place.name)
        for place in text_places()
        # What applications log in with is theirs to keep.
        if "oauth" not in place.operation
    }

    assert found - STORED.keys() - NOT_STORED.keys() == set()
    assert (STORED.keys() | NOT_STORED.keys()) - found == set()


def keep(store, texts, text):
    found = store(texts, text)
    if found is None:
        return 0
    kept = shown_name(text) if store in NAMES else text.strip() if store in STRIPPED else text
    assert found == kept, (store, text)
    return 1


@pytest.mark.parametrize("store", STORED.values(), ids=lambda one: one.__name__)
def test_our_strings_come_back_exactly(api_as, alice, store):
    texts = Texts(api_as(alice), alice)

    assert sum(keep(store, texts, text) for text in OWN) > 20


@pytest.mark.slow
@pytest.mark.skipif(not BLNS.exists(), reason=NO_BLNS)
@pytest.mark.parametrize("store", STORED.values(), ids=lambda one: one.__name__)
def test_the_big_list_comes_back_exactly(api_as, alice, store):
    texts = Texts(api_as(alice), alice)

    assert sum(keep(store, texts, text) for text in corpus()) > 150


def strings():
    return [*OWN, *(corpus() if BLNS.exists() else [])]


@pytest.mark.slow
def test_searches_for_anything_find_or_say_why(api_as, alice):
    client = api_as(alice)

    for text in strings():
        word = quote(text, safe="", errors="surrogatepass")
        for path in ("/2/tweets/search/recent", "/2/tweets/counts/recent", "/2/users/search"):
            answer = client.get(f"{path}?query={word}")
            assert answer.status_code == 200 or refused(answer)
        answer = client.get(f"/2/users/by/username/{word}")
        # A slash makes it another address.
        assert answer.status_code in {200, 404} or refused(answer)


def _fields(page, name):
    """The value of a field of a form."""
    found = re.search(rf'<(input|textarea)[^>]*name="{name}"[^>]*>([^<]*)', page)
    assert found, name
    value = re.search(r'value="([^"]*)"', found[0])
    text = found[2].removeprefix("\n") if found[1] == "textarea" else value[1] if value else ""
    return html.unescape(text)


@pytest.mark.slow
@pytest.mark.parametrize("member", ["name", "bio", "location", "url"])
def test_profiles_keep_anything_or_say_why(browser_as, api_as, alice, member):
    browser, client = browser_as(alice), api_as(alice)
    told = {"bio": "description"}.get(member, member)

    for text in strings():
        form = {"name": "Alice", "bio": "", "location": "", "url": "", member: text}
        if not _can_be_sent(text):
            continue
        answer = browser.post("/settings/profile", form)
        if answer.status_code == 422:
            assert 'class="error"' in answer.text or "aria-invalid" in answer.text, text
            continue
        assert answer.status_code == 302, (text, answer.status_code)
        found = client.get("/2/users/me?user.fields=description,location,url").json()["data"]
        assert found.get(told, "") == _kept(member, text), text


@pytest.mark.slow
@pytest.mark.parametrize("member", ["name", "description", "website"])
def test_applications_keep_anything_or_say_why(browser_as, alice, member):
    browser = browser_as(alice)
    form = {"name": "App", "description": "", "website": "", "redirect_uris": "", "access": "write"}
    made = re.search(r"/developer/apps/(\d+)", browser.post("/developer/apps/new", form).text)
    assert made is not None
    page = f"/developer/apps/{made[1]}"

    for text in strings():
        if not _can_be_sent(text):
            continue
        answer = browser.post(page, {**form, member: text})
        if answer.status_code == 422:
            continue
        assert answer.status_code == 302, (text, answer.status_code)
        found = _fields(browser.get(page).text, member)
        assert found == _kept(member, text), text


def _kept(member, text):
    """What of a field is there afterwards."""
    return shown_name(text) if member == "name" else text.strip().replace("\r\n", "\n")


def _can_be_sent(text):
    """A form is UTF-8: a lone surrogate has no bytes in it."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
