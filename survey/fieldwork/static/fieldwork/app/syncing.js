/* 上传: the whole contact with the server, and the page that tells of it. */

import { ContactError } from "./contact.js";
import { action, clock, h, icon } from "./ui.js";
import { sentence } from "./sentence.js";

/* One contact: clock, uploads (files before what names them), then everything new. Resolves to "online", "offline",
 * "login", "busy", "locked" or "other" (somebody else is logged in; he carries what is sealed). */
export async function contact(app) {
  const { work, contact: line } = app;
  const hello = await line.hello();
  await work.store.setValue("offset_ms", hello.offset_ms);
  work.offset = hello.offset_ms;
  const own = hello.user.id === work.user.id;
  if (own) await line.register(work.device);
  await upload(app, work.store, work.device.id);
  if (!own) return "other";
  const unlocked = await line.pull(work.device.id, await work.store.value("cursor") || "", (page) => work.takePage(page));
  if (!unlocked) return "locked";
  await documents(app);
  await work.sweep();
  await work.store.setValue("last_sync", Date.now());
  await work.load();
  return "online";
}

/* Send what waits in a store, whoever made it; what the server has stored leaves the outbox. */
async function upload(app, store, device) {
  const waiting = (await store.all("outbox")).filter((item) => item.state === "waiting").sort((a, b) => a.made - b.made);
  if (!waiting.length) return;
  await store.write(waiting.map((item) => ["put", "outbox", { ...item, attempts: item.attempts + 1 }]));
  const items = waiting.map(({ id, key, epk, iv, ct, zip }) => ({ id, key, epk, iv, ct, zip }));
  await app.contact.push(device, items, async (results) => {
    await app.work.tookResults(results);
    await app.work.load();
    app.badge();
  });
}

/* The sealed items of a phone whose wrap is destroyed or whose owner is not here: any log-in carries them. */
export async function carry(app, store, device) {
  const waiting = (await store.all("outbox")).filter((item) => item.state === "waiting").sort((a, b) => a.made - b.made);
  await app.contact.hello();
  await app.contact.push(device, waiting.map(({ id, key, epk, iv, ct, zip }) => ({ id, key, epk, iv, ct, zip })),
    async (results) => {
      const stored = results.filter((result) => result.state !== "not_stored").map((result) => result.id);
      await store.write(stored.map((id) => ["delete", "outbox", id]));
    });
  return (await store.all("outbox")).filter((item) => item.state === "waiting").length;
}

async function documents(app) {
  const { work } = app;
  for (const round of work.rounds.values()) {
    if (await work.store.get("documents", round.document)) continue;
    const found = await app.contact.document(round.document_url);
    await work.store.put("documents", { id: round.document, ...found });
  }
}

export const SAID = {
  online: "刚刚同步过",
  offline: "没有信号，照常工作",
  login: "登录过期了，请重新登录再上传",
  busy: "服务器现在没有回应，过一会儿自动再试",
  refused: "服务器没有收，请看下面的原因",
  other: "现在登录的是别人，只代为上传",
};

export function failure(error) {
  if (error instanceof ContactError) return error.kind;
  throw error;
}

const KIND = { visit: "上门记录", interview: "完成访问", remark: "说明", file: "照片或签名", phone: "回访电话" };

const SAME_MS = 5000; // from a visit's own time to its sealing

/* A visit in its own words, also once the server's history has taken its place here. */
function wordsOf(work, item, visit) {
  if (visit) return visit.label;
  const at = item.made + (work.offset || 0), door = work.cases.get(item.case);
  const known = item.kind === "visit" && door ?
    door.visits.find((each) => Math.abs(Date.parse(each.at) - at) < SAME_MS) : null;
  return known ? known.label : KIND[item.kind];
}

function line(app, item) {
  const door = app.work.cases.get(item.case), visit = app.work.visits.find((each) => each.id === item.id);
  const sent = item.state === "sent", result = item.result || {};
  const told = result.state && result.state !== "accepted" ? result.words : wordsOf(app.work, item, visit);
  return h("li", { class: "a-sent" }, icon(sent && result.state !== "refused" ? "check" : result.state ? "note" : "clock"),
    h("span", { class: "f-main" }, h("strong", {}, door ? door.address : "一户"), h("span", { class: "f-sub" }, told || "")),
    h("span", { class: "f-side" }, sent ? clock(new Date(item.sent)) : "等待"));
}

