"""The administrator's view of frames, designs and draws. Households themselves are not listed."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from survey.common.admin import ReadOnlyAdmin
from survey.sampling.models import Case, Design, Draw, FrameVersion


@admin.register(FrameVersion)
class FrameVersionAdmin(ReadOnlyAdmin):
    called = _("住户名录")
    list_display = ("number", "name", "region", "state", "n_households", "n_communities", "created_at")


@admin.register(Design)
class DesignAdmin(ReadOnlyAdmin):
    called = _("抽样设计")
    list_display = ("round", "frame", "spec_hash", "created_at", "locked_at")


@admin.register(Draw)
class DrawAdmin(ReadOnlyAdmin):
    called = _("抽样")
    list_display = ("design", "number", "state", "commitment_hash", "result_hash", "drawn_at")
    exclude = ("secret_cipher", "secret_hash", "seed")


@admin.register(Case)
class CaseAdmin(ReadOnlyAdmin):
    called = _("样本户")
    list_display = ("number", "round", "community", "status", "stage1_exact", "stage2_exact")
    list_filter = ("status",)
    search_fields = ("number",)
    exclude = ("frame_unit", "selection_seed")
