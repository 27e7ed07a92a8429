"""The caller's own account as the API answers it: bytes, for the gate and the router alike."""

from apps.infra.web import answers, envelope
from apps.infra.web.answers import Answer
from apps.infra.web.params import parsed
from apps.users import queries
from apps.users.bearer import caller
from apps.users.permissions import scopes_of
from apps.users.rendering import UserFields, render_user, user_missing, user_selection
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
    return Answer(200, one("id", str(actor.user_id), user, fields))


def one(parameter: str, value: str, user: UserOut | None, fields: UserFields) -> bytes:
    """The envelope of one account, or of why it is not shown."""
    if user is None or user.is_suspended:
        return envelope.one(None, errors=[user_missing(parameter, value, user)])
    return envelope.one(render_user(user, user_selection(fields.user_fields)))
