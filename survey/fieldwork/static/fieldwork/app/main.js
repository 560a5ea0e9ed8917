/* The interviewer's app: starts, leads from screen to screen, keeps in contact, and lets updates in when nothing is
 * open. Everything that is kept is in work.js. */

import { Contact } from "./contact.js";
import { door, visit } from "./door.js";
import { consent, done, questionnaire, returned, roster } from "./interview.js";
import { cannot, forgot, missing, unlock, welcome } from "./setup.js";
import { Store } from "./store.js";
import { carry, contact, failure, page, SAID } from "./syncing.js";
import { appointments, today } from "./today.js";
import { trainingWork } from "./training.js";
import { h, icon } from "./ui.js";
import { APP } from "./version.js";

const RETRY_MS = 60000;
// Screens on which something is being written: an update waits until the interviewer is elsewhere.
const WRITING = /^#\/door\/[^/]+\/(roster|consent|ask|visit)/;
const ROUTES = [
  [/^#?\/?$/, today],
  [/^#\/appointments$/, appointments],
  [/^#\/sync$/, page],
  [/^#\/door\/([^/]+)$/, door],
  [/^#\/door\/([^/]+)\/visit\/([^/]*)$/, visit],
  [/^#\/door\/([^/]+)\/roster$/, roster],
  [/^#\/door\/([^/]+)\/consent$/, consent],
  [/^#\/door\/([^/]+)\/ask$/, questionnaire],
  [/^#\/door\/([^/]+)\/done$/, done],
  [/^#\/returned\/([^/]+)$/, returned],
];

class App {
  constructor(root) {
    this.root = root;
    this.settings = { ...root.dataset, version: APP };
    this.staticBase = root.dataset.static;
    this.contact = new Contact(root.dataset.api);
    this.state = navigator.onLine ? "" : "offline";
    this.work = null;
    this.leaving = null;
    this.heading = ["", "", ""];
  }

  async start() {
    const why = await missing();
    if (why) { cannot(this, why); return; }
    this.directory = await Store.open("minyi-field");
    const id = await this.directory.value("user");
    if (id === undefined) { await this.first(); return; }
    const store = await Store.open(`minyi-field-${id}`), user = await store.value("user");
    if (!user) { await this.first(); return; }
    if (await store.value("wrap")) unlock(this, store, user);
    else await forgot(this, store, user, true);
  }

  async first() {
    let hello = null;
    try {
      hello = await this.contact.hello();
    } catch (error) {
      failure(error);
    }
    welcome(this, hello);
  }

  /* Work begins: everything is read once, then the first contact is tried. */
  async begin(work) {
    this.work = await work.load();
    if (!location.hash.startsWith("#/")) history.replaceState(null, "", "#/");
    const known = Boolean(this.work.door);
    if (known) await this.route();
    else {
      this.title("第一次同步", this.work.user.name);
      this.show([h("div", { class: "f-body" }, h("p", { role: "status" }, "正在下载您的住户和问卷……"))]);
    }
    await this.sync();
    if (!this.work) return;
    if (!this.work.door) this.waitForFirst();
    else if (!known) await this.route();
  }

  waitForFirst() {
    this.title("还没有下载好", this.work.user.name);
    this.show([h("div", { class: "f-body" }, h("p", { class: "note" }, `${SAID[this.state] || "没有连上"}。第一次要连网下载住户和问卷，以后没有信号也能用。`),
      h("button", { type: "button", class: "button f-wide", onclick: () => this.begin(this.work) }, "再试一次"))]);
  }

  // ---- screens -------------------------------------------------------------------------------------------

  go(path) {
    if (location.hash === `#${path}`) this.route();
    else location.hash = path;
  }

  async route() {
    if (!this.work) return;
    if (this.leaving) {
      const leave = this.leaving;
      this.leaving = null;
      await leave();
    }
    const found = ROUTES.map(([pattern, screen]) => [location.hash.match(pattern), screen]).find((each) => each[0]);
    if (!found) { this.go("/"); return; }
    const [match, screen] = found;
    try {
      await screen(this, ...match.slice(1));
    } catch (error) {
      this.title("这一页没有打开", "", "#/");
      this.show([h("div", { class: "f-body" }, h("p", { class: "note note-error", role: "alert" },
        error.words || `出了差错（${error.message}）。记下的都在手机里。`))]);
    }
    scrollTo(0, 0);
    this.update();
  }

  title(heading, under, back = "") { this.heading = [heading, under, back]; }

  show(content, tab = "") {
    const [heading, under, back] = this.heading;
    document.body.className = "f-app";
    this.root.replaceChildren(...[
      this.strip(), h("header", { class: "f-top" },
        back ? h("a", { class: "f-back", href: back, "aria-label": "返回" }, icon("chevron")) : null,
        h("div", { class: "f-title" }, h("h1", { tabindex: "-1" }, heading), under ? h("p", {}, under) : null)),
      this.bar(), h("main", { id: "content" }, content), tab ? this.tabs(tab) : null].filter(Boolean));
    document.title = `${heading} · 入户`;
    this.tab = tab;
  }

  /* A screen that brings its own head: the questionnaire. */
  showAlone(content) {
    document.body.className = "f-asking";
    this.root.replaceChildren(...[this.strip(), ...content].filter(Boolean));
  }

  strip() {
    if (this.work && this.work.training) return h("p", { class: "f-strip" }, "练习：住户都是编的，什么也不会上传。");
    const simulated = this.work && Array.from(this.work.rounds.values()).some((round) => round.simulated);
    return simulated ? h("p", { class: "f-strip" }, "模拟数据：这是演示，不是真的调查。") : null;
  }

  bar() {
    if (!this.work || !this.work.door) return null;
    const n = this.work.left().length, away = this.state === "offline";
    if (!away && !n) return null;
    return h("p", { class: "a-bar", role: "status" }, icon(away ? "offline" : "online"),
      h("span", {}, h("span", {}, away ? "没有信号，照常工作" : SAID[this.state] || "正在上传"), h("span", {}, "都存在这台手机里")),
      n ? h("a", { class: "a-count", href: "#/sync" }, `待上传 ${n}`) : null);
  }

  tabs(current) {
    const n = this.work.left().length;
    const tab = (name, path, drawn, text, count) => h("a", { href: `#/${path}`, "aria-current": name === current ? "page" : null },
      h("span", { class: "a-tab" }, icon(drawn), count ? h("b", {}, String(count)) : null), h("span", {}, text));
    return h("nav", { class: "f-tabs", "aria-label": "访员" }, tab("today", "", "door", "今天"),
      tab("appointments", "appointments", "clock", "预约"), tab("sync", "sync", "sync", "上传", n));
  }

  /* Redraw bar and tabs after a contact, where that disturbs nobody. */
  badge() {
    if (this.tab) this.route();
  }

  // ---- contact -------------------------------------------------------------------------------------------

  /* At most one contact at a time; asked for again meanwhile, it runs once more. */
  async sync(loud = false) {
    if (!this.work || this.work.training) return;
    if (this.syncing) { this.again = true; await this.syncing; return; }
    this.syncing = this.reach();
    await this.syncing;
    this.syncing = null;
    if (this.again) {
      this.again = false;
      await this.sync(loud);
    }
  }

  async reach() {
    clearTimeout(this.timer);
    const { work } = this;
    try {
      this.state = await contact(this);
    } catch (error) {
      this.state = failure(error);
    }
    if (this.state === "locked") { await this.destroy(); return; }
    if (work !== this.work) return;
    this.badge();
    if (this.state !== "online") this.timer = setTimeout(() => this.sync(), RETRY_MS);
  }

  /* Locked from afar: the wrap goes, and with it everything that only the PIN opened. What is sealed stays. */
  async destroy() {
    const { store, user } = this.work;
    const gone = ["cases", "drafts", "files", "copies", "visits"];
    const steps = [["delete", "meta", "wrap"], ["delete", "meta", "device"], ["delete", "meta", "returned"]];
    for (const name of gone) (await store.all(name)).forEach((record) => steps.push(["delete", name, record.id]));
    await store.write(steps);
    this.work = null;
    await forgot(this, store, user, true);
  }

  async carry(store) { await carry(this, store, await store.value("device_id")); }

  lock() { location.reload(); }

  async erase(store) {
    store.base.close();
    indexedDB.deleteDatabase(store.base.name);
    await this.directory.remove("meta", "user");
    location.assign(location.pathname);
  }

  async logOut() {
    await this.contact.hello();
    const body = new URLSearchParams({ csrfmiddlewaretoken: this.contact.csrf });
    await fetch(this.settings.logout, { method: "POST", credentials: "same-origin", body });
    await this.erase(this.work.store);
  }

  // ---- training ------------------------------------------------------------------------------------------

  async train(on) {
    if (on) {
      this.real = this.work;
      this.work = await trainingWork(this.work);
    } else this.work = await this.real.load();
    this.go("/");
  }

  // ---- updates -------------------------------------------------------------------------------------------

  /* A new version waits until nothing is open; then it takes over and the page starts anew. */
  async update() {
    if (!this.worker || !this.worker.waiting) return;
    if (WRITING.test(location.hash) || (this.work && this.leaving)) return;
    this.worker.waiting.postMessage("take over");
  }

  async listen() {
    addEventListener("hashchange", () => this.route());
    addEventListener("online", () => this.sync());
    addEventListener("offline", () => { this.state = "offline"; this.badge(); });
    addEventListener("beforeinstallprompt", (event) => {
      event.preventDefault();
      this.installer = event;
      if (this.onInstaller) this.onInstaller();
    });
    document.addEventListener("visibilitychange", () => { if (!document.hidden) this.sync(); });
    if (!navigator.serviceWorker) return;
    let controlled = Boolean(navigator.serviceWorker.controller);
    navigator.serviceWorker.addEventListener("controllerchange", () => {
      if (controlled) location.reload();
      controlled = true;
    });
    this.worker = await navigator.serviceWorker.register(this.settings.worker, { scope: this.settings.scope });
    const { active } = await navigator.serviceWorker.ready;
    // A page that was loading while the worker started is nobody's until it asks.
    if (!navigator.serviceWorker.controller) active.postMessage("claim");
    this.worker.addEventListener("updatefound", () => {
      const fresh = this.worker.installing;
      fresh.addEventListener("statechange", () => { if (fresh.state === "installed") this.update(); });
    });
  }
}

const app = new App(document.getElementById("app"));
app.listen().catch(() => undefined); // without it the page still works with a signal
app.start();
globalThis.minyiField = app; // for tests and for whoever looks into a phone with its owner
