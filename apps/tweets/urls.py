"""Addresses of posts."""

from django.urls import path

from apps.infra.web import converters  # noqa: F401 - registers <username:…> and <id:…>
from apps.tweets import views

_STATUS = "<username:username>/status/<id:tweet_id>"

urlpatterns = [
    path("compose", views.compose),
    path(_STATUS, views.tweet),
    path(f"{_STATUS}/delete", views.delete),
    path(f"{_STATUS}/like", views.like),
    path(f"{_STATUS}/unlike", views.unlike),
    path(f"{_STATUS}/retweet", views.retweet),
    path(f"{_STATUS}/unretweet", views.unretweet),
    path(f"{_STATUS}/vote", views.vote),
]
