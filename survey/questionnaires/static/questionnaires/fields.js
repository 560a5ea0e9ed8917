/* Draws the answer part of one item with real inputs. `ask` gives: doc, run, item, language, words, showRefused,
 * set(value), and says when to redraw. Parses as ES2017. */
(function (root) {
  "use strict";

  const L = root.MinyiLogic;

  /* An element: attributes by name, on* as listeners, children as nodes or text. */
  function h(tag, attributes, ...children) {
    const element = document.createElement(tag);
    Object.keys(attributes || {}).forEach((name) => {
      const value = attributes[name];
      if (value === null || value === undefined || value === false) return;
      if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
      else if (name === "class") element.className = value;
      else if (name === "checked" || name === "value") element[name] = value;
      else element.setAttribute(name, value === true ? "" : value);
    });
    children.forEach((child) => {
      if (child === null || child === undefined || child === "") return;
      element.appendChild(typeof child === "string" ? document.createTextNode(child) : child);
    });
    return element;
  }

  function svg(className, size, shapes) {
    const space = "http://www.w3.org/2000/svg";
    const picture = document.createElementNS(space, "svg");
    picture.setAttribute("viewBox", `0 0 ${size[0]} ${size[1]}`);
    picture.setAttribute("class", className);
    picture.setAttribute("aria-hidden", "true");
    picture.setAttribute("focusable", "false");
    shapes.forEach((shape) => {
      const element = document.createElementNS(space, shape[0]);
      Object.keys(shape[1]).forEach((name) => element.setAttribute(name, shape[1][name]));
      picture.appendChild(element);
    });
    return picture;
  }

  function label(ask, texts) { return L.textIn(texts, ask.language, ask.doc); }

  function isOn(ask, code) {
    const value = ask.run.reading(ask.item.name).value;
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
    box.querySelectorAll(".mf-row, .mf-key").forEach((element) => {
      element.classList.toggle("mf-on", element.querySelector("input").checked);
    });
  }

  function offered(ask) {
    const missing = L.missingChoices(ask.doc, ask.item);
    const others = missing.filter((choice) => choice.missing !== "refused");
    return ask.showRefused || !others.length ? missing : others.concat(
      missing.filter((choice) => choice.missing === "refused" && isOn(ask, choice.code)));
  }

  function selectOne(ask) {
    const box = h("div", { class: "mf-answer" });
    ask.one = true;
    const pick = (choice) => () => { ask.set(choice.code); repaint(box); ask.settled(); };
    const group = (choices, quiet) => h("div", { class: quiet ? "mf-card mf-apart" : "mf-card mf-main" },
      ...choices.map((choice) => h("div", { class: "mf-option" }, row(ask, "radio", choice, quiet, pick(choice)),
        choice.specify ? ask.companion() : null)));
    box.appendChild(group(L.ownChoices(ask.doc, ask.item), false));
    const missing = offered(ask);
    if (missing.length) box.appendChild(group(missing, true));
    return box;
  }

  function selectMany(ask) {
    const box = h("div", { class: "mf-answer" });
    const all = L.allChoices(ask.doc, ask.item);
    const toggle = (choice) => (event) => {
      const alone = choice.missing || choice.exclusive;
      box.querySelectorAll("input[type=checkbox]").forEach((input) => {
        if (input === event.target) return;
        const other = all.find((each) => String(each.code) === input.value);
        if (event.target.checked && other && (alone || other.missing || other.exclusive)) input.checked = false;
      });
      const on = Array.from(box.querySelectorAll("input[type=checkbox]")).filter((input) => input.checked);
      const codes = on.map((input) => input.value);
      ask.set(all.filter((each) => codes.indexOf(String(each.code)) >= 0).map((each) => each.code));
      repaint(box);
      ask.settled();
    };
    const group = (choices, quiet) => h("div", { class: quiet ? "mf-card mf-apart" : "mf-card mf-main" },
      ...choices.map((choice) => h("div", { class: "mf-option" }, row(ask, "checkbox", choice, quiet, toggle(choice)),
        choice.specify ? ask.companion() : null)));
    box.appendChild(group(L.ownChoices(ask.doc, ask.item), false));
    const missing = offered(ask);
    if (missing.length) box.appendChild(group(missing, true));
    return box;
  }

  /* Don't-know and skip rows below an item that is written or scored. */
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

  function scale(ask) {
    const box = h("div", { class: "mf-answer" });
    const { item, words } = ask;
    const reading = ask.run.reading(item.name);
    const echo = h("div", { class: "mf-echo", "aria-live": "polite" });
    const say = (value) => {
      echo.textContent = "";
      echo.classList.toggle("mf-on", value !== null);
      if (value === null) return;
      echo.appendChild(h("span", { class: "mf-echo-number", "aria-hidden": "true" }, String(value)));
      echo.appendChild(h("span", { class: "mf-echo-text" }, h("span", {}, words.scored.replace("{0}", value)),
        h("span", { class: "mf-soft" }, words.rescore)));
    };
    const keys = [];
    for (let value = item.from; value <= item.to; value++) {
      const on = reading.value === value && !reading.missing;
      const end = value === item.from ? item.ends && item.ends.low : value === item.to ? item.ends && item.ends.high : null;
      const input = h("input", {
        type: "radio", name: item.name, value: String(value), checked: on,
        "aria-label": end ? `${value} ${label(ask, end)}` : String(value),
        onchange: () => { unpick(box); ask.set(value); say(value); repaint(box); ask.settled(); },
      });
      keys.push(h("label", { class: `mf-key${on ? " mf-on" : ""}` }, input,
        h("span", { "aria-hidden": "true" }, String(value))));
    }
    if (item.ends) {
      box.appendChild(h("div", { class: "mf-ends", "aria-hidden": "true" },
        h("span", {}, `${item.from} ${label(ask, item.ends.low)}`),
        h("span", {}, `${label(ask, item.ends.high)} ${item.to}`)));
    }
    box.appendChild(h("div", { class: "mf-keys mf-main" }, ...keys));
    box.appendChild(echo);
    say(reading.missing ? null : reading.value);
    apart(ask, box, () => {
      box.querySelectorAll(".mf-key input").forEach((input) => { input.checked = false; });
      say(null);
    });
    return box;
  }

  /* One line or several to write in; `labelled` is the id of what names it, or a visible label is drawn. */
  function line(ask, labelled, described) {
    const { item } = ask;
    const reading = ask.run.reading(item.name);
    const raw = ask.run.answers[item.name];
    const value = reading.missing || raw === undefined || raw === null ? "" : String(raw);
    const common = {
      id: `mf-${item.name}`, name: item.name, class: "mf-input", value, "aria-labelledby": labelled,
      "aria-describedby": described, autocomplete: "off",
      oninput: (event) => { if (ask.box) unpick(ask.box); ask.set(event.target.value); },
      onchange: () => ask.settled(),
    };
    if (item.type === "text" && item.multiline) {
      return h("textarea", Object.assign(common, { rows: "4", maxlength: String(item.max_length || 500) }));
    }
    if (item.type === "text") {
      return h("input", Object.assign(common, { type: "text", maxlength: String(item.max_length || 500) }));
    }
    if (item.type === "date") return h("input", Object.assign(common, { type: "date", min: "1900-01-01" }));
    const mode = item.type === "decimal" ? "decimal" : "numeric";
    return h("input", Object.assign(common, { type: "text", inputmode: mode, maxlength: "16" }));
  }

  function written(ask) {
    const box = h("div", { class: "mf-answer" });
    ask.box = box;
    const input = line(ask, "mf-title", `mf-hint${ask.failed ? " mf-error" : ""}`);
    if (ask.failed) input.setAttribute("aria-invalid", "true");
    box.appendChild(h("div", { class: "mf-main mf-written" }, input));
    apart(ask, box, () => { input.value = ""; });
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

  const ICONS = {
    tick: ["mf-icon mf-done", [["path", { d: "M4 13l5 5L20 7" }]]],
    clock: ["mf-icon", [["circle", { cx: 12, cy: 12, r: 9 }], ["path", { d: "M12 7v6l4 2" }]]],
    warning: ["mf-error-mark", [
      ["circle", { cx: 12, cy: 12, r: 10 }], ["path", { d: "M12 7v6" }], ["path", { d: "M12 16.5v.5" }],
    ]],
  };

  function icon(name) { return svg(ICONS[name][0], [24, 24], ICONS[name][1]); }

  /* A line of the list on the 已保存在手机 screen. */
  function stateLine(name, strong, soft) {
    return h("li", { class: "mf-line" }, icon(name),
      h("span", {}, h("span", {}, strong), h("span", { class: "mf-soft" }, soft)));
  }

  function phone() {
    return svg("mf-picture", [96, 76], [
      ["rect", { class: "mf-thick", x: 31, y: 4, width: 34, height: 68, rx: 5 }],
      ["path", { class: "mf-thick", d: "M40 34l6 6 11-12" }], ["path", { class: "mf-thick", d: "M44 65h8" }],
      ["path", { class: "mf-dots", d: "M22 26q-8 12 0 24M10 20q-12 18 0 36M74 26q8 12 0 24M86 20q12 18 0 36" }],
    ]);
  }

  const DRAW = { select_one: selectOne, select_multiple: selectMany, scale };

  function field(ask) {
    if (ask.item.type === "note") return null;
    return (DRAW[ask.item.type] || written)(ask);
  }

  root.MinyiFields = { h, field, companion, label, icon, line: stateLine, phone };
})(typeof self !== "undefined" ? self : this);
