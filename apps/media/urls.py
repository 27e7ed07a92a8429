"""Routes of files and of the older dialect."""

from django.urls import path

from apps.media import views, views_profile

app_name = "media"
urlpatterns = [
    path("settings/pictures", views_profile.pictures),
    path("1.1/media/upload.json", views.upload, name="upload"),
    path("1.1/media/metadata/create.json", views.describe, name="describe"),
    path("media/<int:media_id>/<str:key>/<str:name>", views.file, name="file"),
]
