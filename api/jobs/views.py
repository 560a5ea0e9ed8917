"""Long work and how far it is."""

from django.db.models import QuerySet
from rest_framework import mixins, serializers, viewsets

from api.permissions import MayView
from survey.jobs.models import Job


class JobSerializer(serializers.ModelSerializer):
    """One job; `progress` from 0 to 1."""

    class Meta:
        model = Job
        fields = [
            "id",
            "kind",
            "state",
            "progress",
            "message",
            "result",
            "error",
            "errors",
            "created_at",
            "finished_at",
        ]


class JobViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """The caller's own jobs."""

    queryset = Job.objects.none()
    serializer_class = JobSerializer
    permission_classes = [MayView]
    policy = "jobs.view"
    filterset_fields = ["kind", "state"]

    def get_queryset(self) -> QuerySet[Job]:
        return Job.objects.filter(created_by=self.request.user)
