/* 家里有谁 → 请访问这一位 → consent and signature → the questionnaire → 存好了. */

import { ask } from "./asking.js";
import { locate, placeOf, present, presentIn } from "./door.js";
import { RosterError } from "./household.js";
import { phoneCard } from "./phone.js";
import { sentence } from "./sentence.js";
import { action, h, icon, plateCamera, signaturePad } from "./ui.js";

const reasons = (minAge) => ({
  label: "请写一个称呼，比如“大儿子”，最多 40 个字",
  sex: "请选男或女",
  age: "年龄请填整数岁",
  young: `名单只登记 ${minAge} 岁及以上的人`,
  same: "和前面一位一模一样，请换个称呼分清楚",
  empty: `名单是空的，至少要有一位 ${minAge} 岁及以上的人`,
  too_many: "名单最多 30 人；住得更多的是集体户，请记为不合格",
});

function words(error, minAge) {
  if (!(error instanceof RosterError)) return error;
  const reason = reasons(minAge)[error.reason];
  return sentence(error.row ? `第 ${error.row} 位：${reason}。` : `${reason}。`);
}

function personRow(person, i) {
  const sex = (value, text) => h("label", {}, h("input", { type: "radio", name: `sex-${i}`, value,
    checked: person.sex === value }), h("span", {}, text));
  return h("fieldset", { class: "f-person" }, h("legend", { class: "sr" }, `第 ${i + 1} 位`),
    h("div", { class: "f-cell f-label" }, h("label", { for: `label-${i}` }, "称呼"), h("input", { id: `label-${i}`,
      type: "text", maxlength: "40", autocomplete: "off", placeholder: "如：大儿子", value: person.label || "" })),
    h("div", { class: "f-cell f-age" }, h("label", { for: `age-${i}` }, "岁数"), h("input", { id: `age-${i}`,
      type: "text", inputmode: "numeric", maxlength: "3", autocomplete: "off", value: person.age || "" })),
    h("div", { class: "f-cell f-sex", role: "radiogroup", "aria-label": "性别" }, sex("male", "男"), sex("female", "女")));
}

function listed(rows) {
  const people = Array.from(rows.children, (row) => ({
    label: row.querySelector(".f-label input").value.trim(), age: row.querySelector(".f-age input").value.trim(),
    sex: (row.querySelector(".f-sex input:checked") || {}).value || "",
  }));
  return people.filter((each) => each.label || each.age || each.sex);
}

function listing(app, caseId, people, correcting) {
  const { work } = app, minAge = work.roundOf(caseId).min_age;
  const rows = h("div", { class: "a-rows" });
  const add = (person) => rows.append(personRow(person, rows.children.length));
  people.forEach(add);
  while (rows.children.length < 3) add({});
  const why = h("input", { id: "reason", type: "text", maxlength: "300" });
  const lock = action(correcting ? "按改好的名单重抽" : "名单齐了，抽一位", {}, async () => {
    if (correcting && !why.value.trim()) throw sentence("请写明为什么要改名单。");
    try {
      await work.choosePerson(caseId, listed(rows), correcting ? why.value.trim() : "");
    } catch (error) {
      throw words(error, minAge);
    }
    roster(app, caseId);
  });
  app.title("家里有谁", work.cases.get(caseId).address, `#/door/${caseId}`);
  app.show([h("h2", { class: "f-band" }, h("span", {}, `请登记 ${minAge} 岁及以上、住满半年的每一位`)),
    h("form", { class: "f-roster", onsubmit: (event) => event.preventDefault() }, rows,
      h("p", { class: "f-add" }, h("button", { type: "button", class: "link", onclick: () => {
        add({});
        rows.lastChild.querySelector("input").focus();
      } }, icon("plus"), "再加一位")),
      h("div", { class: "f-body" }, correcting ? h("div", { class: "field" },
        h("label", { for: "reason" }, "为什么要改名单"), why,
        h("p", { class: "help" }, "改动和原因会记下来，督导员会看到；原来的名单也留着。")) :
        h("p", { class: "f-locked" }, icon("lock"), h("span", {},
          "点“名单齐了”以后，名单锁定，马上抽出一位来访，都不能再换。不写真实姓名，写称呼就行。")), lock.said),
      h("p", { class: "f-foot" }, lock))]);
}

