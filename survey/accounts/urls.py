"""Addresses of accounts."""

from django.urls import URLPattern, path

from survey.accounts.views import members, own, session

app_name = "accounts"
urlpatterns: list[URLPattern] = [
    path("login/", session.LogIn.as_view(), name="login"),
    path("logout/", session.log_out, name="logout"),
    path("start/", session.start, name="start"),
    path("language/", session.language, name="language"),
    path("invitation/<uidb64>/<token>/", session.Invitation.as_view(), name="invitation"),
    path("second-factor/", session.second_factor, name="second_factor"),
    path("me/", own.me, name="me"),
    path("me/password/", own.ChangePassword.as_view(), name="password"),
    path("me/second-factor/", own.own_second_factor, name="own_second_factor"),
    path("me/tokens/", own.tokens, name="tokens"),
    path("me/tokens/<str:token_key>/revoke/", own.revoke, name="revoke_token"),
    path("members/", members.members, name="members"),
    path("members/new/", members.new_member, name="new_member"),
    path("members/<int:pk>/", members.member, name="member"),
    path("audit/", members.audit, name="audit"),
]
