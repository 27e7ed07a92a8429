"""Made-up requests to every operation of our description, good ones and bad ones, at the real
server: none is answered with 5xx, and every answer is as described.

`make fuzz` makes many per operation; a usual run makes a few.
"""

import json
import os
import re
import warnings
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import negative_data_rejection

from tests.conformance.conftest import Server
from tests.conformance.validator import NotAsDescribed, validate
from tests.conformance.world import World, operations
from twitterlite.openapi.document import schema

CASES = int(os.environ.get("FUZZ_CASES", "10"))
# What never ends cannot be read to its end; tests/search/test_streams.py reads it line by line.
ENDLESS = re.compile(r"GET /2/tweets/(search|sample)/stream$")
NAMES = [name for name in operations() if not ENDLESS.match(name)]
GROUPS = sorted({operations()[name]["tags"][0] for name in NAMES})
BASIC = re.compile(r"POST /(2/oauth2|oauth2)/")
OWN = re.compile(r"/2/users/\{(id|source_user_id)\}/")


def headers_for(name: str, there: World) -> dict[str, str]:
    """Who asks."""
    if BASIC.match(name):
        return {}
    return {"Authorization": f"Bearer {there.token}"}


def real(name: str, case: Any, there: World, pick: int) -> bool:
    """Put things that are there into the holes, more often than not; whether any was."""
    touched = False
    path = name.split(" ")[1]
    for number, hole in enumerate(case.path_parameters or {}):
        values = there.values(path, hole)
        choice = (pick >> (4 * number)) % 16
        if OWN.match(path) and hole in {"id", "source_user_id"} and choice < 10:
            case.path_parameters[hole], touched = str(there.me), True
        elif choice < 12:
            case.path_parameters[hole], touched = values[(pick + number) % len(values)], True
    if isinstance(case.body, dict) and pick % 3:
        known = [*there.tweets.values(), *(one.id for one in there.people.values())]
        for member, value in case.body.items():
            if member.endswith("_id") and isinstance(value, str):
                case.body[member], touched = str(known[pick % len(known)]), True
    return touched


def strategy(name: str) -> Any:
    """Requests that the description allows, and such that it does not."""
    method, path = name.split(" ")
    operation = DESCRIBED[path][method]
    good = operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
    if (
        not operation.definition.raw.get("parameters")
        and "requestBody" not in operation.definition.raw
    ):
        return good
    return st.one_of(good, operation.as_strategy(generation_mode=GenerationMode.NEGATIVE))


DESCRIBED = schemathesis.openapi.from_dict(schema())
DESCRIBED.config.generation.update(with_security_parameters=False)


class Fuzzer:
    """Makes requests of one world's server, and keeps what went wrong."""

    def __init__(self, server: Server, there: World) -> None:
        self.server, self.there = server, there
        self.session = requests.Session()
        self.session.trust_env = False
        self.faults: dict[str, str] = {}
        self.made = 0

    def run(self, name: str, cases: int) -> None:
        """Some requests for one operation; stops at its first fault."""

        @settings(
            max_examples=cases,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=strategy(name), pick=st.integers(0, 2**32))
        def ask(case: Any, pick: int) -> None:
            touched = real(name, case, self.there, pick)
            self.made += 1
            self._ask(name, case, is_as_made=not touched)

        try:
            ask()
        except (AssertionError, FailureGroup) as error:
            self.faults[name] = str(error)[:3000]

    def _ask(self, name: str, case: Any, *, is_as_made: bool) -> None:
        answer = case.call(
            base_url=self.server.url,
            session=self.session,
            headers=headers_for(name, self.there),
            timeout=30,
            allow_redirects=False,
        )
        content = answer.content
        sent = f"{case.as_curl_command()[:1000]}"
        assert answer.status_code < 500, (sent, content)
        headers = {k.lower(): v[0] for k, v in answer.headers.items()}
        try:
            validate(case.method, answer.request.path_url, answer.status_code, headers, content)
        except NotAsDescribed as error:
            raise AssertionError(f"{sent}\n{error}") from error
        if is_as_made and not tolerated(name, answer.request.url or ""):
            case.validate_response(answer, checks=[negative_data_rejection])


def tolerated(name: str, url: str) -> bool:
    """Whether nothing is wrong but a word that is missing between commas: clients send
    `expansions=`, and mean none."""
    query = parse_qs(urlsplit(url).query, keep_blank_values=True)
    return any(
        "" in (given := ",".join(query.get(one["name"], ["?"])).split(","))
        and set(given) <= {*one["schema"].get("items", {}).get("enum", ()), ""}
        for one in operations()[name]["parameters"]
        if one["name"].endswith(".fields") or one["name"] in {"expansions", "exclude"}
    )


@pytest.mark.slow
@pytest.mark.parametrize("group", GROUPS)
def test_nothing_made_up_breaks_it(group, there, server):
    fuzzer = Fuzzer(server, there)

    def script() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for name in NAMES:
                if operations()[name]["tags"][0] == group:
                    fuzzer.run(name, CASES)

    server.run(script)
    print(json.dumps({"group": group, "requests": fuzzer.made}))
    assert not fuzzer.faults, "\n\n".join(fuzzer.faults.values())
