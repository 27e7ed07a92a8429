"""What the code may not hold, looked for in the code: rules of this house that no linter knows."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from apps.infra.conf import BASE_DIR

FILES = sorted([*(BASE_DIR / "apps").rglob("*.py"), *(BASE_DIR / "twitterlite").rglob("*.py")])
TREES = {path.relative_to(BASE_DIR).as_posix(): ast.parse(path.read_text()) for path in FILES}
TEMPLATES = sorted([*(BASE_DIR / "templates").rglob("*"), *(BASE_DIR / "apps").rglob("*.html")])
# A module here opens connections, to engines of ours or to nobody else's choice. No module fetches
# an address that a person gave: then it would have to refuse private ones, and follow no redirect.
TALKS = {
    "apps/infra/engines/embedded.py", "apps/infra/engines/ports.py",
    "apps/infra/engines/services.py", "apps/infra/engines/stack.py",
    "apps/infra/engines/supervisor.py", "apps/infra/eventlog/messages.py",
    "apps/infra/eventlog/relay_loop.py", "apps/infra/stores/aioredis.py",
    "apps/infra/stores/postgres.py", "apps/infra/stores/redis.py", "apps/infra/web/live.py",
    # It listens, and asks itself whether it is ready.
    "apps/infra/web/server.py", "apps/timelines/store/wire.py",
}  # fmt: skip
NETWORK = re.compile(
    r"^(socket|ssl|http\.client|urllib\.request|urllib3|requests|httpx|aiohttp|ftplib|smtplib"
    r"|telnetlib|asyncio\.open_connection)(\.|$)"
)
# SQL whose text is put together by Django or by us from something that came in.
RAW_SQL = {"raw", "extra", "RawSQL"}
UNSAFE = {"pickle", "marshal", "shelve", "dill", "xml.sax", "xml.dom", "xml.etree.ElementTree"}
# Texts that are marked as safe; each is put together from what was escaped before.
MARKED = {
    "apps/tweets/card_html.py": 3,
    "apps/infra/templatetags/web.py": 1,
    "twitterlite/docs.py": 1,
}
# Guarded by a secret or a signature, not by a cookie.
EXEMPT = {"apps/users/views_oauth.py", "apps/users/views_oauth1.py"}
PINNED = {
    re.match(r"[a-z0-9-]+", line)[0]: line.split("==")[1].split()[0]  # type: ignore[index]
    for line in (BASE_DIR / "requirements.txt").read_text().splitlines()
    if "==" in line and not line.startswith(" ")
}


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            yield name or (node.func.id if isinstance(node.func, ast.Name) else ""), node


def imported(tree: ast.AST) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {one.name for one in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{one.name}" for one in node.names)}
    return found


def test_nothing_connects_but_to_our_own_engines():
    found = {
        path
        for path, tree in TREES.items()
        if any(NETWORK.match(one) for one in imported(tree))
        or any(name in {"open_connection", "create_connection"} for name, _ in calls(tree))
    }

    assert found == TALKS


def test_no_sql_is_put_together_from_what_came_in():
    found = [
        f"{path}:{node.lineno} {name}"
        for path, tree in TREES.items()
        for name, node in calls(tree)
        if name in RAW_SQL and not (name == "extra" and node.args == [])
    ]
    # `filter(**request.GET.dict())` lets a stranger name the columns.
    found += [
        f"{path}:{node.lineno} {name}(**…)"
        for path, tree in TREES.items()
        for name, node in calls(tree)
        if name in {"filter", "exclude", "get", "order_by"}
        and any(
            word.arg is None and re.search(r"request|GET|POST|body|data", ast.unparse(word.value))
            for word in node.keywords
        )
    ]

    assert found == []


def test_nothing_is_unpacked_that_could_be_code():
    found = {
        (path, one)
        for path, tree in TREES.items()
        for one in imported(tree)
        if one in UNSAFE or one.split(".")[0] in {"pickle", "marshal", "shelve"}
    }
    found |= {
        (path, name)
        for path, tree in TREES.items()
        for name, node in calls(tree)
        if name in {"eval", "exec", "compile"} and isinstance(node.func, ast.Name)
    }

    assert found == set()


def test_markup_is_trusted_in_few_places():
    marked = {
        path: count
        for path, tree in TREES.items()
        if (count := sum(name == "mark_safe" for name, _ in calls(tree)))
    }
    switched_off = [
        str(path)
        for path in TEMPLATES
        if path.is_file() and re.search(r"\|\s*safe\b|autoescape off", path.read_text())
    ]

    assert marked == MARKED
    assert switched_off == []


def test_the_form_token_is_left_out_where_no_cookie_counts():
    found = {path for path, tree in TREES.items() if "csrf_exempt" in ast.unparse(tree)}

    assert found == EXEMPT


# The first release in which a known hole is closed, and which one.
LEAST = {
    "django": ("5.2.17", "the fixes of August 2026"),
    "pillow": ("12.3.0", "loops and memory in PDF, JPEG 2000 and EPS"),
    "cryptography": ("44.0.1", "CVE-2024-12797"),
    "gunicorn": ("22.0.0", "CVE-2024-1135"),
    "h11": ("0.16.0", "CVE-2025-43859"),
    "uvicorn": ("0.11.7", "CVE-2020-7694"),
    "oauthlib": ("3.2.2", "CVE-2022-36087"),
    "sqlparse": ("0.5.0", "CVE-2024-4340"),
    "redis": ("4.5.4", "CVE-2023-28859"),
    "celery": ("5.2.2", "CVE-2021-23727"),
    "brotli": ("1.2.0", "CVE-2025-6176"),
}


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(one) for one in re.findall(r"\d+", version))


@pytest.mark.parametrize("package", LEAST)
def test_what_is_pinned_is_new_enough(package):
    assert _number(PINNED[package]) >= _number(LEAST[package][0])


def test_every_pin_has_a_hash():
    for name in ("requirements.txt", "requirements-dev.txt", "requirements-hot.txt"):
        text = (BASE_DIR / Path(name)).read_text()
        for block in re.split(r"\n(?=[a-z])", text.strip()):
            assert "==" in block, block
            assert "--hash=sha256:" in block, block
