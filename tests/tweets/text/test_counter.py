"""The counter of the compose form weighs as the server does; runs where Node is."""

import json
import random
import shutil
import subprocess

import pytest

from apps.infra.conf import BASE_DIR
from apps.tweets.text.weights import weighted_length
from tests.tweets.text.strings import PIECES

COUNTER = BASE_DIR / "static/js/weigh.js"
NAMES = BASE_DIR / "apps/tweets/static/tweets/tlds.txt"
PROGRAM = """
globalThis.window = {};
const fs = require("fs");
require(process.argv[1]);
const names = window.weigh.names(fs.readFileSync(process.argv[2], "utf8"));
const texts = JSON.parse(fs.readFileSync(0, "utf8"));
console.log(JSON.stringify(texts.map((text) => window.weigh(text, names))));
"""


def weighed(texts: list[str]) -> list[int]:
    """What the counter shows of each text."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("no Node on PATH")
    done = subprocess.run(
        [node, "-e", PROGRAM, str(COUNTER), str(NAMES)],
        input=json.dumps(texts), capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    answer: list[int] = json.loads(done.stdout)
    return answer


def test_made_up_texts_weigh_the_same():
    # One process weighs them all, so they are thrown and not searched.
    dice = random.Random(20)
    pieces = [piece for piece in PIECES if piece != "\ud800"]
    texts = ["".join(dice.choices(pieces, k=dice.randint(1, 14))) for _ in range(3_000)]

    shown = weighed(texts)

    assert [
        (text, one, weighted_length(text))
        for text, one in zip(texts, shown, strict=True)
        if one != weighted_length(text)
    ] == []


def test_the_official_cases_weigh_the_same(cases):
    texts = [
        case["text"]
        for name in ("extract", "validate", "autolink", "tlds")
        for section in cases(name).values()
        for case in section
    ]

    shown = weighed(texts)

    assert [
        text for text, one in zip(texts, shown, strict=True) if one != weighted_length(text)
    ] == []
