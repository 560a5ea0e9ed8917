"""The addresses printed on letters."""

from django.urls import path

from survey.responses import entry

app_name = "entry"
urlpatterns = [
    path("", entry.by_typed_code, name="typed"),
    path("<str:secret>", entry.by_qr, name="qr"),
]
