/* Keeps the draft on the server: at the end of each block, when the page is left, and when the signal is back.
 * Fetches the newest draft of this device or WeChat identity. Contract: docs/questionnaire-page.md, "The draft on
 * the server". Parses as ES2017. */
(function (root) {
  "use strict";

  const D = root.MinyiDraft;
  const RETRY_MS = 30000;

  class Sync {
    /* `form` gives settings, state, draft and language; it is told by kept(kind, data) and adopt(found). */
    constructor(form) {
      this.form = form;
      this.url = form.settings.draftUrl || "";
      this.dirty = false; // something was answered that the server does not have
      this.touched = false; // something was answered since the page was opened
      this.working = false;
      this.timer = 0;
    }

    changed() { this.dirty = true; this.touched = true; }

    body() {
      const { state, settings, language } = this.form;
      state.sequence += 1;
      this.form.draft.save();
      return JSON.stringify({
        id: state.id, document: settings.documentHash || null, language, answers: state.answers, at: state.at,
        orders: state.orders, paradata: D.paradata(state, state.items), saved_at: new Date().toISOString(),
        sequence: state.sequence,
      });
    }

    idle() { return !this.url || !this.dirty || this.form.draft.sent || Boolean(this.form.state.outbox); }

    async push() {
      if (this.working || this.idle()) return;
      this.working = true;
      this.dirty = false;
      root.clearTimeout(this.timer);
      const answer = await D.request("PUT", this.url, this.body(), this.form.settings.csrf);
      this.working = false;
      if (this.form.draft.sent) return;
      const later = answer.kind === "offline" || answer.kind === "busy";
      if (later) {
        this.dirty = true;
        this.timer = root.setTimeout(() => this.push(), RETRY_MS);
      } else if (answer.kind === "ok" && answer.data.sequence > this.form.state.sequence) await this.pull();
      this.form.kept(answer.kind, answer.status, answer.data);
    }

    /* The page is going away: the browser finishes this request without us (64 kB at most, which a draft is not). */
    leave() {
      if (this.idle()) return;
      this.dirty = false;
      try {
        root.fetch(this.url, {
          method: "PUT", credentials: "same-origin", keepalive: true, headers: D.headers(this.form.settings.csrf),
          body: this.body(),
        }).catch(() => undefined);
      } catch (error) {
        this.dirty = true; // the phone has it; the next visit sends it
      }
    }

    /* Look whether another device of the same person, or this one before its storage was cleared, got further. */
    async pull() {
      if (!this.url) return;
      const answer = await D.request("GET", this.url, null, this.form.settings.csrf);
      const found = answer.data;
      if (answer.kind !== "ok" || !found.id || this.form.draft.sent || this.form.state.outbox) return;
      if (found.document !== (this.form.settings.documentHash || null)) return;
      const { state } = this.form;
      const mine = Object.keys(state.answers).length > 0;
      const newer = found.id === state.id ? found.sequence > state.sequence :
        !mine || Date.parse(found.saved_at) > Date.parse(state.changed || 0);
      if (!newer) {
        if (found.id !== state.id && mine) this.dirty = true;
        return;
      }
      if (this.touched) { // answered here since: what is newest stays, and numbers on from the other
        state.sequence = Math.max(state.sequence, found.sequence);
        this.dirty = true;
        this.form.say("otherOlder");
        return;
      }
      this.form.adopt(found, mine);
    }
  }

  root.MinyiSync = { Sync };
})(typeof self !== "undefined" ? self : this);
