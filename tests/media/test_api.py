"""Uploads over HTTP, and the files that come of them."""

import base64
import io
from datetime import timedelta

import httpx
import pytest
from PIL import Image

from apps.infra import clock
from apps.infra.web.large import MAX_LARGE_BYTES
from apps.media import queries
from apps.media.models import Media
from apps.media.services import attaching
from apps.users.services import set_protected
from tests.media.conftest import animation, multipart, path_of, picture

pytestmark = pytest.mark.usefixtures("files")
V1 = "/1.1/media/upload.json"


def post_multipart(client, path, **fields):
    body, kind = multipart(**fields)
    return client.post(path, body, kind)


def once(client, data, **more):
    return post_multipart(client, "/2/media/upload", media=data, **more)


def told(client, media_id, fields="url,width,height,alt_text,variants,preview_image_url"):
    answer = client.get(f"/2/media/3_{media_id}?media.fields={fields}")
    assert answer.status_code == 200, answer.content
    return answer.json()["data"]


def served(api, url):
    answer = api.get(path_of(url))
    assert answer.status_code == 200, answer.content
    with Image.open(io.BytesIO(answer.content)) as image:
        image.load()
        return image


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "GIF"])
def test_a_picture_in_one_piece(api, api_as, alice, kind):
    answer = once(api_as(alice), picture(kind), media_category="tweet_image")

    data = answer.json()["data"]
    assert answer.status_code == 200
    assert data["media_key"] == f"3_{data['id']}"
    assert 86_000 < data["expires_after_secs"] <= 86_400
    assert "processing_info" not in data
    seen = told(api_as(alice), data["id"])
    assert (seen["type"], seen["width"], seen["height"]) == ("photo", 64, 48)
    assert served(api, seen["url"]).size == (64, 48)


def test_a_picture_in_json(api_as, alice):
    media = base64.b64encode(picture()).decode()

    answer = api_as(alice).post(
        "/2/media/upload", {"media": media, "media_category": "tweet_image"}
    )

    assert answer.status_code == 200
    assert answer.json()["data"]["size"] == len(picture())


@pytest.mark.parametrize("name", ["a.jpg", "../../../etc/passwd", 'x"; name="y', "\N{SNOWMAN}"])
@pytest.mark.parametrize("path", ["/2/media/upload", V1])
def test_the_name_of_a_file_does_not_matter(api_as, alice, files, path, name):
    sent = httpx.Request(
        "POST",
        "http://testserver",
        files={"media": (name, picture(), "text/html")},
        data={"media_category": "tweet_image"},
    )

    answer = api_as(alice).post(path, sent.read(), sent.headers["content-type"])

    assert answer.status_code == 200, answer.content
    assert {file for media_id in files.ids() for file in files.sizes(media_id)} == {
        "large.jpg",
        "medium.jpg",
        "small.jpg",
    }


def test_segments_in_the_manner_of_twitter_api_v2(api, api_as, alice):
    client, data = api_as(alice), picture(size=(300, 200))

    begun = client.post(
        "/2/media/upload/initialize",
        {"media_type": "image/jpeg", "total_bytes": len(data), "media_category": "tweet_image"},
    ).json()["data"]
    for number, start in enumerate(range(0, len(data), 500)):
        answer = post_multipart(
            client,
            f"/2/media/upload/{begun['id']}/append",
            segment_index=str(number),
            media=data[start : start + 500],
        )
        assert answer.status_code == 200
        assert answer.json()["data"]["expires_at"] > clock.now().timestamp()
    done = client.post(f"/2/media/upload/{begun['id']}/finalize", {}).json()["data"]

    assert done["id"] == begun["id"]
    assert done["media_key"] == begun["media_key"] == f"3_{begun['id']}"
    assert served(api, told(client, done["id"])["url"]).size == (300, 200)
    state = client.get(f"/2/media/upload?command=STATUS&media_id={done['id']}").json()["data"]
    assert state["processing_info"]["state"] == "succeeded"


def test_the_older_dialect_in_the_manner_of_tweepy(api_as, alice):
    client, data = api_as(alice), picture()
    form = "application/x-www-form-urlencoded"

    begun = client.post(
        V1, f"command=INIT&total_bytes={len(data)}&media_type=image%2Fjpeg".encode(), form
    )
    media_id = begun.json()["media_id"]
    half = len(data) // 2
    for number, part in enumerate((data[:half], data[half:])):
        answer = post_multipart(
            client,
            V1,
            command="APPEND",
            media_id=str(media_id),
            segment_index=str(number),
            media=part,
        )
        assert (answer.status_code, answer.content) == (204, b"")
    done = client.post(V1, f"command=FINALIZE&media_id={media_id}".encode(), form).json()
    state = client.get(f"{V1}?command=STATUS&media_id={media_id}").json()
    described = client.post(
        "/1.1/media/metadata/create.json", {"media_id": media_id, "alt_text": {"text": "gold"}}
    )

    assert begun.json()["media_id_string"] == str(media_id)
    assert done["image"] == {"image_type": "image/jpeg", "w": 64, "h": 48}
    assert done["media_key"] == f"3_{media_id}"
    assert state["processing_info"]["state"] == "succeeded"
    assert described.status_code == 200
    assert told(client, media_id)["alt_text"] == "gold"


