/* Which screens a person meets, in order: one item each, a matrix, a whole block ("page"), and for a repeat
 * group its people one after another and then their list. Needs logic.js. Parses as ES2017.
 *
 * A question is {item, block, at}: `at` is the instance of a repeat group from 1, 0 outside. A part of a screen is
 * {name, rows: [question], stem: a matrix or null}; a screen is {key, kind, block, at, parts}. */
(function (root) {
  "use strict";

  const L = root.MinyiLogic;
  // Loaded only where a document shuffles something.
  const O = root.MinyiOrdering || {
    orderedItems: (doc, block) => L.blockItems(block), orderedChoices: (doc, item, seed, offered) => offered,
  };

  /* Its name to the server and in paradata: "Q01", or "family[2].age" for the second person. */
  function pathOf(question) {
    const name = question.item.name;
    return question.at ? `${question.block.name}[${question.at}].${name}` : name;
  }

  function questionsOf(screen) { return [].concat.apply([], screen.parts.map((part) => part.rows)); }

  /* The answers that hold a question's: those of the whole, or of one person of a group. */
  function bagOf(answers, question) {
    if (!question.at) return answers;
    const all = answers[question.block.name] = answers[question.block.name] || [];
    while (all.length < question.at) all.push({});
    return all[question.at - 1];
  }

  function partsOf(run, block, at, seed) {
    const parts = [];
    O.orderedItems(run.doc, block, seed).forEach((item) => {
      if (item.with || item.type === "calculate" || !run.shown(item.name, at)) return;
      const last = parts[parts.length - 1];
      const question = { item, block, at };
      if (item.matrix && last && last.name === item.matrix) last.rows.push(question);
      else {
        parts.push({
          name: item.matrix || item.name, rows: [question],
          stem: item.matrix ? run.doc.matrices[item.matrix] : null,
        });
      }
    });
    return parts;
  }

  function screensOfBlock(run, block, at, seed) {
    const parts = partsOf(run, block, at, seed);
    const place = at ? `${block.name}[${at}].` : "";
    if (block.appearance === "page" && parts.length) {
      return [{ key: `${place || block.name}*`, kind: "page", block, at, parts }];
    }
    return parts.map((part) => ({
      key: part.stem ? `${place}${part.name}*` : place + part.name, kind: "one", block, at, parts: [part],
    }));
  }

  /* `seed` is the response's client id, which decides random orders. */
  function screensOf(run, seed) {
    const screens = [];
    run.doc.blocks.forEach((block) => {
      if (block.kind === "household" || !run.blockShown(block)) return;
      if (!block.repeat) {
        screens.push.apply(screens, screensOfBlock(run, block, 0, seed));
        return;
      }
      const count = run.instances(block.name);
      for (let at = 1; at <= count; at++) screens.push.apply(screens, screensOfBlock(run, block, at, seed));
      if (!block.repeat.count) screens.push({ key: `${block.name}[]`, kind: "people", block, at: 0, parts: [] });
    });
    return screens;
  }

  function companionsOf(run, question) {
    return question.block.items.filter((each) => each.with === question.item.name && run.shown(each.name, question.at))
      .map((item) => ({ item, block: question.block, at: question.at }));
  }

  /* The screen of a path such as "Q01", "family[2].age" or "family"; undefined where it is not asked now. */
  function screenWith(run, screens, path) {
    return screens.find((screen) => screen.key === path || questionsOf(screen).some((question) =>
      [question].concat(companionsOf(run, question)).some((each) => pathOf(each) === path)));
  }

  /* How far: questions before and on all screens (a matrix counts as one), and seconds from here on. */
  function progress(screens, place) {
    const units = (screen) => screen.kind === "people" ? 0 :
      screen.parts.filter((part) => part.rows.some((question) => question.item.type !== "note")).length;
    const sum = (list, of) => list.reduce((total, each) => total + of(each), 0);
    const seconds = (screen) => sum(questionsOf(screen), (question) => question.item.seconds || 0);
    const total = sum(screens, units);
    const here = screens[place] && units(screens[place]) ? 1 : 0;
    return {
      number: Math.min(total, Math.max(1, sum(screens.slice(0, place), units) + here)), total,
      seconds: sum(screens.slice(place), seconds),
    };
  }

  root.MinyiScreens = { screensOf, orderedItems: O.orderedItems, orderedChoices: O.orderedChoices, questionsOf, companionsOf, screenWith, pathOf, bagOf, progress };
})(typeof self !== "undefined" ? self : this);
