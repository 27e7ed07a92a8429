"""Addresses of search."""

from django.urls import path

from apps.search import views

urlpatterns = [
    path("search", views.search),
    path("explore", views.search),
    path("hashtag/<str:tag>", views.hashtag),
]
