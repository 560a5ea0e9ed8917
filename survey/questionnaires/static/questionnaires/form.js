/* The page that asks: one item at a time, kept on the phone at each tap, sent once. See
 * docs/questionnaire-page.md for the mounting contract. Loads after expressions.js, logic.js, words.js, draft.js
 * and fields.js. Parses as ES2017; no inline style or script, so a strict CSP holds. */
(function (root) {
  "use strict";

  const L = root.MinyiLogic, W = root.MinyiWords, D = root.MinyiDraft, F = root.MinyiFields;
  const h = F.h;
  const RETRY_MS = 30000;

  function fill(text, ...values) {
    return text.replace(/\{(\d)\}/g, (whole, place) => String(values[Number(place)]));
  }

  class Form {
    constructor(mount, doc) {
      const data = mount.dataset;
      this.mount = mount;
      this.doc = doc;
      this.settings = data;
      this.mode = data.mode || "web";
      this.draft = new D.Draft(data.draftKey || doc.name, data.documentHash || doc.version);
      this.state = this.draft.data;
      this.language = [this.state.language, data.lang, doc.default_language].find(
        (each) => doc.languages.indexOf(each) >= 0);
      this.clock = new D.Clock(this.state.items);
      this.run = new L.Run(doc, this.state.answers, { mode: this.mode, language: this.language });
      this.pushed = 0;
      this.tried = false; // 下一题 was tapped without an answer: the skip row is shown
      this.resumed = this.draft.restored;
      root.addEventListener("online", () => { if (this.state.outbox) this.send(); });
      root.addEventListener("popstate", (event) => this.wentBack(event.state));
      root.addEventListener("pagehide", () => { this.clock.stop(); this.draft.save(); });
    }

    get words() { return W[this.language]; }

    // ---- which screen ------------------------------------------------------------------------------

    screens() {
      return L.itemsOf(this.doc).filter(
        (item) => !item.with && item.type !== "calculate" && this.run.shown(item.name));
    }

    companionsOf(item) {
      return L.itemsOf(this.doc).filter((each) => each.with === item.name && this.run.shown(each.name));
    }

    start() {
      this.mount.classList.add("mf");
      document.documentElement.classList.toggle("mf-care", this.state.care);
      if (this.state.outbox) { this.waitingScreen("offline"); this.send(); return; }
      const screens = this.screens();
      if (!screens.length) {
        this.mount.textContent = this.words.empty;
        return;
      }
      const at = screens.find((item) => item.name === this.state.at) || screens[0];
      root.history.replaceState({ minyi: at.name }, "");
      this.show(at.name, false);
    }

    show(name, focus) {
      this.state.at = name;
      this.tried = false;
      this.failure = "";
      this.draft.save();
      this.clock.start(name);
      this.draw();
      root.scrollTo(0, 0);
      if (focus) document.getElementById("mf-title").focus();
    }

    wentBack(state) {
      if (!state || !state.minyi || this.state.outbox) return;
      this.pushed = Math.max(0, this.pushed - 1);
      const screens = this.screens();
      if (screens.some((item) => item.name === state.minyi)) this.show(state.minyi, true);
    }

    current() { return this.run.index.get(this.state.at).item; }

    next() {
      const item = this.current();
      const bad = [item].concat(this.companionsOf(item)).find((each) => this.run.error(each, false));
      if (bad) { this.fail(bad); return; }
      const screens = this.screens();
      const place = screens.findIndex((each) => each.name === item.name);
      if (place + 1 < screens.length) {
        root.history.pushState({ minyi: screens[place + 1].name }, "");
        this.pushed += 1;
        this.resumed = false;
        this.show(screens[place + 1].name, true);
      } else this.submit();
    }

    previous() {
      if (this.pushed > 0) { root.history.back(); return; }
      const screens = this.screens();
      const place = screens.findIndex((each) => each.name === this.state.at);
      if (place > 0) this.show(screens[place - 1].name, true);
    }

    fail(item) {
      const code = this.run.error(item, false);
      this.tried = true;
      this.failure = this.sentence(item, code);
      this.draw();
      this.mount.querySelector(".mf-item").scrollIntoView({ block: "nearest" });
      const first = this.mount.querySelector(".mf-main input, .mf-main textarea");
      if (first) first.focus({ preventScroll: true });
    }

    sentence(item, code) {
      const own = L.textIn(item[`${code}_message`], this.language, this.doc);
      if (own) return own;
      if (code !== "required") return this.words[code];
      if (!L.missingChoices(this.doc, item).some((choice) => choice.missing === "refused")) {
        return this.words.requiredOnly;
      }
      const written = ["text", "integer", "decimal", "date"].indexOf(item.type) >= 0;
      return written ? this.words.requiredWrite : this.words.required;
    }

    // ---- drawing -----------------------------------------------------------------------------------

    draw() {
      const item = this.current();
      this.mount.lang = this.words.html;
      document.documentElement.lang = this.words.html;
      const screens = this.screens();
      const place = screens.findIndex((each) => each.name === item.name);
      const hint = F.label(this, item.hint);
      const hintLine = h("p", { id: "mf-hint", class: "mf-hint" }, hint, this.chosenNote(item));
      const title = h("h1", { id: "mf-title", class: "mf-title", tabindex: "-1" }, F.label(this, item.label));
      const failed = this.failure ? h("div", { id: "mf-error", class: "mf-error", role: "alert" },
        F.icon("warning"), h("p", {}, this.failure)) : null;
      const group = ["select_one", "select_multiple", "scale"].indexOf(item.type) >= 0;
      const inside = group ? h("fieldset", {
        class: "mf-item", "aria-describedby": `mf-hint${failed ? " mf-error" : ""}`,
      }, h("legend", {}, title)) : h("div", { class: "mf-item" }, title);
      if (failed) inside.classList.add("mf-failed");
      [hintLine, failed, this.field(item)].forEach((part) => { if (part) inside.appendChild(part); });
      const last = place + 1 === screens.length;
      this.form = h("form", { class: "mf-form", novalidate: true, onsubmit: (event) => {
        event.preventDefault();
        this.next();
      } }, h("main", { class: "mf-body" }, this.notice(), inside, this.languages()),
      this.footer(place > 0, last ? this.words.submit : this.words.next));
      this.replace(this.top(screens, place), this.form);
    }

    replace(...parts) {
      this.mount.textContent = "";
      parts.forEach((part) => this.mount.appendChild(part));
    }

    field(item) {
      const ask = {
        doc: this.doc, run: this.run, item, language: this.language, words: this.words, failed: this.failure,
        showRefused: this.tried || this.mode === "door",
        set: (value) => this.set(item, value),
        settled: () => this.settled(item),
        companion: () => this.companion(item),
      };
      const drawn = F.field(ask);
      if (drawn && !drawn.querySelector(".mf-companion")) {
        const extra = this.companion(item);
        if (extra) drawn.appendChild(extra);
      }
      return drawn;
    }

    companion(item) {
      const first = this.companionsOf(item)[0];
      if (!first) return null;
      return F.companion({
        doc: this.doc, run: this.run, item: first, language: this.language, words: this.words,
        set: (value) => this.set(first, value), settled: () => undefined,
      });
    }

    set(item, value) {
      if (value === "" || value === null || (Array.isArray(value) && !value.length)) {
        delete this.state.answers[item.name];
      } else this.state.answers[item.name] = value;
      this.clock.changed(item.name);
      this.run.again();
      this.draft.save();
    }

    /* After a choice: the error goes, the count of questions and an inline 其他请说明 follow the answer. */
    settled(item) {
      const shown = this.companionsOf(item).map((each) => each.name).join();
      const drawn = Array.from(this.mount.querySelectorAll(".mf-companion .mf-input"), (each) => each.name).join();
      if (this.failure || shown !== drawn) {
        const focused = document.activeElement;
        const mark = focused && focused.name ? [focused.name, focused.value] : null;
        this.failure = "";
        this.draw();
        const again = mark && Array.from(this.form.elements).find(
          (each) => each.name === mark[0] && each.value === mark[1]);
        if (again) again.focus({ preventScroll: true });
        return;
      }
      const screens = this.screens();
      const place = screens.findIndex((each) => each.name === item.name);
      this.mount.replaceChild(this.top(screens, place), this.mount.firstChild);
      const note = this.mount.querySelector(".mf-chosen");
      if (note) note.textContent = this.chosenText(item);
      const button = this.mount.querySelector(".mf-next");
      button.textContent = place + 1 === screens.length ? this.words.submit : this.words.next;
    }

    chosenText(item) {
      const reading = this.run.reading(item.name);
      const count = reading.missing || !reading.value ? 0 : reading.value.length;
      return count ? fill(this.words.chosen, count) : "";
    }

    chosenNote(item) {
      if (item.type !== "select_multiple") return null;
      return h("span", { class: "mf-chosen", "aria-live": "polite" }, this.chosenText(item));
    }

    top(screens, place) {
      const asked = screens.filter((item) => item.type !== "note");
      const number = Math.max(1, screens.slice(0, place + 1).filter((item) => item.type !== "note").length);
      const seconds = screens.slice(place).reduce((sum, item) => sum + (item.seconds || 0), 0);
      const care = this.state.care;
      const bar = h("progress", { class: "mf-bar", max: String(Math.max(1, asked.length)), value: number,
        "aria-label": this.words.progress });
      return h("header", { class: "mf-top" },
        h("div", { class: "mf-progress" },
          h("p", { class: "mf-counts" },
            h("span", {}, fill(care ? this.words.countCare : this.words.count, number, asked.length)),
            care ? null : h("span", {}, fill(this.words.minutes, Math.max(1, Math.ceil(seconds / 60))))), bar),
        h("button", {
          type: "button", class: `mf-size${care ? " mf-on" : ""}`, "aria-pressed": care ? "true" : "false",
          "aria-label": this.words.bigLabel, onclick: () => this.toggleCare(),
        }, care ? this.words.normal : this.words.big));
    }

    toggleCare() {
      this.state.care = !this.state.care;
      document.documentElement.classList.toggle("mf-care", this.state.care);
      this.draft.save();
      this.draw();
      this.mount.querySelector(".mf-size").focus();
    }

    notice() {
      const text = !this.draft.persistent ? this.words.memoryOnly : this.resumed ? this.words.resumed : "";
      return text ? h("p", { class: "mf-notice", role: "status" }, text) : null;
    }

    languages() {
      if (this.doc.languages.length < 2) return null;
      return h("div", { class: "mf-languages", role: "group", "aria-label": this.words.language },
        ...this.doc.languages.map((language) => h("button", {
          type: "button", class: "mf-language", lang: W[language].html,
          "aria-pressed": language === this.language ? "true" : "false",
          onclick: () => this.speak(language),
        }, W[language].name)));
    }

    speak(language) {
      this.language = language;
      this.state.language = language;
      this.run.language = language;
      this.run.again();
      this.failure = "";
      this.draft.save();
      this.draw();
      this.mount.querySelector(".mf-language[aria-pressed=true]").focus();
    }

    footer(back, forward) {
      return h("div", { class: "mf-foot" },
        back ? h("button", { type: "button", class: "mf-button mf-back", onclick: () => this.previous() },
          this.words.previous) : null,
        h("button", { type: "submit", class: "mf-button mf-next" }, forward));
    }

    // ---- sending -----------------------------------------------------------------------------------

    submit() {
      const result = this.run.validate(false);
      const bad = result.errors.find((error) => this.run.index.has(error.name));
      if (bad) { this.goTo(bad.name); return; }
      this.clock.stop();
      const times = {};
      result.path.forEach((name) => { if (this.state.items[name]) times[name] = this.state.items[name]; });
      this.state.outbox = JSON.stringify({
        id: this.state.id, document: this.settings.documentHash || null, version: this.doc.version,
        language: this.language, mode: this.mode, answers: result.clean, path: result.path,
        started_at: this.state.started, completed_at: new Date().toISOString(),
        paradata: { items: times, device: D.deviceClass(), care: this.state.care, returns: this.state.returns },
      });
      this.state.saved_at = new Date().toISOString();
      this.draft.save();
      this.busy(true);
      this.send();
    }

    goTo(name, message) {
      const item = this.run.index.get(name).item;
      this.show(item.with && this.run.index.has(item.with) ? item.with : name, false);
      this.tried = true;
      this.failure = message || this.sentence(item, this.run.error(item, false)) || this.words.refusedText;
      this.draw();
      document.getElementById("mf-title").focus();
    }

    busy(on) {
      const button = this.mount.querySelector(".mf-next, .mf-retry");
      if (!button) return;
      button.disabled = on;
      if (on) button.textContent = this.words.sending;
    }

    async send() {
      if (this.sending || !this.state.outbox) return;
      this.sending = true;
      root.clearTimeout(this.timer);
      const answer = await D.post(this.settings.submitUrl, this.state.outbox, this.settings.csrf);
      this.sending = false;
      if (answer.kind === "ok") {
        this.draft.forget();
        root.location.assign(answer.data.thanks_url || this.settings.thanksUrl);
      } else if (answer.kind === "refused") this.refused(answer);
      else {
        this.waitingScreen(answer.kind);
        this.timer = root.setTimeout(() => this.send(), RETRY_MS);
      }
    }

    /* The server has said no, in words. The draft stays; a named item is opened. */
    refused(answer) {
      this.state.outbox = null;
      this.draft.save();
      const data = answer.data;
      const first = (data.errors || []).find((error) => this.run.index.has(error.item || error.name));
      if (answer.status === 422 && first) {
        this.goTo(first.item || first.name, first.message || first.reason || data.detail);
        return;
      }
      const text = data.detail || data.message || this.words.refusedText;
      this.replace(h("main", { class: "mf-body mf-state" },
        h("h1", { id: "mf-title", class: "mf-title", tabindex: "-1" }, this.words.refusedTitle),
        h("div", { id: "mf-error", class: "mf-error", role: "alert" }, h("p", {}, text)),
        h("p", { class: "mf-hint" }, text === this.words.refusedText ? "" : this.words.refusedText)),
      h("div", { class: "mf-foot" },
        h("button", { type: "button", class: "mf-button mf-back", onclick: () => this.start() }, this.words.back),
        h("button", { type: "button", class: "mf-button mf-next", onclick: () => this.submit() }, this.words.retry)));
      document.getElementById("mf-title").focus();
    }

    waitingScreen(kind) {
      const words = this.words;
      this.mount.lang = words.html;
      document.documentElement.classList.toggle("mf-care", this.state.care);
      const count = this.screens().filter((item) => item.type !== "note").length;
      const clock = (stamp) => new Date(stamp).toLocaleTimeString(words.html, { hour: "2-digit", minute: "2-digit" });
      const until = this.settings.deadline ?
        fill(words.waitingUntil, this.day(new Date(this.settings.deadline))) : words.waitingOpen;
      this.replace(h("main", { class: "mf-body mf-state" }, F.phone(),
        h("h1", { id: "mf-title", class: "mf-title", tabindex: "-1" }, words.savedTitle),
        h("p", { class: "mf-hint", role: "status" }, kind === "busy" ? words.busyText : words.savedText),
        h("ul", { class: "mf-card mf-lines" },
          F.line("tick",
            fill(words.savedDone, count), fill(words.savedAt, clock(this.state.saved_at || Date.now()))),
          F.line("clock", kind === "busy" ? words.waitingServer : words.waiting, until)),
        h("p", { class: "mf-notice" }, this.draft.persistent ? words.keep : words.memoryOnly)),
      h("div", { class: "mf-foot" },
        h("button", { type: "button", class: "mf-button mf-back", onclick: (event) => this.close(event) }, words.close),
        h("button", { type: "button", class: "mf-button mf-next mf-retry", onclick: () => {
          this.busy(true);
          this.send();
        } }, words.retry)));
      document.getElementById("mf-title").focus();
    }

    day(date) {
      if (this.language === "en") return date.toLocaleDateString("en", { month: "long", day: "numeric" });
      return `${date.getMonth() + 1} 月 ${date.getDate()} 日`;
    }

    close(event) {
      if (root.WeixinJSBridge) root.WeixinJSBridge.call("closeWindow");
      else root.close();
      event.target.parentNode.insertBefore(
        h("p", { class: "mf-closed", role: "status" }, this.words.closed), event.target.parentNode.firstChild);
    }
  }

  async function mountForm(mount) {
    const language = W[mount.dataset.lang] || W["zh-hans"];
    const block = mount.dataset.document ? document.getElementById(mount.dataset.document) : null;
    if (block) {
      new Form(mount, JSON.parse(block.textContent)).start();
      return;
    }
    const status = h("p", { class: "mf-loading", role: "status" }, language.loading);
    mount.textContent = "";
    mount.appendChild(status);
    try {
      const response = await fetch(mount.dataset.documentUrl, { credentials: "same-origin" });
      if (!response.ok) throw new Error(String(response.status));
      new Form(mount, await response.json()).start();
    } catch (error) {
      status.textContent = language.loadFailed;
      mount.appendChild(h("button", {
        type: "button", class: "mf-button mf-next", onclick: () => mountForm(mount),
      }, language.retry));
    }
  }

  root.MinyiForm = { mountForm };
  const mount = document.getElementById("minyi-form");
  if (mount) mountForm(mount);
})(typeof self !== "undefined" ? self : this);
