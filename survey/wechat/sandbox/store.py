"""The sandbox's memory: one SQLite file, one connection, one lock, one clock."""

import json
import secrets
import sqlite3
import string
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from survey.wechat.sandbox import tables

Row = sqlite3.Row

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS accounts (
  app_id TEXT PRIMARY KEY, secret TEXT NOT NULL, name TEXT NOT NULL,
  oauth_domains TEXT NOT NULL, ip_white_list TEXT, snapshot TEXT NOT NULL, open_platform INTEGER NOT NULL,
  home_url TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS residents (id TEXT PRIMARY KEY, name TEXT NOT NULL, unionid TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS identities (
  app_id TEXT NOT NULL, resident_id TEXT NOT NULL, openid TEXT NOT NULL UNIQUE,
  authorised INTEGER NOT NULL DEFAULT 0, subscribed_at INTEGER, subscribe_scene TEXT, qr_scene TEXT,
  PRIMARY KEY (app_id, resident_id));
CREATE TABLE IF NOT EXISTS codes (
  code TEXT PRIMARY KEY, app_id TEXT NOT NULL, resident_id TEXT NOT NULL, scope TEXT NOT NULL,
  is_snapshot INTEGER NOT NULL, created_at REAL NOT NULL, used_at REAL);
CREATE TABLE IF NOT EXISTS tokens (
  token TEXT PRIMARY KEY, app_id TEXT NOT NULL, kind TEXT NOT NULL, forced INTEGER NOT NULL,
  issued_at REAL NOT NULL, expires_at REAL NOT NULL, killed_at REAL);
CREATE INDEX IF NOT EXISTS tokens_of ON tokens (app_id, kind, issued_at);
CREATE TABLE IF NOT EXISTS web_tokens (
  access_token TEXT PRIMARY KEY, refresh_token TEXT NOT NULL, app_id TEXT NOT NULL,
  resident_id TEXT NOT NULL, openid TEXT NOT NULL, scope TEXT NOT NULL, is_snapshot INTEGER NOT NULL,
  expires_at REAL NOT NULL, refresh_expires_at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS web_tokens_refresh ON web_tokens (refresh_token);
CREATE TABLE IF NOT EXISTS tickets (
  app_id TEXT NOT NULL, kind TEXT NOT NULL, ticket TEXT NOT NULL, expires_at REAL NOT NULL,
  PRIMARY KEY (app_id, kind));
CREATE TABLE IF NOT EXISTS qr_codes (
  ticket TEXT PRIMARY KEY, url TEXT NOT NULL UNIQUE, app_id TEXT NOT NULL, scene TEXT NOT NULL,
  expires_at REAL);
CREATE TABLE IF NOT EXISTS calls (
  app_id TEXT NOT NULL, api TEXT NOT NULL, period TEXT NOT NULL, count INTEGER NOT NULL,
  PRIMARY KEY (app_id, api, period));
CREATE TABLE IF NOT EXISTS faults (
  id INTEGER PRIMARY KEY, path TEXT NOT NULL, kind TEXT NOT NULL, value REAL NOT NULL, remaining INTEGER);
CREATE TABLE IF NOT EXISTS phones (
  resident_id TEXT PRIMARY KEY, port INTEGER UNIQUE, origin TEXT, page TEXT, cookies TEXT NOT NULL);
"""

_ALPHABET = string.ascii_letters + string.digits


def random_text(length: int) -> str:
    """Random letters and digits, as Tencent's ids look."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


class Store:
    """All state, behind one lock: every public operation of the sandbox is one short transaction.

    Parameters
    ----------
    path : the SQLite file, or ":memory:".
    now : seconds since 1970; tests put their own clock here. `advance` moves the sandbox's time on top.
    """

    def __init__(self, path: str | Path, now: Callable[[], float] = time.time) -> None:
        self._lock = threading.RLock()
        self._depth = 0
        self.outbox_filled = threading.Event()  # wakes whoever delivers pushes
        self._real_now = now
        self._connection = sqlite3.connect(str(path), check_same_thread=False, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=OFF")  # a sandbox may forget its last second
        self._connection.executescript(_SCHEMA + tables.SCHEMA)
        self._offset = float(self.meta("clock_offset") or 0)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, one at a time; may be nested."""
        with self._lock:
            if self._depth == 0:
                self._connection.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield
            except BaseException:
                self._depth -= 1
                if self._depth == 0:
                    self._connection.execute("ROLLBACK")
                raise
            self._depth -= 1
            if self._depth == 0:
                self._connection.execute("COMMIT")

    def run(self, statement: str, *values: Any) -> int:
        """Execute one writing statement; how many rows it changed."""
        with self.transaction():
            return self._connection.execute(statement, values).rowcount

    def run_many(self, statement: str, rows: list[tuple[Any, ...]]) -> None:
        """Execute one writing statement for many rows."""
        with self.transaction():
            self._connection.executemany(statement, rows)

    def one(self, query: str, *values: Any) -> Row | None:
        """The first row, or None."""
        with self._lock:
            return self._connection.execute(query, values).fetchone()

    def all(self, query: str, *values: Any) -> list[Row]:
        """Every row."""
        with self._lock:
            return self._connection.execute(query, values).fetchall()

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    # --- time ---------------------------------------------------------------------------------------
    def now(self) -> float:
        """Seconds since 1970 in the sandbox's time."""
        return self._real_now() + self._offset

    def advance(self, seconds: float) -> float:
        """Move the sandbox's time forward, for good; the new time."""
        with self.transaction():
            self._offset += seconds
            self.set_meta("clock_offset", str(self._offset))
        return self.now()

    def meta(self, name: str) -> str | None:
        row = self.one("SELECT value FROM meta WHERE name = ?", name)
        return row["value"] if row else None

    def set_meta(self, name: str, value: str) -> None:
        self.run("INSERT OR REPLACE INTO meta VALUES (?, ?)", name, value)

    # --- accounts and people ------------------------------------------------------------------------
    def save_account(self, fields: dict[str, Any]) -> None:
        """Create or replace an account; `fields` as `control.account_fields` checked them."""
        white_list = fields["ip_white_list"]
        self.run(
            "INSERT OR REPLACE INTO accounts VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            fields["app_id"],
            fields["secret"],
            fields["name"],
            json.dumps(fields["oauth_domains"]),
            None if white_list is None else json.dumps(white_list),
            fields["snapshot"],
            int(fields["open_platform"]),
            fields["home_url"],
        )

    def account(self, app_id: str) -> Row | None:
        return self.one("SELECT * FROM accounts WHERE app_id = ?", app_id)

    def oauth_domains(self) -> set[str]:
        """Every host (and port) that some account may redirect to."""
        rows = self.all("SELECT oauth_domains FROM accounts")
        return {domain for row in rows for domain in json.loads(row["oauth_domains"])}

    def setup(self, app_id: str) -> Row:
        """What is set in the account's back office; made empty at the first look."""
        self.run(
            "INSERT OR IGNORE INTO account_setup (app_id, gh_id) VALUES (?, ?)",
            app_id,
            "gh_" + secrets.token_hex(6),
        )
        row = self.one("SELECT * FROM account_setup WHERE app_id = ?", app_id)
        if row is None:
            raise LookupError("a row that was just written is gone")
        return row

    def person(self, app_id: str, openid: str) -> Row | None:
        """The identity behind an openid of this account."""
        return self.one("SELECT * FROM identities WHERE app_id = ? AND openid = ?", app_id, openid)

    def say(
        self, app_id: str, resident_id: str, kind: str, content: dict[str, Any], *, from_account: bool = True
    ) -> None:
        """One message in the chat of a resident with an account."""
        self.run(
            "INSERT INTO chat (app_id, resident_id, from_account, kind, content, at) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            app_id,
            resident_id,
            int(from_account),
            kind,
            json.dumps(content, ensure_ascii=False),
            self.now(),
        )

    def add_residents(self, people: list[tuple[str, str]]) -> None:
        """Create (or rename) residents from (id, name)."""
        self.run_many(
            "INSERT INTO residents VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET name = excluded.name",
            [(resident_id, name, "o" + random_text(27)) for resident_id, name in people],
        )

    def resident(self, resident_id: str) -> Row | None:
        return self.one("SELECT * FROM residents WHERE id = ?", resident_id)

    def identity(self, app_id: str, resident_id: str) -> Row:
        """The resident as this account knows them: one openid per account and person."""
        with self.transaction():
            self.run(
                "INSERT OR IGNORE INTO identities (app_id, resident_id, openid) VALUES (?, ?, ?)",
                app_id,
                resident_id,
                "o" + random_text(27),
            )
            row = self.one(
                "SELECT * FROM identities WHERE app_id = ? AND resident_id = ?", app_id, resident_id
            )
        if row is None:
            raise LookupError("an identity that was just written is gone")
        return row

    def follow(
        self, app_id: str, resident_id: str, *, subscribe_scene: str = "ADD_SCENE_SEARCH", qr_scene: str = ""
    ) -> None:
        """The resident follows the account."""
        with self.transaction():
            self.identity(app_id, resident_id)
            self.run(
                "UPDATE identities SET subscribed_at = ?, subscribe_scene = ?, qr_scene = ? "
                "WHERE app_id = ? AND resident_id = ?",
                int(self.now()),
                subscribe_scene,
                qr_scene,
                app_id,
                resident_id,
            )

    def unfollow(self, app_id: str, resident_id: str) -> None:
        """The resident leaves the account."""
        self.run(
            "UPDATE identities SET subscribed_at = NULL, subscribe_scene = NULL, qr_scene = NULL "
            "WHERE app_id = ? AND resident_id = ?",
            app_id,
            resident_id,
        )
