"""Addresses of reports."""

from django.urls import URLPattern, path

from survey.reports import file_views, views, volunteer_views, weight_views
from survey.reports.microdata import views as microdata

app_name = "reports"
urlpatterns: list[URLPattern] = [
    path("", views.report_list, name="list"),
    path("runs/<uuid:pk>/", views.run_page, name="run"),
    path("runs/<uuid:pk>/microdata.zip", microdata.package, name="microdata"),
    path("runs/<uuid:pk>/volunteers/", volunteer_views.run_volunteers, name="run_volunteers"),
    path("runs/<uuid:pk>/weights/", weight_views.run_weights, name="run_weights"),
    path("runs/<uuid:pk>/weights/<uuid:response_id>/", weight_views.passport, name="passport"),
    # Before the next: a slug takes "-briefs" along.
    path("<slug:number>-briefs.pdf", file_views.briefs, name="briefs"),
    path("<slug:number>.pdf", views.report_pdf_file, name="pdf"),
    path("<slug:number>.csv", views.report_csv_file, name="csv"),
    path("<slug:number>.xlsx", file_views.workbook, name="xlsx"),
    path("<slug:number>.docx", file_views.word, name="docx"),
    path("<slug:number>/", views.report_page, name="report"),
    path("<slug:number>/weights/", weight_views.report_weights, name="weights"),
    path("<slug:number>/volunteers/", volunteer_views.report_volunteers, name="volunteers"),
    path("<slug:number>/<str:code>/", views.report_page, name="place"),
]
