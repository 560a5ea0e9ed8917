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
  const MAX_INSTANCES = 20;
  const CLOCK = /^(\d{1,2}):(\d{2})(:\d{2}(\.\d{1,9})?)?$/;
  const ISO_MINUTE = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?)$/;
  const REGION_ENDS = { province: 2, city: 4, district: 6, street: 9, community: 12 };
  const ENDS = [2, 4, 6, 9, 12];
  const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
  const SHA256 = /^[0-9a-f]{64}$/;
  const NUMBERS = ["integer", "decimal", "scale", "rating"];
  const ANSWERED = ["select_one", "select_multiple", "ranking"].concat(NUMBERS, [
    "text", "date", "time", "datetime", "region", "place", "photo", "signature", "acknowledge"]);
  const DATE_KINDS = { date: "date", datetime: "dateTime" };
  const BLANK = { value: null, missing: false, error: "" };

  function strip(text) { return text.replace(EDGES, ""); }

  function narrow(text) {
    return text.replace(/[\uff10-\uff19\uff0e\uff0d\uff0b\uff1a]/g, (c) => String.fromCharCode(c.charCodeAt(0) - 0xfee0));
  }

  function modesOf(item) { return item.modes || ["web", "door"]; }

  function blockItems(block) { return block.items || []; }

  function itemsOf(doc) { return [].concat.apply([], doc.blocks.map(blockItems)); }

  function has(object, name) { return Object.prototype.hasOwnProperty.call(object, name); }

  function isObject(value) { return typeof value === "object" && value !== null && !Array.isArray(value); }

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

  /* How many options an answer holds, [least, most]; a ranking without limits ranks all that are offered. */
  function choiceLimits(item, offered) {
    const count = offered.filter((choice) => !choice.missing && !choice.exclusive).length;
    let least = 0;
    if (item.type === "ranking") least = item.max_choices === undefined ? count : 1;
    return [Math.min(item.min_choices === undefined ? least : item.min_choices, count),
      item.max_choices === undefined ? count : item.max_choices];
  }

  function several(doc, item, raw, mode, choices) {
    let given = [raw];
    if (Array.isArray(raw)) given = raw;
    else if (typeof raw === "string") given = raw.split(/[ \t\r\n]+/).filter((word) => word !== "");
    if (!given.length) return BLANK;
    if (given.length === 1) {
      const missing = missingCode(doc, item, given[0], mode);
      if (missing !== null) return { value: [missing], missing: true, error: "" };
    }
    const found = given.map((code) => findChoice(choices, code));
    if (found.some((choice) => choice === null)) return wrong("choice");
    const codes = new Set(found.map((choice) => choice.code));
    const alone = found.some((choice) => choice.missing || choice.exclusive);
    if (codes.size > 1 && alone) return wrong("exclusive");
    let value = choices.filter((choice) => codes.has(choice.code)).map((choice) => choice.code);
    if (item.type === "ranking") {
      if (codes.size < found.length) return wrong("ranking");
      value = found.map((choice) => choice.code);
    }
    if (alone) return right(value);
    const limits = choiceLimits(item, choices);
    let error = "";
    if (value.length < limits[0]) error = "few";
    else if (value.length > limits[1]) error = "many";
    return { value, missing: false, error };
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
    if (item.type === "scale" || item.type === "rating") {
      const scores = scoreRange(item);
      if (!(raw >= scores[0] && raw <= scores[1])) return wrong("scale");
    }
    return right(plain(raw));
  }

  function scoreRange(item) { return item.type === "rating" ? [1, item.to || 5] : [item.from, item.to]; }

  function plain(number) { return number === 0 ? 0 : number; } // no negative zero

  function day(item, raw) {
    if (typeof raw !== "string") return wrong("date");
    const text = strip(raw);
    return ISO_DAY.test(text) && E.isDate(text) ? right(text) : wrong("date");
  }

  function clock(text) { // HH:MM; seconds, which some browsers add, are cut
    const match = CLOCK.exec(text);
    if (!match || match[1] > 23 || match[2] > 59 || (match[3] && match[3].slice(1, 3) > 59)) return null;
    return `${match[1].padStart(2, "0")}:${match[2]}`;
  }

  function time(item, raw) {
    const read = typeof raw === "string" ? clock(narrow(strip(raw))) : null;
    return read ? right(read) : wrong("time");
  }

  function moment(item, raw) {
    const match = typeof raw === "string" ? ISO_MINUTE.exec(strip(raw)) : null;
    const read = match && E.isDate(match[1]) ? clock(match[2]) : null;
    return read ? right(`${match[1]}T${read}`) : wrong("datetime");
  }

  function empty(digits) { return /^0*$/.test(digits); }

  function region(item, raw) {
    const code = typeof raw === "string" ? narrow(strip(raw)) : "";
    const base = item.root || "000000000000";
    const prefix = base.slice(0, ENDS.find((end) => empty(base.slice(end))));
    const end = item.levels && item.levels.length ? REGION_ENDS[item.levels[item.levels.length - 1]] : 12;
    const start = [0].concat(ENDS)[ENDS.indexOf(end)];
    const fits = /^\d{12}$/.test(code) && code.startsWith(prefix) &&
      !empty(code.slice(start, end)) && empty(code.slice(end));
    return fits ? right(code) : wrong("region");
  }

  function place(item, given) { // ODK's text is "lat lon altitude accuracy"
    let raw = given;
    if (typeof raw === "string") {
      const parts = raw.split(/[ \t\r\n]+/).filter((word) => word !== "");
      if (parts.length < 2 || parts.length > 4 || !parts.every((part) => DECIMAL.test(part))) return wrong("place");
      raw = { lat: Number(parts[0]), lon: Number(parts[1]), accuracy: parts.length === 4 ? Number(parts[3]) : 0 };
    }
    if (!isObject(raw)) return wrong("place");
    const within = (number, low, high) => typeof number === "number" && number >= low && number <= high;
    const read = (name) => (has(raw, name) ? raw[name] : undefined);
    const accuracy = has(raw, "accuracy") ? raw.accuracy : 0;
    if (!within(read("lat"), -90, 90) || !within(read("lon"), -180, 180) || !within(accuracy, 0, 1e7)) {
      return wrong("place");
    }
    return right({ lat: plain(raw.lat), lon: plain(raw.lon), accuracy: plain(accuracy) });
  }

  function file(item, raw) {
    if (!isObject(raw)) return wrong("file");
    const read = (name) => (has(raw, name) ? raw[name] : undefined);
    const id = read("id"), digest = read("sha256"), bytes = read("bytes");
    if (typeof id !== "string" || typeof digest !== "string") return wrong("file");
    const fits = UUID.test(lower(id)) && SHA256.test(lower(digest)) &&
      Number.isInteger(bytes) && bytes >= 1 && bytes <= 1e9;
    return fits ? right({ id: lower(id), sha256: lower(digest), bytes }) : wrong("file");
  }

  function lower(text) { return text.replace(/[A-Z]/g, (char) => char.toLowerCase()); }

  function acknowledge(item, raw) {
    if (raw === true || (typeof raw === "string" && strip(raw) === "OK")) return right("OK");
    return raw === false ? BLANK : wrong("choice");
  }

  function text(item, raw) {
    if (typeof raw !== "string") return wrong("text");
    const clean = strip(raw.replace(/\r\n/g, "\n").replace(/\r/g, "\n").replace(UNSTORABLE, ""));
    if (clean === "") return BLANK;
    return clean.length > (item.max_length || MAX_TEXT) ? wrong("long") : right(clean);
  }

  const READERS = {
    text, date: day, time, datetime: moment, region, place, photo: file, signature: file, acknowledge,
  };

  /* `offered`: the choices left by the item's filter, missing ones included; all of them when absent. */
  function readAnswer(doc, item, raw, mode, offered) {
    const nothing = raw === undefined || raw === null || raw === "" || (Array.isArray(raw) && !raw.length);
    if (nothing || ANSWERED.indexOf(item.type) < 0) return BLANK;
    const choices = offered || allChoices(doc, item);
    if (item.type === "select_multiple" || item.type === "ranking") return several(doc, item, raw, mode, choices);
    const missing = missingCode(doc, item, raw, mode);
    if (missing !== null) return { value: missing, missing: true, error: "" };
    if (item.type === "select_one") {
      const choice = findChoice(choices, raw);
      return choice ? right(choice.code) : wrong("choice");
    }
    return NUMBERS.indexOf(item.type) >= 0 ? number(item, raw) : READERS[item.type](item, raw);
  }

  function seen(item, reading) {
    if (reading.error || reading.value === null) return "";
    if (item.type === "select_one") return String(reading.value);
    if (item.type === "select_multiple" || item.type === "ranking") return reading.value.join(" ");
    if (reading.missing) return "";
    if (item.type === "place") { // ODK's text; Minyi asks for no altitude
      const at = reading.value;
      return [at.lat, at.lon, 0, at.accuracy].map((part) => E.toString(part)).join(" ");
    }
    return item.type === "photo" || item.type === "signature" ? reading.value.id : reading.value;
  }

  function textIn(texts, language, doc) {
    return (texts && (texts[language] || texts[doc.default_language])) || "";
  }

  /* What expressions see of a form or of one instance: values worked out when asked for. */
  function lazy(names, get) {
    const object = {};
    names.forEach((name) => Object.defineProperty(object, name, { enumerable: true, get: () => get(name) }));
    return object;
  }

  class Run {
    /* options: {mode, now (ms), language}. `answers` may change: call again(). Instances of a repeat are counted
     * from 1; `at` 0 (or absent) means outside every repeat. */
    constructor(doc, answers, options) {
      this.doc = doc;
      this.answers = answers;
      this.mode = options.mode;
      this.language = options.language || doc.default_language;
      this.now = options.now;
      this.index = new Map();
      this.repeats = new Map();
      this.outer = new Set(); // names that the answers of the whole form may have
      doc.blocks.forEach((block) => {
        if (block.repeat) { this.repeats.set(block.name, block); this.outer.add(block.name); }
        blockItems(block).forEach((item) => {
          this.index.set(item.name, { block, item });
          if (!block.repeat) this.outer.add(item.name);
        });
      });
      this.again();
    }

    again() {
      ["readings", "shownMemo", "storedMemo", "offeredMemo", "blockMemo", "countMemo", "valuesMemo", "envMemo", "rowsMemo"]
        .forEach((memo) => { this[memo] = new Map(); });
      this.busy = new Set();
      const kinds = {};
      const paths = new Map();
      this.repeats.forEach((block, name) => paths.set(name, []));
      this.index.forEach((entry, name) => {
        if (has(DATE_KINDS, entry.item.type)) kinds[name] = DATE_KINDS[entry.item.type];
        paths.set(name, entry.block.repeat ? [entry.block.name] : []);
      });
      this.env = {
        values: lazy(Array.from(this.outer),
          (name) => (this.repeats.has(name) ? this.instanceValues(name) : this.stored(name, 0))),
        choices: lazy(Array.from(this.index.keys()), (name) => this.choiceNames(this.index.get(name).item)),
        kinds, paths, at: [], now: this.now === undefined ? Date.now() : this.now,
        zone: this.doc.timezone, locale: this.language,
      };
      return this;
    }

    choiceNames(item) {
      return allChoices(this.doc, item).map((c) => [String(c.code), textIn(c.label, this.language, this.doc)]);
    }

    // ---- repeats -----------------------------------------------------------------------------------

    /* The objects given for a repeat, at most as many as it may have. */
    rows(name) {
      if (!this.rowsMemo.has(name)) {
        const sent = has(this.answers, name) ? this.answers[name] : null;
        const most = this.repeats.get(name).repeat.max || MAX_INSTANCES;
        this.rowsMemo.set(name, (Array.isArray(sent) ? sent.slice(0, most) : []).map((row) => (isObject(row) ? row : {})));
      }
      return this.rowsMemo.get(name);
    }

    /* How many instances of a repeat the person meets. */
    instances(name) {
      if (!this.countMemo.has(name)) {
        const key = `instances of ${name}`;
        if (this.busy.has(key)) return 0;
        this.busy.add(key);
        this.countMemo.set(name, this.countInstances(this.repeats.get(name)));
        this.busy.delete(key);
      }
      return this.countMemo.get(name);
    }

    countInstances(block) {
      const most = block.repeat.max || MAX_INSTANCES;
      if (!this.blockShown(block)) return 0;
      if (!block.repeat.count) return Math.max(block.repeat.min || 0, Math.min(this.rows(block.name).length, most));
      const number = this.guarded(() => E.toNumber(E.evaluate(block.repeat.count.tree, this.env), this.env.zone), 0);
      return isNaN(number) ? 0 : Math.trunc(Math.min(Math.max(number, 0), most));
    }

    instanceValues(name) {
      const number = this.instances(name);
      if (!this.valuesMemo.has(name)) this.valuesMemo.set(name, []);
      const made = this.valuesMemo.get(name);
      const names = blockItems(this.repeats.get(name)).map((item) => item.name);
      while (made.length < number) {
        const at = made.length + 1;
        made.push(lazy(names, (item) => this.stored(item, at)));
      }
      return made.slice(0, number);
    }

    /* [[item, at], …] in document order, a repeat's instances one after another; shown or not. */
    steps() {
      const out = [];
      this.doc.blocks.forEach((block) => {
        const last = block.repeat ? this.instances(block.name) : 0;
        for (let at = block.repeat ? 1 : 0; at <= last; at++) {
          blockItems(block).forEach((item) => out.push([item, at]));
        }
      });
      return out;
    }

    /* What names an answer in errors and paths: "age", or "member[2].age" in a repeat. */
    place(name, at) { return at ? `${this.index.get(name).block.name}[${at}].${name}` : name; }

    repeated(name) { return Boolean(this.index.get(name).block.repeat); }

    envAt(name, at) {
      const block = this.index.get(name).block;
      if (!at || !block.repeat) return this.env;
      const key = `${block.name}/${at}`;
      if (!this.envMemo.has(key)) this.envMemo.set(key, Object.assign({}, this.env, { at: [[block.name, at]] }));
      return this.envMemo.get(key);
    }

    // ---- one item ----------------------------------------------------------------------------------

    /* The object that holds the item's raw answer; a new one, not yet kept, for an instance without answers. */
    row(name, at) {
      const block = this.index.get(name).block;
      return block.repeat ? this.rows(block.name)[at - 1] || {} : this.answers;
    }

    answered(name, at) { return has(this.row(name, at), name) && this.row(name, at)[name] !== undefined; }

    /* The raw answer that counts: what was given, else the default. */
    given(name, at) {
      const item = this.index.get(name).item;
      if (item.readonly || !this.answered(name, at)) return item.default === undefined ? null : item.default;
      return this.row(name, at)[name];
    }

    reading(name, at) {
      if (this.repeated(name) && !at) return BLANK;
      const key = `${name}/${at || 0}`;
      if (!this.readings.has(key)) {
        const item = this.index.get(name).item;
        const raw = this.given(name, at);
        const offered = item.filter ? this.offered(name, at) : null;
        this.readings.set(key, readAnswer(this.doc, item, raw, this.mode, offered));
      }
      return this.readings.get(key);
    }

    /* The choices that the item's filter leaves, then the missing ones, in the order of the lists. */
    offered(name, at) {
      const item = this.index.get(name).item;
      const key = `choices of ${name}/${at || 0}`;
      if (!item.filter || this.busy.has(key)) return allChoices(this.doc, item);
      if (!this.offeredMemo.has(key)) {
        this.busy.add(key);
        this.offeredMemo.set(key, this.filtered(item, this.envAt(name, at)));
        this.busy.delete(key);
      }
      return this.offeredMemo.get(key);
    }

    filtered(item, env) {
      const choices = ownChoices(this.doc, item);
      const blank = {};
      (this.doc.choice_lists[item.list] || []).forEach((choice) => {
        Object.keys(choice.columns || {}).forEach((column) => { blank[column] = ""; });
      });
      const kept = choices.filter((choice, i) => {
        const children = Object.assign({}, blank, choice.columns, { name: String(choice.code) });
        const focus = { node: { value: "", kind: "", children, index: i + 1 }, place: i + 1, size: choices.length };
        return this.truth(item.filter, Object.assign({}, env, { focus }), true);
      });
      return kept.concat(missingChoices(this.doc, item));
    }

    limits(name, at) { return choiceLimits(this.index.get(name).item, this.offered(name, at)); }

    shown(name, at) {
      const entry = this.index.get(name);
      if (entry.block.repeat && !at) {
        for (let each = 1; each <= this.instances(entry.block.name); each++) if (this.shown(name, each)) return true;
        return false;
      }
      const key = `${name}/${at || 0}`;
      if (!this.shownMemo.has(key)) {
        if (this.busy.has(key)) return false;
        this.busy.add(key);
        this.shownMemo.set(key, modesOf(entry.item).indexOf(this.mode) >= 0 && this.blockShown(entry.block) &&
          !(at && at > this.instances(entry.block.name)) &&
          this.holds(entry.item.relevant, true, this.envAt(name, at)));
        this.busy.delete(key);
      }
      return this.shownMemo.get(key);
    }

    blockShown(block) {
      if (!this.blockMemo.has(block.name)) this.blockMemo.set(block.name, this.holds(block.relevant, true));
      return this.blockMemo.get(block.name);
    }

    stored(name, at) {
      const memo = `${name}/${at || 0}`;
      if (!this.storedMemo.has(memo)) {
        const key = `value of ${memo}`;
        if (this.busy.has(key) || (this.repeated(name) && !at) || !this.shown(name, at)) return "";
        this.busy.add(key);
        const item = this.index.get(name).item;
        this.storedMemo.set(memo, item.type === "calculate" ?
          this.guarded(() => E.toPlain(E.evaluate(item.calculation.tree, this.envAt(name, at)), this.env.zone), "") :
          seen(item, this.reading(name, at)));
        this.busy.delete(key);
      }
      return this.storedMemo.get(memo);
    }

    // ---- expressions -------------------------------------------------------------------------------

    /* The result of `work`; `otherwise` when an expression in it has no value. */
    guarded(work, otherwise) {
      try {
        return work();
      } catch (error) {
        if (!(error instanceof E.ExpressionError)) throw error;
        return otherwise;
      }
    }

    truth(condition, env, otherwise) {
      return this.guarded(() => E.toBoolean(E.evaluate(condition.tree, env), env.zone), otherwise);
    }

    holds(condition, otherwise, env) {
      return condition ? this.truth(condition, env || this.env, false) : otherwise;
    }

    required(item, at) {
      return isObject(item.required) ?
        this.holds(item.required, false, this.envAt(item.name, at)) : Boolean(item.required);
    }

    constraintHolds(item, at, reading) {
      if (!item.constraint) return true;
      const own = { own: seen(item, reading), ownKind: DATE_KINDS[item.type] || "" };
      return this.truth(item.constraint, Object.assign({}, this.envAt(item.name, at), own), true);
    }

    /* Names of the quotas whose condition these answers fulfil. */
    quotas() {
      return (this.doc.quotas || []).filter((quota) => this.holds(quota.where, false)).map((quota) => quota.name);
    }

    // ---- checking ----------------------------------------------------------------------------------

    /* The code of what is wrong with a shown item's answer, "" when nothing is. */
    error(item, partial, at) {
      if (ANSWERED.indexOf(item.type) < 0) return "";
      const reading = this.reading(item.name, at);
      if (reading.error) return reading.error;
      if (reading.value === null) return this.required(item, at) && !partial ? "required" : "";
      return reading.missing || this.constraintHolds(item, at, reading) ? "" : "constraint";
    }

    strangers() {
      const errors = [];
      const add = (name) => errors.push({ name, code: "unknown" });
      Object.keys(this.answers).filter((name) => !this.outer.has(name)).forEach(add);
      this.repeats.forEach((block, name) => {
        const known = blockItems(block).map((item) => item.name);
        this.rows(name).forEach((row, i) => {
          Object.keys(row).filter((each) => known.indexOf(each) < 0).forEach((each) => add(`${name}[${i + 1}].${each}`));
        });
      });
      return errors;
    }

    repeatErrors() {
      const errors = [];
      this.repeats.forEach((block, name) => {
        const sent = has(this.answers, name) ? this.answers[name] : null;
        if (sent === null || sent === undefined || sent === "") return;
        if (!Array.isArray(sent) || !sent.every(isObject)) errors.push({ name, code: "repeat" });
        else if (!block.repeat.count && this.instances(name) && sent.length > (block.repeat.max || MAX_INSTANCES)) {
          errors.push({ name, code: "repeat_many" });
        }
      });
      return errors;
    }

    /* {clean, path, errors: [{name, code}]} as validate_answers() gives them. */
    validate(partial) {
      const clean = {};
      const path = [];
      const errors = this.strangers().concat(this.repeatErrors());
      this.steps().forEach((step) => {
        const item = step[0], at = step[1], name = item.name;
        let kept = clean;
        if (at) {
          const block = this.index.get(name).block.name;
          if (!has(clean, block)) clean[block] = [];
          while (clean[block].length < at) clean[block].push({});
          kept = clean[block][at - 1];
        }
        if (!this.shown(name, at)) return;
        path.push(this.place(name, at));
        const code = this.error(item, partial, at);
        if (code) { errors.push({ name: this.place(name, at), code }); return; }
        const value = this.keptValue(item, at, partial);
        if (value !== null && value !== "") kept[name] = value;
      });
      return { clean, path, errors };
    }

    keptValue(item, at, partial) {
      if (item.type === "calculate") return this.stored(item.name, at);
      return partial && !this.answered(item.name, at) ? null : this.reading(item.name, at).value;
    }
  }

  const api = {
    Run, itemsOf, blockItems, ownChoices, missingChoices, allChoices, choiceLimits, scoreRange, textIn, ANSWERED,
  };
  root.MinyiLogic = api;
  if (typeof module !== "undefined" && module.exports) module.exports = api;
})(typeof self !== "undefined" ? self : this);
