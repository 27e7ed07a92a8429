"""Reads of devices and of what happened to an account's door; always from PostgreSQL."""

from apps.infra.stores import aiopostgres
from apps.users.schemas import DeviceOut, SecurityEventOut

# A session may have run out without a word.
_DEVICES = """
select d.id, d.agent, d.network, d.signed_in_at, d.session_key = %s
  from devices d join django_session s on s.session_key = d.session_key
 where d.user_id = %s and s.expire_date > clock_timestamp()
 order by d.session_key = %s desc, d.signed_in_at desc
"""
_EVENTS = """
select kind, agent, network, at from security_events
 where user_id = %s order by id desc limit %s
"""


async def devices_of(user_id: int, *, session_key: str) -> list[DeviceOut]:
    """Where an account is logged in: the asking session first, then the latest."""
    rows = await aiopostgres.fetch(_DEVICES, (session_key, user_id, session_key))
    return [DeviceOut(*row) for row in rows]


async def security_events_of(user_id: int, *, limit: int) -> list[SecurityEventOut]:
    """What happened, latest first."""
    rows = await aiopostgres.fetch(_EVENTS, (user_id, limit))
    return [SecurityEventOut(*row) for row in rows]
