"""Nobody gets another bucket by how a request is written, or by what its headers claim."""

from ipaddress import ip_network

from apps.infra.web import addresses


def test_strangers_are_counted_by_address(narrow, api):
    narrow("strangers", 5, 900)
    statuses = [
        api.get("/2/users/me", authorization=f"Bearer guess{number}").status_code
        for number in range(8)
    ]
    assert statuses == [401] * 5 + [429] * 3


def test_no_header_makes_another_address(narrow, api):
    narrow("strangers", 5, 900)
    spoofs = [
        {name: f"203.0.113.{number}"}
        for number in range(4)
        for name in ("x-forwarded-for", "x-real-ip", "forwarded", "x-client-ip", "via")
    ]
    statuses = [api.request("GET", "/2/users/me", headers=spoof).status_code for spoof in spoofs]
    assert statuses.count(401) == 5


DISGUISES = [
    ("{path}", {"version": "1.0"}),
    ("{path}?", {}),
    ("{path}?a=b", {}),
    ("{path}/", {}),
    ("{path}.json", {}),
    ("{path}%20", {}),
    ("//2/tweets/{id}", {}),
    ("/2//tweets/{id}", {}),
    ("/2/./tweets/{id}", {}),
    ("/2/users/../tweets/{id}", {}),
    ("/2/%74weets/{id}", {}),
    ("/%32/tweets/{id}", {}),
    ("/2/Tweets/{id}", {}),
    ("/2/tweets/0{id}", {}),
    ("/2/tweets/+{id}", {}),
    ("{path}", {"method": "HEAD"}),
    ("{path}", {"x_http_method_override": "POST"}),
    ("{path}", {"x_original_url": "/2/users/me"}),
    ("{path}", {"x_rewrite_url": "/2/users/me"}),
    ("{path}", {"connection": "close"}),
    ("{path}", {"transfer_encoding": "identity"}),
    ("{path}", {"expect": "100-continue"}),
    ("{path}", {"content_length": "0"}),
    ("{path}", {"x_request_id": "another"}),
    ("http://other{path}", {}),
]  # fmt: skip


def test_no_disguise_makes_another_bucket(narrow, paths, api_as, bob, gate):
    narrow("posts", 2, 86_400)
    token = api_as(bob).token
    for _ in range(2):
        assert gate.get(paths["posts"], token)[0] == 200
    for form, how in DISGUISES:
        path = form.format(path=paths["posts"], id=paths["posts"].rpartition("/")[2])
        status = gate.get(path, token, **how)[0]
        assert status in {429, 404, 405, 400}, (form, how)


def test_behind_a_proxy_each_client_is_counted(narrow, api, settings):
    narrow("strangers", 2, 900)
    settings.TRUSTED_PROXIES = [ip_network("127.0.0.0/8")]
    addresses.forget()
    for number in range(4):
        # What the client wrote itself stands first.
        given = f"6.6.6.{number}, 203.0.113.{number // 2}"
        assert api.get("/2/users/me", x_forwarded_for=given).status_code == 401
    assert api.get("/2/users/me", x_forwarded_for="203.0.113.1").status_code == 429
    assert api.get("/2/users/me", x_forwarded_for="203.0.113.9").status_code == 401
    addresses.forget()
