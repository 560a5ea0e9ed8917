"""Keeps codes out of logs: a letter's code in an address is as good as a key to the household."""

import logging
import re

# /s/<qr code>, code=…, state=…, openid=… and Authorization headers
_SECRET = re.compile(r"(?i)(/s/|\b(?:code|state|openid|access_token|secret|token|signature)=)[^\s&\"'/?]+")


class RedactCodes(logging.Filter):
    """Replaces secrets in the message and its arguments."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = _SECRET.sub(r"\1***", record.getMessage())
        record.args = ()
        return True
