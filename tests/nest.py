"""A process with the site loaded that forks servers and programs: what is killed often is soon back.

    python -m tests.nest PORT LOG

reads one JSON command a line and answers each with one line. {"serve": true} forks a server and tells its
pid; {"reap": pid} answers when that process is gone; {"program": text, "out": path} runs a program to its end
and tells its exit code. What they say beside that goes to the log.
"""

import gc
import json
import os
import sys
import traceback

from django.core.servers.basehttp import run
from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver


def main(port: int, log: str) -> None:
    """Load everything once, then do as told until the line is closed."""
    application = get_wsgi_application()
    _ = get_resolver().url_patterns  # imports every view
    gc.freeze()
    _answer({"ready": True})
    for line in sys.stdin:
        command = json.loads(line)
        if "reap" in command:
            os.waitpid(command["reap"], 0)
            _answer({"gone": command["reap"]})
            continue
        pid = os.fork()
        if pid == 0:
            _turn_output_to(command.get("out") or log, log)
            if "program" in command:
                _run_program(command["program"])
            run("127.0.0.1", port, application, threading=True)
        if "program" in command:
            _pid, status = os.waitpid(pid, 0)
            _answer({"code": os.waitstatus_to_exitcode(status)})
        else:
            _answer({"pid": pid})


def _answer(answer: dict[str, object]) -> None:
    print(json.dumps(answer), flush=True)


def _turn_output_to(*paths: str) -> None:
    """A child must not speak on the line of commands."""
    for target, path in enumerate(paths, start=1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), target)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)


def _run_program(text: str) -> None:
    code = 0
    try:
        exec(compile(text, "<program>", "exec"), {"__name__": "__main__"})
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
