"""Published reports and their fixed tables of estimates. There are no free filters over answers."""

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from api.permissions import MayView
from survey.common.errors import Problem
from survey.reports.models import Report
from survey.reports.queries import find_report, tables_for, visible_reports
from survey.reports.services import record_view


class ReportSerializer(serializers.ModelSerializer):
    """A report without its tables."""

    study = serializers.IntegerField(source="round.study_id")
    is_simulated = serializers.BooleanField(source="round.is_simulated")

    class Meta:
        model = Report
        fields = [
            "number",
            "title",
            "study",
            "round",
            "state",
            "is_simulated",
            "document_hash",
            "published_at",
        ]


class EstimateSerializer(serializers.Serializer):
    """One figure: `estimate` with its 95 % interval, base and method, or why it is not published."""

    indicator = serializers.CharField()
    indicator_name = serializers.CharField()
    kind = serializers.ChoiceField(["mean_score", "share", "composite"])
    domain = serializers.CharField(help_text="Region code, or all, sex:male, age:0 …")
    domain_name = serializers.CharField()
    domain_kind = serializers.CharField()
    estimate = serializers.FloatField(allow_null=True)
    se = serializers.FloatField(allow_null=True)
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)
    df = serializers.FloatField(allow_null=True)
    n = serializers.IntegerField(allow_null=True)
    n_effective = serializers.FloatField(allow_null=True)
    deff = serializers.FloatField(allow_null=True)
    variance = serializers.CharField(allow_null=True, help_text="bootstrap, taylor, or pooled across streets")
    suppressed = serializers.CharField(allow_null=True, help_text="masked, no_error or no_external")


class ReportViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """Reports that the caller may open; others see published ones only."""

    queryset = Report.objects.none()
    serializer_class = ReportSerializer
    permission_classes = [MayView]
    policy = "reports.view"
    lookup_field = "number"
    filterset_fields = ["round", "state"]

    def get_queryset(self) -> Any:
        return visible_reports(self.request.user)

    @extend_schema(responses=OpenApiTypes.OBJECT)
    @action(detail=True)
    def tables(self, request: Request, number: str) -> Response:
        """Every published table of one report (docs/result-document.md), answers in detail only of places
        inside the caller's grants. Leaves a trace, as a download does.
        """
        report = find_report(request.user, number)
        record_view(report=report, acting_user=request.user, part="tables")
        return Response(tables_for(request.user, report.document))


FIGURES = ("estimate", "se", "low", "high", "df", "n", "n_effective", "deff", "variance", "suppressed")


class EstimateViewSet(viewsets.GenericViewSet):
    """The tables of one report, a figure a row, in the order of the report."""

    queryset = Report.objects.none()
    serializer_class = EstimateSerializer
    permission_classes = [MayView]
    policy = "reports.view"
    filter_backends: list[Any] = []

    @extend_schema(
        parameters=[
            OpenApiParameter("report", OpenApiTypes.STR, required=True, description="Number of the report"),
            OpenApiParameter("indicator", OpenApiTypes.STR, description="Code of an indicator"),
            OpenApiParameter("domain_kind", OpenApiTypes.STR, description="all, district, street, sex, age"),
        ],
        responses=EstimateSerializer(many=True),
    )
    def list(self, request: Request) -> Response:
        """Figures of `?report=`; 400 without it, 404 for a report that the caller may not open."""
        number = request.query_params.get("report")
        if not number:
            raise Problem("common.invalid", reason=_("请用 report 参数写明报告编号，例如 ?report=2026-0001"))
        document = find_report(request.user, number).document
        wanted = {name: request.query_params.get(name) for name in ("indicator", "domain_kind")}
        rows = [r for r in _rows(document) if all(v in (None, r[k]) for k, v in wanted.items())]
        page = self.paginate_queryset(rows)
        return self.get_paginated_response(EstimateSerializer(page, many=True).data)


def _rows(document: dict[str, Any]) -> list[dict[str, Any]]:
    domains = {d["key"]: d for d in document["domains"]}
    rows = []
    for indicator in document["indicators"]:
        for key, cell in document["estimates"][indicator["code"]].items():
            rows.append(
                {
                    "indicator": indicator["code"],
                    "indicator_name": indicator["name"],
                    "kind": indicator["kind"],
                    "domain": key,
                    "domain_name": domains[key]["label"],
                    "domain_kind": domains[key]["kind"],
                    **{name: cell.get(name) for name in FIGURES},
                }
            )
    return rows
