"""Addresses of edges between people."""

from django.urls import path

from apps.graph import views, views_lists, views_settings, views_words
from apps.infra.web import converters  # noqa: F401 - registers <username:…>

urlpatterns = [
    path("lists", views_lists.own),
    path("lists/followed", views_lists.followed),
    path("lists/memberships", views_lists.memberships),
    path("lists/new", views_lists.new),
    path("lists/<id:list_id>/edit", views_lists.edit),
    path("lists/<id:list_id>/delete", views_lists.delete),
    path("lists/<id:list_id>/follow", views_lists.follow),
    path("lists/<id:list_id>/unfollow", views_lists.unfollow),
    path("lists/<id:list_id>/pin", views_lists.pin),
    path("lists/<id:list_id>/unpin", views_lists.unpin),
    path("lists/<id:list_id>/members", views_lists.members),
    path("lists/<id:list_id>/members/add", views_lists.add),
    path("lists/<id:list_id>/members/<username:username>/remove", views_lists.remove),
    path("lists/<id:list_id>/followers", views_lists.followers),
    path("<username:username>/lists", views_lists.of_account),
    path("<username:username>/lists/choose", views_lists.choose),
    path("settings/blocked", views_settings.blocked),
    path("settings/muted", views_settings.muted),
    path("settings/muted-words", views_words.muted_words),
    path("settings/muted-words/<id:word_id>/remove", views_words.unmute_word),
    path("who-to-follow", views.suggested),
    path("requests", views.requests),
    path("requests/<username:username>/accept", views.accept),
    path("requests/<username:username>/reject", views.reject),
    path("<username:username>/followers", views.followers),
    path("<username:username>/followers_you_follow", views.known),
    path("<username:username>/following", views.following),
    path("<username:username>/follow", views.follow),
    path("<username:username>/unfollow", views.unfollow),
    path("<username:username>/block", views.block),
    path("<username:username>/unblock", views.unblock),
    path("<username:username>/mute", views.mute),
    path("<username:username>/unmute", views.unmute),
]
