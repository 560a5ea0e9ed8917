"""The addresses on posters."""

from django.urls import path

from survey.wechat import poster_views

app_name = "posters"
urlpatterns = [
    path("<str:code>", poster_views.poster, name="poster"),
    path("<str:code>/jssdk", poster_views.jssdk, name="jssdk"),
]
