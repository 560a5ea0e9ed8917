/* Handing in: one submission with the same id and the same bytes until the server has answered, after the files that
 * belong to it; and the screens for what can come back. Parses as ES2017. */
(function (root) {
  "use strict";

  const D = root.MinyiDraft, S = root.MinyiScreens;
  const { h, stateLine, phone, fill } = root.MinyiDom;
  const RETRY_MS = 30000;

  class Sending {
    constructor(form) {
      this.form = form;
      this.working = false;
      this.timer = 0;
      root.addEventListener("online", () => { if (form.state.outbox) this.send(); });
    }

    submit() {
      const { form } = this, { state } = form;
      const result = form.run.validate(false);
      const bad = result.errors.find((error) => S.screenWith(form.run, form.screens(), error.name));
      if (bad) { form.goTo(bad.name); return; }
      form.clock.stop();
      const times = {};
      result.path.forEach((name) => { if (state.items[name]) times[name] = state.items[name]; });
      state.outbox = JSON.stringify({
        id: state.id, document: form.settings.documentHash || null, version: form.doc.version,
        language: form.language, mode: form.mode, answers: result.clean, path: result.path,
        started_at: state.started, completed_at: new Date().toISOString(), paradata: D.paradata(state, times),
      });
      state.saved_at = new Date().toISOString();
      form.draft.save();
      this.busy(true);
      this.send();
    }

    busy(on) {
      const button = this.form.mount.querySelector(".mf-next, .mf-retry");
      if (!button) return;
      button.disabled = on;
      if (on) button.textContent = this.form.words.sending;
    }

    /* Photos and signatures first: an answer that names a file must find it there. */
    async files() {
      const queue = root.MinyiAttachments;
      return queue ? queue.sendAll(this.form.settings, this.form.state.answers) : { kind: "ok" };
    }

    async send() {
      const { form } = this;
      if (this.working || !form.state.outbox) return;
      this.working = true;
      root.clearTimeout(this.timer);
      let answer = await this.files();
      if (answer.kind === "ok") {
        answer = await D.request("POST", form.settings.submitUrl, form.state.outbox, form.settings.csrf);
      }
      this.working = false;
      if (answer.kind === "ok") {
        form.draft.forget();
        root.location.assign(answer.data.thanks_url || form.settings.thanksUrl);
      } else if (answer.kind === "refused") this.refused(answer);
      else {
        this.waiting(answer.kind);
        this.timer = root.setTimeout(() => this.send(), RETRY_MS);
      }
    }

    /* The server has said no, in words. The draft stays; a named item is opened. */
    refused(answer) {
      const { form } = this, { data } = answer;
      form.state.outbox = null;
      form.draft.save();
      const first = (data.errors || []).find(
        (error) => S.screenWith(form.run, form.screens(), error.item || error.name));
      if (answer.status === 422 && first) {
        form.goTo(first.item || first.name, first.message || first.reason || data.detail);
        return;
      }
      const own = form.words.refusedText;
      const text = data.detail || data.message || own;
      this.stateScreen(form.words.refusedTitle, [
        h("div", { id: "mf-error", class: "mf-error", role: "alert" }, h("p", {}, text)),
        h("p", { class: "mf-hint" }, text === own ? "" : own),
      ], [
        h("button", { type: "button", class: "mf-button mf-back", onclick: () => form.start() }, form.words.back),
        h("button", { type: "button", class: "mf-button mf-next", onclick: () => this.submit() }, form.words.retry),
      ]);
    }

    /* Another phone of the household has handed in while this one was answering. */
    alreadyIn(data) {
      const { form } = this;
      form.clock.stop();
      this.stateScreen(form.words.inTitle, [h("p", { class: "mf-hint", role: "status" }, data.detail || form.words.inText)], [
        h("a", { class: "mf-button mf-next", href: form.settings.thanksUrl, onclick: () => form.draft.forget() },
          form.words.inGo)]);
    }

    waiting(kind) {
      const { form } = this, { words, state } = form;
      const count = S.progress(form.screens(), 0).total;
      const clock = (stamp) => new Date(stamp).toLocaleTimeString(words.html, { hour: "2-digit", minute: "2-digit" });
      const until = form.settings.deadline ?
        fill(words.waitingUntil, this.day(new Date(form.settings.deadline))) : words.waitingOpen;
      const files = root.MinyiAttachments ? root.MinyiAttachments.left() : 0;
      this.stateScreen(words.savedTitle, [
        h("p", { class: "mf-hint", role: "status" }, kind === "busy" ? words.busyText : words.savedText),
        h("ul", { class: "mf-card mf-lines" },
          stateLine("tick", fill(words.savedDone, count), fill(words.savedAt, clock(state.saved_at || Date.now()))),
          files ? stateLine("picture", fill(words.filesLeft, files), words.filesFirst) : null,
          stateLine("clock", kind === "busy" ? words.waitingServer : words.waiting, until)),
        h("p", { class: "mf-notice" }, form.draft.persistent ? words.keep : words.memoryOnly),
      ], [
        h("button", { type: "button", class: "mf-button mf-back", onclick: (event) => this.close(event) }, words.close),
        h("button", { type: "button", class: "mf-button mf-next mf-retry", onclick: () => {
          this.busy(true);
          this.send();
        } }, words.retry),
      ], phone());
    }

    stateScreen(title, body, buttons, picture) {
      const { form } = this;
      form.mount.lang = form.words.html;
      document.documentElement.classList.toggle("mf-care", form.state.care);
      form.replace(h("main", { class: "mf-body mf-state" }, picture,
        h("h1", { id: "mf-title", class: "mf-title", tabindex: "-1" }, title), ...body),
      h("footer", { class: "mf-foot" }, ...buttons));
      document.getElementById("mf-title").focus();
    }

    day(date) {
      if (this.form.language === "en") return date.toLocaleDateString("en", { month: "long", day: "numeric" });
      return `${date.getMonth() + 1} 月 ${date.getDate()} 日`;
    }

    close(event) {
      if (root.WeixinJSBridge) root.WeixinJSBridge.call("closeWindow");
      else root.close();
      const foot = event.target.parentNode;
      if (foot.querySelector(".mf-closed")) return;
      foot.insertBefore(h("p", { class: "mf-closed", role: "status" }, this.form.words.closed), foot.firstChild);
    }
  }

  root.MinyiSending = { Sending };
})(typeof self !== "undefined" ? self : this);
