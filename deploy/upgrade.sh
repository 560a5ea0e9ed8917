#!/bin/sh
# Upgrades /opt/minyi to a tag: backup first, then code, dependencies, tables, static files, restart.
#   sudo -u minyi sh deploy/upgrade.sh v1.4
# Nothing is changed when the backup fails; a failed migration leaves the old tables (each is one transaction).
set -eu
tag=${1:?"which tag? e.g. v1.4"}
cd /opt/minyi
set -a; . /etc/minyi/minyi.env; set +a
.venv/bin/python manage.py backup "${MINYI_BACKUP_DIR:-/var/lib/minyi/backups}"
git fetch --tags
git checkout "$tag"
.venv/bin/python -m pip install --quiet -r requirements.txt
.venv/bin/python manage.py migrate
.venv/bin/python manage.py createcachetable
.venv/bin/python manage.py collectstatic --noinput
.venv/bin/python manage.py check --deploy
echo "now: systemctl restart minyi-web minyi-worker minyi-beat"
