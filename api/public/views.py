"""Public draws, for anybody's program: no log-in, nothing that is not on the public pages."""

from django.db.models import QuerySet
from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import AnonRateThrottle

from survey.sampling.certificate import certificate_of
from survey.sampling.models import Draw, SigningKey
from survey.sampling.public import REVEALED, certificate_number, is_simulated, public_draws, public_state


class PublicThrottle(AnonRateThrottle):
    """A certificate is signed for whoever asks: enough for a script, too little to wear a machine out."""

    rate = "60/min"


class PublicDrawSerializer(serializers.ModelSerializer):
    """One commitment and what became of it."""

    certificate_number = serializers.SerializerMethodField()
    study = serializers.CharField(source="design.round.study.title")
    round = serializers.CharField(source="design.round.name")
    state = serializers.SerializerMethodField()
    is_simulated = serializers.SerializerMethodField()
    page = serializers.SerializerMethodField()
    frame = serializers.SerializerMethodField()

    class Meta:
        model = Draw
        fields = [
            "id",
            "certificate_number",
            "study",
            "round",
            "number",
            "state",
            "is_simulated",
            "reason",
            "commitment",
            "commitment_hash",
            "beacon",
            "result_hash",
            "committed_at",
            "drawn_at",
            "revealed_at",
            "voided_at",
            "void_reason",
            "page",
            "frame",
        ]

    def get_certificate_number(self, draw: Draw) -> str:
        """The number on page and paper."""
        return certificate_number(draw)

    def get_state(self, draw: Draw) -> str:
        """committed, drawn, revealed, void or lapsed: not revealed in time counts as void."""
        return public_state(draw)

    def get_is_simulated(self, draw: Draw) -> bool:
        """Nothing real was drawn."""
        return is_simulated(draw)

    def get_page(self, draw: Draw) -> str:
        """Address of the public page."""
        return reverse("draws:draw", args=[draw.pk])

    def get_frame(self, draw: Draw) -> str:
        """Address of the public frame; empty until the draw is revealed."""
        return reverse("draws:frame", args=[draw.pk]) if public_state(draw) == REVEALED else ""


class PublicDrawViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """Every published commitment, the void ones too."""

    queryset = Draw.objects.none()
    serializer_class = PublicDrawSerializer
    authentication_classes: list[type] = []
    permission_classes = [AllowAny]
    throttle_classes = [PublicThrottle]
    filterset_fields = {"design__round": ["exact"]}

    def get_queryset(self) -> QuerySet[Draw]:
        return public_draws()

    @extend_schema(responses={200: {"type": "object", "additionalProperties": True}})
    @action(detail=True, methods=["get"])
    def certificate(self, request: Request, pk: str | None = None) -> Response:
        """The signed certificate as far as the draw has come."""
        return Response(certificate_of(self.get_object()))


class KeySerializer(serializers.ModelSerializer):
    """A public key of the office."""

    class Meta:
        model = SigningKey
        fields = ["public_key", "created_at", "retired_at"]


class KeyViewSet(mixins.ListModelMixin, viewsets.GenericViewSet):
    """All keys that ever signed, the retired ones too."""

    queryset = SigningKey.objects.order_by("-created_at")
    serializer_class = KeySerializer
    authentication_classes: list[type] = []
    permission_classes = [AllowAny]
    throttle_classes = [PublicThrottle]
