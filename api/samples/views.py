"""Draws and their cases. The field's secrets: no route here answers an official."""

import base64
import binascii
from typing import Any

from django.db.models import Count, QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from api.jobs.views import JobSerializer
from api.permissions import MayView
from api.rows import named_row
from api.samples.serializers import (
    BeaconSerializer,
    CaseSerializer,
    CommitSerializer,
    DrawDetailSerializer,
    DrawSerializer,
    PartySerializer,
    ReasonSerializer,
    ReleaseSerializer,
    ReplicateSerializer,
    SecretSerializer,
    StampSerializer,
    TimestampSerializer,
)
from survey.accounts.policies import require
from survey.jobs.tasks import start
from survey.sampling.certificate import certificate_of
from survey.sampling.models import Case, Design, Draw
from survey.sampling.services import (
    commit_draw,
    give_secret,
    record_timestamp,
    release_replicate,
    reveal_draw,
    void_draw,
)

FREE_FORM = {200: {"type": "object", "additionalProperties": True}}


class DrawViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.CreateModelMixin, viewsets.GenericViewSet
):
    """Draws of the rounds in the caller's subtree: commit, stamp, secrets, draw, reveal, void, release."""

    queryset = Draw.objects.none()
    serializer_class = DrawSerializer
    permission_classes = [MayView]
    policy = "sampling.view"
    write_policy = "sampling.manage"
    filterset_fields = {"design__round": ["exact"], "state": ["exact"]}

    def get_queryset(self) -> QuerySet[Draw]:
        return (
            Draw.objects.filter(design__in=Design.objects.visible_to(self.request.user))
            .select_related("design__frame", "design__round__study__region")
            .prefetch_related("parties", "timestamps", "replicates")
            .annotate(n_psus=Count("psus", distinct=True), n_cases=Count("cases", distinct=True))
            .order_by("id")
        )

    def get_serializer_class(self) -> type[serializers.BaseSerializer[Any]]:
        names = {"retrieve": DrawDetailSerializer, "create": CommitSerializer}
        return names.get(self.action, DrawSerializer)

    @extend_schema(request=CommitSerializer, responses={201: DrawDetailSerializer})
    def create(self, request: Request) -> Response:
        """Commit to a draw in public, before its random number is known."""
        body = self._body(CommitSerializer)
        design = named_row(Design.objects.visible_to(request.user), body.pop("design"), "design")
        body["parties"] = [(p["name"], p["secret_hash"].lower()) for p in body["parties"]]
        draw = commit_draw(design=design, acting_user=request.user, **body)
        return self._shown(draw, status.HTTP_201_CREATED)

    @extend_schema(request=SecretSerializer, responses=PartySerializer)
    @action(detail=True, methods=["post"])
    def secret(self, request: Request, pk: str | None = None) -> Response:
        """Give a party's secret."""
        body = self._body(SecretSerializer)
        party = give_secret(
            draw=self.get_object(),
            party_number=body["party"],
            secret_hex=body["secret"],
            acting_user=request.user,
        )
        return Response(PartySerializer(party).data)

    @extend_schema(request=StampSerializer, responses={201: TimestampSerializer})
    @action(detail=True, methods=["post"])
    def timestamp(self, request: Request, pk: str | None = None) -> Response:
        """Keep a third party's word that the commitment existed."""
        body = self._body(StampSerializer)
        try:
            body["token"] = base64.b64decode(body["token"], validate=True)
        except binascii.Error:
            raise exceptions.ValidationError({"token": [_("应是 base64 编码。")]})
        stamp = record_timestamp(draw=self.get_object(), acting_user=request.user, **body)
        return Response(TimestampSerializer(stamp).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=BeaconSerializer, responses={202: JobSerializer})
    @action(detail=True, methods=["post"])
    def draw(self, request: Request, pk: str | None = None) -> Response:
        """Draw, now that the beacon is known: a job. What stands against it, the job says."""
        body = self._body(BeaconSerializer)
        draw = self.get_object()
        require(request.user, "sampling.draw", draw.design.round.study.region)
        params = {"draw": draw.pk, "beacon": body["beacon"], "round": draw.design.round_id}
        job = start(kind="sampling.draw", params=params, acting_user=request.user)
        return Response(JobSerializer(job).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(request=None, responses=DrawDetailSerializer)
    @action(detail=True, methods=["post"])
    def reveal(self, request: Request, pk: str | None = None) -> Response:
        """Open secrets and result to everybody, after the field has closed."""
        return self._shown(reveal_draw(draw=self.get_object(), acting_user=request.user))

    @extend_schema(request=ReasonSerializer, responses=DrawDetailSerializer)
    @action(detail=True, methods=["post"])
    def void(self, request: Request, pk: str | None = None) -> Response:
        """Give it up, with a reason that everybody will read."""
        reason = self._body(ReasonSerializer)["reason"]
        return self._shown(void_draw(draw=self.get_object(), reason=reason, acting_user=request.user))

    @extend_schema(request=ReleaseSerializer, responses=ReplicateSerializer)
    @action(detail=True, methods=["post"])
    def release(self, request: Request, pk: str | None = None) -> Response:
        """Release the next reserve replicate, whole."""
        body = self._body(ReleaseSerializer)
        replicate = release_replicate(draw=self.get_object(), acting_user=request.user, **body)
        return Response(ReplicateSerializer(replicate).data)

    @extend_schema(responses=FREE_FORM)
    @action(detail=True, methods=["get"])
    def certificate(self, request: Request, pk: str | None = None) -> Response:
        """The signed certificate as far as the draw has come."""
        return Response(certificate_of(self.get_object()))

    def _body(self, kind: type[serializers.Serializer]) -> dict[str, Any]:
        serializer = kind(data=self.request.data)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)

    def _shown(self, draw: Draw, code: int = status.HTTP_200_OK) -> Response:
        return Response(DrawDetailSerializer(self.get_queryset().get(pk=draw.pk)).data, status=code)


class CaseViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """Released cases in the caller's subtree."""

    queryset = Case.objects.none()
    serializer_class = CaseSerializer
    permission_classes = [MayView]
    policy = "cases.view"
    lookup_field = "opaque_id"
    filterset_fields = {
        "round": ["exact"],
        "draw": ["exact"],
        "status": ["exact"],
        "community__code": ["exact"],
    }

    def get_queryset(self) -> QuerySet[Case]:
        return (
            Case.objects.visible_to(self.request.user)
            .released()
            .select_related("community", "drawn_psu__psu")
            .order_by("round", "number")
        )
