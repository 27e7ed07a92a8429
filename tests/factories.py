"""Rows for tests, made the short way; verbs go through services."""

from typing import Any

import factory
from django.contrib.auth.hashers import make_password

from apps.infra import clock, ids
from apps.users.models import User

PASSWORD = "long enough to be good"


class UserFactory(factory.django.DjangoModelFactory[User]):
    """An account: `UserFactory(username="dave", is_protected=True)`."""

    class Meta:
        model = User

    id = factory.LazyFunction(ids.next_id)
    username = factory.Sequence(lambda number: f"person{number}")
    name = factory.LazyAttribute(lambda user: user.username.title())
    created_at = factory.LazyFunction(clock.now)

    @classmethod
    def _create(cls, model_class: type[User], *args: Any, **kwargs: Any) -> User:
        kwargs.setdefault("password", make_password(kwargs.pop("raw_password", PASSWORD)))
        return super()._create(model_class, *args, **kwargs)
