"""The files of deploy/ speak of this program: commands, settings and addresses that exist."""

import re
import shlex
from pathlib import Path

import pytest
import yaml
from django.core.management import get_commands
from django.urls import resolve

DEPLOY = Path(__file__).resolve().parents[3] / "deploy"
TEXTS = [path for path in sorted(DEPLOY.rglob("*")) if path.is_file()]
SERVICES = sorted((DEPLOY / "systemd").glob("*.service"))
EXAMPLE = (DEPLOY.parent / ".env.example").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_every_setting_named_is_explained_in_the_example(path):
    named = set(re.findall(r"\b(MINYI_[A-Z_]+)\b", path.read_text(encoding="utf-8"))) - {"MINYI_BACKUP_DIR"}
    assert {name for name in named if name not in EXAMPLE} == set()


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_every_command_named_exists(path):
    named = re.findall(r"manage\.py ([a-z_]+)", path.read_text(encoding="utf-8"))
    assert set(named) <= set(get_commands())


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.name)
def test_every_service_runs_as_its_own_user_and_writes_to_its_own_folder_only(path):
    lines = dict(
        line.split("=", 1)
        for line in path.read_text().splitlines()
        if "=" in line and not line.startswith("#")
    )
    assert lines["User"] == "minyi"
    assert lines["ProtectSystem"] == "strict" and lines["NoNewPrivileges"] == "true"
    assert lines["ReadWritePaths"] == "/var/lib/minyi"
    program, *_ = shlex.split(lines["ExecStart"])
    assert Path(program).name in {"gunicorn", "celery", "python"}


def test_timers_start_services_that_exist():
    for timer in (DEPLOY / "systemd").glob("*.timer"):
        assert timer.with_suffix(".service") in SERVICES


def test_nginx_keeps_no_codes_and_knows_our_addresses():
    text = (DEPLOY / "nginx" / "minyi.conf").read_text(encoding="utf-8")
    form = re.search(r"log_format minyi_short '([^']*)'", text).group(1)
    assert not set(re.findall(r"\$(\w+)", form)) & {"request", "request_uri", "uri", "args", "remote_addr"}
    resolve("/health/ready"), resolve("/metrics"), resolve("/console/rounds/1/frame/import/")
    assert "TLSv1.2 TLSv1.3" in text


def test_compose_starts_what_systemd_starts():
    stack = yaml.safe_load((DEPLOY / "compose" / "compose.yaml").read_text(encoding="utf-8"))
    assert {"database", "broker", "upgrade", "web", "worker", "beat"} == set(stack["services"])
    for name in ("worker", "beat"):
        unit = (DEPLOY / "systemd" / f"minyi-{name}.service").read_text()
        assert " ".join(stack["services"][name]["command"][1:]) in unit
