/* Ranking: tap options in order, best first; buttons move a place up or down. Nothing is dragged. Parses as ES2017. */
(function (root) {
  "use strict";

  root.MinyiAddWords({
    "zh-hans": {
      rankAll: "按重要程度一个一个点，先点最要紧的。", rankSome: "点出最要紧的 {0} 项，先点最要紧的。",
      rankAs: "排第 {0}", rankUp: "往前挪", rankDown: "往后挪", rankOut: "拿掉",
      ranked: "{1}，排在第 {0}。", rankRest: "还没排的", rankDone: "排好了。想改，用箭头挪一挪。",
    },
    "zh-hant": {
      rankAll: "按重要程度一個一個點，先點最要緊的。", rankSome: "點出最要緊的 {0} 項，先點最要緊的。",
      rankAs: "排第 {0}", rankUp: "往前挪", rankDown: "往後挪", rankOut: "拿掉", ranked: "{1}，排在第 {0}。",
      rankRest: "還沒排的", rankDone: "排好了。想改，用箭頭挪一挪。",
    },
    en: {
      rankAll: "Tap them one by one, the most important first.", rankSome: "Tap your top {0}, the most important first.",
      rankAs: "Rank {0}", rankUp: "Move up", rankDown: "Move down", rankOut: "Take out", ranked: "{1} is number {0}.",
      rankRest: "Not ranked yet", rankDone: "Done. To change, use the arrows.",
    },
  });

  const F = root.MinyiFields;
  const { h, icon, fill } = root.MinyiDom;

  function ranking(ask) {
    const { words } = ask;
    const all = ask.choices();
    const most = Math.min(ask.item.max_choices || all.length, all.length);
    const box = h("div", { class: "mf-answer" });
    const told = h("p", { class: "mf-hint mf-chosen", role: "status" });
    const place = h("div", { class: "mf-main" });

    const ranked = () => {
      const { value, missing } = ask.value();
      return missing || !Array.isArray(value) ? [] :
        value.map((code) => all.find((choice) => choice.code === code)).filter((choice) => choice);
    };
    const textOf = (choice) => F.label(ask, choice.label);

    /* Store the order, draw the lists again, put the focus where the finger or the key was, and say it. */
    function keep(list, focus, said) {
      F.unpick(box);
      ask.set(list.map((choice) => choice.code));
      draw();
      ask.settled();
      told.textContent = list.length === most ? `${said} ${words.rankDone}` : said;
      const next = focus && place.querySelector(focus);
      const target = next && !next.disabled ? next :
        place.querySelector(".mf-rest-row") || place.querySelector("button:not([disabled])");
      if (target) target.focus({ preventScroll: true });
    }

    function move(from, by) {
      const list = ranked();
      const choice = list.splice(from, 1)[0];
      list.splice(from + by, 0, choice);
      const button = by < 0 ? "mf-up" : "mf-down";
      keep(list, `[data-place="${from + by}"] .${button}`, fill(words.ranked, from + by + 1, textOf(choice)));
    }

    function arrow(kind, at, choice, disabled) {
      return h("button", { type: "button", class: `mf-arrow mf-${kind}`, disabled,
        "aria-label": `${textOf(choice)}${words.colon}${kind === "up" ? words.rankUp : words.rankDown}`,
        onclick: () => move(at, kind === "up" ? -1 : 1) }, icon(kind));
    }

    function row(choice, at, list) {
      return h("li", { class: "mf-rank", "data-place": String(at) },
        h("span", { class: "mf-rank-number" }, String(at + 1)), h("span", { class: "mf-rank-text" }, textOf(choice)),
        h("span", { class: "mf-rank-tools" }, arrow("up", at, choice, at === 0),
          arrow("down", at, choice, at === list.length - 1),
          h("button", { type: "button", class: "mf-arrow mf-out", "aria-label": `${textOf(choice)}${words.colon}${words.rankOut}`,
            onclick: () => keep(list.filter((each) => each !== choice), null, "") }, words.rankOut)));
    }

    function rest(list) {
      return all.filter((choice) => list.indexOf(choice) < 0).map((choice) => h("li", {}, h("button", {
        type: "button", class: "mf-row mf-rest-row", "aria-label": `${textOf(choice)}${words.colon}${fill(words.rankAs, list.length + 1)}`,
        onclick: () => keep(list.concat([choice]), null, fill(words.ranked, list.length + 1, textOf(choice))),
      }, h("span", { class: "mf-rank-next", "aria-hidden": "true" }, String(list.length + 1)),
      h("span", { class: "mf-row-text" }, textOf(choice)))));
    }

    function draw() {
      const list = ranked();
      place.textContent = "";
      if (list.length) place.appendChild(h("ol", { class: "mf-card mf-ranks" }, ...list.map(row)));
      if (list.length < most) place.appendChild(h("ul", { class: "mf-card mf-rest" }, ...rest(list)));
    }

    const top = ask.item.max_choices && ask.item.max_choices < all.length;
    box.appendChild(h("p", { class: "mf-soft" }, top ? fill(words.rankSome, most) : words.rankAll));
    box.appendChild(place);
    box.appendChild(told);
    draw();
    F.apart(ask, box, draw);
    return box;
  }

  F.DRAW.ranking = ranking;
})(typeof self !== "undefined" ? self : this);
