"""The form that pins a round: questionnaire, modes, indicators, and the consent text in three languages."""

from typing import Any

from django import forms
from django.db.models import Max
from django.utils.translation import gettext_lazy as _

from survey.indicators.models import IndicatorVersion
from survey.questionnaires.models import QuestionnaireVersion
from survey.studies.consent import LANGUAGES, PARTS, draft_consent_texts
from survey.studies.models import Round, Study

PART_LABELS = {
    "lead": _("开头一句"),
    "who": _("谁在问"),
    "why": _("为什么问"),
    "kept": _("留下什么"),
    "how_long": _("多久、保存到哪天"),
    "rights": _("查看和删除"),
    "voluntary": _("自愿"),
    "full": _("全文"),
}
LANGUAGE_LABELS = {"zh-hans": _("简体中文"), "zh-hant": _("繁體中文"), "en": "English"}


def consent_drafts(study: Study) -> dict[str, dict[str, str]]:
    """The newest published text of the study; the parts that it lacks, from one to start from."""
    newest = study.consent_texts.first()
    held = newest.texts if newest is not None else {}
    drafts = draft_consent_texts(
        sponsor=study.sponsor,
        purpose=study.purpose,
        phone=study.contact_phone,
        min_age=study.min_age,
        form_number=study.form_number,
        approving_body=study.approving_body,
        approval_number=study.approval_number,
        approval_valid_until=str(study.approval_valid_until or ""),
    )
    return {language: parts | held.get(language, {}) for language, parts in drafts.items()}


def newest_indicators() -> Any:
    """The newest version of each indicator."""
    newest = IndicatorVersion.objects.values("indicator").annotate(last=Max("number"))
    pks = [IndicatorVersion.objects.get(indicator=row["indicator"], number=row["last"]).pk for row in newest]
    return (
        IndicatorVersion.objects.filter(pk__in=pks)
        .select_related("indicator")
        .order_by("indicator__position", "indicator__code")
    )


class SetupForm(forms.Form):
    """What a round asks, computes and tells."""

    questionnaire_version = forms.ModelChoiceField(
        label=_("这一轮用哪一版问卷"),
        queryset=QuestionnaireVersion.objects.none(),
        help_text=_("只列出已经发布的。"),
        empty_label=None,
    )
    modes = forms.MultipleChoiceField(
        label=_("怎么填"),
        choices=[("web", _("网页和微信")), ("door", _("访员上门"))],
        widget=forms.CheckboxSelectMultiple,
    )
    indicators = forms.ModelMultipleChoiceField(
        label=_("算哪些指标"),
        queryset=IndicatorVersion.objects.none(),
        widget=forms.CheckboxSelectMultiple,
        help_text=_("每个指标的算法随版本固定，报告里会印出来。"),
    )

    def __init__(self, *args: Any, round_: Round, texts: dict[str, dict[str, str]], **kwargs: Any) -> None:
        kwargs.setdefault(
            "initial",
            {
                "questionnaire_version": round_.questionnaire_version_id,
                "modes": round_.modes or ["web", "door"],
                "indicators": list(round_.indicator_versions.values_list("pk", flat=True))
                or list(newest_indicators().values_list("pk", flat=True)),
            },
        )
        super().__init__(*args, **kwargs)
        published = QuestionnaireVersion.State.PUBLISHED
        self.fields["questionnaire_version"].queryset = (
            QuestionnaireVersion.objects.filter(state=published)
            .select_related("questionnaire")
            .order_by("-published_at")
        )
        self.fields["indicators"].queryset = newest_indicators()
        for language in LANGUAGES:
            for part in PARTS:
                self.fields[f"consent_{language}_{part}"] = forms.CharField(
                    label=PART_LABELS[part],
                    initial=texts.get(language, {}).get(part, ""),
                    max_length=3000,
                    widget=forms.Textarea(attrs={"rows": 6 if part == "full" else 2, "lang": language}),
                )

    def texts(self) -> dict[str, dict[str, str]]:
        """Language → part → text, as `publish_consent_text` takes them."""
        return {
            language: {part: self.cleaned_data[f"consent_{language}_{part}"].strip() for part in PARTS}
            for language in LANGUAGES
        }

    @property
    def basics(self) -> list[forms.BoundField]:
        """The fields before the consent text."""
        return [self[name] for name in ("questionnaire_version", "modes", "indicators")]

    @property
    def languages(self) -> list[tuple[str, Any, list[forms.BoundField]]]:
        """(code, name, fields) of each language."""
        return [
            (code, LANGUAGE_LABELS[code], [self[f"consent_{code}_{part}"] for part in PARTS])
            for code in LANGUAGES
        ]
