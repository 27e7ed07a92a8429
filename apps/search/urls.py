"""Addresses of search."""

from django.urls import path

from apps.search import views, views_complete, views_saved

urlpatterns = [
    path("compose/complete", views_complete.complete),
    path("search", views.search),
    path("search/save", views_saved.save),
    path("search/saved", views_saved.saved),
    path("search/saved/<id:search_id>/remove", views_saved.remove),
    path("hashtag/<str:tag>", views.hashtag),
]
