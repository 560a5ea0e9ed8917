"""Planning: how many households, where, and what they can show. Computes; stores only a forecast."""

from dataclasses import asdict
from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from api.jobs.views import JobSerializer
from api.permissions import MayView
from api.rows import named_row
from survey.accounts.policies import require
from survey.common.canonical import sha256_of
from survey.common.errors import Problem
from survey.jobs.tasks import start
from survey.sampling.models import FrameVersion, PlanDraft
from survey.sampling.planning import Impossible
from survey.sampling.precision import Population, population_of, strata_of
from survey.stats.planning import (
    COST,
    EQUAL,
    NEYMAN,
    POWER,
    PROPORTIONAL,
    SCORE,
    SHARE,
    Terms,
    allocate_communities,
    best_take,
    households_needed,
    least_change,
    margin_with,
)
from survey.studies.models import Round


class TermsSerializer(serializers.Serializer):
    """What is assumed. `sd` in points (for a share, 100√(p(1-p)) of `share`); `rho` of communities."""

    kind = serializers.ChoiceField([SCORE, SHARE], default=SCORE)
    sd = serializers.FloatField(min_value=0.001, max_value=100, default=22)
    share = serializers.FloatField(min_value=0.001, max_value=0.999, default=0.5)
    rho = serializers.FloatField(min_value=0, max_value=0.9, default=0.05)
    response_rate = serializers.FloatField(min_value=0.01, max_value=1, default=0.5)
    cost_community = serializers.FloatField(min_value=0.01, default=400)
    cost_household = serializers.FloatField(min_value=0.01, default=30)
    confidence = serializers.FloatField(min_value=0.5, max_value=0.999, default=0.95)


class SizeSerializer(TermsSerializer):
    """A margin (half-width, in points) for a population of households, `take` drawn in each community."""

    margin = serializers.FloatField(min_value=0.01, max_value=50)
    households = serializers.IntegerField(min_value=2)
    take = serializers.IntegerField(min_value=1, required=False)


class SizeAnswerSerializer(serializers.Serializer):
    """What it takes. Not `possible`: even drawing everyone gives `best_margin` only."""

    margin = serializers.FloatField()
    households = serializers.IntegerField()
    respondents = serializers.IntegerField()
    issued = serializers.IntegerField()
    communities = serializers.IntegerField()
    possible = serializers.BooleanField()
    best_margin = serializers.FloatField()
    take = serializers.IntegerField()
    best_take = serializers.IntegerField(help_text="Least error for the money, by the costs given")
    deff = serializers.FloatField()
    least_change = serializers.FloatField(help_text="Between two such rounds, with power 80 %")


class AllocationSerializer(TermsSerializer):
    """`n_communities` of a round's scope divided over its streets by a rule."""

    round = serializers.IntegerField()
    frame = serializers.IntegerField()
    method = serializers.ChoiceField([PROPORTIONAL, EQUAL, POWER, NEYMAN, COST], default=PROPORTIONAL)
    n_communities = serializers.IntegerField(min_value=1)
    take = serializers.IntegerField(min_value=1)


class AllocationRowSerializer(serializers.Serializer):
    """One street's part, with the margin to expect of it."""

    street = serializers.CharField()
    name = serializers.CharField()
    households = serializers.IntegerField()
    communities = serializers.IntegerField()
    issued = serializers.IntegerField()
    margin = serializers.FloatField(help_text="Half-width at the given confidence")


class ForecastSerializer(TermsSerializer):
    """A specification to be simulated on the frame before it is stored; `mean` is the score expected."""

    round = serializers.IntegerField()
    frame = serializers.IntegerField()
    spec = serializers.JSONField()
    mean = serializers.FloatField(min_value=0, max_value=100, default=75)


TERMS = ("kind", "sd", "rho", "response_rate", "cost_community", "cost_household", "confidence", "share")


def _terms(body: dict[str, Any]) -> Terms:
    values = {name: body[name] for name in TERMS}
    if body["kind"] == SHARE:
        values["sd"] = 100 * (body["share"] * (1 - body["share"])) ** 0.5
    return Terms(**values)


