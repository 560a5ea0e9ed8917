"""Addresses of the REST face."""

from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularAPIView
from rest_framework.routers import DefaultRouter

from api.designs.views import DesignViewSet
from api.estimates.views import EstimateViewSet, ReportViewSet
from api.frames.views import FrameViewSet
from api.jobs.views import JobViewSet
from api.planning.views import PlanningViewSet
from api.public.views import KeyViewSet, PublicDrawViewSet
from api.questionnaires.views import QuestionnaireViewSet
from api.regions.views import RegionViewSet
from api.responses.views import ResponseViewSet
from api.samples.views import CaseViewSet, DrawViewSet
from api.studies.views import RoundViewSet, StudyViewSet
from api.sync.views import DeviceView, DocumentView, HelloView, PullView, PushView

app_name = "api"
router = DefaultRouter()
router.register("regions", RegionViewSet, basename="region")
router.register("studies", StudyViewSet, basename="study")
router.register("rounds", RoundViewSet, basename="round")
router.register("questionnaires", QuestionnaireViewSet, basename="questionnaire")
router.register("frames", FrameViewSet, basename="frame")
router.register("designs", DesignViewSet, basename="design")
router.register("planning", PlanningViewSet, basename="planning")
router.register("samples", DrawViewSet, basename="sample")
router.register("cases", CaseViewSet, basename="case")
router.register("responses", ResponseViewSet, basename="response")
router.register("reports", ReportViewSet, basename="report")
router.register("estimates", EstimateViewSet, basename="estimate")
router.register("jobs", JobViewSet, basename="job")
router.register("public/draws", PublicDrawViewSet, basename="public-draw")
router.register("public/keys", KeyViewSet, basename="public-key")

sync: list[URLPattern | URLResolver] = [
    path("hello/", HelloView.as_view(), name="sync-hello"),
    path("devices/", DeviceView.as_view(), name="sync-devices"),
    path("pull/", PullView.as_view(), name="sync-pull"),
    path("push/", PushView.as_view(), name="sync-push"),
    path("documents/<str:document_hash>/", DocumentView.as_view(), name="sync-document"),
]
urlpatterns: list[URLPattern | URLResolver] = [
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("v1/sync/", include(sync)),
    path("v1/", include(router.urls)),
]