def test_the_older_dialect_in_one_piece(api_as, alice):
    client = api_as(alice)

    plain = post_multipart(client, V1, media=picture())
    encoded = post_multipart(client, V1, media_data=base64.b64encode(picture()))

    assert plain.status_code == encoded.status_code == 200
    assert plain.json()["size"] == encoded.json()["size"] == len(picture())


@pytest.mark.parametrize("category", ["tweet_gif", "TweetGif"])
def test_an_animation_stays_one(api, api_as, alice, category):
    client = api_as(alice)

    data = once(client, animation(frames=4), media_category=category).json()["data"]

    assert data["media_key"] == f"16_{data['id']}"
    seen = client.get(
        f"/2/media?media_keys={data['media_key']}&media.fields=url,variants,preview_image_url"
    ).json()["data"][0]
    assert seen["type"] == "animated_gif"
    assert "url" not in seen
    assert served(api, seen["variants"][0]["url"]).n_frames == 4
    assert served(api, seen["preview_image_url"]).format == "JPEG"


def test_alt_text(api_as, alice, bob):
    client = api_as(alice)
    media_id = once(client, picture()).json()["data"]["id"]
    body = {"id": media_id, "metadata": {"alt_text": {"text": "blau \N{GREEN APPLE}"}}}

    answer = client.post("/2/media/metadata", body)

    assert answer.json()["data"] == {
        "id": media_id,
        "associated_metadata": {"alt_text": {"text": "blau \N{GREEN APPLE}"}},
    }
    assert told(client, media_id)["alt_text"] == "blau \N{GREEN APPLE}"
    assert api_as(bob).post("/2/media/metadata", body).status_code == 404
    body["metadata"]["alt_text"]["text"] = "x" * 1_001
    assert client.post("/2/media/metadata", body).status_code == 400


def test_files_are_served_for_ever_and_as_nothing_but_pictures(api, api_as, alice):
    url = told(api_as(alice), once(api_as(alice), picture()).json()["data"]["id"])["url"]

    answer = api.get(path_of(url))

    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-disposition"] == "inline"
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert api.post(path_of(url), b"").status_code == 405


def test_a_large_file_is_served_in_parts(api, api_as, alice, files):
    media_id = int(once(api_as(alice), picture()).json()["data"]["id"])
    url = told(api_as(alice), media_id)["url"]
    files.write(media_id, "large.jpg", content := bytes(range(256)) * 8_192)

    assert api.get(path_of(url)).content == content


@pytest.mark.parametrize(
    "name",
    ["large.png", "segment-0", "../large.jpg", "..%2Flarge.jpg", ".large.jpg", "large.jpg%00", "x"],
)
def test_other_names_lead_nowhere(api, api_as, alice, name):
    media_id = once(api_as(alice), picture()).json()["data"]["id"]
    path = path_of(told(api_as(alice), media_id)["url"])
    base, _, large = path.rpartition("/")

    assert api.get(f"{base}/{name}").status_code == 404
    assert api.get(f"/media/{media_id}/{'0' * 32}/{large}").status_code == 404
    assert api.get(f"/media/{media_id}//{large}").status_code == 404
    assert api.get(f"/media/{'9' * 30}/{'0' * 32}/{large}").status_code == 404


def test_somebody_elses_upload_is_not_there(api_as, alice, bob):
    data = picture()
    begun = api_as(alice).post("/2/media/upload/initialize", {"total_bytes": len(data)}).json()
    path = f"/2/media/upload/{begun['data']['id']}"
    client = api_as(bob)

    assert (
        post_multipart(client, f"{path}/append", segment_index="0", media=data).status_code == 404
    )
    assert client.post(f"{path}/finalize").status_code == 404
    assert client.get(f"/2/media/upload?media_id={begun['data']['id']}").status_code == 404


def test_what_is_on_no_tweet_only_its_owner_sees(api_as, alice, bob):
    media_id = int(once(api_as(alice), picture()).json()["data"]["id"])
    path = f"/2/media/3_{media_id}"

    assert "errors" in api_as(bob).get(path).json()
    attaching.attach(media_ids=[media_id], owner_id=alice.id, tweet_id=7, now=clock.now())
    assert "data" in api_as(bob).get(path).json()
    set_protected(user_id=alice.id, protected=True, now=clock.now())
    answer = api_as(bob).get(path).json()
    assert "data" not in answer
    assert answer["errors"][0]["resource_type"] == "media"
    assert "data" in api_as(alice).get(path).json()