function chosen(app, caseId, person) {
  const { work } = app, { people, place, n } = person, one = person.chosen;
  const he = one.sex === "male" ? "他" : "她";
  app.title("家里有谁", work.cases.get(caseId).address, `#/door/${caseId}`);
  app.show([h("h2", { class: "f-band" }, h("span", {}, `${work.roundOf(caseId).min_age} 岁及以上、住满半年的`),
    h("span", {}, `${n} 人`)),
  h("ol", { class: "f-people" }, people.map((each, i) => h("li", { class: i + 1 === place ? "chosen" : null,
    "aria-current": i + 1 === place ? "true" : null },
  h("span", {}, `${each.label} · ${each.sex === "male" ? "男" : "女"} · ${each.age} 岁`), i + 1 === place ? icon("check") : null))),
  h("div", { class: "f-body" }, h("section", { class: "f-chosen" }, h("p", { class: "f-eyebrow" }, "请访问这一位"),
    h("p", { class: "f-name" }, `${one.label}，${one.age} 岁`),
    h("p", {}, n === 1 ? "家里只有这一位，一定选中。" : `${n} 人里由这一户自己的随机数抽中，每人的机会都是 1/${n}。`)),
  h("p", { class: "f-locked" }, icon("lock"), h("span", {},
    `名单已经锁定，人选不能换。${he}不在家就约时间，不能换别人答。`)),
  person.changed ? h("p", { class: "note note-warning" }, "这是改过的名单。督导员会看到改动和原因。") : null,
  h("p", {}, h("button", { type: "button", class: "link f-more", onclick: () => listing(app, caseId, people, true) },
    "名单登记错了"))),
  h("div", { class: "f-foot f-foot-pair" },
    h("a", { class: "button button-quiet", href: `#/door/${caseId}/visit/person_away` }, `${he}不在家`),
    h("a", { class: "button", href: `#/door/${caseId}/consent` }, `就访${he}`))]);
}

export async function roster(app, caseId) {
  const { work } = app;
  if (!work.cases.has(caseId)) { app.go("/"); return; }
  const draft = await work.draftOf(caseId);
  if (draft.household && !work.open.has(caseId)) await work.saveDraft(draft);
  if (draft.form && draft.consent) { app.go(`/door/${caseId}/ask`); return; }
  const person = work.personOf(caseId);
  if (person) chosen(app, caseId, person);
  else listing(app, caseId, [], false);
}

function told(round) {
  const text = round.consent["zh-hans"];
  const more = [["表号", round.form_number], ["制定机关", round.approving_body], ["批准文号", round.approval_number]];
  const line = (name, ...parts) => h("div", {}, h("dt", {}, name), h("dd", {}, parts));
  return h("dl", { class: "f-facts" }, line("谁在问", text.who, h("span", {}, `拨 ${round.phone} 可以核实真假`),
    more.filter((each) => each[1]).map((each) => h("span", {}, each.join("：")))),
  line("为什么", text.why), line("保密", text.kept), line("自愿", text.voluntary), line("留多久", text.how_long),
  line("反悔", text.rights));
}

