"""The part of `docs/benchmarks.md` about hot tweets: kept in a file of its own, so that every run
of `make bench` shows it again."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench import plots

RESULTS = Path("bench/results/hot.json")
PAGE = Path("docs/benchmarks.md")
HEAD = "## Hot tweets"
# Where it stands on the page.
BEFORE = "## What explains them"
SHOWN = "4 days, learned before"
WAYS = ("model", "people so far", "acts so far", "reach")

_TEXT = """{head}

Which bursts end in the top 1 % by different people after 24 hours, told ten minutes after the first
act, by the service's own features and model (`python -m bench.hot`,
[0027](decisions/0027-hot-tweets-by-their-first-minutes.md)). Higgs (SNAP; De Domenico et al. 2013):
real retweets, mentions and replies of July 2012. It has no tweets, so a burst is what others do
upon one person from the first act on, for 24 hours; then the next act begins another. A mention
stands for a like, and different people before, per day, for followers. Each row is a test on all
bursts that begin after the first days; *learned before*: nothing of what ended later was learned.

{rows}

Of the bursts of the last row the service would have called {called:,} hot, and {right:,} of them
ended in the top 1 %. Among 100, five more or less are within chance; the difference in AUC is not.
Features and rates were chosen looking at these same days; other weeks are not here.

![Of the best k, ended in the top 1 %](img/hot.svg)
"""


def section(base_dir: Path) -> str:
    """The part as Markdown; "" where nothing was measured."""
    path = base_dir / RESULTS
    return _section(json.loads(path.read_text())) if path.exists() else ""


def _section(kept: Mapping[str, Any]) -> str:
    names = [f"{measure}: {way}" for measure in ("precision@100", "AUC") for way in WAYS]
    heads = ["first days, learning", "bursts", "top 1 %", *names]
    rows = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for name, found in kept.items():
        cells = [name, f"{found['bursts']:,}", f"{found['top']:,}"]
        for measure in ("precision_at_100", "auc"):
            cells += [f"{found[way][measure]:.3f}" for way in WAYS]
        cells[3], cells[7] = f"**{cells[3]}**", f"**{cells[7]}**"
        rows.append("| " + " | ".join(cells) + " |")
    last = kept[SHOWN]
    return _TEXT.format(
        head=HEAD, rows="\n".join(rows), called=last["called"], right=last["called_and_top"]
    )


def write(kept: Mapping[str, Any], *, base_dir: Path) -> None:
    """Keep the figures, draw them, and put them into the page as it is."""
    (base_dir / RESULTS).write_text(json.dumps(kept, indent=1) + "\n")
    chart = _chart(kept[SHOWN])
    (base_dir / plots.FOLDER / f"{chart.name}.svg").write_text(plots.svg(chart))
    page = base_dir / PAGE
    text = re.sub(rf"{re.escape(HEAD)}\n.*?(?=\n## )", "", page.read_text(), flags=re.DOTALL)
    before, mark, after = text.partition(BEFORE)
    page.write_text(f"{before.rstrip()}\n\n{_section(kept)}\n{mark}{after}")


def _chart(found: Mapping[str, Any]) -> plots.Chart:
    return plots.Chart(
        name="hot",
        title="Of the best k after ten minutes, ended in the top 1 %",
        x_label="k",
        y_label="part",
        lines={name: found[name]["curve"] for name in ("model", "people so far", "reach")},
        log_x=True,
    )
