"""People whom a search finds, as the viewer may see them."""

from apps.graph import queries as graph_queries
from apps.users import finding
from apps.users import queries as user_queries
from apps.users.schemas import UserOut


async def people(
    *, viewer_id: int | None, text: str, limit: int, after_id: int = 0
) -> tuple[list[UserOut], int | None]:
    """Accounts whose username or name begins with a text; who blocks whom, neither sees.

    Returns:
        The accounts, and the id after which the next page begins; None at the end.
    """
    relations = await graph_queries.relations(viewer_id)
    found = await finding.user_ids_by_beginning(
        text=text, limit=limit + 1, after_id=after_id, without=relations.blocked
    )
    users = await user_queries.users_by_ids(found[:limit])
    shown = [users[one] for one in found[:limit] if one in users and not users[one].is_suspended]
    return shown, found[limit - 1] if len(found) > limit else None
