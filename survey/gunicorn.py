"""gunicorn's settings: `gunicorn -c survey/gunicorn.py survey.wsgi`.

With the embedded worker there is one process with threads; with Redis, raise MINYI_WEB_WORKERS.
"""

import os
from typing import Any

bind = os.environ.get("MINYI_BIND", "127.0.0.1:8000")
workers = int(os.environ.get("MINYI_WEB_WORKERS", "1"))
threads = int(os.environ.get("MINYI_WEB_THREADS", "8"))
worker_class = "gthread"
timeout = 120
accesslog = None  # addresses of letters carry codes; nginx and this process keep no access log of them


def post_worker_init(worker: Any) -> None:
    """Start the embedded worker inside the web process, when the settings ask for it."""
    from survey.jobs.embedded import start_embedded_worker  # Django must be set up first

    start_embedded_worker()
