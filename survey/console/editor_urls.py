"""Addresses of the questionnaire editor, under a round."""

from django.urls import URLPattern, path

from survey.console.views import authoring, editor, sheets

HERE = "rounds/<int:pk>/questionnaire/<int:version_pk>/"

patterns: list[URLPattern] = [
    path("rounds/<int:pk>/questionnaire/new/", authoring.new_questionnaire, name="new_questionnaire"),
    path("rounds/<int:pk>/questionnaire/new/check/", sheets.check_text, name="check_text"),
    path("rounds/<int:pk>/questionnaire/template.xlsx", sheets.form_template, name="form_template"),
    path("rounds/<int:pk>/questionnaire/bank/", authoring.item_bank, name="item_bank"),
    path(f"{HERE}edit/", editor.edit, name="edit_questionnaire"),
    path(f"{HERE}edit/condition/", editor.condition_row, name="condition_row"),
    path(f"{HERE}edit/preview/", editor.preview_item, name="preview_item"),
    path(f"{HERE}copy/", authoring.copy, name="copy_questionnaire"),
    path(f"{HERE}discard/", authoring.discard, name="discard_questionnaire"),
    path(f"{HERE}translate/", authoring.translate, name="translate_questionnaire"),
    path(f"{HERE}compare/", authoring.compare, name="compare_versions"),
    path(f"{HERE}export/", sheets.export_form, name="export_questionnaire"),
    path(f"{HERE}paths/", authoring.paths, name="questionnaire_paths"),
]
