/* The random order of options and items, decided by the response's id alone: the twin of
 * survey/questionnaires/ordering.py. Needs logic.js; touches no page. Parses as ES2017. */
(function (root) {
  "use strict";

  const L = root.MinyiLogic || require("./logic.js");

  // ---- SHA-256 (FIPS 180-4), because the browser's own is asynchronous and wants HTTPS ----------------

  // The first 32 bits of the fractional parts of the roots of the first primes (section 4.2.2, 5.3.3).
  const K = [];
  const START = [];
  for (let number = 2; K.length < 64; number++) {
    let prime = true;
    for (let each = 2; each * each <= number; each++) if (number % each === 0) prime = false;
    if (!prime) continue;
    const fraction = (value) => ((value - Math.floor(value)) * 4294967296) | 0;
    if (START.length < 8) START.push(fraction(Math.sqrt(number)));
    K.push(fraction(Math.cbrt(number)));
  }

  function rotate(word, by) { return (word >>> by) | (word << (32 - by)); }

  function compress(state, words) {
    const w = words.slice();
    for (let i = 16; i < 64; i++) {
      const a = w[i - 15], b = w[i - 2];
      w[i] = (w[i - 16] + (rotate(a, 7) ^ rotate(a, 18) ^ (a >>> 3)) + w[i - 7] +
        (rotate(b, 17) ^ rotate(b, 19) ^ (b >>> 10))) | 0;
    }
    let [a, b, c, d, e, f, g, h] = state;
    for (let i = 0; i < 64; i++) {
      const one = (h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & f) ^ (~e & g)) + K[i] + w[i]) | 0;
      const two = ((rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g; g = f; f = e; e = (d + one) | 0;
      d = c; c = b; b = a; a = (one + two) | 0;
    }
    return [a, b, c, d, e, f, g, h].map((word, i) => (word + state[i]) | 0);
  }

  /* Hex SHA-256 of a text's UTF-8. */
  function sha256(text) { return digest(unescape(encodeURIComponent(text)).split("").map((char) => char.charCodeAt(0))); }

  /* Hex SHA-256 of bytes. */
  function digest(given) {
    const bytes = Array.from(given);
    const bits = bytes.length * 8;
    bytes.push(0x80);
    while (bytes.length % 64 !== 56) bytes.push(0);
    for (let shift = 56; shift >= 0; shift -= 8) bytes.push(shift > 24 ? 0 : (bits >>> shift) & 255);
    let state = START;
    for (let start = 0; start < bytes.length; start += 64) {
      const words = [];
      for (let i = start; i < start + 64; i += 4) {
        words.push((bytes[i] << 24) | (bytes[i + 1] << 16) | (bytes[i + 2] << 8) | bytes[i + 3]);
      }
      state = compress(state, words);
    }
    return state.map((word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
  }

  // ---- the rule --------------------------------------------------------------------------------------

  /* `elements` in random order; the `first` and `last` ones and those of `fixed` keep their places. */
  function permute(elements, seed, name, first, last, fixed) {
    const end = elements.length - (last || 0);
    const places = [];
    elements.forEach((element, place) => {
      if (place >= (first || 0) && place < end && (fixed || []).indexOf(element) < 0) places.push(place);
    });
    const sorted = places.map((place) => [sha256(`${seed}/${name}/${elements[place]}`), elements[place]])
      .sort((a, b) => (a[0] < b[0] ? -1 : 1));
    const out = elements.slice();
    places.forEach((place, i) => { out[place] = sorted[i][1]; });
    return out;
  }

  function inOrder(elements, order, seed, name, fixed) {
    return order && order.random ? permute(elements, seed, name, order.first, order.last, fixed) : elements;
  }

  /* `offered` (of run.offered) as this person sees them; missing choices stay at the end. */
  function orderedChoices(doc, item, seed, offered) {
    const order = item.order || {};
    const choices = L.ownChoices(doc, item);
    const fixed = order.all ? [] :
      choices.filter((choice) => choice.exclusive || choice.specify).map((choice) => String(choice.code));
    const codes = inOrder(choices.map((choice) => String(choice.code)), order, seed, item.name, fixed);
    const byCode = new Map(offered.filter((choice) => !choice.missing).map((choice) => [String(choice.code), choice]));
    return codes.filter((code) => byCode.has(code)).map((code) => byCode.get(code))
      .concat(offered.filter((choice) => choice.missing));
  }

  /* Items that stay together: an item with its companions, the rows of a matrix. */
  function unitsOf(items) {
    const units = [];
    const homes = new Map();
    items.forEach((item) => {
      let place = homes.get(item.with);
      if (place === undefined && item.matrix) place = homes.get(`matrix ${item.matrix}`);
      if (place === undefined) { place = units.length; units.push([]); }
      units[place].push(item);
      homes.set(item.name, place);
      if (item.matrix && !homes.has(`matrix ${item.matrix}`)) homes.set(`matrix ${item.matrix}`, place);
    });
    return units;
  }

  function matrixOrder(doc, name) { return (name && doc.matrices && doc.matrices[name] && doc.matrices[name].order) || {}; }

  function rowsInOrder(doc, unit, seed) {
    const matrix = unit[0].matrix;
    const order = matrixOrder(doc, matrix);
    if (!order.random) return unit;
    const rows = new Map(unit.filter((item) => item.matrix === matrix).map((item) => [item.name, item]));
    return inOrder(Array.from(rows.keys()), order, seed, matrix).map((name) => rows.get(name))
      .concat(unit.filter((item) => !rows.has(item.name)));
  }

  /* The block's items in the order in which this person meets them. */
  function orderedItems(doc, block, seed) {
    const units = new Map(unitsOf(L.blockItems(block)).map((unit) => [unit[0].name, unit]));
    const names = inOrder(Array.from(units.keys()), block.order, seed, block.name);
    return [].concat.apply([], names.map((name) => rowsInOrder(doc, units.get(name), seed)));
  }

  /* What the rule says for every random list: {item, block or matrix name: elements in order}. */
  function ordersOf(doc, seed) {
    const found = {};
    doc.blocks.forEach((block) => {
      if (block.order && block.order.random) {
        const units = unitsOf(L.blockItems(block)).map((unit) => unit[0].name);
        found[block.name] = inOrder(units, block.order, seed, block.name);
      }
      L.blockItems(block).filter((item) => item.order && item.order.random).forEach((item) => {
        found[item.name] = orderedChoices(doc, item, seed, L.ownChoices(doc, item)).map((choice) => String(choice.code));
      });
    });
    Object.keys(doc.matrices || {}).filter((name) => matrixOrder(doc, name).random).forEach((name) => {
      const rows = L.itemsOf(doc).filter((item) => item.matrix === name).map((item) => item.name);
      found[name] = inOrder(rows, matrixOrder(doc, name), seed, name);
    });
    return found;
  }

  const api = { sha256, digest, permute, orderedChoices, orderedItems, ordersOf, unitsOf };
  root.MinyiOrdering = api;
  if (typeof module !== "undefined" && module.exports) module.exports = api;
})(typeof self !== "undefined" ? self : this);
