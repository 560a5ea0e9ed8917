"""The administrator's view of the field: who visits which door, by which rules, what was said about it.

Nothing that leads to a household and no secret is shown: no number, place, note, sealed item or key.
"""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from survey.common.admin import ReadOnlyAdmin
from survey.fieldwork.models import (
    Assignment,
    BackCheck,
    BackCheckDraw,
    CallbackPhone,
    CasePriority,
    Device,
    DoorClosing,
    DoorPhoto,
    FieldOutcome,
    FieldRules,
    FlagSubject,
    PriorityList,
    Review,
    SafetyNote,
    SealKey,
    SyncItem,
    VisitPhoto,
    VisitPlace,
)


@admin.register(Assignment)
class AssignmentAdmin(ReadOnlyAdmin):
    called = _("派户")
    list_display = ("case", "interviewer", "assigned_at", "ended_at", "assigned_by")
    search_fields = ("case__number", "interviewer__username")


@admin.register(FieldRules)
class FieldRulesAdmin(ReadOnlyAdmin):
    called = _("上门规则")
    list_display = ("round", "min_attempts", "min_off_hours", "community_quota", "set_at", "set_by")


@admin.register(DoorClosing)
class DoorClosingAdmin(ReadOnlyAdmin):
    called = _("不再去的户")
    list_display = ("case", "disposition", "attempts", "off_hours", "closed_at", "closed_by", "reopened_at")
    search_fields = ("case__number",)


@admin.register(SafetyNote)
class SafetyNoteAdmin(ReadOnlyAdmin):
    called = _("安全提醒")
    list_display = ("case", "written_at", "written_by", "ended_at")
    search_fields = ("case__number",)
    exclude = ("text_cipher",)


@admin.register(VisitPlace)
class VisitPlaceAdmin(ReadOnlyAdmin):
    called = _("上门的定位")
    list_display = ("contact", "accuracy_m")
    exclude = ("place_cipher",)


@admin.register(CallbackPhone)
class CallbackPhoneAdmin(ReadOnlyAdmin):
    called = _("回访电话")
    list_display = ("case", "given_at", "taken_by")
    search_fields = ("case__number",)
    exclude = ("phone_cipher", "phone_hash")


@admin.register(DoorPhoto)
class DoorPhotoAdmin(ReadOnlyAdmin):
    called = _("门牌照片")
    list_display = ("case", "fingerprint", "taken_by")
    search_fields = ("case__number",)
    exclude = ("attachment",)


@admin.register(VisitPhoto)
class VisitPhotoAdmin(ReadOnlyAdmin):
    called = _("上门时拍的门牌")
    list_display = ("case", "fingerprint", "taken_at", "taken_by")
    search_fields = ("case__number",)
    exclude = ("content_cipher",)


@admin.register(FlagSubject)
class FlagSubjectAdmin(ReadOnlyAdmin):
    called = _("疑点说的是谁")
    list_display = ("flag", "round", "interviewer", "region")
    search_fields = ("interviewer__username",)


@admin.register(Review)
class ReviewAdmin(ReadOnlyAdmin):
    called = _("审核")
    list_display = ("response", "verdict", "reviewed_at", "reviewed_by", "answered_at")
    list_filter = ("verdict",)


@admin.register(BackCheckDraw)
class BackCheckDrawAdmin(ReadOnlyAdmin):
    called = _("回访抽签")
    list_display = ("round", "number", "share", "minimum", "drawn_at", "drawn_by")


@admin.register(BackCheck)
class BackCheckAdmin(ReadOnlyAdmin):
    called = _("回访")
    list_display = ("response", "interviewer", "mode", "outcome", "done_at", "done_by")
    list_filter = ("outcome", "mode")
    exclude = ("note_cipher",)


@admin.register(PriorityList)
class PriorityListAdmin(ReadOnlyAdmin):
    called = _("下一趟先去哪里")
    list_display = ("round", "list_hash", "frozen_at", "frozen_by")


@admin.register(CasePriority)
class CasePriorityAdmin(ReadOnlyAdmin):
    called = _("各户的先后")
    list_display = ("case", "list", "priority_class", "propensity", "group")
    list_filter = ("priority_class",)
    search_fields = ("case__number",)


@admin.register(FieldOutcome)
class FieldOutcomeAdmin(ReadOnlyAdmin):
    called = _("收卷结果")
    list_display = ("round", "outcome_hash", "frozen_at", "frozen_by")


@admin.register(Device)
class DeviceAdmin(ReadOnlyAdmin):
    called = _("访员的手机")
    list_display = ("user", "name", "app_version", "protocol", "last_seen_at", "locked_at")
    search_fields = ("user__username",)
    exclude = ("secret_hash",)


@admin.register(SealKey)
class SealKeyAdmin(ReadOnlyAdmin):
    called = _("封存答卷的钥匙")
    list_display = ("round", "id", "created_at")
    fields = ("round", "id", "created_at")


@admin.register(SyncItem)
class SyncItemAdmin(ReadOnlyAdmin):
    called = _("手机传来的记录")
    list_display = ("id", "round", "kind", "state", "code", "device", "received_at", "settled_at")
    list_filter = ("state", "kind")
    exclude = ("payload",)
