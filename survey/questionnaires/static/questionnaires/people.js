/* A repeat group's list of people: who is written down, add, change, remove with undo. The people's own questions
 * are screens before it (screens.js). Parses as ES2017. */
(function (root) {
  "use strict";

  root.MinyiAddWords({
    "zh-hans": {
      person: "第 {0} 位", people: "都有谁？", peopleSoFar: "已经写了 {0} 位。", peopleNone: "还没有写。没有的话，直接点“下一题”。",
      addFirst: "加一位", addAnother: "再加一位", remove: "去掉", removed: "去掉了：{0}。", undo: "点错了，恢复",
      peopleFull: "最多写 {0} 位。",
    },
    "zh-hant": {
      person: "第 {0} 位", people: "都有誰？", peopleSoFar: "已經寫了 {0} 位。", peopleNone: "還沒有寫。沒有的話，直接點「下一題」。",
      addFirst: "加一位", addAnother: "再加一位", remove: "去掉", removed: "去掉了：{0}。", undo: "點錯了，恢復",
      peopleFull: "最多寫 {0} 位。",
    },
    "en": {
      person: "Person {0}", people: "Who is there?", peopleSoFar: "{0} so far.",
      peopleNone: "Nobody yet. If there is nobody, tap “Next”.", addFirst: "Add a person", addAnother: "Add another",
      remove: "Remove", removed: "Removed: {0}.", undo: "Bring back", peopleFull: "At most {0}.",
    },
  });

  const F = root.MinyiFields, S = root.MinyiScreens, Q = root.MinyiQuestions;
  const { h, fill } = root.MinyiDom;
  const MAX_INSTANCES = 20; // as survey/questionnaires/document.py

  function nameOf(form, block, at) { return fill(F.label(form, block.repeat.label) || form.words.person, at); }

  /* The first answer that says something: a name, mostly. */
  function summary(form, block, at) {
    const item = block.items.find((each) => each.type !== "note" && each.type !== "calculate" && !each.with &&
      form.run.shown(each.name, at));
    return item ? F.inWords(Q.askOf(form, { item, block, at }, false)) : "";
  }

  function title(form, block, at) {
    const who = summary(form, block, at);
    return nameOf(form, block, at) + (who ? `${form.words.colon}${who}` : "");
  }

  function bag(form, block) { return form.state.answers[block.name] = form.state.answers[block.name] || []; }

  function most(block) { return block.repeat.max || MAX_INSTANCES; }

  function firstScreen(form, block, at) {
    return form.screens().find((screen) => screen.block === block && screen.at === at);
  }

  function open(form, block, at) {
    const screen = firstScreen(form, block, at);
    if (screen) form.go(screen.key);
  }

  function add(form, block) {
    const all = bag(form, block);
    while (all.length < form.run.instances(block.name)) all.push({});
    all.push({});
    form.removed = null;
    form.changed();
    open(form, block, form.run.instances(block.name));
  }

  function remove(form, block, at) {
    form.removed = { block, at, name: title(form, block, at), answers: bag(form, block).splice(at - 1, 1)[0] || {} };
    form.changed();
    form.draw();
    const undo = form.mount.querySelector(".mf-undo");
    if (undo) undo.focus();
  }

  function undo(form) {
    const { block, at, answers } = form.removed;
    bag(form, block).splice(at - 1, 0, answers);
    form.removed = null;
    form.changed();
    form.draw();
    document.getElementById("mf-title").focus();
  }

  function person(form, block, at, canRemove) {
    const { words } = form;
    const name = title(form, block, at);
    return h("li", { class: "mf-person" }, h("span", { class: "mf-person-name" }, name),
      h("button", { type: "button", class: "mf-link", "aria-label": `${words.change} ${name}`,
        onclick: () => open(form, block, at) }, words.change),
      canRemove ? h("button", { type: "button", class: "mf-link", "aria-label": `${words.remove} ${name}`,
        onclick: () => remove(form, block, at) }, words.remove) : null);
  }

  function draw(form, screen) {
    const { block } = screen, { words } = form;
    const count = form.run.instances(block.name), least = block.repeat.min || 0;
    const people = [];
    for (let at = 1; at <= count; at++) people.push(person(form, block, at, count > least));
    const gone = form.removed && form.removed.block === block ? h("p", { class: "mf-notice", role: "status" },
      fill(words.removed, form.removed.name), " ",
      h("button", { type: "button", class: "mf-link mf-undo", onclick: () => undo(form) }, words.undo)) : null;
    return h("div", { class: "mf-item" },
      Q.heading(true, "", F.label(form, block.title) || words.people),
      h("p", { id: "mf-hint", class: "mf-hint", role: "status" },
        fill(count ? words.peopleSoFar : words.peopleNone, count)),
      gone, count ? h("ul", { class: "mf-card mf-people" }, ...people) : null,
      count < most(block) ? h("button", { type: "button", class: "mf-button mf-add", onclick: () => add(form, block) },
        count ? words.addAnother : words.addFirst) : h("p", { class: "mf-soft" }, fill(words.peopleFull, most(block))));
  }

  root.MinyiPeople = { draw, title };
})(typeof self !== "undefined" ? self : this);
