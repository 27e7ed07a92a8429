"""Log-in by user name, in any letter case."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.hashers import make_password
from django.http import HttpRequest

from apps.users.models import User


class UsernameBackend(ModelBackend):
    """Accepts `Alice` for `alice`; suspended people may not log in."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        """The account, or None. Hashes once in every case, so time tells nobody who exists."""
        if not username or password is None:
            return None
        user = User.objects.filter(username__iexact=username).order_by("id").first()
        if user is None:
            make_password(password)
            return None
        if user.check_password(password) and self.user_can_authenticate(user):
            return user
        return None

    def user_can_authenticate(self, user: Any) -> bool:
        """Active and not suspended."""
        return bool(user.is_active) and user.suspended_at is None
