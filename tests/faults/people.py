"""Make the people of a drill, inside the service's environment: `python -m tests.faults.people`.

Takes a JSON object, {"names": [...], "protected": [...], "with_password": [...],
"password": "...", "follows": [[follower, followee], ...]}, and prints {name: [id, token]}.
"""

import json
import sys
from typing import Any


def make(wanted: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Accounts, follows and tokens, through the services."""
    from apps.graph import services as graph_services
    from apps.infra import clock
    from apps.users import services, services_import

    now = clock.now()
    for name in wanted["with_password"]:
        services.create_user(username=name, password=wanted["password"], now=now)
    found = services_import.ensure_usernames(usernames=wanted["names"], now=now)
    for follower, followee in wanted["follows"]:
        graph_services.follow_user(
            follower_id=found[follower], followee_id=found[followee], now=now
        )
    for name in wanted["protected"]:
        services.set_protected(user_id=found[name], protected=True, now=now)
    return {
        name: (str(user_id), services.issue_token(user_id=user_id, now=now))
        for name, user_id in found.items()
    }


if __name__ == "__main__":
    import django

    django.setup()
    print(json.dumps(make(json.loads(sys.argv[1]))))
