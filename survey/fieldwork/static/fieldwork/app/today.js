/* 今天 and 预约: the doors in walking order, with what is due now, later, and done. */

import { appointmentWords, clock, dayWords, h, icon, sameDay, weekday } from "./ui.js";

const SOON_MS = 60 * 60000;

const byOrder = (a, b) => {
  for (let i = 0; i < a.order.length; i++) {
    if (a.order[i] !== b.order[i]) return a.order[i] < b.order[i] ? -1 : 1;
  }
  return 0;
};

/* Today's doors by what to do with them: {now, later, another, done}, each in walking order. */
export function sorted(work) {
  const now = work.now(), groups = { now: [], later: [], another: [], done: [] };
  Array.from(work.cases.values()).sort(byOrder).forEach((door) => {
    const history = work.historyOf(door.id), last = history[history.length - 1];
    if (work.isDone(door.id)) {
      if (last && sameDay(new Date(last.at), now)) groups.done.push(door);
      return;
    }
    const agreed = work.appointmentOf(door.id), at = agreed ? new Date(agreed) : null;
    if (!at || at - now < SOON_MS) groups.now.push(door);
    else (sameDay(at, now) ? groups.later : groups.another).push(door);
  });
  const time = (door) => Date.parse(work.appointmentOf(door.id));
  [groups.later, groups.another].forEach((doors) => doors.sort((a, b) => time(a) - time(b)));
  return groups;
}

function dots(made, least) {
  return h("span", { class: "f-dots", "aria-hidden": "true" },
    Array.from({ length: Math.max(made, least) }, (_each, i) => h("i", { class: i < made ? "made" : null })));
}

function lastWords(work, door, history) {
  if (!history.length) return "还没上过门";
  if (work.open.has(door.id) && work.open.get(door.id).form) return "问到一半，接着问";
  const last = history[history.length - 1];
  if (history.length === work.least(door.id) - 1) return "最后一次，请务必记清";
  return `上次 ${dayWords(new Date(last.at), work.now())}，${last.note || last.label}`;
}

function row(app, door) {
  const { work } = app, history = work.historyOf(door.id), done = work.isDone(door.id);
  const last = history[history.length - 1], agreed = work.appointmentOf(door.id);
  const waits = work.left().some((item) => item.case === door.id);
  const below = done ?
    [door.answered === "web" ? "已经在网上答了" : last ? `${last.label} · ${clock(new Date(last.at))}` : ""] :
    [dots(history.length, work.least(door.id)), h("span", { class: "sr" }, `上过 ${history.length} 次门。`),
      lastWords(work, door, history)];
  return h("li", {}, h("a", { class: "f-row", href: `#/door/${door.id}` },
    h("span", { class: "f-main" }, h("strong", {}, door.address), h("span", { class: "f-sub" }, below)),
    agreed ? h("span", { class: "f-side" }, appointmentWords(new Date(agreed), work.now())) : null,
    done && waits ? h("span", { class: "f-side" }, "待上传") : null, icon("chevron")));
}

function section(app, title, doors, quiet) {
  if (!doors.length) return null;
  return h("section", { class: quiet ? "f-quiet" : null },
    h("h2", { class: "f-band" }, h("span", {}, title), h("span", {}, `${doors.length} 户`)),
    h("ul", { class: "f-list" }, doors.map((door) => row(app, door))));
}

function returned(app) {
  const mended = (each) => app.work.outbox.some((item) => item.replaces === each.replaces);
  return app.work.returned.filter((each) => app.work.cases.has(each.case) && !mended(each)).map((each) => {
    const door = app.work.cases.get(each.case);
    return h("section", { class: "a-look" }, h("h2", {}, icon("note"), door.address),
      h("p", {}, `督导员退回了这份答卷：${each.comment}`),
      h("a", { class: "button", href: `#/returned/${each.case}` }, "打开，改好再交"));
  });
}

export function today(app) {
  const { work } = app, groups = sorted(work);
  const due = groups.now.length + groups.later.length;
  const places = Array.from(new Set(groups.now.concat(groups.later).map((door) => door.community)));
  app.title(`今天 ${due} 户`, [weekday(work.now()), places.length > 3 ? `${places.length} 个社区` : places.join("、")]
    .filter(Boolean).join(" · "));
  const first = groups.later.length ? new Date(work.appointmentOf(groups.later[0].id)) : null;
  const empty = h("section", { class: "empty" }, h("h2", {}, "今天没有要上门的户"),
    h("p", {}, "督导员把户派给您以后，连网同步一次，就列在这里。"));
  app.show([returned(app), section(app, "现在就去", groups.now),
    first ? section(app, `${clock(first)} 以后再去`, groups.later) : null,
    section(app, "改天再去", groups.another), due || groups.another.length ? null : empty,
    section(app, "今天做完的", groups.done, true)], "today");
}

export function appointments(app) {
  const { work } = app;
  const agreed = Array.from(work.cases.values()).filter((door) => work.appointmentOf(door.id))
    .sort((a, b) => Date.parse(work.appointmentOf(a.id)) - Date.parse(work.appointmentOf(b.id)));
  app.title("预约", weekday(work.now()));
  app.show(agreed.length ? section(app, "约好的", agreed) : h("section", { class: "empty" },
    h("h2", {}, "还没有约好的户"), h("p", {}, "在门口点“约个时间”，就列在这里。")), "appointments");
}
