"""Rows for tests, made the short way; verbs go through services."""

from typing import TYPE_CHECKING, Any

from django.contrib.auth.hashers import make_password
from factory.declarations import LazyAttribute, LazyFunction, Sequence
from factory.django import DjangoModelFactory

from apps.infra import clock, ids
from apps.users.models import User

PASSWORD = "long enough to be good"


class UserFactory(DjangoModelFactory[User]):
    """An account: `UserFactory(username="dave", is_protected=True)`."""

    class Meta:
        model = User

    id = LazyFunction(ids.next_id)
    username = Sequence(lambda number: f"person{number}")
    name = LazyAttribute(lambda user: user.username.title())
    created_at = LazyFunction(clock.now)

    if TYPE_CHECKING:
        # Calling a factory gives what it makes.
        def __new__(cls, **values: Any) -> User: ...  # type: ignore[misc]

    @classmethod
    def _create(cls, model_class: type[User], *args: Any, **kwargs: Any) -> User:
        kwargs.setdefault("password", make_password(kwargs.pop("raw_password", PASSWORD)))
        made: User = super()._create(model_class, *args, **kwargs)
        return made
