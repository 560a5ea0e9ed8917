"""Addresses of contacts: letters to print. The resident's `/s/…` belongs to responses."""

from django.urls import path

from survey.contacts import views

app_name = "contacts"
urlpatterns = [path("<int:batch>/<int:part>/", views.letters, name="letters")]
