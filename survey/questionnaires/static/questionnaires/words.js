/* The page's own words: those of the language that is spoken come with the page (words_<language>.js), others when
 * somebody asks for them; what an author writes is in the document. {0}, {1} are filled in. The error sentences are
 * the twins of survey/questionnaires/validation.py. Parses as ES2017. */
(function (root) {
  "use strict";

  const words = {
    "zh-hans": { html: "zh-CN", name: "简体", language: "语言", wordsFailed: "没有换成，请看看有没有信号，再点一次。" },
    "zh-hant": { html: "zh-Hant", name: "繁體", language: "語言", wordsFailed: "沒有換成，請看看有沒有訊號，再點一次。" },
    en: { html: "en", name: "English", language: "Language",
      wordsFailed: "The language did not change. Please check the signal and tap again." },
  };

  /* Words of a language or of a rarely used type come with its file. */
  function addWords(more) { Object.keys(more).forEach((language) => Object.assign(words[language], more[language])); }

  /* Resolves when the words of `language` are here: at once, or after fetching the script that the page names. */
  function ensureWords(language) {
    if (words[language].next) return Promise.resolve();
    const named = root.document.querySelector(`[data-words="${language}"]`);
    return new Promise((resolve, reject) => {
      if (!named) { reject(new Error(`no words for ${language}`)); return; }
      const script = root.document.createElement("script");
      script.src = named.getAttribute("data-src");
      script.onload = () => resolve();
      script.onerror = () => { script.remove(); reject(new Error(script.src)); };
      root.document.head.appendChild(script);
    });
  }

  root.MinyiWords = words;
  root.MinyiAddWords = addWords;
  root.MinyiEnsureWords = ensureWords;
})(typeof self !== "undefined" ? self : this);
