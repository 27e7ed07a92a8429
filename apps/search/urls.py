"""Addresses of search."""

from django.urls import path

from apps.search import views, views_complete

urlpatterns = [
    path("compose/complete", views_complete.complete),
    path("search", views.search),
    path("hashtag/<str:tag>", views.hashtag),
]
