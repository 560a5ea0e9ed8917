"""Household lists: versions, their coverage checks, and the check that nobody has altered one."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from api.jobs.views import JobSerializer
from api.permissions import MayView
from survey.accounts.policies import require
from survey.jobs.tasks import start
from survey.sampling.models import FrameVersion


class FrameSerializer(serializers.ModelSerializer):
    """One imported list. No address is part of it."""

    region = serializers.CharField(source="region.code")

    class Meta:
        model = FrameVersion
        fields = [
            "id",
            "number",
            "name",
            "region",
            "state",
            "n_households",
            "n_communities",
            "frame_hash",
            "hash_algorithm",
            "source_name",
            "source_hash",
            "is_simulated",
            "created_at",
        ]


class FrameDetailSerializer(FrameSerializer):
    """With its coverage: empty communities, census by district, addresses that occur twice."""

    class Meta(FrameSerializer.Meta):
        fields = [*FrameSerializer.Meta.fields, "checks"]


class FrameViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """Frames of the caller's subtree."""

    queryset = FrameVersion.objects.none()
    serializer_class = FrameSerializer
    permission_classes = [MayView]
    policy = "sampling.view"
    write_policy = "sampling.manage"
    filterset_fields = {"region__code": ["exact"], "state": ["exact"]}

    def get_queryset(self) -> QuerySet[FrameVersion]:
        return FrameVersion.objects.visible_to(self.request.user).select_related("region").order_by("-number")

    def get_serializer_class(self) -> type[serializers.BaseSerializer[Any]]:
        return FrameDetailSerializer if self.action == "retrieve" else FrameSerializer

    @extend_schema(request=None, responses={202: JobSerializer})
    @action(detail=True, methods=["post"])
    def check(self, request: Request, pk: str | None = None) -> Response:
        """Open every line again and compare it with the import: a job, which names what differs."""
        frame = self.get_object()
        require(request.user, "sampling.manage", frame.region)
        job = start(kind="sampling.check_frame", params={"frame": frame.pk}, acting_user=request.user)
        return Response(JobSerializer(job).data, status=status.HTTP_202_ACCEPTED)
