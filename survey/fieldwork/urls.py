"""Addresses of fieldwork. A case is named by its opaque id."""

from django.urls import path

from survey.fieldwork.views import app, assign, devices, door, interview, today

app_name = "fieldwork"
urlpatterns = [
    path("", today.today, name="today"),
    path("app/", app.app, name="app"),
    path("worker.js", app.worker, name="worker"),
    path("app.webmanifest", app.manifest, name="manifest"),
    path("appointments/", today.appointments, name="appointments"),
    path("cases.json", today.cases_json, name="cases_json"),
    path("cases/<uuid:opaque_id>/", door.door, name="door"),
    path("cases/<uuid:opaque_id>/leave/", door.leave, name="leave"),
    path("cases/<uuid:opaque_id>/visit/", door.visit, name="visit"),
    path("cases/<uuid:opaque_id>/phone/", door.phone, name="phone"),
    path("cases/<uuid:opaque_id>/roster/", door.roster, name="roster"),
    path("cases/<uuid:opaque_id>/consent/", interview.consent, name="consent"),
    path("cases/<uuid:opaque_id>/form/", interview.form, name="form"),
    path("cases/<uuid:opaque_id>/submit/", interview.submit, name="submit"),
    path("done/<uuid:response_id>/", interview.done, name="done"),
    path("devices/", devices.devices, name="devices"),
    path("devices/<uuid:device_id>/lock/", devices.lock, name="lock_device"),
    path("assign/", assign.rounds, name="rounds"),
    path("assign/<int:pk>/", assign.assign, name="assign"),
]
