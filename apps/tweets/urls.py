"""Addresses of posts."""

from django.urls import path

from apps.infra.web import converters  # noqa: F401 - registers <username:…> and <id:…>
from apps.tweets import (
    views,
    views_bookmarks,
    views_deeds,
    views_drafts,
    views_edges,
    views_edits,
    views_menu,
    views_reports,
    views_scheduled,
)

_STATUS = "<username:username>/status/<id:tweet_id>"

urlpatterns = [
    path("compose", views.compose),
    path("drafts", views_drafts.shelf),
    path("drafts/save", views_drafts.save),
    path("drafts/<id:draft_id>/delete", views_drafts.delete),
    path("scheduled", views_scheduled.scheduled),
    path("scheduled/<id:post_id>", views_scheduled.change),
    path("scheduled/<id:post_id>/now", views_scheduled.post_now),
    path("scheduled/<id:post_id>/delete", views_scheduled.delete),
    path("bookmarks", views_bookmarks.bookmarks),
    path("bookmarks/clear", views_bookmarks.clear),
    path(_STATUS, views.tweet),
    path(f"{_STATUS}/edit", views_edits.edit),
    path(f"{_STATUS}/history", views_edits.history),
    path(f"{_STATUS}/likes", views_edges.likes),
    path(f"{_STATUS}/retweets", views_edges.retweets),
    path(f"{_STATUS}/quotes", views_edges.quotes),
    path(f"{_STATUS}/report", views_reports.report),
    path(f"{_STATUS}/menu", views_menu.menu),
    path(f"{_STATUS}/delete", views_deeds.delete),
    path(f"{_STATUS}/like", views_deeds.like),
    path(f"{_STATUS}/unlike", views_deeds.unlike),
    path(f"{_STATUS}/retweet", views_deeds.retweet),
    path(f"{_STATUS}/unretweet", views_deeds.unretweet),
    path(f"{_STATUS}/bookmark", views_deeds.bookmark),
    path(f"{_STATUS}/unbookmark", views_deeds.unbookmark),
    path(f"{_STATUS}/pin", views_deeds.pin),
    path(f"{_STATUS}/unpin", views_deeds.unpin),
    path(f"{_STATUS}/hide", views_deeds.hide),
    path(f"{_STATUS}/unhide", views_deeds.unhide),
    path(f"{_STATUS}/vote", views_deeds.vote),
]