export async function consent(app, caseId) {
  const { work } = app;
  if (!work.cases.has(caseId) || !work.personOf(caseId)) { app.go(`/door/${caseId}/roster`); return; }
  const round = work.roundOf(caseId), { chosen: one } = work.personOf(caseId), pad = signaturePad("签名框");
  const draft = work.open.get(caseId);
  const camera = plateCamera(draft.plate, async (picture) => {
    const kept = await work.keepFile(caseId, "door_plate", picture);
    if (draft.plate) await work.dropFile(draft.plate.id);
    draft.plate = kept;
    await work.saveDraft(draft);
  });
  const agree = action("对方同意，开始问", {}, async () => {
    const picture = await pad.png();
    if (!picture) throw sentence("请对方在框里签个名；不识字的，画个记号也行。");
    const signature = await work.keepFile(caseId, "consent_signature", picture);
    draft.present = presentIn(form);
    draft.place = placeOf(app, caseId) || await locate();
    draft.consent = { given_at: new Date().toISOString(), language: "zh-hans", signature: signature.id };
    await work.saveDraft(draft);
    app.go(`/door/${caseId}/ask`);
  });
  const form = h("form", { class: "f-body", onsubmit: (event) => event.preventDefault() },
    h("p", {}, "请把下面这些念给对方听："), h("p", { class: "a-lead" }, round.consent["zh-hans"].lead), told(round),
    present(work, draft.present), camera,
    h("h2", {}, "同意的话，请对方签名"), pad.canvas,
    h("p", {}, h("button", { type: "button", class: "link f-more", onclick: pad.clear }, "擦掉重签")),
    h("p", { class: "help" }, `签名表示对方年满 ${round.min_age} 岁，听明白了，愿意参加。`), agree.said,
    h("div", { class: "f-foot f-foot-pair" },
      h("a", { class: "button button-quiet", href: `#/door/${caseId}/visit/refused_person` }, "对方不愿意"), agree));
  app.title(`${one.label}，${one.age} 岁`, work.cases.get(caseId).address, `#/door/${caseId}/roster`);
  app.show([form]);
}

export async function questionnaire(app, caseId) {
  const { work } = app, draft = work.open.get(caseId);
  if (!draft || !draft.consent || !draft.household) { app.go(`/door/${caseId}/roster`); return; }
  const found = await work.store.get("documents", work.roundOf(caseId).document);
  if (!found) throw sentence("问卷还没有下载好。请连网同步一次再来，记下的都在。");
  const mount = h("div", { id: "minyi-form" }, h("p", { class: "note" }, "正在打开问卷……"));
  const back = h("a", { class: "f-more", href: `#/door/${caseId}` }, icon("back"), "先停一停，存在手机里");
  const sent = draft.returned ? h("p", { class: "note note-warning" }, `督导员：${draft.returned.comment}`) : null;
  app.showAlone([h("nav", { class: "a-pause", "aria-label": "访问" }, back), sent, mount]);
  const asking = await ask({ work, caseId, mount, staticBase: app.staticBase, found, finish: async (handed) => {
    await work.finishInterview(caseId, handed);
    app.go(`/door/${caseId}/done`);
    app.sync();
  } });
  app.leaving = asking.leave;
}

export function done(app, caseId) {
  const { work } = app, door = work.cases.get(caseId);
  const safe = app.state === "offline" ? "没有信号也不要紧，有信号时会自动上传。" : "正在上传，您可以去下一户。";
  app.title("存好了", door ? door.address : "", "#/");
  app.show([h("div", { class: "f-body" }, h("section", { class: "f-done" }, h("span", { class: "f-tick" }, icon("check")),
    h("h2", {}, "这一户的答卷已经存好"), h("p", {}, safe), door && work.roundOf(caseId) ?
      h("p", { class: "small" }, `对方想查看或撤回，可以拨 ${work.roundOf(caseId).phone}，报编号 `,
        h("span", { class: "keep" }, door.number), "。") : null), door ? phoneCard(app, caseId) : null,
  h("p", {}, h("a", { class: "button f-wide", href: "#/" }, "去下一户")))]);
}

export async function returned(app, caseId) {
  const { work } = app, found = work.returned.find((each) => each.case === caseId);
  if (!found) { app.go("/"); return; }
  const open = work.open.get(caseId);
  if (!open || open.replaces !== found.replaces) await work.reopen(caseId, found);
  app.go(`/door/${caseId}/ask`);
}
