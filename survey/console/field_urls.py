"""Addresses of the supervisor's pages."""

from django.urls import URLPattern, path

from survey.console.field import backchecks, board, doubts, interviews, people, rules

FIELD = "rounds/<int:pk>/field/"
patterns: list[URLPattern] = [
    path("rounds/<int:pk>/fieldwork/", board.fieldwork, name="fieldwork"),
    path(f"{FIELD}look/", board.look, name="field_look"),
    path(f"{FIELD}requests/<int:request_pk>/", board.settle_request, name="settle_request"),
    path(f"{FIELD}doubts/", doubts.doubts, name="field_doubts"),
    path(f"{FIELD}doubts/<int:flag_pk>/", doubts.settle, name="settle_doubt"),
    path(f"{FIELD}interviews/", interviews.interviews, name="field_interviews"),
    path(f"{FIELD}interviews/<uuid:response_id>/", interviews.interview, name="field_interview"),
    path(f"{FIELD}interviews/<uuid:response_id>/review/", interviews.review, name="review_interview"),
    path(f"{FIELD}backchecks/", backchecks.backchecks, name="field_backchecks"),
    path(f"{FIELD}backchecks/draw/", backchecks.draw, name="draw_backchecks"),
    path(f"{FIELD}backchecks/<int:check_pk>/", backchecks.enter, name="enter_backcheck"),
    path(f"{FIELD}people/", people.people, name="field_people"),
    path(f"{FIELD}people/hand-out/", people.hand_out, name="hand_out"),
    path(f"{FIELD}doors/find/", people.find, name="find_door"),
    path(f"{FIELD}doors/<uuid:opaque_id>/", people.door, name="field_door"),
    path(f"{FIELD}doors/<uuid:opaque_id>/act/", people.act, name="act_on_door"),
    path(f"{FIELD}doors/<uuid:opaque_id>/pictures/<uuid:picture_id>/", people.picture, name="door_picture"),
    path(f"{FIELD}rules/", rules.rules, name="field_rules"),
    path(f"{FIELD}rules/freeze/", rules.freeze, name="freeze_priorities"),
]
