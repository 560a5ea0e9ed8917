/* Evaluates the JSON tree of an expression on the phone, value for value as
 * survey/questionnaires/expressions/ does on the server; tests/vectors/expressions/ runs through both.
 * Parses as ES2017, needs nothing else. Values: text, number, boolean, {day}, {moment, text}, {nodes}. */
(function (root) {
  "use strict";

  const DAY_MS = 86400000;
  const DECIMAL = /^-?(\d+(\.\d*)?|\.\d+)$/;
  const QUOTED_REF = /^\s*\$\{\s*([^\s{}]+)\s*\}\s*$/;
  const ISO = /^(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ](\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?(Z|[+-]\d{2}(?::?\d{2})?)?)?$/;
  const TIME = /^(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?(Z|[+-]\d{2}(?::?\d{2})?)?$/;
  const MONTHS_EN = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
  const WEEKDAYS = {
    en: ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"],
    zh: ["周日", "周一", "周二", "周三", "周四", "周五", "周六"],
    "zh-hant": ["週日", "週一", "週二", "週三", "週四", "週五", "週六"],
  };

  class ExpressionError extends Error {}

  function fail(reason) {
    throw new ExpressionError(reason);
  }

  // ---- dates ---------------------------------------------------------------------------------------

  // Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
  function daysFromCivil(year, month, day) {
    const y = month <= 2 ? year - 1 : year;
    const era = Math.floor(y / 400);
    const yearOfEra = y - era * 400;
    const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
    const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
    return era * 146097 + dayOfEra - 719468;
  }

  function civilFromDays(number) {
    const days = number + 719468;
    const era = Math.floor(days / 146097);
    const doe = days - era * 146097;
    const yoe = Math.floor(
      (doe - Math.floor(doe / 1460) + Math.floor(doe / 36524) - Math.floor(doe / 146096)) / 365);
    const doy = doe - (365 * yoe + Math.floor(yoe / 4) - Math.floor(yoe / 100));
    const shifted = Math.floor((5 * doy + 2) / 153);
    const month = shifted + (shifted < 10 ? 3 : -9);
    return [yoe + era * 400 + (month <= 2 ? 1 : 0), month, doy - Math.floor((153 * shifted + 2) / 5) + 1];
  }

  function clockMs(hours, minutes, seconds, fraction) {
    const h = Number(hours), m = Number(minutes), s = Number(seconds || 0);
    if (h > 23 || m > 59 || s > 59) return null;
    return ((h * 60 + m) * 60 + s) * 1000 + Number((fraction || "").padEnd(3, "0").slice(0, 3));
  }

  function offsetMinutes(text) {
    if (text === undefined) return null;
    if (text === "Z") return 0;
    const minutes = Number(text.slice(1, 3)) * 60 + (text.length > 3 ? Number(text.slice(-2)) : 0);
    return text[0] === "-" ? -minutes : minutes;
  }

  function inCalendar(days) { // years 1 to 9999
    const whole = Math.floor(days);
    if (!(whole >= -719162 && whole <= 2932896)) fail("日期不在公元 1 年到 9999 年之间");
    return whole;
  }

  function parseDate(text, strict) {
    const match = ISO.exec(trim(text));
    if (!match || (strict && (match[2].length !== 2 || match[3].length !== 2))) return null;
    const year = Number(match[1]), month = Number(match[2]), day = Number(match[3]);
    if (year < 1 || month < 1 || month > 12 || day < 1) return null;
    const days = daysFromCivil(year, month, day);
    const back = civilFromDays(days);
    if (back[0] !== year || back[1] !== month || back[2] !== day) return null;
    if (match[4] === undefined) return { days, ms: null, offset: null };
    const ms = clockMs(match[4], match[5], match[6], match[7]);
    return ms === null ? null : { days, ms, offset: offsetMinutes(match[8]) };
  }

  const formatters = {};

  function zoneOffsetMs(instant, zone) {
    const ms = Math.floor(Math.min(Math.max(instant, -2208988800000), 7258118400000) / 1000) * 1000;
    if (zone === "UTC") return 0;
    if (!(zone in formatters)) {
      try {
        formatters[zone] = new Intl.DateTimeFormat("en-US", {
          timeZone: zone, hour12: false, year: "numeric", month: "numeric", day: "numeric",
          hour: "numeric", minute: "numeric", second: "numeric",
        });
      } catch (error) {
        formatters[zone] = null; // an old kernel without zones: the phone's own clock
      }
    }
    if (!formatters[zone]) return -new Date(ms).getTimezoneOffset() * 60000;
    const part = {};
    formatters[zone].formatToParts(new Date(ms)).forEach((item) => { part[item.type] = Number(item.value); });
    const local = daysFromCivil(part.year, part.month, part.day) * DAY_MS +
      (((part.hour % 24) * 60 + part.minute) * 60 + part.second) * 1000;
    return local - ms;
  }

  function fromLocal(local, zone) {
    return local - zoneOffsetMs(local - zoneOffsetMs(local, zone), zone);
  }

  function instantOf(parsed, zone) {
    const local = parsed.days * DAY_MS + (parsed.ms || 0);
    return parsed.offset !== null ? local - parsed.offset * 60000 : fromLocal(local, zone);
  }

  function localDays(ms, zone) {
    return (ms + zoneOffsetMs(ms, zone)) / DAY_MS;
  }

  function pad(number, width) {
    return String(number).padStart(width, "0");
  }

  function dayText(days) {
    const c = civilFromDays(days);
    return `${pad(c[0], 4)}-${pad(c[1], 2)}-${pad(c[2], 2)}`;
  }

  function clockParts(local) {
    const whole = Math.trunc(local);
    const days = Math.floor(whole / DAY_MS);
    const rest = whole - days * DAY_MS;
    return {
      days, h: Math.floor(rest / 3600000), m: Math.floor(rest / 60000) % 60,
      s: Math.floor(rest / 1000) % 60, ms: rest % 1000,
    };
  }

  function momentText(ms, zone) {
    const offset = zoneOffsetMs(ms, zone);
    const p = clockParts(ms + offset);
    const minutes = Math.floor(Math.abs(offset) / 60000);
    return `${dayText(p.days)}T${pad(p.h, 2)}:${pad(p.m, 2)}:${pad(p.s, 2)}.${pad(p.ms, 3)}` +
      `${offset < 0 ? "-" : "+"}${pad(Math.floor(minutes / 60), 2)}:${pad(minutes % 60, 2)}`;
  }

  function formatLocal(local, pattern, locale) {
    const p = clockParts(local);
    const c = civilFromDays(p.days);
    const language = locale in WEEKDAYS ? locale : locale.split("-")[0];
    const weekdays = WEEKDAYS[language] || WEEKDAYS.en;
    const parts = {
      Y: pad(c[0], 4), y: pad(c[0], 4).slice(-2), m: pad(c[1], 2), n: String(c[1]),
      b: language.startsWith("zh") ? `${c[1]}月` : MONTHS_EN[c[1] - 1],
      d: pad(c[2], 2), e: String(c[2]), H: pad(p.h, 2), h: String(p.h), M: pad(p.m, 2), S: pad(p.s, 2),
      3: pad(p.ms, 3), a: weekdays[(((p.days + 4) % 7) + 7) % 7], "%": "%",
    };
    let out = "";
    for (let i = 0; i < pattern.length; i++) {
      if (pattern[i] !== "%") { out += pattern[i]; continue; }
      i += 1;
      if (!(pattern[i] in parts)) fail(`日期格式里没有 %${pattern[i] || ""} 这种写法`);
      out += parts[pattern[i]];
    }
    return out;
  }

  // ---- values --------------------------------------------------------------------------------------

  function trim(text) {
    return text.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, "");
  }

  function words(text) {
    return text.split(/[ \t\r\n]+/).filter((word) => word !== "");
  }

  function isDay(value) { return typeof value === "object" && value !== null && "day" in value; }
  function isMoment(value) { return typeof value === "object" && value !== null && "moment" in value; }
  function isNodes(value) { return typeof value === "object" && value !== null && "nodes" in value; }

  function nodeValue(node, zone) {
    const stored = node.value;
    if ((node.kind === "date" || node.kind === "dateTime") && typeof stored === "string" && stored !== "") {
      const parsed = parseDate(stored, false);
      if (parsed === null) return stored;
      return node.kind === "date" ? { day: parsed.days } : { moment: instantOf(parsed, zone), text: stored };
    }
    return stored;
  }

  function atom(value, zone) {
    if (!isNodes(value)) return value;
    return value.nodes.length ? nodeValue(value.nodes[0], zone) : "";
  }

  function plainDigits(value) { // shortest double text without an exponent
    const match = /^(-?)(\d+)(?:\.(\d+))?e([+-]\d+)$/.exec(String(value));
    if (!match) return String(value);
    const digits = match[2] + (match[3] || "");
    const point = match[2].length + Number(match[4]);
    if (point <= 0) return `${match[1]}0.${"0".repeat(-point)}${digits}`;
    if (point >= digits.length) return match[1] + digits + "0".repeat(point - digits.length);
    return `${match[1]}${digits.slice(0, point)}.${digits.slice(point)}`;
  }

  function toString(given, zone) {
    const value = atom(given, zone);
    if (typeof value === "boolean") return value ? "true" : "false";
    if (typeof value === "number") return value === 0 ? "0" : plainDigits(value);
    if (isDay(value)) return dayText(value.day);
    if (isMoment(value)) return value.text === undefined ? momentText(value.moment, zone) : value.text;
    return value;
  }

  function toNumber(given, zone) {
    const value = atom(given, zone);
    if (typeof value === "boolean") return value ? 1 : 0;
    if (typeof value === "number") return value;
    if (isDay(value)) return value.day;
    if (isMoment(value)) return localDays(value.moment, zone);
    const text = trim(value);
    if (DECIMAL.test(text)) return Number(text);
    const parsed = parseDate(text, true);
    if (parsed === null) return NaN;
    return parsed.ms === null ? parsed.days : localDays(instantOf(parsed, zone), zone);
  }

  function toBoolean(given, zone) {
    if (isNodes(given) && given.nodes.length && given.nodes[0].children) return true;
    const value = atom(given, zone);
    if (typeof value === "boolean") return value;
    if (typeof value === "number") return !(isNaN(value) || value === 0);
    if (isDay(value) || isMoment(value)) return true;
    return value !== "";
  }

  // ---- regular expressions: the common part (survey/questionnaires/expressions/regex.py) ------------

  const SPACE_CLASS = " \\t\\n\\r\\f\\v";
  const patterns = {};

  function portable(pattern) {
    if (pattern in patterns) return patterns[pattern];
    const refuse = () => fail(`regex() 的写法“${pattern}”不支持，换一种写法`);
    if (pattern.length > 500) refuse();
    const escapeChar = (char) => (/[\^$\\.*+?()[\]{}|\/-]/.test(char) ? `\\${char}` : char);
    let out = "";
    let inside = false;
    let afterClass = false;
    const chars = Array.from(pattern);
    const possessive = (i) => { if (chars[i + 1] === "+") refuse(); };
    for (let i = 0; i < chars.length; i++) {
      const char = chars[i];
      const wasClass = afterClass;
      afterClass = false;
      if (char === "\\") {
        const letter = chars[i + 1];
        const rest = chars.slice(i + 1, i + 6).join("");
        const code = /^(?:u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2}))/.exec(rest);
        if (letter === undefined) refuse();
        if (code) {
          const literal = String.fromCharCode(parseInt(code[1] || code[2], 16));
          out += literal === "-" && !inside ? "-" : escapeChar(literal);
          i += code[0].length;
          continue;
        }
        afterClass = /[dDwWs]/.test(letter);
        if (/[dDwW]/.test(letter)) out += `\\${letter}`;
        else if (letter === "s") out += inside ? SPACE_CLASS : `[${SPACE_CLASS}]`;
        else if (letter === "S" && !inside) out += `[^${SPACE_CLASS}]`;
        else if (/[bB]/.test(letter) && !inside) out += `\\${letter}`;
        else if (/[tnrfv]/.test(letter)) out += `\\${letter}`;
        else if (/[A-Za-z0-9]/.test(letter)) refuse();
        else out += letter === "-" && !inside ? "-" : escapeChar(letter);
        i += 1;
      } else if (inside && char === "-" && (wasClass || /^\\[dDwWs]/.test(chars.slice(i + 1, i + 3).join("")))) {
        out += "\\-"; // [\w-.]: a hyphen beside a class is itself, never a range
      } else if (inside) {
        inside = char !== "]";
        out += char === "[" ? "\\[" : char;
      } else if (char === "[") {
        inside = true;
        out += "[";
        if (chars[i + 1] === "^") { out += "^"; i += 1; }
        if (chars[i + 1] === "]") refuse();
      } else if (char === "(" && chars[i + 1] === "?" && !/[:=!]/.test(chars[i + 2] || "x")) refuse();
      else if (char === ".") out += "[^\\n\\r\\u2028\\u2029]";
      else if (char === "{") {
        const quantifier = /^\{\d+(,\d*)?\}/.exec(chars.slice(i).join(""));
        if (!quantifier) refuse();
        out += quantifier[0];
        i += quantifier[0].length - 1;
        possessive(i);
      } else if (char === "}" || char === "]") refuse();
      else if (/[*+?]/.test(char)) { possessive(i); out += char; }
      else out += char === "/" ? "\\/" : char;
    }
    try {
      patterns[pattern] = new RegExp(`^(?:${out})$`, "u");
    } catch (error) {
      refuse();
    }
    return patterns[pattern];
  }

  // ---- references ----------------------------------------------------------------------------------

  function pathsOf(env) {
    if (!env.paths) {
      env.paths = new Map();
      const collect = (values, around) => Object.keys(values).forEach((name) => {
        if (!env.paths.has(name)) env.paths.set(name, around);
        if (Array.isArray(values[name])) {
          values[name].forEach((instance) => collect(instance, around.concat(name)));
        }
      });
      collect(env.values, []);
    }
    return env.paths;
  }

  function has(object, name) {
    return Object.prototype.hasOwnProperty.call(object, name);
  }

  function childrenOf(holder, name, env) {
    if (!has(holder, name)) return [];
    const value = holder[name];
    if (Array.isArray(value)) {
      return value.map((instance, index) => ({ value: "", kind: "", children: instance, index: index + 1 }));
    }
    return [{ value, kind: (env.kinds && has(env.kinds, name) && env.kinds[name]) || "" }];
  }

  function concatAll(lists) {
    return [].concat.apply([], lists);
  }

  function resolve(name, env) {
    const around = pathsOf(env).get(name);
    if (!around) return { nodes: [] };
    let holders = [env.values];
    let shared = true;
    around.forEach((repeat, level) => {
      shared = shared && level < env.at.length && env.at[level][0] === repeat;
      holders = concatAll(holders.map((holder) => {
        const instances = holder[repeat] || [];
        return shared ? instances.slice(env.at[level][1] - 1, env.at[level][1]) : instances;
      }));
    });
    return { nodes: concatAll(holders.map((holder) => childrenOf(holder, name, env))) };
  }

  function nodesOf(value) {
    if (!isNodes(value)) fail("这里要写题名，不能写数值或文字");
    return value.nodes;
  }

  function up(steps, env) {
    const depth = env.at.length - steps;
    if (depth < 0) return { nodes: [{ value: "", kind: "", children: env.values, index: 1 }] };
    let holder = env.values;
    for (let level = 0; level <= depth; level++) {
      const instances = holder[env.at[level][0]] || [];
      const index = env.at[level][1];
      if (index < 1 || index > instances.length) return { nodes: [] };
      holder = instances[index - 1];
    }
    return { nodes: [{ value: "", kind: "", children: holder, index: env.at[depth][1] }] };
  }

  function ownNode(env) {
    return { value: env.own === undefined ? "" : env.own, kind: env.ownKind || "" };
  }

  const NODES = {
    ref: (tree, env) => resolve(tree[1], env),
    self: (tree, env) => ({ nodes: [env.focus ? env.focus.node : ownNode(env)] }),
    up: (tree, env) => up(tree[1], env),
    child: (tree, env) => ({
      nodes: concatAll(nodesOf(evaluate(tree[1], env)).map((n) => childrenOf(n.children || {}, tree[2], env))),
    }),
    name: (tree, env) => {
      if (!env.focus) fail(`“${tree[1]}”不是数值也不是函数，题名要写成 \${${tree[1]}}`);
      return { nodes: childrenOf(env.focus.node.children || {}, tree[1], env) };
    },
    filter: (tree, env) => {
      pathsOf(env);
      const base = nodesOf(evaluate(tree[1], env));
      return {
        nodes: base.filter((node, i) => {
          const inner = Object.assign({}, env, { focus: { node, place: i + 1, size: base.length } });
          const test = evaluate(tree[2], inner);
          return typeof test === "number" ? test === i + 1 : toBoolean(test, env.zone);
        }),
      };
    },
    neg: (tree, env) => -toNumber(evaluate(tree[1], env), env.zone),
    or: (tree, env) => truth(tree[1], env) || truth(tree[2], env),
    and: (tree, env) => truth(tree[1], env) && truth(tree[2], env),
    "=": (tree, env) => equality(tree, env, false),
    "!=": (tree, env) => equality(tree, env, true),
    "<": (tree, env) => ordering(tree, env, (a, b) => a < b),
    "<=": (tree, env) => ordering(tree, env, (a, b) => a <= b),
    ">": (tree, env) => ordering(tree, env, (a, b) => a > b),
    ">=": (tree, env) => ordering(tree, env, (a, b) => a >= b),
    "+": (tree, env) => numeric(tree[1], env) + numeric(tree[2], env),
    "-": (tree, env) => numeric(tree[1], env) - numeric(tree[2], env),
    "*": (tree, env) => numeric(tree[1], env) * numeric(tree[2], env),
    div: (tree, env) => numeric(tree[1], env) / numeric(tree[2], env),
    mod: (tree, env) => numericModulo(numeric(tree[1], env), numeric(tree[2], env)),
    call: (tree, env) => call(tree[1], tree.slice(2), env),
  };

  function truth(tree, env) { return toBoolean(evaluate(tree, env), env.zone); }
  function numeric(tree, env) { return toNumber(evaluate(tree, env), env.zone); }
  function numericModulo(a, b) { return Math.abs(a) === Infinity || b === 0 ? NaN : a % b; }

  function atomsOf(value, env) {
    return isNodes(value) ? value.nodes.map((node) => nodeValue(node, env.zone)) : [value];
  }

  function equalAtoms(a, b, zone) {
    if (typeof a === "boolean" || typeof b === "boolean") return toBoolean(a, zone) === toBoolean(b, zone);
    if (typeof a !== "string" || typeof b !== "string") return toNumber(a, zone) === toNumber(b, zone);
    return a === b;
  }

  function equality(tree, env, negated) {
    const a = evaluate(tree[1], env), b = evaluate(tree[2], env);
    if (typeof a === "boolean" || typeof b === "boolean") {
      return (toBoolean(a, env.zone) === toBoolean(b, env.zone)) !== negated;
    }
    return atomsOf(a, env).some((x) => atomsOf(b, env).some((y) => equalAtoms(x, y, env.zone) !== negated));
  }

  function ordering(tree, env, test) {
    const a = evaluate(tree[1], env), b = evaluate(tree[2], env);
    return atomsOf(a, env).some((x) => atomsOf(b, env).some(
      (y) => test(toNumber(x, env.zone), toNumber(y, env.zone))));
  }

  // ---- functions -----------------------------------------------------------------------------------

  function round(x, digits) { // half away from zero on the decimal text
    if (isNaN(digits)) return NaN;
    if (isNaN(x) || Math.abs(x) === Infinity) return x;
    const places = Math.trunc(Math.max(-400, Math.min(400, digits)));
    if (places >= 30) return x;
    const text = plainDigits(Math.abs(x)).split(".");
    const fraction = text[1] || "";
    let all = text[0] + fraction.padEnd(Math.max(0, places), "0");
    let keep = text[0].length + places;
    if (keep < 0) return 0;
    all = `0${all}`;
    keep += 1;
    const kept = all.slice(0, keep).split("").map(Number);
    if ((all[keep] || "0") >= "5") {
      let i = kept.length - 1;
      while (kept[i] === 9) { kept[i] = 0; i -= 1; }
      kept[i] += 1;
    }
    let digitsOut = kept.join("");
    if (places <= 0) digitsOut += "0".repeat(-places);
    else digitsOut = `${digitsOut.slice(0, -places)}.${digitsOut.slice(-places)}`;
    return (x < 0 ? -1 : 1) * Number(digitsOut);
  }

  function numbersOf(values, env) {
    return concatAll(values.map((value) => (isNodes(value) ?
      value.nodes.map((node) => toNumber(nodeValue(node, env.zone), env.zone)) : [toNumber(value, env.zone)])));
  }

  function textsOf(values, env) {
    return concatAll(values.map((value) => (isNodes(value) ?
      value.nodes.map((node) => toString(nodeValue(node, env.zone), env.zone)) : [toString(value, env.zone)])));
  }

  function truthsOf(values, env) {
    return concatAll(values.map((value) => (isNodes(value) ?
      value.nodes.map((node) => toBoolean(nodeValue(node, env.zone), env.zone)) : [toBoolean(value, env.zone)])));
  }

  function extreme(choose) {
    return (env, ...values) => {
      const numbers = numbersOf(values, env);
      return !numbers.length || numbers.some(isNaN) ? NaN : choose.apply(null, numbers);
    };
  }

  function nodeSet(name, value) {
    if (!isNodes(value)) fail(`${name}() 里要写题名或重复组，如 \${Q1}`);
    return value.nodes;
  }

  function math(operate) { return (env, value) => operate(toNumber(value, env.zone)); }
  function onTexts(operate) {
    return (env, ...values) => operate.apply(null, values.map((value) => toString(value, env.zone)));
  }

  function substr(env, value, start, end) {
    const text = toString(value, env.zone);
    const place = (number) => {
      if (isNaN(number)) return 0;
      if (number < 0) return Math.max(0, text.length + Math.ceil(number));
      return Math.min(text.length, Math.floor(number));
    };
    const from = place(toNumber(start, env.zone));
    const to = place(end === undefined ? Infinity : toNumber(end, env.zone));
    return text.slice(from, Math.max(from, to));
  }

  function xpathRound(x) { return Math.abs(x) === Infinity ? x : Math.floor(x + 0.5); }

  function substring(env, value, start, length) {
    const text = toString(value, env.zone);
    const first = xpathRound(toNumber(start, env.zone));
    const last = length === undefined ? Infinity : first + xpathRound(toNumber(length, env.zone));
    if (isNaN(first) || isNaN(last)) return "";
    const low = Math.max(first, 1), high = Math.min(last, text.length + 1);
    return low < high ? text.slice(low - 1, high - 1) : "";
  }

  function translate(text, source, target) {
    const from = Array.from(source), to = Array.from(target);
    return Array.from(text).map((char) => {
      const i = from.indexOf(char);
      return i < 0 ? char : to[i] || "";
    }).join("");
  }

  function selected(text, code) {
    const wanted = trim(code);
    return wanted === "" ? trim(text) === "" : words(text).indexOf(wanted) >= 0;
  }

  function selectedAt(env, value, index) {
    const place = toNumber(index, env.zone);
    if (isNaN(place) || Math.abs(place) === Infinity || place <= -1) return "";
    return words(toString(value, env.zone))[Math.trunc(place)] || "";
  }

  function choiceName(env, value, question) {
    const name = QUOTED_REF.exec(toString(question, env.zone))[1];
    const wanted = toString(value, env.zone);
    const list = (env.choices && has(env.choices, name) && env.choices[name]) || [];
    const found = list.find((choice) => String(choice[0]) === wanted);
    return found ? found[1] : "";
  }

  function within(total, low, high) { return (low === -1 || total >= low) && (high === -1 || total <= high); }

  function checklist(env, low, high, ...values) {
    const total = truthsOf(values, env).filter(Boolean).length;
    return within(total, toNumber(low, env.zone), toNumber(high, env.zone));
  }

  function weightedChecklist(env, low, high, ...values) {
    let total = 0;
    for (let i = 0; i < values.length; i += 2) {
      if (toBoolean(values[i], env.zone)) total += toNumber(values[i + 1], env.zone);
    }
    return within(total, toNumber(low, env.zone), toNumber(high, env.zone));
  }

  function readDate(given, env, what) {
    const value = atom(given, env.zone);
    if (typeof value === "boolean") return value ? 1 : 0;
    if (typeof value !== "string") return value;
    if (trim(value) === "") return "";
    const parsed = parseDate(value, false);
    if (parsed === null) {
      if (DECIMAL.test(trim(value))) return Number(trim(value));
      fail(`${what}() 读不出日期“${value}”，要写成 2026-11-22`);
    }
    return parsed.ms === null ? { day: parsed.days } : { moment: instantOf(parsed, env.zone) };
  }

  function date(env, value) {
    const read = readDate(value, env, "date");
    if (isMoment(read)) return { day: Math.floor(localDays(read.moment, env.zone)) };
    if (typeof read === "number") return isFinite(read) ? { day: inCalendar(read) } : NaN;
    return read;
  }

  function dateTime(env, value) {
    const read = readDate(value, env, "date-time");
    if (typeof read !== "number") return read;
    if (!isFinite(read)) return NaN;
    const day = inCalendar(read);
    if (Number.isInteger(read)) return { day };
    const ms = Math.floor(read * DAY_MS + 0.5);
    const local = ms + zoneOffsetMs(ms, env.zone);
    return local % DAY_MS === 0 ? { day: local / DAY_MS } : { moment: ms };
  }

  function decimalDateTime(env, value) {
    const read = readDate(value, env, "decimal-date-time");
    if (typeof read === "string") return NaN;
    if (isDay(read)) return fromLocal(read.day * DAY_MS, env.zone) / DAY_MS;
    return isMoment(read) ? read.moment / DAY_MS : read;
  }

  function decimalTime(env, given) {
    const value = atom(given, env.zone);
    const fraction = (ms) => { const days = localDays(ms, env.zone); return days - Math.floor(days); };
    if (isMoment(value)) return fraction(value.moment);
    if (typeof value !== "string") return NaN;
    const match = TIME.exec(trim(value));
    if (!match) {
      const parsed = parseDate(value, false);
      return parsed === null || parsed.ms === null ? NaN : fraction(instantOf(parsed, env.zone));
    }
    let ms = clockMs(match[1], match[2], match[3], match[4]);
    if (ms === null) return NaN;
    const offset = offsetMinutes(match[5]);
    if (offset !== null) {
      const shifted = ms - offset * 60000 + zoneOffsetMs(env.now, env.zone);
      ms = ((shifted % DAY_MS) + DAY_MS) % DAY_MS;
    }
    return ms / DAY_MS;
  }

  function formatDate(env, value, pattern) {
    const read = readDate(value, env, "format-date");
    const layout = toString(pattern, env.zone);
    if (typeof read === "string" || (typeof read === "number" && !isFinite(read))) return "";
    let local;
    if (isDay(read)) local = read.day * DAY_MS;
    else if (isMoment(read)) local = read.moment + zoneOffsetMs(read.moment, env.zone);
    else {
      inCalendar(read);
      local = Math.floor(read * DAY_MS + 0.5);
    }
    return formatLocal(local, layout, env.locale || "en");
  }

  const TABLE = {
    true: () => true,
    false: () => false,
    not: (env, value) => !toBoolean(value, env.zone),
    boolean: (env, value) => toBoolean(value, env.zone),
    "boolean-from-string": onTexts((text) => text === "true" || text === "1"),
    number: (env, value) => toNumber(value, env.zone),
    string: (env, value) => toString(value, env.zone),
    int: math(Math.trunc),
    round: (env, value, digits) => round(toNumber(value, env.zone),
      digits === undefined ? 0 : toNumber(digits, env.zone)),
    abs: math(Math.abs), floor: math(Math.floor), ceiling: math(Math.ceil),
    pow: (env, a, b) => Math.pow(toNumber(a, env.zone), toNumber(b, env.zone)),
    sqrt: math(Math.sqrt), exp: math(Math.exp), exp10: math((x) => Math.pow(10, x)),
    log: math(Math.log), log10: math(Math.log10), sin: math(Math.sin), cos: math(Math.cos),
    tan: math(Math.tan), asin: math(Math.asin), acos: math(Math.acos), atan: math(Math.atan),
    atan2: (env, a, b) => Math.atan2(toNumber(a, env.zone), toNumber(b, env.zone)),
    pi: () => Math.PI,
    min: extreme(Math.min), max: extreme(Math.max),
    sum: (env, value) => {
      nodeSet("sum", value);
      return numbersOf([value], env).reduce((total, number) => total + number, 0);
    },
    count: (env, value) => nodeSet("count", value).length,
    "count-non-empty": (env, value) =>
      nodeSet("count-non-empty", value).filter((node) => node.children || node.value !== "").length,
    concat: (env, ...values) => textsOf(values, env).join(""),
    join: (env, separator, ...values) => textsOf(values, env).join(toString(separator, env.zone)),
    "string-length": onTexts((text) => text.length),
    "normalize-space": onTexts((text) => words(text).join(" ")),
    contains: onTexts((text, part) => text.indexOf(part) >= 0),
    "starts-with": onTexts((text, part) => text.startsWith(part)),
    "ends-with": onTexts((text, part) => text.endsWith(part)),
    substr, substring,
    "substring-before": onTexts((text, mark) => (text.indexOf(mark) < 0 ? "" : text.slice(0, text.indexOf(mark)))),
    "substring-after": onTexts(
      (text, mark) => (text.indexOf(mark) < 0 ? "" : text.slice(text.indexOf(mark) + mark.length))),
    translate: onTexts(translate),
    regex: onTexts((text, pattern) => portable(pattern).test(text)),
    selected: onTexts(selected),
    "selected-at": selectedAt,
    "count-selected": onTexts((text) => words(text).length),
    "jr:choice-name": choiceName,
    checklist, "weighted-checklist": weightedChecklist,
    date, "date-time": dateTime,
    today: (env) => ({ day: Math.floor(localDays(env.now, env.zone)) }),
    now: (env) => ({ moment: env.now }),
    "decimal-date-time": decimalDateTime, "decimal-time": decimalTime,
    "format-date": formatDate, "format-date-time": formatDate,
  };

  function orSelf(name) {
    return (args, env) => TABLE[name](env, evaluate(args.length ? args[0] : ["self"], env));
  }

  function indexedRepeat(args, env) {
    const wanted = new Map();
    for (let i = 0; i < args.length; i += i ? 2 : 1) {
      if (!Array.isArray(args[i]) || args[i][0] !== "ref") fail("indexed-repeat() 的题名和重复组要写成 ${Q1}");
      if (i) wanted.set(args[i][1], numeric(args[i + 1], env));
    }
    const field = args[0][1];
    let holders = [env.values];
    (pathsOf(env).get(field) || []).forEach((repeat) => {
      holders = concatAll(holders.map((holder) => {
        const instances = holder[repeat] || [];
        if (!wanted.has(repeat)) return instances;
        const number = wanted.get(repeat);
        return number >= 1 ? instances.slice(Math.trunc(number) - 1, Math.trunc(number)) : [];
      }));
    });
    return { nodes: concatAll(holders.map((holder) => childrenOf(holder, field, env))).slice(0, 1) };
  }

  const LAZY = {
    if: (args, env) => evaluate(truth(args[0], env) ? args[1] : args[2], env),
    coalesce: (args, env) => {
      const first = atom(evaluate(args[0], env), env.zone);
      return first === "" || (typeof first === "number" && isNaN(first)) ? evaluate(args[1], env) : first;
    },
    once: (args, env) => {
      const own = nodeValue(ownNode(env), env.zone);
      return own === "" ? evaluate(args[0], env) : own;
    },
    position: (args, env) => {
      if (!args.length) {
        if (!env.focus) fail("position() 不写参数时只能用在方括号里");
        return env.focus.place;
      }
      const nodes = nodesOf(evaluate(args[0], env));
      return nodes.length ? nodes[0].index || 0 : NaN;
    },
    last: (args, env) => (env.focus ? env.focus.size : fail("last() 只能用在方括号里")),
    current: (args, env) => ({ nodes: [ownNode(env)] }),
    "indexed-repeat": indexedRepeat,
    string: orSelf("string"), number: orSelf("number"),
    "string-length": orSelf("string-length"), "normalize-space": orSelf("normalize-space"),
  };

  function call(name, args, env) {
    if (has(LAZY, name)) return LAZY[name](args, env);
    if (!has(TABLE, name)) fail(`没有 ${name}() 这个函数`);
    return TABLE[name].apply(null, [env].concat(args.map((arg) => evaluate(arg, env))));
  }

  /* The value of `tree` in `env` {values, kinds, choices, at, own, ownKind, now, zone, locale}. */
  function evaluate(tree, env) {
    if (!Array.isArray(tree)) return tree;
    return NODES[tree[0]](tree, env);
  }

  /* A calculated value as JSON: dates as text, NaN and infinities blank. */
  function toPlain(given, zone) {
    const value = atom(given, zone);
    if (isDay(value) || isMoment(value)) return toString(value, zone);
    if (typeof value === "number") return isFinite(value) ? (value === 0 ? 0 : value) : "";
    return value;
  }

  function isDate(text) { return parseDate(text, false) !== null; }

  const api = { evaluate, toString, toNumber, toBoolean, toPlain, isDate, ExpressionError };
  root.MinyiExpressions = api;
  if (typeof module !== "undefined" && module.exports) module.exports = api;
})(typeof self !== "undefined" ? self : this);
