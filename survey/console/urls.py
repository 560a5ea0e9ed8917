"""Addresses of the console."""

from django.urls import URLPattern, path

from survey.console.views import (
    fieldwork,
    frames,
    home,
    jobs,
    letters,
    preview,
    questionnaires,
    reports,
    rounds,
    sampling,
    studies,
    weighting,
)

app_name = "console"
urlpatterns: list[URLPattern] = [
    path("", home.home, name="home"),
    path("studies/new/", studies.new_study, name="new_study"),
    path("studies/<int:pk>/", studies.study, name="study"),
    path("studies/<int:pk>/rounds/new/", studies.new_round, name="new_round"),
    path("rounds/<int:pk>/", rounds.overview, name="round"),
    path("rounds/<int:pk>/open/", rounds.open_field, name="open_round"),
    path("rounds/<int:pk>/close/", rounds.close_field, name="close_round"),
    path("rounds/<int:pk>/frame/", frames.frame, name="frame"),
    path("rounds/<int:pk>/frame/import/", frames.import_frame, name="import_frame"),
    path("rounds/<int:pk>/questionnaire/", questionnaires.questionnaire, name="questionnaire"),
    path("rounds/<int:pk>/questionnaire/import/", questionnaires.import_form, name="import_questionnaire"),
    path("rounds/<int:pk>/questionnaire/setup/", questionnaires.setup, name="setup_round"),
    path(
        "rounds/<int:pk>/questionnaire/<int:version_pk>/",
        questionnaires.version,
        name="questionnaire_version",
    ),
    path(
        "rounds/<int:pk>/questionnaire/<int:version_pk>/preview/",
        preview.preview,
        name="preview_questionnaire",
    ),
    path("rounds/<int:pk>/questionnaire/<int:version_pk>/try/", preview.attempt, name="try_questionnaire"),
    path(
        "rounds/<int:pk>/questionnaire/<int:version_pk>/publish/",
        questionnaires.publish,
        name="publish_questionnaire",
    ),
    path("rounds/<int:pk>/sampling/", sampling.sampling, name="sampling"),
    path("rounds/<int:pk>/sampling/design/", sampling.new_design, name="new_design"),
    path("rounds/<int:pk>/sampling/designs/<int:design_pk>/", sampling.design, name="design"),
    path("rounds/<int:pk>/sampling/designs/<int:design_pk>/draw/", sampling.draw, name="draw"),
    path("rounds/<int:pk>/sampling/draws/<int:draw_pk>/", sampling.drawn, name="drawn"),
    path(
        "rounds/<int:pk>/sampling/draws/<int:draw_pk>/release/",
        sampling.release,
        name="release_replicate",
    ),
    path("rounds/<int:pk>/letters/", letters.letters, name="letters"),
    path("rounds/<int:pk>/letters/prepare/", letters.prepare, name="prepare_letters"),
    path("rounds/<int:pk>/letters/<int:batch_pk>/remove/", letters.remove, name="remove_letters"),
    path("rounds/<int:pk>/fieldwork/", fieldwork.fieldwork, name="fieldwork"),
    path("rounds/<int:pk>/weighting/", weighting.weighting, name="weighting"),
    path("rounds/<int:pk>/weighting/compute/", weighting.compute, name="compute"),
    path("rounds/<int:pk>/reports/", reports.reports, name="reports"),
    path("rounds/<int:pk>/reports/publish/", reports.publish, name="publish_report"),
    path("rounds/<int:pk>/reports/<int:report_pk>/withdraw/", reports.withdraw, name="withdraw_report"),
    path("jobs/", jobs.jobs, name="jobs"),
    path("jobs/<uuid:pk>/", jobs.job, name="job"),
    path("jobs/<uuid:pk>/state/", jobs.state, name="job_state"),
    path("jobs/<uuid:pk>/cancel/", jobs.cancel, name="cancel_job"),
]
