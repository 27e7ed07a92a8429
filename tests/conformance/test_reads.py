"""Every GET, of things of every kind, with every field and expansion, page after page: what comes
is what our description and X's say."""

import json
import re
from itertools import product

import pytest

from tests.conformance.validator import NO_ORACLE, ORACLE
from tests.conformance.world import everything, operations

STREAM = re.compile(r"/2/tweets/(search|sample)/stream$")
READS = {
    name: operation
    for name, operation in operations().items()
    if name.startswith("GET /2/") and not STREAM.search(name) and name != "GET /2/media/upload"
}
GROUPS = sorted({operation["tags"][0] for operation in READS.values()})
QUERIES = {
    "/2/tweets": lambda there: [{"ids": ",".join(str(one) for one in (*there.tweets.values(), 1))}],
    "/2/users": lambda there: [
        {"ids": ",".join(str(one.id) for one in there.people.values()) + ",1"}
    ],
    "/2/users/by": lambda there: [{"usernames": ",".join((*there.people, "nobody_here"))}],
    "/2/spaces": lambda there: [{"ids": "1YpKkzBgBlVxj"}],
    "/2/spaces/by/creator_ids": lambda there: [{"user_ids": "1"}],
    "/2/spaces/search": lambda there: [{"query": "tea"}],
    "/2/users/search": lambda there: [{"query": "a"}, {"query": "nobody at all"}],
    "/2/media": lambda there: [{"media_keys": ",".join((*there.media, "3_1"))}],
}
SEARCH = [{"query": "tea"}, {"query": "nothing_like_this"}, {"query": "tea (("}]


def queries_of(path, there):
    """The queries that an operation is asked with, besides fields."""
    if ("/search/" in path and not path.endswith("rules")) or "/counts/" in path:
        return SEARCH
    return QUERIES[path](there) if path in QUERIES else [{}]


def paths_of(path, there):
    """The path with every value in each of its holes."""
    names = re.findall(r"{(\w+)}", path)
    for values in product(*(there.values(path, name) for name in names)):
        filled = path
        for name, value in zip(names, values, strict=True):
            filled = filled.replace(f"{{{name}}}", value)
        yield filled


@pytest.mark.parametrize("group", GROUPS)
def test_every_read_is_as_described(group, there, asker):
    names = [name for name, operation in READS.items() if operation["tags"][0] == group]

    for name in names:
        read(name, there, asker)
        refuse(name, there, asker)

    assert asker.succeeded() == set(names)


def read(name, there, asker):
    """Everything there is to read, as a person and as an application."""
    path, operation = name.removeprefix("GET "), READS[name]
    fields = everything(operation)
    has_pages = "max_results" in {one["name"] for one in operation["parameters"]}

    for filled in paths_of(path, there):
        for query in queries_of(path, there):
            answer = asker.get(filled, query)
            asker.get(filled, {**query, **fields})
            asker.get(filled, {**query, **fields}, token=there.app_token)
            if not has_pages or answer.status_code != 200:
                continue
            follow(asker, filled, {**query, **fields}, smallest(operation))


def smallest(operation):
    """The smallest page."""
    (one,) = (one for one in operation["parameters"] if one["name"] == "max_results")
    return one["schema"]["minimum"]


def follow(asker, path, query, size):
    """Pages to the end, and one back."""
    token, last = None, ""
    for _ in range(20):
        page = {"max_results": str(size), **({"pagination_token": token} if token else {})}
        meta = asker.get(path, {**query, **page}).json().get("meta", {})
        last = meta.get("previous_token", last)
        token = meta.get("next_token")
        if token is None:
            break
    if last:
        asker.get(path, {**query, "max_results": str(size), "pagination_token": last})


def refuse(name, there, asker):
    """Bad tokens and bad parameters."""
    path = next(paths_of(name.removeprefix("GET "), there))

    assert asker.get(path, token="").status_code == 401
    assert asker.get(path, token="nonsense").status_code == 401
    for query in (
        {"tweet.fields": "color"},
        {"user.fields": "color", "list.fields": "color", "media.fields": "color"},
        {"expansions": "color"},
        {"max_results": "0"},
        {"pagination_token": "!"},
        {"since_id": "x", "start_time": "now"},
        {"ids": "x", "usernames": "?", "media_keys": "?", "query": ""},
    ):
        answer = asker.get(path, query)
        assert answer.status_code in {200, 400}


@pytest.mark.skipif(not ORACLE.exists(), reason=NO_ORACLE)
def test_fields_that_x_has_are_ours():
    """A field that X knows and we do not would be refused; its clients ask for many."""
    described = json.loads(ORACLE.read_text())
    shared = described["components"]["parameters"]
    lacking = {}
    for name, operation in READS.items():
        method, path = name.split(" ")
        other = described["paths"].get(path, {}).get(method.lower())
        if other is None:
            continue
        mine = everything(operation)
        for one in other.get("parameters", []):
            theirs = shared[one["$ref"].rpartition("/")[2]] if "$ref" in one else one
            known = theirs["schema"].get("items", {}).get("enum", [])
            if theirs["name"] in mine and set(known) - set(mine[theirs["name"]].split(",")):
                lacking[name, theirs["name"]] = sorted(
                    set(known) - set(mine[theirs["name"]].split(","))
                )
    assert lacking == {}
