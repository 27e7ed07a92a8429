"""Addresses of timelines. A bare name is a profile, so this comes after every other app."""

from django.urls import path

from apps.infra.web import converters  # noqa: F401 - registers <username:…>
from apps.timelines import views, views_lists, views_profile, views_why

urlpatterns = [
    path("", views.front),
    path("home", views.home),
    path("lists/<id:list_id>", views_lists.posts),
    path("public", views.public),
    path("<username:username>/status/<id:tweet_id>/why", views_why.why),
    path("<username:username>", views_profile.profile),
    path("<username:username>/with_replies", views_profile.with_replies),
    path("<username:username>/media", views_profile.media),
    path("<username:username>/likes", views_profile.likes),
]