function conflict(app, item) {
  const door = app.work.cases.get(item.case), { result } = item;
  const visit = app.work.visits.find((each) => each.id === item.id);
  const at = result.standing_at ? clock(new Date(result.standing_at)) : "";
  const way = result.standing_mode === "web" ? "网上交的" : "别的访员交的";
  const note = h("input", { type: "text", maxlength: "300", "aria-label": "说明", placeholder: "写一句说明" });
  const settle = async () => {
    await app.work.store.put("outbox", { ...item, settled: true });
    await app.work.load();
    page(app);
  };
  const both = action("两条都留，说明", { class: "button button-quiet" }, async () => {
    if (!note.value.trim()) throw sentence("请先在上面写一句说明。");
    await app.work.remark(item.case, item.id, note.value.trim());
    await settle();
    app.sync();
  });
  const stands = action("以答卷为准", { class: "button" }, settle);
  return h("section", { class: "a-look" }, h("h2", {}, icon("note"), door ? door.address : "一户"),
    h("p", {}, `您记的是“${wordsOf(app.work, item, visit)}”（${clock(new Date(item.made))}）。系统里 ${at} 收到这户${way}完整答卷。两条都已存好，以先收到的答卷为准。`),
    note, both.said, h("div", { class: "f-pair" }, both, stands));
}

export function page(app) {
  const { work } = app, left = work.left();
  const today = new Date().toDateString();
  const sent = work.outbox.filter((item) => item.state === "sent" && item.kind !== "file" &&
    new Date(item.sent).toDateString() === today).reverse();
  const refused = work.outbox.filter((item) => (item.result || {}).state === "refused" || (item.result || {}).state === "not_stored");
  const open = work.outbox.filter((item) => item.state === "sent" && item.kind !== "remark" && !item.settled &&
    (item.result || {}).code === "response_stands");
  const last = work.lastSync ? `${clock(new Date(work.lastSync))} 同步过` : "还没有同步过";
  app.title("上传", [app.state === "offline" ? "没有信号" : "", last].filter(Boolean).join(" · "));
  const again = action("再传一次", { class: "button button-quiet f-wide" }, async () => { await app.sync(true); });
  const door = h("a", { class: "button f-wide", href: `${app.settings.login}?next=${encodeURIComponent(location.pathname)}` },
    "重新登录");
  app.show([h("div", { class: "f-body" }, h("section", { class: "f-done" },
    h("span", { class: "f-tick" }, icon(left.length ? "clock" : "check")),
    h("h2", {}, left.length ? `还有 ${left.length} 条没上传` : sent.length ? `${sent.length} 条上传好了` : "都传完了"),
    h("p", {}, left.length ? `${SAID[app.state] || "正在上传"}。都存在这台手机里，不会丢。` :
      open.length ? `还有 ${open.length} 户要您看一下` : "没有要上传的。"),
    app.state === "login" ? door : null)),
  open.map((item) => conflict(app, item)),
  refused.length ? h("section", { class: "a-look" }, h("h2", {}, icon("note"), "没有采用的"),
    h("p", {}, "原件都留着，督导员会看到。"), h("ul", { class: "f-list" }, refused.map((item) => line(app, item)))) : null,
  left.length ? [h("h2", { class: "f-band" }, h("span", {}, "等着上传的"), h("span", {}, `${left.length} 条`)),
    h("ul", { class: "f-list" }, left.map((item) => line(app, item)))] : null,
  sent.length ? [h("h2", { class: "f-band" }, h("span", {}, "今天上传的"), h("span", {}, `${sent.length} 条`)),
    h("ul", { class: "f-list" }, sent.map((item) => line(app, item)))] : null,
  h("p", { class: "a-small" }, "上传成功的答卷 7 天后从手机里清掉。"),
  h("p", { class: "f-foot" }, again), foot(app)], "sync");
}

/* Lock now, training, log-out (which waits for an empty outbox). */
function foot(app) {
  const out = action("退出登录", { class: "button button-quiet f-wide" }, async () => {
    if (app.work.waiting().length) throw sentence("还有没上传的，先传完再退出。退出以后，别人登录也能代传，但您看不到了。");
    await app.logOut();
  });
  return h("div", { class: "f-body" }, h("p", { class: "a-small" },
    app.work.training ? "这是练习：社区、住户都是编的，什么也不会上传。" : `${app.work.user.name} · 版本 ${app.settings.version}`),
  h("button", { type: "button", class: "button button-quiet f-wide", onclick: () => app.lock() }, "锁上（要 PIN 才能打开）"),
  h("button", { type: "button", class: "button button-quiet f-wide", onclick: () => app.train(!app.work.training) },
    app.work.training ? "结束练习" : "练习一下（用编的社区）"),
  app.work.training ? null : [out.said, out]);
}
