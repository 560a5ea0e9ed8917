/* Which items a person meets and whether an answer can stand: the twin of survey/questionnaires/logic.py,
 * answers.py and validation.py. Needs expressions.js; touches no page. Parses as ES2017. */
(function (root) {
  "use strict";

  const E = root.MinyiExpressions || require("./expressions.js");

  const INTEGER = /^[+-]?\d{1,15}$/;
  const DECIMAL = /^[+-]?(\d{1,15}(\.\d{0,15})?|\.\d{1,15})$/;
  const ISO_DAY = /^\d{4}-\d{2}-\d{2}$/;
  const EDGES = /^[ \t\r\n\u00a0\u3000]+|[ \t\r\n\u00a0\u3000]+$/g;
  const UNSTORABLE = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]/gu;
  const MAX_TEXT = 500;
  const INTERVIEWER_MISSED = -4;
  const NUMBERS = ["integer", "decimal", "scale"];
  const ANSWERED = ["select_one", "select_multiple", "integer", "decimal", "scale", "text", "date"];
  const BLANK = { value: null, missing: false, error: "" };

  function strip(text) { return text.replace(EDGES, ""); }

  function narrow(text) {
    return text.replace(/[\uff10-\uff19\uff0e\uff0d\uff0b]/g, (c) => String.fromCharCode(c.charCodeAt(0) - 0xfee0));
  }

  function modesOf(item) { return item.modes || ["web", "door"]; }

  function itemsOf(doc) { return [].concat.apply([], doc.blocks.map((block) => block.items)); }

  function missingChoices(doc, item) {
    const own = (doc.choice_lists[item.list] || []).filter((choice) => choice.missing);
    return own.concat(doc.choice_lists[item.missing] || []);
  }

  function ownChoices(doc, item) {
    return (doc.choice_lists[item.list] || []).filter((choice) => !choice.missing);
  }

  function allChoices(doc, item) { return ownChoices(doc, item).concat(missingChoices(doc, item)); }

  function findChoice(choices, raw) {
    if (typeof raw !== "string" && typeof raw !== "number") return null;
    if (typeof raw === "number" && !Number.isInteger(raw)) return null;
    const wanted = strip(String(raw));
    return choices.find((choice) => String(choice.code) === wanted) || null;
  }

  function missingCode(doc, item, raw, mode) {
    if (item.type === "text" && typeof raw !== "number") return null;
    const choice = findChoice(missingChoices(doc, item), raw);
    if (choice) return choice.code;
    if (mode === "door" && findChoice([{ code: INTERVIEWER_MISSED }], raw)) return INTERVIEWER_MISSED;
    return null;
  }

  function wrong(error) { return { value: null, missing: false, error }; }
  function right(value) { return { value, missing: false, error: "" }; }

  function several(doc, item, raw, mode) {
    let given = [raw];
    if (Array.isArray(raw)) given = raw;
    else if (typeof raw === "string") given = raw.split(/[ \t\r\n]+/).filter((word) => word !== "");
    if (given.length === 1) {
      const missing = missingCode(doc, item, given[0], mode);
      if (missing !== null) return { value: [missing], missing: true, error: "" };
    }
    const choices = allChoices(doc, item);
    const found = given.map((code) => findChoice(choices, code));
    if (found.some((choice) => choice === null)) return wrong("choice");
    const codes = new Set(found.map((choice) => choice.code));
    if (codes.size > 1 && found.some((choice) => choice.missing || choice.exclusive)) return wrong("exclusive");
    return right(choices.filter((choice) => codes.has(choice.code)).map((choice) => choice.code));
  }

  function number(item, given) {
    let raw = given;
    if (typeof raw === "string") {
      raw = narrow(strip(raw));
      if (!(item.type === "decimal" ? DECIMAL : INTEGER).test(raw)) {
        return wrong(item.type === "decimal" ? "number" : "integer");
      }
      raw = Number(raw);
    }
    if (typeof raw !== "number" || !isFinite(raw) || Math.abs(raw) > 1e15) return wrong("number");
    if (item.type !== "decimal" && !Number.isInteger(raw)) return wrong("integer");
    if (item.type === "scale" && !(raw >= item.from && raw <= item.to)) return wrong("scale");
    return right(raw === 0 ? 0 : raw);
  }

  function day(raw) {
    if (typeof raw !== "string") return wrong("date");
    const text = strip(raw);
    return ISO_DAY.test(text) && E.isDate(text) ? right(text) : wrong("date");
  }

  function text(item, raw) {
    if (typeof raw !== "string") return wrong("text");
    const clean = strip(raw.replace(/\r\n/g, "\n").replace(/\r/g, "\n").replace(UNSTORABLE, ""));
    if (clean === "") return BLANK;
    return clean.length > (item.max_length || MAX_TEXT) ? wrong("long") : right(clean);
  }

  function readAnswer(doc, item, raw, mode) {
    const empty = raw === undefined || raw === null || raw === "" || (Array.isArray(raw) && !raw.length);
    if (empty || ANSWERED.indexOf(item.type) < 0) return BLANK;
    if (item.type === "select_multiple") return several(doc, item, raw, mode);
    const missing = missingCode(doc, item, raw, mode);
    if (missing !== null) return { value: missing, missing: true, error: "" };
    if (item.type === "select_one") {
      const choice = findChoice(allChoices(doc, item), raw);
      return choice ? right(choice.code) : wrong("choice");
    }
    if (NUMBERS.indexOf(item.type) >= 0) return number(item, raw);
    return item.type === "date" ? day(raw) : text(item, raw);
  }

  function seen(item, reading) {
    if (reading.error || reading.value === null) return "";
    if (item.type === "select_one") return String(reading.value);
    if (item.type === "select_multiple") return reading.value.join(" ");
    return reading.missing ? "" : reading.value;
  }

  function textIn(texts, language, doc) {
    return (texts && (texts[language] || texts[doc.default_language])) || "";
  }

  class Run {
    /* options: {mode, now (ms), language}. `answers` may change: call again(). */
    constructor(doc, answers, options) {
      this.doc = doc;
      this.answers = answers;
      this.mode = options.mode;
      this.language = options.language || doc.default_language;
      this.now = options.now;
      this.index = new Map();
      doc.blocks.forEach((block) => block.items.forEach((item) => this.index.set(item.name, { block, item })));
      this.again();
    }

    again() {
      this.readings = new Map();
      this.shownMemo = new Map();
      this.storedMemo = new Map();
      this.blockMemo = new Map();
      this.busy = new Set();
      const values = {};
      const choices = {};
      const kinds = {};
      const paths = new Map();
      this.index.forEach((entry, name) => {
        Object.defineProperty(values, name, { enumerable: true, get: () => this.stored(name) });
        Object.defineProperty(choices, name, { enumerable: true, get: () => this.choiceNames(entry.item) });
        if (entry.item.type === "date") kinds[name] = "date";
        paths.set(name, []);
      });
      this.env = {
        values, kinds, choices, paths, at: [], now: this.now === undefined ? Date.now() : this.now,
        zone: this.doc.timezone, locale: this.language,
      };
      return this;
    }

    choiceNames(item) {
      return allChoices(this.doc, item).map((c) => [String(c.code), textIn(c.label, this.language, this.doc)]);
    }

    reading(name) {
      if (!this.readings.has(name)) {
        const raw = Object.prototype.hasOwnProperty.call(this.answers, name) ? this.answers[name] : null;
        this.readings.set(name, readAnswer(this.doc, this.index.get(name).item, raw, this.mode));
      }
      return this.readings.get(name);
    }

    shown(name) {
      if (!this.shownMemo.has(name)) {
        if (this.busy.has(name)) return false;
        this.busy.add(name);
        const entry = this.index.get(name);
        this.shownMemo.set(name, modesOf(entry.item).indexOf(this.mode) >= 0 &&
          this.blockShown(entry.block) && this.holds(entry.item.relevant, true));
        this.busy.delete(name);
      }
      return this.shownMemo.get(name);
    }

    blockShown(block) {
      if (!this.blockMemo.has(block.name)) this.blockMemo.set(block.name, this.holds(block.relevant, true));
      return this.blockMemo.get(block.name);
    }

    stored(name) {
      if (!this.storedMemo.has(name)) {
        const key = `value of ${name}`;
        if (this.busy.has(key) || !this.shown(name)) return "";
        this.busy.add(key);
        const item = this.index.get(name).item;
        this.storedMemo.set(name, item.type === "calculate" ? this.calculated(item) : seen(item, this.reading(name)));
        this.busy.delete(key);
      }
      return this.storedMemo.get(name);
    }

    calculated(item) {
      try {
        return E.toPlain(E.evaluate(item.calculation.tree, this.env), this.env.zone);
      } catch (error) {
        if (!(error instanceof E.ExpressionError)) throw error;
        return "";
      }
    }

    holds(condition, otherwise, own) {
      if (!condition) return otherwise;
      const env = own ?
        Object.assign({}, this.env, { own: own.value, ownKind: own.type === "date" ? "date" : "" }) : this.env;
      try {
        return E.toBoolean(E.evaluate(condition.tree, env), env.zone);
      } catch (error) {
        if (!(error instanceof E.ExpressionError)) throw error;
        return own !== undefined;
      }
    }

    required(item) {
      return typeof item.required === "object" && item.required !== null ?
        this.holds(item.required, false) : Boolean(item.required);
    }

    /* The code of what is wrong with a shown item's answer, "" when nothing is. */
    error(item, partial) {
      if (ANSWERED.indexOf(item.type) < 0) return "";
      const reading = this.reading(item.name);
      if (reading.error) return reading.error;
      if (reading.value === null) return this.required(item) && !partial ? "required" : "";
      const own = { value: seen(item, reading), type: item.type };
      return reading.missing || this.holds(item.constraint, true, own) ? "" : "constraint";
    }

    /* {clean, path, errors: [{name, code}]} as validate_answers() gives them. */
    validate(partial) {
      const clean = {};
      const path = [];
      const errors = Object.keys(this.answers).filter((name) => !this.index.has(name))
        .map((name) => ({ name, code: "unknown" }));
      itemsOf(this.doc).forEach((item) => {
        if (!this.shown(item.name)) return;
        path.push(item.name);
        const code = this.error(item, partial);
        if (code) { errors.push({ name: item.name, code }); return; }
        const value = item.type === "calculate" ? this.stored(item.name) : this.reading(item.name).value;
        if (value !== null && value !== "") clean[item.name] = value;
      });
      return { clean, path, errors };
    }
  }

  const api = { Run, itemsOf, ownChoices, missingChoices, allChoices, textIn, ANSWERED };
  root.MinyiLogic = api;
  if (typeof module !== "undefined" && module.exports) module.exports = api;
})(typeof self !== "undefined" ? self : this);
