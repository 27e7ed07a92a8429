"""/2/users: who someone is."""

from collections.abc import Sequence
from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import BeforeValidator, ValidationInfo, WithJsonSchema

from apps.infra.web import envelope
from apps.infra.web.params import MAX_LIST, Id, IdList, wrong
from apps.users import queries
from apps.users.auth import Authed, needs
from apps.users.models import MAX_USERNAME
from apps.users.rendering import (
    UserFields,
    render_user,
    render_users,
    user_missing,
    user_selection,
)
