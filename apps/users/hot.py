"""The caller's own account as the API answers it: bytes, for the gate and the router alike."""

from apps.infra.web import answers, envelope
from apps.infra.web.answers import Answer
from apps.infra.web.params import parsed
from apps.users import queries
from apps.users.bearer import caller
from apps.users.permissions import scopes_of
from apps.users.rendering import UserFields, brought_by, render_user, user_missing
from apps.users.schemas import UserOut

READ = scopes_of("GET /2/users/me")


@answers.always
async def me_answer(*, authorization: str | None, query: str) -> Answer:
    """Answer GET /2/users/me.

    Args:
        authorization: the header. query: the raw query string.
    """
    actor = await caller(authorization, READ)
    fields = parsed(UserFields, query)
    user = (await queries.users_by_ids([actor.user_id])).get(actor.user_id)
    return Answer(200, await one("id", str(actor.user_id), user, fields, viewer_id=actor.user_id))


async def one(
    parameter: str,
    value: str,
    user: UserOut | None,
    fields: UserFields,
    *,
    viewer_id: int | None,
) -> bytes:
    """The envelope of one account, or of why it is not shown."""
    if user is None or user.is_suspended:
        return envelope.one(None, errors=[user_missing(parameter, value, user)])
    brought = await brought_by([user], fields, viewer_id=viewer_id)
    data = render_user(user, fields.selection())
    return envelope.one(data, includes=brought.includes, errors=brought.errors)
