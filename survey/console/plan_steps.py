"""The seven steps of sampling: what is decided, what can still be changed, and where each is."""

from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _

from survey.console.plan import Plan
from survey.console.steps import DONE, NOW, TODO, Standing
from survey.stats.planning_words import unit_of
from survey.studies.models import Round


@dataclass(frozen=True)
class WizardStep:
    """One step. `words`: what it decided; `open`: it can still be changed; url "": it leads nowhere yet."""

    key: str
    number: int
    name: str
    state: str
    words: str
    url: str
    open: bool


def wizard_steps(plan: Plan, has: Standing) -> list[WizardStep]:
    """The steps of a round's sampling, in order."""
    draw = has.draw or has.pending
    early = has.round.state != Round.State.CLOSED
    made = [
        ("population", _("总体"), *_population(plan), "plan_population"),
        ("precision", _("精度"), *_precision(plan), "plan_precision"),
        ("design", _("设计"), *_design(plan, has), "new_design"),
        ("simulation", _("模拟"), *_simulation(plan), "plan_simulation"),
    ]
    steps = [
        WizardStep(
            key,
            number,
            name,
            state,
            words,
            reverse(f"console:{url}", args=[has.round.pk]) if state != TODO else "",
            early,
        )
        for number, (key, name, state, words, url) in enumerate(made, start=1)
    ]
    commit, at = _commit(plan, has)
    steps.append(WizardStep("commit", 5, _("承诺"), *commit, at, False))
    url = reverse("console:drawn", args=[has.round.pk, draw.pk]) if draw else ""
    waits = (NOW, _("等开奖")) if has.pending else (TODO, "")
    steps.append(WizardStep("draw", 6, _("抽取"), *((DONE, _("已抽取")) if has.draw else waits), url, False))
    cases = (DONE, _("%(n)s 户") % {"n": f"{has.n_cases:,}"}) if has.draw else (TODO, "")
    steps.append(WizardStep("cases", 7, _("样本"), *cases, f"{url}#cases" if has.draw else "", False))
    return steps


def _population(plan: Plan) -> tuple[str, str]:
    if not plan.is_drawable:
        return NOW, ""
    words = _("%(n)s 户") % {"n": f"{plan.population.households:,}"}
    return (DONE if "population" in plan.answers else NOW), words


def _precision(plan: Plan) -> tuple[str, str]:
    if not plan.is_drawable:
        return TODO, ""
    if "precision" not in plan.answers or plan.terms is None:
        return NOW, ""
    tightest = min((wish.margin for wish in plan.wishes), default=0)
    return DONE, _("±%(margin)s %(unit)s") % {"margin": f"{tightest:g}", "unit": unit_of(plan.terms.kind)}


def _design(plan: Plan, has: Standing) -> tuple[str, str]:
    if not plan.is_drawable or plan.terms is None or ("precision" not in plan.answers and not has.design):
        return TODO, ""
    if "design" not in plan.answers or plan.planned is None:
        return NOW, ""
    return DONE, _("%(n)s 户") % {"n": f"{plan.planned.plan['n_cases']:,}"}


def _simulation(plan: Plan) -> tuple[str, str]:
    if plan.planned is None or "design" not in plan.answers:
        return TODO, ""
    return (DONE, _("模拟过")) if plan.forecast else (NOW, "")


def _commit(plan: Plan, has: Standing) -> tuple[tuple[str, str], str]:
    draw = has.draw or has.pending
    if draw is not None:
        return (DONE, _("已承诺")), reverse("console:commitment", args=[has.round.pk, draw.pk])
    if has.design is None:
        return (TODO, ""), ""
    return (NOW, _("可以承诺")), reverse("console:commit", args=[has.round.pk, has.design.pk])
