/* A matrix: on a phone one card for each row, of which one is open; from 700 px on a table. Parses as ES2017. */
(function (root) {
  "use strict";

  root.MinyiAddWords({
    "zh-hans": {
      rows: "一共 {0} 项，一项一项答。",
    },
    "zh-hant": {
      rows: "一共 {0} 項，一項一項答。",
    },
    "en": {
      rows: "{0} lines, one after another.",
    },
  });

  const F = root.MinyiFields, S = root.MinyiScreens, Q = root.MinyiQuestions;
  const { h, icon, fill } = root.MinyiDom;
  const WIDE = root.matchMedia("(min-width: 700px)");
  const RECENT_MS = 1500; // a tap that changed an answer; without one it was the keyboard

  function isAnswered(form, question) { return form.run.reading(question.item.name, question.at).value !== null; }

  function title(ask) { return F.label(ask, ask.item.label); }

  /* The open row: the one that was tapped or is wrong, else the first without an answer. */
  function openRow(form, part) {
    const named = part.rows.find((question) => S.pathOf(question) === form.open);
    return named || part.rows.find((question) => !isAnswered(form, question)) || null;
  }

  function openCard(form, question, focus) {
    form.open = S.pathOf(question);
    form.draw();
    const card = form.mount.querySelector(".mf-opened");
    if (!card) return;
    card.scrollIntoView({ block: "nearest" });
    if (focus) card.querySelector(".mf-rowtitle").focus({ preventScroll: true });
  }

  /* Go on to a row without an answer; false when there is none or the open one is still blank. */
  function advance(form, part) {
    const here = openRow(form, part);
    if (!here || !isAnswered(form, here)) return false;
    const place = part.rows.indexOf(here);
    const later = part.rows.slice(place + 1).concat(part.rows.slice(0, place));
    const next = later.find((question) => !isAnswered(form, question));
    if (!next) return false;
    openCard(form, next, true);
    return true;
  }

  function chips(ask, after) {
    const box = h("div", { class: "mf-answer" });
    const chip = (choice, quiet) => {
      const on = F.isOn(ask, choice.code);
      const input = h("input", { type: "radio", name: ask.item.name, value: String(choice.code), checked: on,
        onchange: () => { ask.set(choice.code); F.repaint(box); after(); } });
      return h("label", { class: `mf-key mf-chip${quiet ? " mf-quiet" : ""}${on ? " mf-on" : ""}` }, input,
        h("span", {}, F.label(ask, choice.label)));
    };
    box.appendChild(h("div", { class: "mf-chips mf-main" }, ...ask.choices().map((choice) => chip(choice, false))));
    F.offered(ask).forEach((choice) => box.appendChild(chip(choice, true)));
    return box;
  }

  function opened(form, part, question) {
    const ask = Q.askOf(form, question, false);
    let tapped = 0;
    const after = () => {
      const byHand = Date.now() - tapped <= RECENT_MS;
      form.failures.delete(ask.path);
      if (byHand && advance(form, part)) return;
      form.open = byHand ? null : ask.path; // arrow keys pass over options: the card waits for the button
      if (byHand) form.draw();
      form.settled(question);
    };
    ask.settled = after;
    const failed = Q.errorLine(ask);
    const card = h("fieldset", { class: `mf-cardrow mf-opened${failed ? " mf-failed" : ""}`,
      "aria-describedby": failed ? ask.ids.error : null },
    h("legend", {}, h("h2", { id: ask.ids.title, class: "mf-rowtitle", tabindex: "-1" }, title(ask))), failed,
    ask.item.type === "select_one" ? chips(ask, after) : F.field(ask));
    ["pointerdown", "touchstart"].forEach((kind) => card.addEventListener(kind, () => { tapped = Date.now(); },
      { passive: true }));
    return card;
  }

  function closed(form, question) {
    const ask = Q.askOf(form, question, false);
    const answer = F.inWords(ask);
    return h("button", { type: "button", class: `mf-cardrow mf-closed-row${answer ? "" : " mf-later"}`,
      onclick: () => openCard(form, question, true) },
    answer ? h("span", {}, `${title(ask)}${ask.words.colon}`, h("strong", {}, answer)) : h("span", {}, title(ask)),
    answer ? h("span", { class: "mf-change" }, ask.words.change) : null);
  }

  function cards(form, part) {
    const open = openRow(form, part);
    return h("div", { class: "mf-cards" }, ...part.rows.map(
      (question) => question === open ? opened(form, part, question) : closed(form, question)));
  }

  /* The columns: options of a choice, numbers of a scale or rating, then 不了解 and the like. */
  function columnsOf(ask) {
    const { item } = ask;
    const numbers = [];
    if (item.type !== "select_one") {
      const from = item.type === "rating" ? 1 : item.from;
      for (let value = from; value <= (item.to || 5); value++) {
        const end = item.ends && (value === from ? item.ends.low : value === (item.to || 5) ? item.ends.high : null);
        const name = item.type === "rating" ? fill(ask.words.star, value) : String(value);
        numbers.push({ code: value, text: end ? `${name} ${F.label(ask, end)}` : name });
      }
    }
    return numbers.concat(ask.choices().concat(F.offered(ask)).map(
      (choice) => ({ code: choice.code, text: F.label(ask, choice.label), quiet: Boolean(choice.missing) })));
  }

  function tableRow(form, question, columns) {
    const ask = Q.askOf(form, question, false);
    const reading = ask.value();
    const row = h("tr", { class: ask.failed ? "mf-failed" : null }, h("th", { scope: "row", id: ask.ids.title },
      h("span", { class: "mf-rowtitle" }, title(ask)),
      ask.failed ? h("span", { id: ask.ids.error, class: "mf-rowerror", role: "alert" }, icon("warning"),
        ask.failed) : null));
    columns.forEach((column) => row.appendChild(h("td", { class: column.quiet ? "mf-quiet" : null },
      h("label", { class: "mf-cell" }, h("input", { type: "radio", name: ask.item.name, value: String(column.code),
        checked: reading.value === column.code, "aria-label": `${title(ask)}${ask.words.colon}${column.text}`,
        "aria-describedby": ask.failed ? ask.ids.error : null,
        onchange: () => { ask.set(column.code); form.settled(question); } })))));
    return row;
  }

  function table(form, part) {
    const columns = columnsOf(Q.askOf(form, part.rows[0], false));
    return h("table", { class: "mf-table mf-card" },
      h("thead", {}, h("tr", {}, h("td", {}), ...columns.map(
        (column) => h("th", { scope: "col", class: column.quiet ? "mf-quiet" : null }, column.text)))),
      h("tbody", {}, ...part.rows.map((question) => tableRow(form, question, columns))));
  }

  function isTable(form) { return WIDE.matches && !form.state.care; }

  function draw(form, part, solo) {
    const hint = F.label(form, part.stem.hint) || fill(form.words.rows, part.rows.length);
    const box = h("div", { class: "mf-item mf-matrix", role: "group", "aria-labelledby": solo ? "mf-title" :
      `mf-title-${part.name}` }, Q.heading(solo, `mf-title-${part.name}`, F.label(form, part.stem.label)));
    box.appendChild(h("p", { class: "mf-hint" }, hint));
    const speak = root.MinyiSpeech.button(form, box);
    if (speak) box.appendChild(speak);
    box.appendChild(isTable(form) ? table(form, part) : cards(form, part));
    return box;
  }

  /* Turning the phone or widening the window changes cards into a table. */
  function watch(redraw) { WIDE.addListener(redraw); }

  root.MinyiMatrix = { draw, advance, isTable, watch };
})(typeof self !== "undefined" ? self : this);
