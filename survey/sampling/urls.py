"""Addresses of the team's sampling report."""

from django.urls import URLPattern, path

from survey.sampling import report_views

app_name = "sampling"
urlpatterns: list[URLPattern] = [
    path("<int:round_pk>/report/", report_views.report, name="report"),
    path("<int:round_pk>/report.pdf", report_views.report_file, name="report_pdf"),
    path("<int:round_pk>/report/<slug:code>/", report_views.report_district, name="report_district"),
]
