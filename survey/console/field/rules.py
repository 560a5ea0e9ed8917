"""The round's contact rules, and the priority list that is frozen before the field."""

from datetime import date
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from survey.accounts.access import allowed
from survey.accounts.policies import require
from survey.common.errors import Problem
from survey.console.page import render_step
from survey.console.rows import team_round
from survey.fieldwork.contact_rules import ContactRules
from survey.fieldwork.models import PriorityList
from survey.fieldwork.rules import rules_of
from survey.fieldwork.services import freeze_priorities, set_field_rules
from survey.studies.models import Round


class DatesField(forms.CharField):
    """Dates, one a line or between commas."""

    widget = forms.Textarea(attrs={"rows": 3})

    def clean(self, value: Any) -> list[date]:
        text = super().clean(value)
        for mark in ("，", "、", ",", "；", " "):
            text = text.replace(mark, "\n")
        try:
            return [date.fromisoformat(line.strip()) for line in text.splitlines() if line.strip()]
        except ValueError:
            raise forms.ValidationError(_("日期请写成 2026-10-01 这样，一行一个。")) from None


class RulesForm(forms.Form):
    """What may be left when, and how much is checked."""

    min_attempts = forms.IntegerField(label=gettext_lazy("一户至少上门几次"), min_value=1, max_value=20)
    min_off_hours = forms.IntegerField(
        label=gettext_lazy("其中晚上、周末或节假日几次"),
        min_value=0,
        max_value=20,
        help_text=gettext_lazy("没联系上的户，次数不够不能结束。欧洲社会调查要求四次，晚上、周末各一次。"),
    )
    evening_from = forms.IntegerField(label=gettext_lazy("几点以后算晚上"), min_value=15, max_value=23)
    holidays = DatesField(
        label=gettext_lazy("放假的日子"),
        required=False,
        help_text=gettext_lazy("照国务院办公厅的放假通知填，例如 2026-10-01，一行一个。"),
    )
    workdays = DatesField(label=gettext_lazy("调休上班的周末"), required=False)
    community_quota = forms.IntegerField(
        label=gettext_lazy("一位访员在一个社区最多几户"),
        required=False,
        min_value=1,
        help_text=gettext_lazy("防止一个社区全由一个人访。不填就不限。"),
    )
    backcheck_pct = forms.IntegerField(
        label=gettext_lazy("每位访员的答卷回访百分之几"), min_value=0, max_value=100
    )
    backcheck_min = forms.IntegerField(label=gettext_lazy("每人至少回访几份"), min_value=0, max_value=100)


def _initial(rules: ContactRules) -> dict[str, Any]:
    return {
        "min_attempts": rules.min_attempts,
        "min_off_hours": rules.min_off_hours,
        "evening_from": rules.evening_from,
        "holidays": "\n".join(day.isoformat() for day in sorted(rules.holidays)),
        "workdays": "\n".join(day.isoformat() for day in sorted(rules.workdays)),
        "community_quota": rules.community_quota,
        "backcheck_pct": round(100 * rules.backcheck_share),
        "backcheck_min": rules.backcheck_min,
    }


@allowed("fieldwork.manage")
@require_http_methods(["GET", "POST"])
def rules(request: HttpRequest, pk: int) -> HttpResponse:
    """See and set the rules; those that move the bar only before the field."""
    round_ = team_round(request.user, pk)
    form = RulesForm(request.POST or None, initial=_initial(rules_of(round_)))
    if request.method == "POST" and form.is_valid():
        values = dict(form.cleaned_data)
        values["backcheck_share"] = values.pop("backcheck_pct") / 100
        try:
            set_field_rules(round=round_, acting_user=request.user, **values)
        except Problem as problem:
            form.add_error(None, problem.message)
        else:
            messages.success(request, _("规则存好了。"))
            return redirect("console:field_rules", pk=pk)
    return render_step(
        request,
        "field/rules.html",
        round_,
        "fieldwork",
        form=form,
        listed=PriorityList.objects.filter(round=round_).first(),
        is_draft=round_.state == Round.State.DRAFT,
    )


@allowed("fieldwork.manage")
@require_POST
def freeze(request: HttpRequest, pk: int) -> HttpResponse:
    """Freeze the priority list, before the field opens."""
    round_ = team_round(request.user, pk)
    require(request.user, "fieldwork.manage", round_.study.region)
    freeze_priorities(round=round_, acting_user=request.user)
    messages.success(request, _("优先名单定下了，不能再改。"))
    return redirect("console:field_rules", pk=pk)
