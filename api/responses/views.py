"""Single responses, for the team only. Open text stays behind its review."""

from django.db.models import QuerySet
from rest_framework import mixins, serializers, viewsets

from api.permissions import MayView
from survey.responses.models import Response


class ResponseSerializer(serializers.ModelSerializer):
    """One response; its case only by opaque id. Device, identity and open text are not part of it."""

    case = serializers.UUIDField(source="case_id", default=None)
    region = serializers.CharField(source="region.code")
    questionnaire_version = serializers.IntegerField(source="questionnaire_version.number")

    class Meta:
        model = Response
        fields = [
            "id",
            "round",
            "case",
            "region",
            "sample_kind",
            "mode",
            "state",
            "revision",
            "questionnaire_version",
            "language",
            "answers",
            "person_probability",
            "submitted_at",
            "received_at",
            "withdrawn_at",
        ]


class ResponseViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """Responses in the caller's subtree."""

    queryset = Response.objects.none()
    serializer_class = ResponseSerializer
    permission_classes = [MayView]
    policy = "responses.view"
    filterset_fields = ["round", "mode", "state", "sample_kind"]

    def get_queryset(self) -> QuerySet[Response]:
        return Response.objects.visible_to(self.request.user).select_related(
            "region", "questionnaire_version"
        )
