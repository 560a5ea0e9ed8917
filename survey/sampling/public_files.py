"""What anybody may download of a draw: certificate, commitment, timestamps, public frame, verifier."""

from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.views.decorators.http import require_safe

from survey.common.canonical import canonical_json
from survey.common.errors import Problem
from survey.sampling.certificate import certificate_of, commitment_file
from survey.sampling.certificate_page import certificate_pdf as sheet
from survey.sampling.models import Draw
from survey.sampling.public import REVEALED, public_state
from survey.sampling.public_frame import frame_lines, gzipped, in_chunks
from survey.sampling.views import count_visitor, public, public_draw

SCRIPT = Path(__file__).with_name("verify_draw.py")
# Whole frames and signed certificates are work: enough for a class of students behind one address.
DOWNLOADS, WINDOW_S = 120, 600


@require_safe
@public
def certificate(request: HttpRequest, pk: int) -> HttpResponse:
    """The certificate as far as the draw has come, as canonical JSON."""
    draw = public_draw(pk)
    count_visitor(request, "draws.download", limit=DOWNLOADS, window_s=WINDOW_S)
    content = canonical_json(certificate_of(draw))
    return _file(content, "application/json", f"certificate-{pk}.json")


@require_safe
@public
def certificate_pdf(request: HttpRequest, pk: int) -> HttpResponse:
    """The certificate on one sheet, with a QR code that leads back here."""
    draw = public_draw(pk)
    count_visitor(request, "draws.download", limit=DOWNLOADS, window_s=WINDOW_S)
    address = settings.PUBLIC_URL + reverse("draws:draw", args=[pk])
    content = sheet(draw, address=address, signature=certificate_of(draw).get("signature"))
    return _file(content, "application/pdf", f"certificate-{pk}.pdf", inline=True)


@require_safe
@public
def commitment(request: HttpRequest, pk: int) -> HttpResponse:
    """The very bytes that a third party stamps: their SHA-256 is the commitment hash."""
    return _file(commitment_file(public_draw(pk)), "application/json", f"commitment-{pk}.json")


@require_safe
@public
def timestamp(request: HttpRequest, pk: int, stamp_pk: int) -> HttpResponse:
    """An authority's answer (RFC 3161), for `openssl ts -verify`."""
    stamp = public_draw(pk).timestamps.filter(pk=stamp_pk, token__isnull=False).first()
    if stamp is None:
        raise Problem("common.not_found")
    return _file(bytes(stamp.token), "application/timestamp-reply", f"timestamp-{pk}-{stamp_pk}.tsr")


@require_safe
@public
def frame(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The whole public frame, packed while it is read."""
    draw = _revealed(pk)
    count_visitor(request, "draws.download", limit=DOWNLOADS, window_s=WINDOW_S)
    name = f"frame-{draw.design.frame.number}.csv.gz"
    return _stream(gzipped(in_chunks(frame_lines(draw.design.frame))), "application/gzip", name)


@require_safe
@public
def community_frame(request: HttpRequest, pk: int, code: str) -> HttpResponseBase:
    """One community of the public frame."""
    draw = _revealed(pk)
    if not draw.design.frame.trees.filter(community__code=code).exists():
        raise Problem("common.not_found")
    count_visitor(request, "draws.download", limit=DOWNLOADS, window_s=WINDOW_S)
    name = f"frame-{draw.design.frame.number}-{code}.csv"
    return _stream(in_chunks(frame_lines(draw.design.frame, code)), "text/csv; charset=utf-8", name)


@require_safe
@public
def script(request: HttpRequest) -> FileResponse:
    """The verifier: one file that anyone can read and run."""
    return FileResponse(SCRIPT.open("rb"), as_attachment=True, content_type="text/x-python; charset=utf-8")


def _revealed(pk: int) -> Draw:
    """A draw whose frame is public; opaque ids are nobody's business while the field is open."""
    draw = public_draw(pk)
    if public_state(draw) != REVEALED:
        raise Problem("sampling.not_public")
    return draw


def _file(content: bytes, kind: str, name: str, *, inline: bool = False) -> HttpResponse:
    response = HttpResponse(content, content_type=kind)
    response["Content-Disposition"] = f'{"inline" if inline else "attachment"}; filename="{name}"'
    return response


def _stream(pieces: Iterator[bytes], kind: str, name: str) -> StreamingHttpResponse:
    response = StreamingHttpResponse(pieces, content_type=kind)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
