"""Addresses of every face."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.views.generic import RedirectView

from survey.wechat.domain_file import domain_file

urlpatterns: list[URLPattern | URLResolver] = [
    path("", RedirectView.as_view(pattern_name="console:home"), name="root"),
    path("accounts/", include("survey.accounts.urls")),
    path("console/", include("survey.console.urls")),
    path("s/", include("survey.responses.entry_urls")),
    path("p/", include("survey.wechat.poster_urls")),
    re_path(r"^(?P<name>MP_verify_[A-Za-z0-9]{16}\.txt)$", domain_file, name="domain_file"),
    path("r/", include("survey.responses.urls")),
    path("letters/", include("survey.contacts.urls")),
    path("draws/", include("survey.sampling.public_urls")),
    path("sampling/", include("survey.sampling.urls")),
    path("field/", include("survey.fieldwork.urls")),
    path("reports/", include("survey.reports.urls")),
    path("wechat/", include("survey.wechat.urls")),
    path("api/", include("api.urls")),
    path("", include("survey.operations.urls")),
    path("i18n/", include("django.conf.urls.i18n")),
    path("admin/", admin.site.urls),
]
