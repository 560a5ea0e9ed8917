"""Regions of the granted subtrees."""

from django.db.models import QuerySet
from rest_framework import mixins, serializers, viewsets

from api.permissions import MayView
from survey.regions.models import Region


class RegionSerializer(serializers.ModelSerializer):
    """A division by its 统计用区划代码."""

    parent_code = serializers.CharField(source="parent.code", default=None, read_only=True)

    class Meta:
        model = Region
        fields = ["code", "name", "level", "parent_code", "urban_rural_code", "valid_from", "valid_to"]


class RegionViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """Regions that the caller may see; `?level=street&parent__code=370105000000`."""

    queryset = Region.objects.none()
    serializer_class = RegionSerializer
    permission_classes = [MayView]
    policy = None
    lookup_field = "code"
    filterset_fields = {"level": ["exact"], "parent__code": ["exact"], "name": ["icontains"]}

    def get_queryset(self) -> QuerySet[Region]:
        return Region.objects.visible_to(self.request.user).select_related("parent").order_by("path")
