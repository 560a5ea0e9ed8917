"""Tables of what the account does with its followers: pushes, chats, templates, menus, articles."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS account_setup (
  app_id TEXT PRIMARY KEY, gh_id TEXT NOT NULL, server_url TEXT NOT NULL DEFAULT '',
  token TEXT NOT NULL DEFAULT '', aes_key TEXT NOT NULL DEFAULT '', mode TEXT NOT NULL DEFAULT 'secure',
  is_on INTEGER NOT NULL DEFAULT 0, js_domains TEXT NOT NULL DEFAULT '[]',
  business_domains TEXT NOT NULL DEFAULT '[]');
CREATE TABLE IF NOT EXISTS outbox (
  id INTEGER PRIMARY KEY, app_id TEXT NOT NULL, resident_id TEXT NOT NULL, event TEXT NOT NULL,
  xml TEXT NOT NULL, due_at REAL NOT NULL, tries INTEGER NOT NULL DEFAULT 0,
  state TEXT NOT NULL DEFAULT 'waiting', answer TEXT NOT NULL DEFAULT '');
CREATE INDEX IF NOT EXISTS outbox_due ON outbox (state, due_at);
CREATE TABLE IF NOT EXISTS chat (
  id INTEGER PRIMARY KEY, app_id TEXT NOT NULL, resident_id TEXT NOT NULL, from_account INTEGER NOT NULL,
  kind TEXT NOT NULL, content TEXT NOT NULL, at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS chat_of ON chat (app_id, resident_id, id);
CREATE TABLE IF NOT EXISTS windows (
  app_id TEXT NOT NULL, resident_id TEXT NOT NULL, kind TEXT NOT NULL, opened_at REAL NOT NULL,
  sent INTEGER NOT NULL, PRIMARY KEY (app_id, resident_id, kind));
CREATE TABLE IF NOT EXISTS templates (
  template_id TEXT PRIMARY KEY, app_id TEXT NOT NULL, kind TEXT NOT NULL, title TEXT NOT NULL,
  content TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS grants (
  app_id TEXT NOT NULL, resident_id TEXT NOT NULL, template_id TEXT NOT NULL, left_over INTEGER NOT NULL,
  PRIMARY KEY (app_id, resident_id, template_id));
CREATE TABLE IF NOT EXISTS blocks (
  app_id TEXT NOT NULL, resident_id TEXT NOT NULL, PRIMARY KEY (app_id, resident_id));
CREATE TABLE IF NOT EXISTS sent_ids (
  app_id TEXT NOT NULL, client_id TEXT NOT NULL, msg_id INTEGER NOT NULL, at REAL NOT NULL,
  PRIMARY KEY (app_id, client_id));
CREATE TABLE IF NOT EXISTS mass_received (
  app_id TEXT NOT NULL, resident_id TEXT NOT NULL, month TEXT NOT NULL, count INTEGER NOT NULL,
  PRIMARY KEY (app_id, resident_id, month));
CREATE TABLE IF NOT EXISTS menus (app_id TEXT PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS media (
  media_id TEXT PRIMARY KEY, app_id TEXT NOT NULL, content_type TEXT NOT NULL, content BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS drafts (
  media_id TEXT PRIMARY KEY, app_id TEXT NOT NULL, articles TEXT NOT NULL, updated_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS publishes (
  publish_id TEXT PRIMARY KEY, app_id TEXT NOT NULL, article_id TEXT NOT NULL, articles TEXT NOT NULL,
  done_at REAL NOT NULL, is_deleted INTEGER NOT NULL DEFAULT 0);
"""