def test_a_token_needs_the_scope(api, api_as, alice):
    client = api_as(alice, scopes="tweet.read users.read")

    assert once(client, picture()).status_code == 403
    assert post_multipart(client, V1, media=picture()).status_code == 403
    assert once(api, picture()).status_code == 401
    assert post_multipart(api, V1, media=picture()).status_code == 401


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"{", "application/json"),
        (b"[]", "application/json"),
        (b'{"media": 7}', "application/json"),
        (b'{"media": "?"}', "application/json"),
        (b"{}", "application/json"),
        (b"--x", "multipart/form-data; boundary=x"),
        (b"--x\r\n\r\n--x--", "multipart/form-data; boundary=x"),
        (
            b"--x\r\nContent-Disposition: form-data\r\n\r\n\r\n--x--",
            "multipart/form-data; boundary=x",
        ),
        (b"abc", "multipart/form-data"),
        (b"media=%FF", "application/x-www-form-urlencoded"),
    ],
)
@pytest.mark.parametrize("path", ["/2/media/upload", V1])
def test_a_body_that_cannot_be_read_is_a_problem(api_as, alice, path, body, kind):
    answer = api_as(alice).post(path, body, kind)

    assert answer.status_code == 400, answer.content
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_body_of_another_type(api_as, alice):
    assert api_as(alice).post("/2/media/upload", b"x", "text/plain").status_code == 415


@pytest.mark.parametrize("chunked", [False, True])
def test_bodies_are_bounded(api_as, alice, chunked):
    client = api_as(alice)
    long = b"x" * (MAX_LARGE_BYTES + 1)
    head = {"content-type": "application/json"}

    for path in ("/2/media/upload", V1, "/2/media/upload/1/append"):
        answer = client.request("POST", path, body=long, headers=head, chunked=chunked)
        assert answer.status_code == 413
        assert f"{MAX_LARGE_BYTES:,}" in answer.json()["detail"]
    answer = client.request("POST", "/2/media/metadata", body=long, headers=head, chunked=chunked)
    assert "1,048,576" in answer.json()["detail"]


@pytest.mark.parametrize("wrong", ["x", "", "-1", "1e3", "9" * 30])
def test_numbers_that_are_none(api_as, alice, wrong):
    client = api_as(alice)

    assert client.post("/2/media/upload/initialize", {"total_bytes": wrong}).status_code == 400
    assert client.get(f"{V1}?command=STATUS&media_id={wrong}").status_code == 400
    assert client.get(f"/2/media/3_{wrong}").status_code in {400, 404}


def test_a_number_that_no_id_has(api_as, alice):
    client = api_as(alice)

    assert client.get(f"{V1}?command=STATUS&media_id={'9' * 19}").status_code == 404
    assert client.get(f"/2/media/3_{'9' * 19}").status_code == 400


@pytest.mark.parametrize("kind", ["video/mp4", "text/html", "image/svg+xml", "image/bmp"])
def test_other_types_are_refused_before_they_come(api_as, alice, kind):
    answer = api_as(alice).post(
        "/2/media/upload/initialize", {"total_bytes": 10, "media_type": kind}
    )

    assert answer.status_code == 400
    assert kind in answer.json()["detail"]


def test_an_unknown_command(api_as, alice):
    assert post_multipart(api_as(alice), V1, command="DROP").status_code == 400
    assert api_as(alice).get(V1).status_code == 400
    assert api_as(alice).request("PUT", V1).status_code == 405


def test_what_has_expired_is_not_served(api, api_as, alice):
    media_id = once(api_as(alice), picture()).json()["data"]["id"]
    path = path_of(told(api_as(alice), media_id)["url"])

    with clock.frozen(clock.now() + timedelta(hours=25)):
        assert api.get(path).status_code == 404
        assert "errors" in api_as(alice).get(f"/2/media/3_{media_id}").json()


def test_the_pictures_of_a_deleted_tweet_are_served_no_more(api, api_as, alice, run):
    media_id = int(once(api_as(alice), picture()).json()["data"]["id"])
    attaching.attach(media_ids=[media_id], owner_id=alice.id, tweet_id=7, now=clock.now())
    path = path_of(run(queries.media_of([media_id]))[media_id].url)
    assert api.get(path).status_code == 200

    assert attaching.detach(tweet_id=7, now=clock.now()) == 1

    assert api.get(path).status_code == 404
    assert run(queries.media_of([media_id])) == {}
    assert Media.objects.get(id=media_id).expires_at is not None
