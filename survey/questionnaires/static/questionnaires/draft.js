/* What the phone keeps and how it is sent: the draft (each tap), the outbox (one submission, same id and same
 * body until the server has answered), and the times. No page here. Parses as ES2017. */
(function (root) {
  "use strict";

  const MONTH_MS = 30 * 86400000;
  const TIMEOUT_MS = 20000;

  function newId() {
    const bytes = new Uint8Array(16);
    root.crypto.getRandomValues(bytes);
    bytes[6] = (bytes[6] & 0x0f) | 0x40; // RFC 9562, version 4
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  }

  class Draft {
    constructor(key, fingerprint) {
      this.key = `minyi:draft:${key}`;
      this.fingerprint = fingerprint;
      this.persistent = true;
      this.restored = false;
      const empty = {
        id: newId(), answers: {}, at: null, started: new Date().toISOString(), items: {}, language: null,
        care: false, returns: 0, outbox: null, sequence: 0, orders: {}, changed: null,
      };
      this.data = Object.assign(empty, this.load());
      this.save();
    }

    load() {
      let text = null;
      try {
        text = root.localStorage.getItem(this.key);
      } catch (error) {
        this.persistent = false; // private mode, or storage switched off
      }
      if (!text) return null;
      try {
        const found = JSON.parse(text);
        if (!found.id || Date.now() - Date.parse(found.saved) > MONTH_MS) return null;
        if (found.fingerprint !== this.fingerprint) found.outbox = null; // a new version: answers are read again
        this.restored = Object.keys(found.answers).length > 0;
        if (this.restored) found.returns += 1;
        return found;
      } catch (error) {
        return null; // a damaged draft is no draft
      }
    }

    save() {
      if (this.sent) return; // leaving the page must not bring back what was received
      this.data.saved = new Date().toISOString();
      this.data.fingerprint = this.fingerprint;
      try {
        root.localStorage.setItem(this.key, JSON.stringify(this.data));
      } catch (error) {
        this.persistent = false;
      }
    }

    forget() {
      this.sent = true;
      try {
        root.localStorage.removeItem(this.key);
      } catch (error) {
        this.persistent = false;
      }
    }
  }

  /* Seconds in front of each item while the page is visible, and how often its answer was changed. */
  class Clock {
    constructor(items) {
      this.items = items;
      this.name = null;
      this.since = 0;
      root.document.addEventListener("visibilitychange", () => {
        if (root.document.hidden) this.stop(); else if (this.name) this.since = Date.now();
      });
    }

    entry(name) {
      if (!this.items[name]) this.items[name] = { s: 0, n: 0, c: 0 };
      return this.items[name];
    }

    stop() {
      if (this.name && this.since) this.entry(this.name).s += Math.round((Date.now() - this.since) / 100) / 10;
      this.since = 0;
    }

    start(name) {
      this.stop();
      this.name = name;
      this.since = Date.now();
      this.entry(name).n += 1;
    }

    changed(name) { this.entry(name).c += 1; }
  }

  function deviceClass() {
    const width = Math.min(root.screen.width, root.screen.height);
    return width < 600 ? "phone" : width < 1000 ? "tablet" : "desktop";
  }

  function cookie(name) {
    const found = root.document.cookie.split("; ").find((part) => part.startsWith(`${name}=`));
    return found ? decodeURIComponent(found.slice(name.length + 1)) : "";
  }

  /* A form's own body (an upload) names its type by itself. */
  function headers(token, body) {
    const all = { Accept: "application/json", "X-CSRFToken": token || cookie("csrftoken") };
    if (!(body instanceof FormData)) all["Content-Type"] = "application/json";
    return all;
  }

  /* How the answers came about: times, order, device class; no fingerprint. */
  function paradata(state, items) {
    return { items, device: deviceClass(), care: state.care, returns: state.returns, orders: state.orders };
  }

  /* One attempt. Resolves to {kind: "ok" | "refused" | "offline" | "busy", status, data}. */
  async function request(method, url, body, token) {
    const controller = typeof AbortController === "undefined" ? null : new AbortController();
    const timer = setTimeout(() => { if (controller) controller.abort(); }, TIMEOUT_MS);
    try {
      const response = await fetch(url, {
        method, credentials: "same-origin", body, headers: headers(token, body), cache: "no-store",
        signal: controller ? controller.signal : undefined,
      });
      let data = null;
      try {
        data = await response.json();
      } catch (error) {
        data = null;
      }
      const status = response.status;
      // A hotel's log-in page also answers 200: only our own JSON counts as received.
      if (response.ok) return { kind: data ? "ok" : "busy", status, data: data || {} };
      const later = status >= 500 || status === 429 || status === 408;
      return { kind: later ? "busy" : "refused", status, data: data || {} };
    } catch (error) {
      return { kind: "offline", status: 0, data: {} };
    } finally {
      clearTimeout(timer);
    }
  }

  root.MinyiDraft = { Draft, Clock, paradata, request, headers, newId };
})(typeof self !== "undefined" ? self : this);
