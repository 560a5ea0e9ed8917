/* Draws one question with its heading, hint, error and answer; several of them make a page. Parses as ES2017. */
(function (root) {
  "use strict";

  const L = root.MinyiLogic, F = root.MinyiFields, S = root.MinyiScreens;
  const { h, icon, fill } = root.MinyiDom;

  /* What fields.js draws from. `solo`: it is alone on its screen and its heading is the page's. */
  function askOf(form, question, solo) {
    const { item } = question;
    const path = S.pathOf(question);
    const uid = solo ? "" : `-${item.name}`;
    const ask = {
      form, question, path, doc: form.doc, item, language: form.language, words: form.words, settings: form.settings,
      ids: { title: `mf-title${uid}`, hint: `mf-hint${uid}`, error: `mf-error${uid}` },
      failed: form.failures.get(path) || "",
      showRefused: form.tried || form.mode === "door",
      choices: () => form.choicesOf(question),
      missing: () => L.missingChoices(form.doc, item),
      value: () => form.run.reading(item.name, question.at),
      raw: () => form.run.given(item.name, question.at),
      set: (value) => form.set(question, value),
      settled: () => form.settled(question),
      companion: () => companion(form, question),
    };
    return ask;
  }

  function companion(form, question) {
    const first = S.companionsOf(form.run, question)[0];
    if (!first) return null;
    const ask = askOf(form, first, false);
    ask.settled = () => undefined;
    return F.companion(ask);
  }

  function chosenText(ask) {
    const reading = ask.value();
    const count = reading.missing || !reading.value ? 0 : reading.value.length;
    return count ? fill(ask.words.chosen, count) : "";
  }

  function hintLine(ask) {
    const many = ask.item.type === "select_multiple" && !ask.item.readonly;
    const text = [F.label(ask, ask.item.hint), many ? F.limits(ask) : ""].filter((each) => each).join(" ");
    return h("p", { id: ask.ids.hint, class: "mf-hint" }, text ? `${text} ` : "", many ?
      h("span", { class: "mf-chosen", "aria-live": "polite" }, chosenText(ask)) : null);
  }

  function errorLine(ask) {
    return ask.failed ? h("div", { id: ask.ids.error, class: "mf-error", role: "alert" },
      icon("warning"), h("p", {}, ask.failed)) : null;
  }

  function heading(solo, id, text) {
    return solo ? h("h1", { id: "mf-title", class: "mf-title", tabindex: "-1" }, text) :
      h("h2", { id, class: "mf-subtitle" }, text);
  }

  function drawQuestion(form, question, solo) {
    const ask = askOf(form, question, solo);
    const title = heading(solo, ask.ids.title, F.label(ask, question.item.label));
    const failed = errorLine(ask);
    const group = F.GROUPS.indexOf(question.item.type) >= 0 && !question.item.readonly;
    const box = group ? h("fieldset", {
      class: "mf-item", "aria-describedby": `${ask.ids.hint}${failed ? ` ${ask.ids.error}` : ""}`,
    }, h("legend", {}, title)) : h("div", { class: "mf-item" }, title);
    if (failed) box.classList.add("mf-failed");
    box.setAttribute("data-path", ask.path);
    const answer = F.field(ask);
    if (answer && !answer.querySelector(".mf-companion")) {
      const extra = companion(form, question);
      if (extra) answer.appendChild(extra);
    }
    const speak = root.MinyiSpeech ? root.MinyiSpeech.button(form, box) : null;
    [hintLine(ask), speak, failed, answer].forEach((part) => { if (part) box.appendChild(part); });
    return box;
  }

  /* Count of what is ticked, after a tap that did not redraw. */
  function refresh(form, question) {
    const box = Array.from(form.mount.querySelectorAll(".mf-item")).find(
      (each) => each.getAttribute("data-path") === S.pathOf(question));
    const note = box && box.querySelector(".mf-chosen");
    if (note) note.textContent = chosenText(askOf(form, question, true));
  }

  root.MinyiQuestions = { askOf, drawQuestion, heading, errorLine, refresh };
})(typeof self !== "undefined" ? self : this);
