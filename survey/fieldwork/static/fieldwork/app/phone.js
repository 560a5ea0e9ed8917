/* After an interview: a number to be called back at, if the household wants to leave one. */

import { sentence } from "./sentence.js";
import { action, h } from "./ui.js";

const LEAST_DIGITS = 7, MOST_DIGITS = 15; // a local number up to the longest of ITU-T E.164

const kept = () => h("p", { class: "note", role: "status" }, "回访电话记下了。");

/* The card that asks, until a number was kept; null where there was no interview at this door. */
export function phoneCard(app, caseId) {
  const { work } = app, door = work.cases.get(caseId);
  const asked = work.visits.some((visit) => visit.case === caseId && visit.complete);
  if (!door || !(asked || door.answered === "door")) return null;
  if (work.phoneKept(caseId)) return kept();
  const until = work.roundOf(caseId).kept_until;
  const number = h("input", { id: "phone", type: "tel", inputmode: "tel", maxlength: "30", autocomplete: "off",
    "aria-describedby": "phone-help" });
  const keep = action("对方愿意，记下", { class: "button button-quiet f-wide" }, async () => {
    const digits = number.value.replace(/\D/g, "").length;
    if (digits < LEAST_DIGITS || digits > MOST_DIGITS) throw sentence("电话号码不对，请核对；对方不愿意留，就去下一户。");
    await work.keepPhone(caseId, number.value.trim());
    card.replaceWith(kept());
    app.sync();
  });
  const card = h("section", { class: "f-ask" }, h("h2", {}, "可以留一个电话吗"),
    h("p", {}, "请念给对方听：“复核时可能打一次电话，只核实有没有人来访、题是不是都问到了，不问别的。愿意就留一个号码，不愿意就不留，刚才的答卷照样算数。”"),
    h("div", { class: "field" }, h("label", { for: "phone" }, "电话号码"), number, h("p", { class: "help", id: "phone-help" },
      `加密保存，只有负责复核的督导员能看到，${until ? `${until} 以后` : "调查的保存期一到就"}销毁。`)), keep.said, keep);
  return card;
}
