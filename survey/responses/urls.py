"""Addresses of the resident's pages. None of them holds a code."""

from django.urls import path

from survey.responses import plain, saving, submission, views

app_name = "responses"
urlpatterns = [
    path("regions/<str:code>.json", saving.regions, name="regions"),
    path("<uuid:key>/", views.home, name="home"),
    path("<uuid:key>/consent", views.consent, name="consent"),
    path("<uuid:key>/refuse", views.refuse, name="refuse"),
    path("<uuid:key>/privacy", views.privacy, name="privacy"),
    path("<uuid:key>/who", views.who, name="who"),
    path("<uuid:key>/form", views.form, name="form"),
    path("<uuid:key>/plain", plain.plain, name="plain"),
    path("<uuid:key>/draft", saving.draft, name="draft"),
    path("<uuid:key>/attachments", saving.attachments, name="attachments"),
    path("<uuid:key>/submit", submission.submit, name="submit"),
    path("<uuid:key>/answered", views.answered, name="answered"),
    path("<uuid:key>/thanks", views.thanks, name="thanks"),
    path("<uuid:key>/mine", views.mine, name="mine"),
]
