/* 读给我听: reads a question and its options aloud where the browser has a voice of the page's language; where it
 * has none there is no button. Parses as ES2017. */
(function (root) {
  "use strict";

  const { h, icon } = root.MinyiDom;
  const speech = root.speechSynthesis;
  const SPOKEN = { "zh-hans": /^(zh|cmn)/i, "zh-hant": /^(zh|cmn|yue)/i, en: /^en/i };
  const NEAREST = { "zh-hans": /CN|Hans/i, "zh-hant": /TW|HK|Hant/i, en: /US|GB/i };
  let talking = null; // the button that says 停

  function voiceFor(language) {
    if (!speech || !root.SpeechSynthesisUtterance) return null;
    const fit = speech.getVoices().filter((voice) => SPOKEN[language].test(voice.lang));
    return fit.find((voice) => NEAREST[language].test(voice.lang)) || fit[0] || null;
  }

  /* What stands in the question, in reading order, without the button itself and what is only for eyes. */
  function textOf(box) {
    return Array.from(box.querySelectorAll(
      ".mf-title, .mf-subtitle, .mf-hint, .mf-error p, .mf-row-text, .mf-ends span, .mf-chip span, .mf-rowtitle"))
      .map((element) => element.textContent.trim()).filter((text) => text).join("。\n");
  }

  function stop() {
    if (speech) speech.cancel();
    if (talking) talking.quiet();
    talking = null;
  }

  function start(form, box, control) {
    stop();
    const utterance = new root.SpeechSynthesisUtterance(textOf(box));
    utterance.voice = voiceFor(form.language);
    utterance.lang = form.words.html;
    utterance.rate = 0.9; // a little slower than a newsreader
    utterance.onend = utterance.onerror = () => { if (talking === control) stop(); };
    talking = control;
    speech.speak(utterance);
  }

  function button(form, box) {
    if (!speech) return null;
    const words = form.words;
    const control = h("button", { type: "button", class: "mf-aloud", "aria-pressed": "false", onclick: () => {
      if (talking === handle) { stop(); return; }
      start(form, box, handle);
      show(true);
    } });
    function show(on) {
      control.textContent = "";
      control.appendChild(icon(on ? "stop" : "speaker"));
      control.appendChild(h("span", {}, on ? words.hush : words.aloud));
      control.setAttribute("aria-pressed", on ? "true" : "false");
    }
    const handle = { quiet: () => show(false) };
    show(false);
    // Voices may arrive later than the page.
    const reveal = () => { control.hidden = !voiceFor(form.language); };
    reveal();
    if (control.hidden) speech.addEventListener("voiceschanged", reveal);
    return control;
  }

  root.addEventListener("pagehide", stop);
  root.MinyiSpeech = { button, stop };
})(typeof self !== "undefined" ? self : this);
