"""WSGI entry point."""

import gc
import os

from django.core.wsgi import get_wsgi_application
from django.urls import reverse

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "survey.settings")


def warm_up() -> None:
    """Do before the first request what the first one would else wait for, a second of it, and keep it.

    Every address and view is imported. What is in memory then stays for good, so the garbage collector need
    not walk it again and again: with the statistics libraries loaded, a full walk halts all threads: 0.2 s.
    """
    reverse("root")
    gc.collect()
    gc.freeze()


application = get_wsgi_application()
warm_up()
