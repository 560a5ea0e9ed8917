/* Starts the page in its place: docs/questionnaire-page.md has the mounting contract. Loads last. Parses as ES2017. */
(function (root) {
  "use strict";

  const L = root.MinyiLogic, W = root.MinyiWords, F = root.MinyiFields, P = root.MinyiFormPage;
  const { h } = root.MinyiDom;

  /* Whether every script that this document needs has arrived; without signal one may be lost. */
  function isComplete(doc, language) {
    const types = L.itemsOf(doc).map((item) => item.type);
    return Boolean(P && W[language].next && root.MinyiSync && root.MinyiSending && root.MinyiSpeech) &&
      ["ranking", "region", "place", "photo", "signature"].every((type) => types.indexOf(type) < 0 || F.DRAW[type]) &&
      (!doc.matrices || Boolean(root.MinyiMatrix)) && doc.blocks.every((block) => !block.repeat || root.MinyiPeople);
  }

  async function mountForm(mount) {
    const language = W[mount.dataset.lang] || W["zh-hans"];
    const block = mount.dataset.document ? document.getElementById(mount.dataset.document) : null;
    const begin = async (doc) => {
      const form = new P.Form(mount, doc);
      try {
        await root.MinyiEnsureWords(form.language);
      } catch (error) {
        form.language = mount.dataset.lang; // its words came with the page
        form.read();
      }
      form.start();
      form.sync.pull();
    };
    if (block) {
      const doc = JSON.parse(block.textContent);
      root.MinyiForm.incomplete = !isComplete(doc, mount.dataset.lang);
      if (!root.MinyiForm.incomplete) await begin(doc);
      return;
    }
    const status = h("p", { class: "mf-loading", role: "status" }, language.loading);
    mount.textContent = "";
    mount.appendChild(status);
    try {
      const response = await fetch(mount.dataset.documentUrl, { credentials: "same-origin" });
      if (!response.ok) throw new Error(String(response.status));
      await begin(await response.json());
    } catch (error) {
      status.textContent = language.loadFailed;
      mount.appendChild(h("button", {
        type: "button", class: "mf-button mf-next", onclick: () => mountForm(mount),
      }, language.retry));
    }
  }

  root.MinyiForm = { mountForm };
  const mount = document.getElementById("minyi-form");
  if (mount) mountForm(mount);
})(typeof self !== "undefined" ? self : this);
