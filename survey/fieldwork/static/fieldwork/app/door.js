/* One door: its history, and the buttons for what happens now; then the page that records a visit. */

import { phoneCard } from "./phone.js";
import { sentence } from "./sentence.js";
import { action, appointmentWords, clock, day, h, part, plateCamera } from "./ui.js";

/* Where the phone is, if it may say so within a few seconds; never a reason to wait at a door. */
export function locate() {
  if (!navigator.geolocation) return Promise.resolve(null);
  return new Promise((resolve) => {
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => resolve({ lat: coords.latitude, lng: coords.longitude, accuracy_m: Math.round(coords.accuracy) }),
      () => resolve(null), { enableHighAccuracy: true, timeout: 8000, maximumAge: 60000 });
  });
}

function history(app, door) {
  const { work } = app;
  const lines = work.historyOf(door.id).map((visit) => {
    const at = new Date(visit.at);
    return h("li", {}, h("span", { class: "f-when" }, `${day(at)} ${part(at)}`), h("span", { class: "f-what" }, visit.label,
      visit.note ? h("span", { class: "f-note" }, visit.note) : null,
      visit.appointment ? h("span", { class: "f-note" }, appointmentWords(new Date(visit.appointment), work.now())) : null));
  });
  const here = h("span", { class: "f-what" }, "正在定位……");
  if (work.isDone(door.id)) return h("ol", { class: "f-history" }, lines);
  app.place = null;
  locate().then((place) => {
    app.place = place && { ...place, at: Date.now(), case: door.id };
    here.textContent = place ? `定位已记，误差约 ${place.accuracy_m} 米` : "没有定位，照常记";
  });
  return h("ol", { class: "f-history" }, lines,
    h("li", { class: "a-now" }, h("span", { class: "f-when" }, `现在 ${clock(work.now())}`), here));
}

/* The position of this visit: of this door and not older than ten minutes. */
export function placeOf(app, caseId) {
  const { place } = app;
  if (!place || place.case !== caseId || Date.now() - place.at > 600000) return null;
  return { lat: place.lat, lng: place.lng, accuracy_m: place.accuracy_m };
}

function buttons(app, door) {
  const { work } = app, person = work.personOf(door.id) || door.roster;
  return work.door.groups.map((group) => {
    const offered = work.door.results.filter((each) => each.group === group.key && (person || !each.after_choice));
    const draft = work.open.get(door.id);
    const begin = group.key !== "met" ? null : h("a", { class: "button f-wide", href: `#/door/${door.id}/roster` },
      draft && draft.form ? "接着问" : person ? "接着访选中的人" : "愿意参加，开始登记家人");
    return [h("h2", {}, group.label), begin, h("div", { class: "f-pair" }, offered.map((each) =>
      h("a", { class: "button button-quiet", href: `#/door/${door.id}/visit/${each.key}` }, each.label)))];
  });
}

export function door(app, caseId) {
  const { work } = app, found = work.cases.get(caseId);
  if (!found) { app.go("/"); return; }
  const made = work.historyOf(caseId).length, done = work.isDone(caseId);
  app.title(found.address, `${found.place} · 编号 ${found.number}`, "#/");
  const body = (found.safety || []).map((note) => h("p", { class: "note note-warning" }, `上门前注意：${note}`));
  if (found.answered === "web") body.push(h("p", { class: "note" }, "这一户已经在网上答完了，不用再上门。"));
  else if (found.answered || work.visits.some((visit) => visit.case === caseId && visit.complete)) {
    body.push(h("p", { class: "note" }, "这一户已经访完了，谢谢。"), phoneCard(app, caseId), reopening(app, caseId));
  } else {
    if (done) body.push(h("p", { class: "note note-warning" }, "这一户先前记为不再去。情况变了，可以接着记。"));
    body.push(...buttons(app, found), h("p", {}, h("a", { class: "f-more", href: `#/door/${caseId}/visit/` },
      "都不是，从全部结果里选")));
  }
  app.show([h("h2", { class: "f-band" },
    h("span", {}, done ? `上过 ${made} 次门` : `上过 ${made} 次门，这是第 ${made + 1} 次`),
    h("span", {}, `至少 ${work.least(caseId)} 次`)), history(app, found), h("div", { class: "f-body" }, body)]);
}

/* Until it has been uploaded and checked, what was recorded may be mended. */
function reopening(app, caseId) {
  const waits = app.work.left().some((item) => item.case === caseId && item.kind === "interview");
  if (!waits) return null;
  return action("还没上传，打开再改", { class: "button button-quiet f-wide" }, async () => {
    await app.work.reopen(caseId);
    app.go(`/door/${caseId}/ask`);
  });
}

export function present(work, chosen) {
  return h("fieldset", {}, h("legend", {}, "还有谁在场"),
    h("p", { class: "help" }, "没有别人就不选。有干部或网格员在，请他们先回避；回避不了，如实选上。"),
    work.door.present.map((each) => h("label", { class: "check" }, h("input", { type: "checkbox", name: "present",
      value: each.key, checked: chosen.includes(each.key) }), h("span", {}, each.label))));
}

export const presentIn = (form) => Array.from(form.querySelectorAll("[name=present]:checked"), (box) => box.value);

export function visit(app, caseId, key) {
  const { work } = app, found = work.cases.get(caseId);
  if (!found) { app.go("/"); return; }
  const result = work.door.results.find((each) => each.key === key);
  const field = (label, control, help) => h("div", { class: "field" }, h("label", { for: control.id }, label),
    help ? h("p", { class: "help" }, help) : null, control);
  const codes = h("select", { id: "disposition" }, h("option", { value: "" }, "请选一项"),
    work.door.dispositions.map((each) => h("option", { value: each.code }, `${each.code} ${each.label}`)));
  let plate = null;
  const time = h("input", { id: "appointment", type: "datetime-local" });
  const note = h("textarea", { id: "note", rows: "3", maxlength: "500" });
  const form = h("form", { class: "f-body", onsubmit: (event) => event.preventDefault() },
    result ? null : field("结果", codes),
    !result || result.asks_time ? field(result && result.key === "appointment" ? "约在什么时候" : "约了时间就写，没约留空", time) : null,
    present(work, []), field("备注", note, "不写姓名和电话。比如：白天都没人，晚上有灯。"),
    plateCamera(false, async (picture) => { plate = picture; }));
  const save = action("记下来", {}, async () => {
    const agreed = time.value ? new Date(time.value) : null;
    if (!result && !codes.value) throw sentence("请选一项结果。");
    if (result && result.key === "appointment" && !agreed) throw sentence("请写约好的时间。");
    if (agreed && agreed <= work.now()) throw sentence("约的时间要在这次上门以后。");
    const label = result ? result.label : codes.selectedOptions[0].textContent;
    await work.finishVisit(caseId, { result: result ? result.key : "", disposition: result ? "" : codes.value,
      present: presentIn(form), note: note.value.trim(), appointment: agreed ? agreed.toISOString() : "",
      place: placeOf(app, caseId) }, label, plate);
    app.go("/");
    app.sync();
  });
  form.append(save.said, h("p", { class: "f-foot" }, save));
  app.title(result ? result.label : "记一次上门", `${found.address} · ${clock(work.now())}`, `#/door/${caseId}`);
  app.show([form]);
}
