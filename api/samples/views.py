"""Draws and their cases. The field's secrets: no route here answers an official."""

from django.db.models import Count, QuerySet
from rest_framework import mixins, serializers, viewsets

from api.permissions import MayView
from survey.sampling.models import Case, Design, Draw


class DrawSerializer(serializers.ModelSerializer):
    """One draw: what was fixed before it, and what it took. The secret is not part of it."""

    round = serializers.IntegerField(source="design.round_id")
    frame_hash = serializers.CharField(source="design.frame.frame_hash")
    n_psus = serializers.IntegerField()
    n_cases = serializers.IntegerField()

    class Meta:
        model = Draw
        fields = [
            "id",
            "round",
            "number",
            "state",
            "reason",
            "algorithm",
            "commitment_hash",
            "secret_hash",
            "frame_hash",
            "result_hash",
            "n_psus",
            "n_cases",
            "committed_at",
            "drawn_at",
        ]


class DrawViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """Draws of the rounds in the caller's subtree."""

    queryset = Draw.objects.none()
    serializer_class = DrawSerializer
    permission_classes = [MayView]
    policy = "sampling.view"
    filterset_fields = {"design__round": ["exact"], "state": ["exact"]}

    def get_queryset(self) -> QuerySet[Draw]:
        return (
            Draw.objects.filter(design__in=Design.objects.visible_to(self.request.user))
            .select_related("design__frame")
            .annotate(n_psus=Count("psus", distinct=True), n_cases=Count("cases", distinct=True))
            .order_by("id")
        )


class CaseSerializer(serializers.ModelSerializer):
    """One drawn household by its opaque id, with its probabilities. No address, no code."""

    community = serializers.CharField(source="community.code")
    psu = serializers.CharField(source="drawn_psu.psu.code")
    base_weight = serializers.FloatField()

    class Meta:
        model = Case
        fields = [
            "opaque_id",
            "number",
            "round",
            "community",
            "psu",
            "stage1_exact",
            "stage2_exact",
            "stage1_probability",
            "stage2_probability",
            "base_weight",
            "variance_stratum",
            "variance_psu",
            "status",
        ]


class CaseViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """Released cases in the caller's subtree."""

    queryset = Case.objects.none()
    serializer_class = CaseSerializer
    permission_classes = [MayView]
    policy = "cases.view"
    lookup_field = "opaque_id"
    filterset_fields = {"round": ["exact"], "status": ["exact"], "community__code": ["exact"]}

    def get_queryset(self) -> QuerySet[Case]:
        return (
            Case.objects.visible_to(self.request.user)
            .released()
            .select_related("community", "drawn_psu__psu")
            .order_by("round", "number")
        )
