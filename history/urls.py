"""URLs of the History page."""

from django.urls import path

from history import views

app_name = "history"
urlpatterns = [
    path("history/", views.everything, name="all"),
    path("history.csv", views.export, name="csv"),
]
