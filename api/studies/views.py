"""Studies and their rounds."""

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from api.permissions import MayView
from survey.accounts.policies import require
from survey.fieldwork.services import close_field
from survey.regions.models import Region
from survey.studies.models import Round, Study
from survey.studies.services import create_study, open_round


class RoundSerializer(serializers.ModelSerializer):
    """One field period."""

    questionnaire = serializers.CharField(source="questionnaire_version.questionnaire.code", default=None)
    questionnaire_version = serializers.IntegerField(source="questionnaire_version.number", default=None)

    class Meta:
        model = Round
        fields = [
            "id",
            "study",
            "number",
            "name",
            "state",
            "questionnaire",
            "questionnaire_version",
            "modes",
            "small_cell_floor",
            "is_simulated",
            "opened_at",
            "closed_at",
        ]


class StudySerializer(serializers.ModelSerializer):
    """One commissioned survey. `region` and `scope` are 12-digit codes."""

    region = serializers.SlugRelatedField(slug_field="code", queryset=Region.objects.all())
    scope = serializers.SlugRelatedField(slug_field="code", queryset=Region.objects.all(), many=True)
    rounds = RoundSerializer(many=True, read_only=True)

    class Meta:
        model = Study
        fields = [
            "id",
            "title",
            "region",
            "scope",
            "sponsor",
            "purpose",
            "contact_phone",
            "form_number",
            "approval_number",
            "approving_body",
            "population",
            "min_age",
            "rounds",
            "created_at",
        ]
        read_only_fields = ["created_at"]


class StudyViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.CreateModelMixin, viewsets.GenericViewSet
):
    """Studies that the caller may see; a study lead may create one."""

    queryset = Study.objects.none()
    serializer_class = StudySerializer
    permission_classes = [MayView]
    policy = "reports.view"
    write_policy = "studies.manage"
    filterset_fields = {"title": ["icontains"], "region__code": ["exact"]}

    def get_queryset(self) -> QuerySet[Study]:
        return Study.objects.visible_to(self.request.user).prefetch_related(
            "scope", "rounds__questionnaire_version__questionnaire"
        )

    def create(self, request: Request) -> Response:
        """Create a study in a region that the caller leads."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        require(request.user, "studies.manage", serializer.validated_data["region"])
        study = create_study(**serializer.validated_data, acting_user=request.user)
        return Response(self.get_serializer(study).data, status=status.HTTP_201_CREATED)


class RoundViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """Rounds of the studies that the caller may see."""

    queryset = Round.objects.none()
    serializer_class = RoundSerializer
    permission_classes = [MayView]
    policy = "reports.view"
    write_policy = "studies.manage"
    filterset_fields = ["study", "state"]

    def get_queryset(self) -> QuerySet[Round]:
        return Round.objects.visible_to(self.request.user).select_related(
            "questionnaire_version__questionnaire"
        )

    @extend_schema(request=None, responses=RoundSerializer)
    @action(detail=True, methods=["post"])
    def open(self, request: Request, pk: str | None = None) -> Response:
        """Open the field."""
        round_ = self.get_object()
        require(request.user, "studies.manage", round_.study.region)
        return Response(self.get_serializer(open_round(round=round_, acting_user=request.user)).data)

    @extend_schema(request=None, responses=RoundSerializer)
    @action(detail=True, methods=["post"])
    def close(self, request: Request, pk: str | None = None) -> Response:
        """Close the field."""
        round_ = self.get_object()
        require(request.user, "studies.manage", round_.study.region)
        close_field(round=round_, acting_user=request.user)
        round_.refresh_from_db()
        return Response(self.get_serializer(round_).data)