def _too_small(impossible: Impossible, population: Population) -> Problem:
    """A street with fewer households than are asked for in one community, and what would do."""
    names = {place.code: place.name for place in population.streets}
    values = impossible.values
    reason = _("{street}只有 {n} 户，少于每个抽样单位要抽的户数").format(
        street=names.get(values["street"], values["street"]), n=values["households"]
    )
    possible = _("每个抽样单位（连同备用）最多抽 {n} 户，或排除这个街道并写明理由").format(
        n=impossible.possible["least"]
    )
    return Problem("sampling.impossible", reason=reason, possible=possible)


class PlanningViewSet(viewsets.GenericViewSet):
    """Questions before a design is made."""

    queryset = PlanDraft.objects.none()
    serializer_class = SizeSerializer
    permission_classes = [MayView]
    policy = "sampling.view"
    write_policy = "sampling.view"
    filter_backends: list[Any] = []
    pagination_class = None

    def _body(self, request: Request, kind: type[serializers.Serializer]) -> dict[str, Any]:
        serializer = kind(data=request.data)
        serializer.is_valid(raise_exception=True)
        return serializer.validated_data

    @extend_schema(request=SizeSerializer, responses=SizeAnswerSerializer)
    @action(detail=False, methods=["post"])
    def size(self, request: Request) -> Response:
        """Households to draw for a margin."""
        body = self._body(request, SizeSerializer)
        terms = _terms(body)
        best = best_take(terms)
        take = body.get("take") or best
        need = households_needed(terms, body["margin"], body["households"], take)
        change = least_change(terms, issued=need.issued, take=take)
        answer = {**asdict(need), "take": take, "best_take": best, "deff": terms.deff(take)}
        return Response(SizeAnswerSerializer({**answer, "least_change": change}).data)

    @extend_schema(request=AllocationSerializer, responses=AllocationRowSerializer(many=True))
    @action(detail=False, methods=["post"])
    def allocation(self, request: Request) -> Response:
        """Communities and expected margins, street by street."""
        body = self._body(request, AllocationSerializer)
        terms, take = _terms(body), body["take"]
        round_, frame = self._where(request, body)
        population = population_of(round_, frame)
        try:
            strata = strata_of(population, terms, take, spreads={}, costs={})
        except Impossible as impossible:
            raise _too_small(impossible, population) from impossible
        drawn = allocate_communities(body["method"], terms, strata, body["n_communities"], take)
        names = {place.code: place.name for place in population.streets}
        rows = [
            {
                "street": s.code,
                "name": names[s.code],
                "households": s.households,
                "communities": drawn[s.code],
                "issued": drawn[s.code] * take,
                "margin": margin_with(terms, drawn[s.code] * take, s.households, take),
            }
            for s in strata
        ]
        return Response(AllocationRowSerializer(rows, many=True).data)

    @extend_schema(request=ForecastSerializer, responses={202: JobSerializer})
    @action(detail=False, methods=["post"])
    def forecast(self, request: Request) -> Response:
        """Simulate a design on the frame: a job; its result is read at `forecast-result`."""
        body = self._body(request, ForecastSerializer)
        round_, frame = self._where(request, body)
        require(request.user, "sampling.manage", round_.study.region)
        terms = asdict(_terms(body))
        params = {"round": round_.pk, "frame": frame.pk, "spec": body["spec"], "terms": terms}
        params |= {"mean": body["mean"], "key": sha256_of([params, body["mean"]])}
        job = start(kind="sampling.forecast", params=params, acting_user=request.user)
        return Response(JobSerializer(job).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(
        parameters=[OpenApiParameter("round", int, required=True)],
        responses={200: {"type": "object", "additionalProperties": True}},
    )
    @action(detail=False, methods=["get"], url_path="forecast-result")
    def forecast_result(self, request: Request) -> Response:
        """The round's last forecast: expected interval of each street, of districts and the whole."""
        asked = request.query_params.get("round", "")
        draft = (
            PlanDraft.objects.visible_to(request.user).filter(round=int(asked)).first()
            if asked.isdecimal()
            else None
        )
        if draft is None or not draft.forecast:
            raise Problem("common.not_found")
        return Response(draft.forecast)

    def _where(self, request: Request, body: dict[str, Any]) -> tuple[Round, FrameVersion]:
        rounds = Round.objects.visible_to(request.user)
        frames = FrameVersion.objects.visible_to(request.user).ready()
        return named_row(rounds, body["round"], "round"), named_row(frames, body["frame"], "frame")
