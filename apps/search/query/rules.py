"""Rules about a whole tree: something in it must say what to look for."""

from django.utils.translation import gettext as _

from apps.search.query import errors
from apps.search.query.tree import And, Has, Is, Lang, Node, Not, Or, Since, Until

# These only narrow down; alone they fit too much of everything.
_NARROWING = (Is, Has, Lang, Since, Until)


def stands_alone(node: Node) -> bool:
    """Whether every tweet that fits also fits a word, tag, account … of the tree, not negated."""
    match node:
        case And(parts):
            return any(map(stands_alone, parts))
        case Or(parts):
            return all(map(stands_alone, parts))
        case Not():
            return False
        case _:
            return not isinstance(node, _NARROWING)


def ensure_company(tree: Node) -> None:
    """Refuse trees that do not stand alone, at the side of an OR that does not.

    Raises:
        OnlyNegations, NeedsCompany.
    """
    if stands_alone(tree):
        return
    culprit = _culprit(tree)
    parts = culprit.parts if isinstance(culprit, And) else (culprit,)
    where = {"position": culprit.at.start, "length": culprit.at.length}
    if all(isinstance(part, Not) for part in parts):
        raise errors.OnlyNegations(
            _("This only says what is not wanted."),
            advice=_("Add what is: a word, a #tag or from:user, on each side of an OR."),
            **where,
        )
    raise errors.NeedsCompany(
        _("This only narrows a search down."),
        advice=_("Add a word, a #tag or from:user, on each side of an OR."),
        **where,
    )


def _culprit(node: Node) -> Node:
    """The smallest part that is at fault."""
    if isinstance(node, Or):
        return next(_culprit(part) for part in node.parts if not stands_alone(part))
    return node
