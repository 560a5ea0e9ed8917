/* Contact with the server: who is there, what changed, what goes up. docs/field-sync.md is the protocol. */

import { pack } from "./sealing.js";
import { APP, PROTOCOL } from "./version.js";

const TIMEOUT_MS = 30000;
const BATCH_ITEMS = 40, BATCH_BYTES = 1500000;

/* Why a contact ended early: "offline", "login", "busy" (server or a hotel's page) or "refused", with words. */
export class ContactError extends Error {
  constructor(kind, words = "", code = "") {
    super(`${kind} ${code}`);
    this.kind = kind;
    this.words = words;
    this.code = code;
  }
}

async function ask(base, path, options = {}) {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), TIMEOUT_MS);
  let response, data = null;
  try {
    response = await fetch(base + path, { credentials: "same-origin", cache: "no-store", signal: stop.signal, ...options });
    data = await response.json();
  } catch (error) {
    throw new ContactError(response ? "busy" : "offline"); // an answer that is cut short is no answer
  } finally {
    clearTimeout(timer);
  }
  if (response.ok) return data;
  if (response.status === 401) throw new ContactError("login");
  if (response.status === 403 && data.code !== "common.forbidden") throw new ContactError("login", data.detail, data.code);
  const later = response.status >= 500 || response.status === 429 || response.status === 408;
  throw new ContactError(later ? "busy" : "refused", data.detail || "", data.code || "");
}

export class Contact {
  constructor(base) {
    this.base = base;
    this.csrf = "";
  }

  /* Who is logged in, and how far this phone's clock is off: {user, offset_ms, server_time}. */
  async hello() {
    const before = Date.now();
    const found = await ask(this.base, "hello/");
    if (!found.server_time || !found.user) throw new ContactError("busy"); // not our server
    this.csrf = found.csrf;
    const middle = (before + Date.now()) / 2;
    return { ...found, offset_ms: Math.round(Date.parse(found.server_time) - middle) };
  }

  async post(path, body) {
    const packed = await pack(new TextEncoder().encode(JSON.stringify(body)));
    const headers = { Accept: "application/json", "Content-Type": "application/json", "X-CSRFToken": this.csrf };
    if (packed.zip) headers["Content-Encoding"] = "gzip";
    return ask(this.base, path, { method: "POST", headers, body: packed.bytes });
  }

  register(device) {
    return this.post("devices/", { id: device.id, secret: device.secret, name: deviceName(), app: APP, protocol: PROTOCOL });
  }

  /* Every page that there is, each handed to `take` before the next is asked for; false when locked. */
  async pull(device, cursor, take) {
    let more = true, at = cursor;
    while (more) {
      const query = new URLSearchParams({ device, cursor: at, app: APP, protocol: PROTOCOL,
        sent_at: new Date().toISOString() });
      const page = await ask(this.base, `pull/?${query}`);
      if (page.locked) return false;
      await take(page);
      at = page.cursor;
      more = page.more;
    }
    return true;
  }

  /* Send items in batches; each batch's results go to `took` before the next one leaves. */
  async push(device, items, took) {
    for (const batch of batches(items)) {
      const body = { protocol: PROTOCOL, app: APP, device, sent_at: new Date().toISOString(), items: batch };
      const answer = await this.post("push/", body);
      await took(answer.results);
    }
  }

  async document(url) { return ask("", url); }
}

export function batches(items) {
  const all = [];
  let batch = [], bytes = 0;
  items.forEach((item) => {
    if (batch.length && (batch.length >= BATCH_ITEMS || bytes + item.ct.length > BATCH_BYTES)) {
      all.push(batch);
      batch = [];
      bytes = 0;
    }
    batch.push(item);
    bytes += item.ct.length;
  });
  if (batch.length) all.push(batch);
  return all;
}

function deviceName() {
  const brand = navigator.userAgentData;
  if (brand) return `${brand.brands.map((each) => `${each.brand} ${each.version}`).pop()} · ${brand.platform}`;
  return navigator.userAgent.slice(0, 100);
}
