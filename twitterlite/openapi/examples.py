"""Example requests and their answers, recorded by tests/conformance/test_examples.py."""

import json
import shlex
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("examples.json")
_WHO = {
    "bearer": '-H "Authorization: Bearer $TOKEN"',
    "app": '-H "Authorization: Bearer $APP_TOKEN"',
    "basic": '-u "$CLIENT_ID:$CLIENT_SECRET"',
    "consumer": '-u "$API_KEY:$API_SECRET"',
}


@cache
def recorded() -> dict[str, dict[str, Any]]:
    """Operation → `request` (path; json, form or files; auth), `status`, `answer`."""
    found: dict[str, dict[str, Any]] = json.loads(FILE.read_text()) if FILE.exists() else {}
    return found


def curl(name: str) -> str:
    """The example request of an operation as a command; "" without one."""
    one = recorded().get(name)
    if one is None:
        return ""
    request, method = one["request"], name.split(" ", maxsplit=1)[0]
    words = [_WHO[request.get("auth", "bearer")]]
    if "json" in request:
        words.append('-H "Content-Type: application/json"')
        words.append("-d " + shlex.quote(json.dumps(request["json"], ensure_ascii=False)))
    words += [
        f"-d {shlex.quote(f'{key}={value}')}" for key, value in request.get("form", {}).items()
    ]
    for key, value in request.get("files", {}).items():
        words.append(f"-F {key}=@{value}" if key == "media" else f"-F {key}={value}")
    implied = "POST" if {"json", "form", "files"} & request.keys() else "GET"
    verb = "" if method == implied else f"-X {method} "
    lines = [f'curl {verb}"$HOST{request["path"]}"', *words]
    return " \\\n  ".join(lines)


def answer(name: str) -> str:
    """The recorded answer, indented; "" without one."""
    one = recorded().get(name)
    return json.dumps(one["answer"], indent=2, ensure_ascii=False) if one else ""


def status(name: str) -> int:
    """The recorded status; 0 without one."""
    one = recorded().get(name)
    return int(one["status"]) if one else 0
