/* The page that asks: one screen at a time, kept on the phone at each tap and on the server at each block, sent once.
 * mount.js starts it. Parses as ES2017; no inline style or script, so a strict CSP holds. */
(function (root) {
  "use strict";

  const L = root.MinyiLogic, W = root.MinyiWords, D = root.MinyiDraft, S = root.MinyiScreens;
  const Q = root.MinyiQuestions;
  const { h, fill } = root.MinyiDom;

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
      this.read();
      this.pushed = 0;
      this.tried = false; // 下一题 was tapped without an answer: the skip row is shown
      this.failures = new Map(); // path → sentence
      this.notices = this.draft.restored ? ["resumed"] : [];
      this.bar = ""; // why answers are only on the phone: "offline" or "busy"
      this.sync = new root.MinyiSync.Sync(this);
      this.sending = new root.MinyiSending.Sending(this);
      this.listen();
    }

    get words() { return W[this.language]; }

    read() {
      this.run = new L.Run(this.doc, this.state.answers, { mode: this.mode, language: this.language });
    }

    listen() {
      root.addEventListener("online", () => this.sync.push());
      root.addEventListener("popstate", (event) => this.wentBack(event.state));
      root.addEventListener("pagehide", () => { this.clock.stop(); this.draft.save(); this.sync.leave(); });
      // Phones kill pages in the background without a pagehide.
      document.addEventListener("visibilitychange", () => { if (document.hidden) this.sync.leave(); });
      // Only a matrix: a redraw would wipe a signature that is being written.
      if (root.MinyiMatrix) root.MinyiMatrix.watch(() => { if (this.mount.querySelector(".mf-matrix")) this.draw(); });
    }

    // ---- which screen ------------------------------------------------------------------------------

    screens() { return S.screensOf(this.run, this.state.id); }

    /* The person's own choices of a question in her order, which is recorded. */
    choicesOf(question) {
      const { item } = question;
      const offered = this.run.offered(item.name, question.at);
      const choices = S.orderedChoices(this.doc, item, this.state.id, offered).filter((choice) => !choice.missing);
      if (item.order && item.order.random) this.state.orders[item.name] = choices.map((choice) => String(choice.code));
      return choices;
    }

    recordOrder(screen) {
      const { block } = screen;
      if (block.order && block.order.random) {
        const ordered = S.orderedItems(this.doc, block, this.state.id);
        const units = root.MinyiOrdering.unitsOf(L.blockItems(block));
        this.state.orders[block.name] = units.slice().sort(
          (a, b) => ordered.indexOf(a[0]) - ordered.indexOf(b[0])).map((unit) => unit[0].name);
      }
      screen.parts.filter((part) => part.stem && part.stem.order && part.stem.order.random).forEach((part) => {
        this.state.orders[part.name] = part.rows.map((question) => question.item.name);
      });
    }

    start() {
      this.mount.classList.add("mf");
      document.documentElement.classList.toggle("mf-care", this.state.care);
      if (this.state.outbox) { this.sending.waiting("offline"); this.sending.send(); return; }
      const screens = this.screens();
      if (!screens.length) {
        this.mount.textContent = this.words.empty;
        return;
      }
      const at = S.screenWith(this.run, screens, this.state.at) || screens[0];
      root.history.replaceState({ minyi: at.key }, "");
      this.show(at.key, false);
    }

    /* Settle on a screen. */
    show(key, focus) {
      this.state.at = key;
      this.tried = false;
      this.open = null;
      this.failures.clear();
      if (root.MinyiSpeech) root.MinyiSpeech.stop();
      const screen = this.current();
      this.recordOrder(screen);
      const first = S.questionsOf(screen)[0];
      this.clock.start(first ? S.pathOf(first) : screen.key);
      this.draw();
      this.draft.save();
      root.scrollTo(0, 0);
      if (focus) document.getElementById("mf-title").focus();
    }

    /* Go on to a screen: the phone's own back key returns from it. */
    go(key) {
      const before = this.current();
      root.history.pushState({ minyi: key }, "");
      this.pushed += 1;
      this.notices = [];
      this.show(key, true);
      if (this.current().block !== before.block) this.keepOnServer();
    }

    keepOnServer() {
      this.sync.push();
      if (root.MinyiAttachments) root.MinyiAttachments.sendAll(this.settings, this.state.answers);
    }

    wentBack(state) {
      if (!state || !state.minyi || this.state.outbox) return;
      this.pushed = Math.max(0, this.pushed - 1);
      if (this.screens().some((screen) => screen.key === state.minyi)) this.show(state.minyi, true);
    }

    current() {
      const screens = this.screens();
      return S.screenWith(this.run, screens, this.state.at) || screens[0];
    }

    next() {
      const screen = this.current();
      const part = screen.parts.length === 1 && screen.parts[0];
      const cards = part && part.stem && !root.MinyiMatrix.isTable(this);
      if (cards && !this.failures.size && root.MinyiMatrix.advance(this, part)) return;
      const bad = S.questionsOf(screen).reduce((all, question) => all.concat([question],
        S.companionsOf(this.run, question)), []).filter((each) => this.run.error(each.item, false, each.at));
      if (bad.length) { this.fail(bad); return; }
      const screens = this.screens();
      const place = screens.findIndex((each) => each.key === screen.key);
      if (place + 1 < screens.length) this.go(screens[place + 1].key);
      else this.sending.submit();
    }

    previous() {
      if (this.pushed > 0) { root.history.back(); return; }
      const screens = this.screens();
      const place = screens.findIndex((screen) => screen.key === this.current().key);
      if (place > 0) this.show(screens[place - 1].key, true);
    }

    fail(questions) {
      this.tried = true;
      this.failures.clear();
      questions.forEach((question) => this.failures.set(this.homeOf(question),
        this.sentence(question, this.run.error(question.item, false, question.at))));
      this.open = S.pathOf(questions[0]);
      this.draw();
      const box = this.mount.querySelector(".mf-failed") || this.mount.querySelector(".mf-item");
      box.scrollIntoView({ block: "nearest" });
      const first = box.querySelector(".mf-main input, .mf-main textarea, .mf-main select, .mf-main button") ||
        box.querySelector("input");
      if (first) first.focus({ preventScroll: true });
    }

    /* The path under which a question's error is told: 其他请说明 is drawn inside the item it belongs to. */
    homeOf(question) {
      const home = question.item.with && question.block.items.find((each) => each.name === question.item.with);
      return S.pathOf(home ? { item: home, block: question.block, at: question.at } : question);
    }

    sentence(question, code) {
      const { item } = question;
      const own = L.textIn(item[`${code}_message`], this.language, this.doc);
      if (own) return own;
      if (code === "few" || code === "many") {
        return fill(this.words[code], this.run.limits(item.name, question.at)[code === "many" ? 1 : 0]);
      }
      if (code !== "required") return this.words[code];
      if (!L.missingChoices(this.doc, item).some((choice) => choice.missing === "refused")) {
        return this.words.requiredOnly;
      }
      const chosen = ["select_one", "select_multiple", "scale", "rating", "ranking"].indexOf(item.type) >= 0;
      return chosen ? this.words.required : this.words.requiredWrite;
    }

    /* The screen of a path with what is wrong there, after the whole was checked here or by the server. */
    goTo(path, message) {
      const screen = S.screenWith(this.run, this.screens(), path);
      this.show(screen.key, false);
      const question = S.questionsOf(screen).reduce((all, each) => all.concat([each],
        S.companionsOf(this.run, each)), []).find((each) => S.pathOf(each) === path);
      this.tried = true;
      this.open = path;
      const code = question ? this.run.error(question.item, false, question.at) : "";
      this.failures.set(question ? this.homeOf(question) : path,
        message || (question && code ? this.sentence(question, code) : this.words.refusedText));
      this.draw();
      document.getElementById("mf-title").focus();
    }

    // ---- answers -----------------------------------------------------------------------------------

    set(question, value) {
      const bag = S.bagOf(this.state.answers, question);
      const { item } = question;
      const blank = value === "" || value === null || (Array.isArray(value) && !value.length);
      if (!blank) bag[item.name] = value;
      else if (item.default === undefined) delete bag[item.name];
      else bag[item.name] = ""; // taken back, so the default does not return
      this.clock.changed(S.pathOf(question));
      this.changed();
    }

    changed() {
      this.state.changed = new Date().toISOString();
      this.run.again();
      this.sync.changed();
      this.draft.save();
    }

    /* What the screen depends on: which questions and which options are there. */
    signature() {
      return JSON.stringify(S.questionsOf(this.current()).map((question) => [S.pathOf(question),
        S.companionsOf(this.run, question).map((each) => each.item.name),
        question.item.filter ? this.run.offered(question.item.name, question.at).map((choice) => choice.code) : 0]));
    }

    /* After a choice: the error goes, the count of questions and an inline 其他请说明 follow the answer. */
    settled(question) {
      if (this.failures.size || this.signature() !== this.drawn) {
        const focused = document.activeElement;
        const mark = focused && focused.name ? [focused.name, focused.value] : null;
        this.failures.delete(S.pathOf(question));
        this.draw();
        const again = mark && Array.from(this.form.elements).find(
          (each) => each.name === mark[0] && each.value === mark[1]);
        if (again) again.focus({ preventScroll: true });
        return;
      }
      const screens = this.screens();
      const place = screens.findIndex((each) => each.key === this.current().key);
      this.mount.replaceChild(this.top(screens, place), this.mount.firstChild);
      Q.refresh(this, question);
      const button = this.mount.querySelector(".mf-next");
      button.textContent = place + 1 === screens.length ? this.words.submit : this.words.next;
    }

    isTable() { return Boolean(root.MinyiMatrix) && root.MinyiMatrix.isTable(this); }

    // ---- drawing -----------------------------------------------------------------------------------

    draw() {
      const screen = this.current();
      this.mount.lang = this.words.html;
      document.documentElement.lang = this.words.html;
      const screens = this.screens();
      const place = screens.findIndex((each) => each.key === screen.key);
      const last = place + 1 === screens.length;
      this.mount.classList.toggle("mf-wide", screen.parts.some((part) => part.stem) && this.isTable());
      this.form = h("form", { class: "mf-form", novalidate: true, onsubmit: (event) => {
        event.preventDefault();
        this.next();
      } }, h("main", { class: "mf-body" }, this.notice(), this.whose(screen), ...this.content(screen),
        this.languages()), this.footer(place > 0, last ? this.words.submit : this.words.next));
      this.replace(this.top(screens, place), this.form);
      this.drawn = this.signature();
    }

    content(screen) {
      if (screen.kind === "people") return [root.MinyiPeople.draw(this, screen)];
      const alone = screen.kind === "one";
      const parts = screen.parts.map((part) => part.stem ? root.MinyiMatrix.draw(this, part, alone) :
        Q.drawQuestion(this, part.rows[0], alone));
      if (alone) return parts;
      const title = L.textIn(screen.block.title, this.language, this.doc) || L.textIn(this.doc.title, this.language, this.doc);
      return [Q.heading(true, "", title)].concat(parts);
    }

    /* 第 2 位家人：王秀英, above the questions about one of several. */
    whose(screen) {
      return screen.at ? h("p", { class: "mf-whose" }, root.MinyiPeople.title(this, screen.block, screen.at)) : null;
    }

    replace(...parts) {
      this.mount.textContent = "";
      parts.forEach((part) => { if (part) this.mount.appendChild(part); });
    }

    top(screens, place) {
      const { number, total, seconds } = S.progress(screens, place);
      const care = this.state.care;
      const bar = h("progress", { class: "mf-bar", max: String(Math.max(1, total)), value: number,
        "aria-label": this.words.progress });
      return h("header", { class: "mf-head" }, h("div", { class: "mf-top" },
        h("div", { class: "mf-progress" },
          h("p", { class: "mf-counts" },
            h("span", {}, fill(care ? this.words.countCare : this.words.count, number, total)),
            care ? null : h("span", {}, fill(this.words.minutes, Math.max(1, Math.ceil(seconds / 60))))), bar),
        h("button", {
          type: "button", class: `mf-size${care ? " mf-on" : ""}`, "aria-pressed": care ? "true" : "false",
          "aria-label": this.words.bigLabel, onclick: () => this.toggleCare(),
        }, care ? this.words.normal : this.words.big)),
      h("p", { class: "mf-offline", role: "status" }, this.bar ? this.words[`${this.bar}Bar`] : ""));
    }

    toggleCare() {
      this.state.care = !this.state.care;
      document.documentElement.classList.toggle("mf-care", this.state.care);
      this.draft.save();
      this.draw();
      this.mount.querySelector(".mf-size").focus();
    }

    notice() {
      const all = this.notices.concat(this.draft.persistent ? [] : ["memoryOnly"]);
      return all.length ? h("p", { class: "mf-notice", role: "status" },
        all.map((name) => this.words[name]).join(" ")) : null;
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

    async speak(language) {
      try {
        await root.MinyiEnsureWords(language);
      } catch (error) {
        this.say("wordsFailed");
        return;
      }
      this.language = language;
      this.state.language = language;
      this.read();
      this.failures.clear();
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

    // ---- what the server says of the draft -----------------------------------------------------------

    kept(kind, status, data) {
      if (status === 409) { this.sending.alreadyIn(data); return; }
      this.bar = kind === "offline" || kind === "busy" ? kind : "";
      const line = this.mount.querySelector(".mf-offline");
      if (line) line.textContent = this.bar ? this.words[`${this.bar}Bar`] : "";
    }

    say(name) {
      this.notices = [name];
      if (this.form && !this.state.outbox) this.draw();
    }

    /* Carry on with the draft that the server has: of another phone, or of this one before it forgot. */
    adopt(found, replaced) {
      const { state } = this;
      Object.assign(state, {
        id: found.id, answers: found.answers || {}, at: found.at, sequence: found.sequence, orders: found.orders || {},
        items: (found.paradata && found.paradata.items) || {}, changed: found.saved_at, returns: state.returns + 1,
      });
      this.clock.items = state.items;
      this.read();
      this.draft.save();
      this.notices = [replaced ? "otherNewer" : "resumed"];
      this.start();
    }
  }

  root.MinyiFormPage = { Form };
})(typeof self !== "undefined" ? self : this);
