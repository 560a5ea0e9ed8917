/* Draws the answer part of one question with real inputs. `ask` is one question on the page (questions.js): doc,
 * item, language, words, ids, choices(), missing(), value() → reading, raw(), set(value), settled(), companion().
 * Rarely used types are in files of their own and add themselves to DRAW. Parses as ES2017. */
(function (root) {
  "use strict";

  const L = root.MinyiLogic;
  const { h, fill } = root.MinyiDom;

  function label(ask, texts) { return L.textIn(texts, ask.language, ask.doc); }

  function isOn(ask, code) {
    const value = ask.value().value;
    return Array.isArray(value) ? value.indexOf(code) >= 0 : value === code;
  }

  function row(ask, type, choice, quiet, onchange) {
    const on = isOn(ask, choice.code);
    const input = h("input", {
      type, name: quiet && type === "radio" && !ask.one ? `${ask.item.name}__missing` : ask.item.name,
      value: String(choice.code), checked: on, onchange,
    });
    const text = h("span", { class: "mf-row-text" }, label(ask, choice.label));
    return h("label", { class: `mf-row${on ? " mf-on" : ""}${quiet ? " mf-quiet" : ""}` }, input, text);
  }

  /* Mark chosen rows after a change without redrawing, so that the keyboard keeps its place. */
  function repaint(box) {
    box.querySelectorAll(".mf-row input, .mf-key input").forEach((input) => {
      input.parentNode.classList.toggle("mf-on", input.checked);
    });
  }

  /* 不了解 and the like; 跳过这题 only where it is offered now (docs/questionnaire-format.md, Codes). */
  function offered(ask) {
    const missing = ask.missing();
    const others = missing.filter((choice) => choice.missing !== "refused");
    return ask.showRefused || !others.length ? missing : others.concat(
      missing.filter((choice) => choice.missing === "refused" && isOn(ask, choice.code)));
  }

  function rows(ask, type, choices, quiet, pick) {
    return h("div", { class: quiet ? "mf-card mf-apart" : "mf-card mf-main" },
      ...choices.map((choice) => h("div", { class: "mf-option" }, row(ask, type, choice, quiet, pick(choice)),
        choice.specify ? ask.companion() : null)));
  }

  function selectOne(ask) {
    const box = h("div", { class: "mf-answer" });
    ask.one = true;
    const pick = (choice) => () => { ask.set(choice.code); repaint(box); ask.settled(); };
    box.appendChild(rows(ask, "radio", ask.choices(), false, pick));
    const missing = offered(ask);
    if (missing.length) box.appendChild(rows(ask, "radio", missing, true, pick));
    return box;
  }

  /* How many may be ticked, in words; "" where it is free. */
  function limits(ask) {
    const low = ask.item.min_choices || 0, high = ask.item.max_choices || 0;
    if (low && low === high) return fill(ask.words.exactly, low);
    if (low > 1 && high) return fill(ask.words.between, low, high);
    if (high) return fill(ask.words.atMost, high);
    return low > 1 ? fill(ask.words.atLeast, low) : "";
  }

  function selectMany(ask) {
    const box = h("div", { class: "mf-answer" });
    const all = ask.choices().concat(ask.missing());
    const full = h("p", { class: "mf-full", role: "status" });
    const boxes = () => Array.from(box.querySelectorAll("input[type=checkbox]"));
    const toggle = (choice) => (event) => {
      const alone = choice.missing || choice.exclusive;
      boxes().forEach((input) => {
        if (input === event.target) return;
        const other = all.find((each) => String(each.code) === input.value);
        if (event.target.checked && other && (alone || other.missing || other.exclusive)) input.checked = false;
      });
      const most = ask.item.max_choices;
      const over = event.target.checked && most && boxes().filter((input) => input.checked).length > most;
      full.textContent = over ? fill(ask.words.full, most) : "";
      if (over) { event.target.checked = false; return; }
      const codes = boxes().filter((input) => input.checked).map((input) => input.value);
      ask.set(all.filter((each) => codes.indexOf(String(each.code)) >= 0).map((each) => each.code));
      repaint(box);
      ask.settled();
    };
    box.appendChild(rows(ask, "checkbox", ask.choices(), false, toggle));
    box.appendChild(full);
    const missing = offered(ask);
    if (missing.length) box.appendChild(rows(ask, "checkbox", missing, true, toggle));
    return box;
  }

  /* Don't-know and skip rows below an item that is written, scored or made. */
  function apart(ask, box, clear) {
    const missing = offered(ask);
    if (!missing.length) return;
    const pick = (choice) => () => { clear(); ask.set(choice.code); repaint(box); ask.settled(); };
    box.appendChild(h("div", { class: "mf-card mf-apart" },
      ...missing.map((choice) => row(ask, "radio", choice, true, pick(choice)))));
  }

  function unpick(box) {
    box.querySelectorAll(".mf-apart input").forEach((input) => { input.checked = false; });
    repaint(box);
  }

  /* Keys of a scale (numbers) or a rating (stars); `names` gives a key's spoken name. */
  function keyboard(ask, from, to, look) {
    const box = h("div", { class: "mf-answer" });
    const { item, words } = ask;
    const reading = ask.value();
    const echo = h("div", { class: "mf-echo", "aria-live": "polite" });
    const keys = [];
    const say = (value) => {
      echo.textContent = "";
      echo.classList.toggle("mf-on", value !== null);
      keys.forEach((key, place) => key.classList.toggle("mf-below", value !== null && from + place <= value));
      if (value === null) return;
      echo.appendChild(h("span", { class: "mf-echo-number", "aria-hidden": "true" }, String(value)));
      echo.appendChild(h("span", { class: "mf-echo-text" }, h("span", {}, fill(look.echo, value, to)),
        h("span", { class: "mf-soft" }, words.rescore)));
    };
    for (let value = from; value <= to; value++) {
      const on = reading.value === value && !reading.missing;
      const end = value === from ? item.ends && item.ends.low : value === to ? item.ends && item.ends.high : null;
      const input = h("input", {
        type: "radio", name: item.name, value: String(value), checked: on,
        "aria-label": `${fill(look.name, value)}${end ? ` ${label(ask, end)}` : ""}`,
        onchange: () => { unpick(box); ask.set(value); say(value); repaint(box); ask.settled(); },
      });
      keys.push(h("label", { class: `mf-key${on ? " mf-on" : ""}` }, input, look.face(value)));
    }
    if (item.ends) {
      box.appendChild(h("div", { class: "mf-ends", "aria-hidden": "true" },
        h("span", {}, `${from} ${label(ask, item.ends.low)}`), h("span", {}, `${label(ask, item.ends.high)} ${to}`)));
    }
    box.appendChild(h("div", { class: `mf-keys mf-main${look.kind}` }, ...keys));
    box.appendChild(echo);
    say(reading.missing ? null : reading.value);
    apart(ask, box, () => {
      box.querySelectorAll(".mf-key input").forEach((input) => { input.checked = false; });
      say(null);
    });
    return box;
  }

  function scale(ask) {
    const face = (value) => h("span", { "aria-hidden": "true" }, String(value));
    return keyboard(ask, ask.item.from, ask.item.to, { kind: "", name: "{0}", echo: ask.words.scored, face });
  }

  function rating(ask) {
    const star = () => h("span", { class: "mf-star", "aria-hidden": "true" });
    const face = (value) => h("span", { "aria-hidden": "true" }, star(), h("span", {}, String(value)));
    return keyboard(ask, 1, ask.item.to || 5, {
      kind: " mf-stars", name: ask.words.star, echo: ask.words.starred, face,
    });
  }

  const INPUTS = {
    integer: { type: "text", inputmode: "numeric", maxlength: "16" },
    decimal: { type: "text", inputmode: "decimal", maxlength: "16" },
    date: { type: "date", min: "1900-01-01" }, time: { type: "time" }, datetime: { type: "datetime-local" },
  };

  /* One line or several to write in; `labelled` is the id of what names it, or a visible label is drawn. */
  function line(ask, labelled, described) {
    const { item } = ask;
    const raw = ask.raw();
    const value = ask.value().missing || raw === undefined || raw === null ? "" : String(raw);
    const common = {
      id: `mf-${item.name}`, name: item.name, class: "mf-input", value, "aria-labelledby": labelled,
      "aria-describedby": described, autocomplete: "off",
      oninput: (event) => { if (ask.box) unpick(ask.box); ask.set(event.target.value); },
      onchange: () => ask.settled(),
    };
    const longest = String(item.max_length || 500);
    if (item.type === "text" && item.multiline) {
      return h("textarea", Object.assign(common, { rows: "4", maxlength: longest }));
    }
    if (item.type === "text") return h("input", Object.assign({ type: "text", maxlength: longest }, common));
    return h("input", Object.assign({}, INPUTS[item.type] || INPUTS.integer, common));
  }

  function written(ask) {
    const box = h("div", { class: "mf-answer" });
    ask.box = box;
    const input = line(ask, ask.ids.title, `${ask.ids.hint}${ask.failed ? ` ${ask.ids.error}` : ""}`);
    if (ask.failed) input.setAttribute("aria-invalid", "true");
    box.appendChild(h("div", { class: "mf-main mf-written" }, input));
    apart(ask, box, () => { input.value = ""; });
    return box;
  }

  function acknowledge(ask) {
    const box = h("div", { class: "mf-answer" });
    const on = ask.raw() === "OK";
    const input = h("input", { type: "checkbox", name: ask.item.name, value: "OK", checked: on, onchange: () => {
      ask.set(input.checked ? "OK" : "");
      repaint(box);
      ask.settled();
    } });
    box.appendChild(h("div", { class: "mf-card mf-main" }, h("label", { class: `mf-row${on ? " mf-on" : ""}` }, input,
      h("span", { class: "mf-row-text" }, ask.words.acknowledged))));
    return box;
  }

  /* 其他请说明: the text item drawn inside the option that asks for it. */
  function companion(ask) {
    const id = `mf-label-${ask.item.name}`;
    const hint = label(ask, ask.item.hint);
    return h("div", { class: "mf-companion" },
      h("span", { id, class: "mf-hidden" }, label(ask, ask.item.label) || ask.words.other),
      line(ask, id, hint ? `${id}-hint` : null),
      hint ? h("p", { id: `${id}-hint`, class: "mf-soft" }, hint) : null);
  }

  /* An answer in words: for what is read only, for a collapsed card and for a list of people. */
  function inWords(ask) {
    const reading = ask.value();
    if (reading.value === null || reading.error) return "";
    const values = Array.isArray(reading.value) ? reading.value : [reading.value];
    const all = ask.choices().concat(ask.missing());
    const named = values.map((value) => {
      const choice = all.find((each) => each.code === value);
      return choice ? label(ask, choice.label) : ask.item.type === "rating" ? fill(ask.words.star, value) : null;
    });
    if (named.every((name) => name !== null)) return named.join(ask.words.comma);
    if (ask.item.type === "scale") return fill(ask.words.points, reading.value);
    return reading.value === "OK" ? ask.words.acknowledged : String(ask.raw()).replace("T", " ");
  }

  function readonly(ask) {
    return h("div", { class: "mf-answer" }, h("p", { class: "mf-card mf-fixed" }, inWords(ask) || ask.words.blank));
  }

  const DRAW = { select_one: selectOne, select_multiple: selectMany, scale, rating, acknowledge };
  // What is a group of inputs needs a fieldset and legend; the rest is named by the heading.
  const GROUPS = ["select_one", "select_multiple", "scale", "rating", "acknowledge", "ranking", "region"];

  function field(ask) {
    if (ask.item.type === "note") return null;
    if (ask.item.readonly) return readonly(ask);
    return (DRAW[ask.item.type] || written)(ask);
  }

  root.MinyiFields = {
    field, companion, label, limits, offered, apart, unpick, repaint, inWords, isOn, DRAW, GROUPS,
  };
})(typeof self !== "undefined" ? self : this);
