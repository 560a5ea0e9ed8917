"""Designs: how a round draws, with the plan that follows from it."""

from typing import Any

from django.db.models import QuerySet
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from api.permissions import MayView
from api.rows import named_row
from survey.accounts.policies import require
from survey.sampling.models import Design, FrameVersion
from survey.sampling.services import create_design
from survey.studies.models import Round


class DesignSerializer(serializers.ModelSerializer):
    """One design with what its plan comes to."""

    n_psus = serializers.IntegerField(source="plan.n_psus", read_only=True)
    n_cases = serializers.IntegerField(source="plan.n_cases", read_only=True)
    n_households = serializers.IntegerField(source="plan.n_households", read_only=True)

    class Meta:
        model = Design
        fields = [
            "id",
            "round",
            "frame",
            "spec",
            "spec_hash",
            "n_psus",
            "n_cases",
            "n_households",
            "created_at",
            "locked_at",
        ]
        read_only_fields = ["spec_hash", "created_at", "locked_at"]


class DesignDetailSerializer(DesignSerializer):
    """With the whole plan: strata, PSUs and their sizes, takes, what is left out and why."""

    class Meta(DesignSerializer.Meta):
        fields = [*DesignSerializer.Meta.fields, "plan"]


class NewDesignSerializer(serializers.Serializer):
    """`spec` as in docs/verifiable-draw.md; a design that cannot be met is refused with what could be."""

    round = serializers.IntegerField()
    frame = serializers.IntegerField()
    spec = serializers.JSONField()


class DesignViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.CreateModelMixin, viewsets.GenericViewSet
):
    """Designs of the rounds in the caller's subtree; a study lead may add one."""

    queryset = Design.objects.none()
    serializer_class = DesignSerializer
    permission_classes = [MayView]
    policy = "sampling.view"
    write_policy = "sampling.manage"
    filterset_fields = {"round": ["exact"], "frame": ["exact"]}

    def get_queryset(self) -> QuerySet[Design]:
        return Design.objects.visible_to(self.request.user).order_by("-created_at", "-pk")

    def get_serializer_class(self) -> type[serializers.BaseSerializer[Any]]:
        names = {"retrieve": DesignDetailSerializer, "create": NewDesignSerializer}
        return names.get(self.action, DesignSerializer)

    def create(self, request: Request) -> Response:
        """Check a specification against the frame and store it with its plan. Nothing is drawn."""
        serializer = NewDesignSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        body = serializer.validated_data
        round_ = named_row(Round.objects.visible_to(request.user), body["round"], "round")
        frame = named_row(FrameVersion.objects.visible_to(request.user), body["frame"], "frame")
        require(request.user, "sampling.manage", round_.study.region)
        made = create_design(round=round_, frame=frame, spec=body["spec"], acting_user=request.user)
        return Response(DesignDetailSerializer(made).data, status=status.HTTP_201_CREATED)
