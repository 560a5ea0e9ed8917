"""Addresses of the public pages of draws. Nobody logs in here."""

from django.urls import URLPattern, path

from survey.sampling import line_views, public_files, verify_views, views

app_name = "draws"
urlpatterns: list[URLPattern] = [
    path("", views.draw_list, name="list"),
    path("keys/", views.keys, name="keys"),
    path("my-line", line_views.my_line, name="my_line"),
    path("verify_draw.py", public_files.script, name="script"),
    path("<int:pk>/", views.draw, name="draw"),
    path("<int:pk>/communities/", views.communities, name="communities"),
    path("<int:pk>/certificate.json", public_files.certificate, name="certificate"),
    path("<int:pk>/certificate.pdf", public_files.certificate_pdf, name="certificate_pdf"),
    path("<int:pk>/commitment.json", public_files.commitment, name="commitment"),
    path("<int:pk>/timestamps/<int:stamp_pk>.tsr", public_files.timestamp, name="timestamp"),
    path("<int:pk>/frame.csv.gz", public_files.frame, name="frame"),
    path("<int:pk>/frame/<slug:code>.csv", public_files.community_frame, name="community_frame"),
    path("<int:pk>/verify", verify_views.verify, name="verify"),
    path("<int:pk>/verify/<uuid:job_pk>/", verify_views.verdict, name="verdict"),
    path("<int:pk>/verify/<uuid:job_pk>/state", verify_views.verify_state, name="verify_state"),
]
