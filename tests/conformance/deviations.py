"""Where answers differ from X's description 2.166 on purpose, and why. One table."""

import re

# (operations, what the check says, why it is meant)
DEVIATIONS: list[tuple[str, str, str]] = [
    (
        r"POST /2/lists",
        r"the status 201 is not described",
        "X's recorded answers say 201, its description 200; clients take both.",
    ),
    (
        r"POST /2/tweets/search/stream/rules",
        r"the status 201 is not described",
        "X's recorded answers say 201 when rules were added.",
    ),
    (
        r".* /2/media/upload.*",
        r"\"type\" is a required property",
        "`processing_info` has no `type` in X's answers; its description requires one and says"
        " nothing about it.",
    ),
    (
        r"POST /2/tweets/search/stream/rules",
        r'"rule" is not one of',
        "A rule that was to be deleted and is not there: X's list of resource types lacks it.",
    ),
]


# Rows that a check has needed in this process.
needed: set[int] = set()


def is_known(operation: str, fault: str) -> bool:
    """Whether a fault is in the table."""
    found = {
        number
        for number, (operations, said, _) in enumerate(DEVIATIONS)
        if re.fullmatch(operations, operation) and re.search(said, fault)
    }
    needed.update(found)
    return bool(found)
