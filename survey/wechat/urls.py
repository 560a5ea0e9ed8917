"""Addresses of wechat."""

from django.urls import path

from survey.wechat import views

app_name = "wechat"
urlpatterns = [
    path("oauth/start/<uuid:key>", views.start, name="start"),
    path("oauth/callback", views.callback, name="callback"),
    path("<slug:account>/", views.push, name="push"),
]
