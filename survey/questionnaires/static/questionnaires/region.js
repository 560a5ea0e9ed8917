/* Region picker: one native list after another, from /r/regions/<code>.json. Parses as ES2017. */
(function (root) {
  "use strict";

  root.MinyiAddWords({
    "zh-hans": {
      province: "省", city: "市", district: "区县", street: "街道（乡镇）", community: "社区（村）", pick: "请选",
      regionLoading: "正在取名单，请稍等……", regionFailed: "名单没有取到。有信号时再点一次。", retryList: "再取一次",
    },
    "zh-hant": {
      province: "省", city: "市", district: "區縣", street: "街道（鄉鎮）", community: "社區（村）", pick: "請選",
      regionLoading: "正在取名單，請稍等……", regionFailed: "名單沒有取到。有訊號時再點一次。", retryList: "再取一次",
    },
    en: {
      province: "Province", city: "City", district: "District", street: "Street or township",
      community: "Community or village", pick: "Please choose", regionLoading: "Fetching the list, please wait…",
      regionFailed: "The list did not arrive. Tap again when there is signal.", retryList: "Fetch again",
    },
  });

  const F = root.MinyiFields, D = root.MinyiDraft;
  const { h } = root.MinyiDom;
  // Where the digits of each level end in a division code (survey/regions/codes.py).
  const ENDS = { province: 2, city: 4, district: 6, street: 9, community: 12 };
  const lists = new Map(); // address → [{code, name}], for as long as the page is open

  async function fetchList(base, code, level) {
    const address = `${base}${code}.json?level=${level}`;
    if (!lists.has(address)) {
      const answer = await D.request("GET", address, null, "");
      if (answer.kind !== "ok" || !Array.isArray(answer.data)) return null;
      lists.set(address, answer.data);
    }
    return lists.get(address);
  }

  /* The code of the region of `level` that holds `code`. */
  function above(code, level) { return code.slice(0, ENDS[level]).padEnd(12, "0"); }

  function region(ask) {
    const { item, words } = ask;
    const { levels } = item;
    const box = h("div", { class: "mf-answer" });
    const steps = h("div", { class: "mf-main mf-regions" });
    const status = h("p", { class: "mf-soft", role: "status" });
    const base = ask.settings.regionsUrl || "/r/regions/";
    const reading = ask.value();
    // What is picked so far, level by level; a stored answer fills all of them.
    let picked = reading.value && !reading.missing ? levels.map((level) => above(reading.value, level)) : [];

    function pick(depth, code) {
      F.unpick(box);
      picked = picked.slice(0, depth).concat(code ? [code] : []);
      ask.set(picked.length === levels.length ? picked[picked.length - 1] : "");
      if (picked.length === levels.length) { ask.settled(); return; }
      while (steps.children.length > depth + 1) steps.removeChild(steps.lastChild);
      if (code) draw(depth + 1);
    }

    function step(depth, list) {
      const id = `mf-${item.name}-${levels[depth]}`;
      const select = h("select", { id, class: "mf-input", name: `${item.name}-${levels[depth]}`,
        "aria-describedby": ask.failed ? ask.ids.error : null, onchange: () => pick(depth, select.value) },
      h("option", { value: "" }, words.pick), ...list.map((each) => h("option", { value: each.code }, each.name)));
      select.value = picked[depth] || "";
      return h("div", { class: "mf-region" }, h("label", { for: id }, words[levels[depth]]), select);
    }

    async function draw(depth) {
      status.textContent = words.regionLoading;
      const list = await fetchList(base, depth ? picked[depth - 1] : item.root, levels[depth]);
      status.textContent = list ? "" : words.regionFailed;
      if (!list) {
        status.appendChild(h("button", { type: "button", class: "mf-link", onclick: () => draw(depth) }, words.retryList));
        return;
      }
      while (steps.children.length > depth) steps.removeChild(steps.lastChild);
      steps.appendChild(step(depth, list));
      if (picked.length > depth && depth + 1 < levels.length) draw(depth + 1);
    }

    box.appendChild(steps);
    box.appendChild(status);
    F.apart(ask, box, () => {
      picked = [];
      draw(0);
    });
    draw(0);
    return box;
  }

  F.DRAW.region = region;
})(typeof self !== "undefined" ? self : this);
