"""JSON that may come gzipped, never larger than a phone has reason to send."""

import json
from collections.abc import Mapping
from typing import IO, Any

from django.utils.translation import gettext as _
from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

from survey.common.canonical import canonical_json
from survey.fieldwork.sync.sealing import unzip

MAX_SENT = 4 * 1024 * 1024  # bytes on the line
MAX_BODY = 8 * 1024 * 1024  # bytes of JSON


class PhoneJSONParser(JSONParser):
    """`Content-Encoding: gzip` is understood; a body that is too large or broken is refused in words."""

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        request = (parser_context or {})["request"]
        sent = stream.read(MAX_SENT + 1)
        if len(sent) > MAX_SENT:
            raise ParseError(_("一次传得太多，请分几次传。"))
        try:
            if request.META.get("HTTP_CONTENT_ENCODING", "").lower() == "gzip":
                sent = unzip(sent, MAX_BODY)
            body = json.loads(sent)
            canonical_json(body)  # NaN and half characters, which databases refuse less kindly
        except (ValueError, RecursionError):
            raise ParseError(_("内容读不了，请再传一次。")) from None
        return body
