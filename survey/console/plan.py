"""What the wizard knows about a round's plan: what is typed, what follows, what stands in the way."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from django.utils.translation import gettext as _

from survey.accounts.models import User
from survey.common.canonical import sha256_of
from survey.common.errors import Problem
from survey.console.plan_forms import DesignForm, PopulationForm, PrecisionForm, Stored, as_data
from survey.console.steps import frames_for
from survey.sampling.models import FrameVersion, PlanDraft
from survey.sampling.planning import Impossible
from survey.sampling.precision import (
    Choices,
    Population,
    Wish,
    build_spec,
    communities_needed,
    needs_of,
    population_of,
    scope_streets,
    wishes_of,
)
from survey.sampling.services import PlannedDesign, preview_design
from survey.stats.planning import TARGETS, Need, Terms, best_take
from survey.studies.models import Round

FEW = 2  # communities that a suggestion never goes below


class Plan:
    """One round's plan as far as it has come. Properties that a step before them denies are None.

    `typed` replaces the stored answers of a step: a page that was just sent.
    """

    def __init__(self, round_: Round, user: User, typed: Mapping[str, Stored] | None = None) -> None:
        self.round = round_
        self.user = user
        self.draft: PlanDraft | None = PlanDraft.objects.visible_to(user).filter(round=round_).first()
        self.answers: dict[str, Stored] = {**(self.draft.answers if self.draft else {}), **(typed or {})}

    @cached_property
    def frames(self) -> Any:
        """Ready frames that can serve the round, newest first."""
        return FrameVersion.objects.visible_to(self.user).filter(pk__in=frames_for(self.round))

    @cached_property
    def population_form(self) -> PopulationForm:
        streets = scope_streets(self.round)
        answers = self.answers.get("population") or PopulationForm.first_answers(self.frames, streets)
        return PopulationForm(as_data(answers), frames=self.frames, streets=streets)

    @cached_property
    def frame(self) -> FrameVersion | None:
        """The chosen frame; None while there is none."""
        form = self.population_form
        form.is_valid()
        return form.cleaned_data.get("frame")

    @cached_property
    def left_out(self) -> tuple[tuple[str, str], ...]:
        """(code, reason) of the streets left out; nothing while the form is wrong."""
        form = self.population_form
        if not form.is_valid():
            return ()
        reason = form.cleaned_data["exclude_reason"].strip()
        return tuple((street.code, reason) for street in form.left_out())

    @cached_property
    def population(self) -> Population | None:
        """What is drawn from; None without a frame."""
        if self.frame is None:
            return None
        return population_of(self.round, self.frame, [code for code, _reason in self.left_out])

    @cached_property
    def names(self) -> dict[str, str]:
        """Code → name of districts and streets."""
        found = self.population
        if found is None:
            return {}
        streets = {street.code: street.name for street in (*found.streets, *found.left_out)}
        return {**dict(found.district_names), **streets}

    @cached_property
    def places(self) -> dict[str, str]:
        """Name → code, for the lines of a form."""
        return {name: code for code, name in self.names.items()}

    @cached_property
    def precision_form(self) -> PrecisionForm:
        answers = {**PrecisionForm.FIRST, **self.answers.get("precision", {})}
        return PrecisionForm(as_data(answers), places=self.places)

    @cached_property
    def is_drawable(self) -> bool:
        """Whether the population stands and holds households."""
        return bool(self.population and self.population.households and self.population_form.is_valid())

    @cached_property
    def terms(self) -> Terms | None:
        return self.precision_form.terms() if self.precision_form.is_valid() else None

    @cached_property
    def take(self) -> int:
        """Households of a community: as typed in step 2, else the cheapest, else what streets can give."""
        if self.terms is None or self.population is None:
            return FEW
        smallest = min((street.households for street in self.population.streets), default=FEW)
        return self.precision_form.cleaned_data["take"] or best_take(self.terms, max(smallest, FEW))

    @cached_property
    def wishes(self) -> list[Wish]:
        if self.terms is None or self.population is None:
            return []
        form = self.precision_form
        return wishes_of(self.population, form.margins(), form.cleaned_data["own"])

    @cached_property
    def needs(self) -> list[tuple[Wish, Need]]:
        """What each wish takes."""
        return needs_of(self.wishes, self.terms, self.take) if self.terms else []

    @cached_property
    def suggestion(self) -> dict[str, int] | str:
        """Communities in each street that meet every wish at least cost, or why there is no such thing."""
        if self.terms is None or self.population is None or not self.wishes:
            return {}
        try:
            return communities_needed(
                self.population, self.wishes, self.terms, self.take, spreads={}, costs={}
            )
        except Impossible as impossible:
            return too_small(impossible, self.names)
        except Problem as problem:
            return problem.message

    @cached_property
    def n_suggested(self) -> int:
        found = self.suggestion
        return max(sum(found.values()), FEW) if isinstance(found, dict) else FEW

    @cached_property
    def design_form(self) -> DesignForm:
        has_places = any(wish.code for wish in self.wishes)
        first = DesignForm.first_answers(self.n_suggested, self.take, has_places=has_places)
        answers = {**first, **self.answers.get("design", {})}
        return DesignForm(as_data(answers), places=self.places)

    @cached_property
    def choices(self) -> Choices | None:
        form = self.design_form
        if not form.is_valid():
            return None
        data = form.cleaned_data
        return Choices(
            data["method"],
            data["n_psus"],
            data["take"],
            data["reserve_replicates"],
            data["reserve_take"],
            self.left_out,
        )

    @cached_property
    def _planned(self) -> tuple[PlannedDesign | None, str]:
        """The plan, or why there is none."""
        if not self.is_drawable or self.terms is None or self.choices is None:
            return None, ""
        if self.choices.method == TARGETS and not self.wishes:
            return None, _("第 2 步还没有写要求的误差。")
        form = self.design_form.cleaned_data
        try:
            spec = build_spec(
                self.choices,
                self.population,
                self.terms,
                self.wishes,
                spreads=form["spreads"],
                costs=form["costs"],
            )
            return preview_design(round=self.round, frame=self.frame, spec=spec), ""
        except Impossible as impossible:
            return None, too_small(impossible, self.names)
        except Problem as problem:
            return None, problem.message

    @property
    def planned(self) -> PlannedDesign | None:
        """The strata that the design would have; None when it cannot be, see `refusal`."""
        return self._planned[0]

    @property
    def refusal(self) -> str:
        """Why the design cannot be met, and what could."""
        return self._planned[1]

    @cached_property
    def mean(self) -> float:
        """The figure that the forecast assumes: the share, or the middle of the scale's upper half."""
        return 100 * self.terms.share if self.terms and self.terms.kind == "share" else 75.0

    @cached_property
    def forecast_key(self) -> str:
        """What a forecast was made from: another frame, plan or assumption gives another key."""
        if self.planned is None or self.terms is None:
            return ""
        terms = [str(value) for value in vars(self.terms).values()]
        return sha256_of([self.frame.frame_hash, self.planned.plan, *terms])

    @cached_property
    def forecast(self) -> dict[str, Any] | None:
        """The stored forecast, if it is this plan's."""
        found = self.draft.forecast if self.draft else {}
        return found if found and found.get("key") == self.forecast_key else None


def too_small(impossible: Impossible, names: Mapping[str, str]) -> str:
    """A street that holds less than one community's take, in words."""
    street = str(impossible.values.get("street", ""))
    return _(
        "%(street)s一共只有 %(households)s 户，不够一个社区要抽的户数（连备用）。"
        "每个社区最多抽 %(least)s 户，或在第 1 步去掉这个街道并写明理由。"
    ) % {
        "street": names.get(street, street),
        "households": impossible.values.get("households", 0),
        "least": impossible.possible.get("least", 0),
    }
