"""`/MP_verify_<16>.txt`: the file by which Tencent sees that a domain is ours."""

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from survey.wechat.publishing_models import DomainFile


@require_safe
def domain_file(request: HttpRequest, name: str) -> HttpResponse:
    """The file that the team entered on the account's page."""
    file = DomainFile.objects.filter(name=name).first()
    if file is None:
        raise Http404
    return HttpResponse(file.content, content_type="text/plain; charset=utf-8")
