"""One relay leads. A lease in a table, not a session lock: PgBouncer may sit in between.

The token grows with every change of owner, and every move of the cursor names it. A leader that
was asleep while another took over finds its move refused.
"""

from typing import Any

import psycopg

LEASE_SECONDS = 2.0

_TAKE = """
update relay_lease
   set owner = %(owner)s, expires = clock_timestamp() + make_interval(secs => %(seconds)s),
       token = case when owner = %(owner)s then token else token + 1 end
 where name = 'main' and (owner = %(owner)s or expires < clock_timestamp()
   -- From before the clock was set back.
   or expires > clock_timestamp() + make_interval(secs => %(seconds)s))
returning token
"""


def take_lease(
    connection: psycopg.Connection[Any], *, owner: str, seconds: float = LEASE_SECONDS
) -> int | None:
    """Take or renew the lease.

    Returns:
        The fencing token, or None while another relay leads.
    """
    row = connection.execute(_TAKE, {"owner": owner, "seconds": seconds}).fetchone()
    return None if row is None else int(row[0])


def give_up_lease(connection: psycopg.Connection[Any], *, owner: str) -> None:
    """Let another relay lead at once; the next owner still gets a higher token.

    When it was given up stays known: `/readyz` takes the moment until another has it for no outage.
    """
    connection.execute(
        "update relay_lease set expires = clock_timestamp(), owner = '' where owner = %s", (owner,)
    )
