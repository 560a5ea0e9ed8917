"""Questionnaire versions and their documents."""

from django.db.models import QuerySet
from rest_framework import mixins, serializers, viewsets

from api.permissions import MayView
from survey.questionnaires.models import QuestionnaireVersion


class QuestionnaireVersionSerializer(serializers.ModelSerializer):
    """A version without its document."""

    code = serializers.CharField(source="questionnaire.code")
    title = serializers.CharField(source="questionnaire.title")

    class Meta:
        model = QuestionnaireVersion
        fields = ["id", "code", "title", "number", "state", "document_hash", "created_at", "published_at"]


class QuestionnaireDocumentSerializer(QuestionnaireVersionSerializer):
    """A version with its document (docs/questionnaire.schema.json)."""

    class Meta(QuestionnaireVersionSerializer.Meta):
        fields = [*QuestionnaireVersionSerializer.Meta.fields, "document"]


class QuestionnaireViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """Versions of questionnaires; one by its id carries the whole document."""

    queryset = QuestionnaireVersion.objects.none()
    permission_classes = [MayView]
    policy = "reports.view"
    filterset_fields = {"questionnaire__code": ["exact"], "state": ["exact"]}

    def get_queryset(self) -> QuerySet[QuestionnaireVersion]:
        return QuestionnaireVersion.objects.visible_to(self.request.user).select_related("questionnaire")

    def get_serializer_class(self) -> type[serializers.BaseSerializer]:
        return (
            QuestionnaireDocumentSerializer if self.action == "retrieve" else QuestionnaireVersionSerializer
        )
