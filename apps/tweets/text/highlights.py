"""Marks around what a search found, in text that may hold links already."""

import re
from collections.abc import Sequence

# Markup, one character written as a reference, or a stretch of plain text.
_REFERENCE = "&(?:#[0-9A-Fa-fx]{1,7}|[A-Za-z]{1,8});"
_TOKEN = re.compile(rf"(<[^<>]*+>)|({_REFERENCE})|((?:[^<&]++|<(?![^<>]*+>)|(?!{_REFERENCE})&)+)")


def hit_highlight(html: str, hits: Sequence[tuple[int, int]], *, tag: str = "em") -> str:
    """`html` with `<em>` around each hit.

    Args:
        html: escaped text, linked or not.
        hits: start and end in characters of the text as it is read, without markup; in order and
            apart. A mark opens as late and closes as early as it can, so that it lies inside a link
            when the hit does.
    """
    edges = [place for hit in hits for place in hit]
    out: list[str] = []
    read = at = 0
    # Whether no markup has come since the open mark: then it closes before the next one.
    is_near = False
    for token in _TOKEN.finditer(html):
        if at == len(edges):
            out.append(html[token.start() :])
            break
        markup, reference, plain = token.groups()
        if markup is not None:
            if is_near and at % 2 and edges[at] <= read:
                out.append(f"</{tag}>")
                at += 1
            is_near = False
            out.append(markup)
            continue
        size = 1 if reference is not None else len(plain)
        done = 0
        while at < len(edges) and edges[at] - read < size:
            cut = max(edges[at] - read, done)
            out.append((reference or plain)[done:cut] if cut else "")
            out.append(f"</{tag}>" if at % 2 else f"<{tag}>")
            is_near = at % 2 == 0
            done, at = cut, at + 1
        out.append(reference if reference is not None else plain[done:])
        read += size
    if at % 2:
        out.append(f"</{tag}>")
    return "".join(out)
