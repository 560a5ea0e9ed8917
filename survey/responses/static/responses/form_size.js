/* Runs after the form's scripts: fetches them again when one was lost on the way, and keeps one choice of large type
 * for the resident's pages and for form.js, which keeps its own in the draft. */
(function () {
  "use strict";
  var TRIES = 8, PAUSE_MS = 700;
  var opening = document.querySelector("[data-again]");
  if (!opening || (window.MinyiForm && !window.MinyiForm.incomplete)) return;
  var addresses = Array.from(document.querySelectorAll("script[type=module]")).map(function (each) { return each.src; });

  // In order, one after another: what has arrived before comes out of the browser's cache, and may run twice.
  function load(place, tries) {
    if (place === addresses.length) return;
    var script = document.createElement("script");
    script.src = addresses[place];
    script.onload = function () { load(place + 1, TRIES); };
    script.onerror = function () {
      if (tries > 1) setTimeout(function () { load(place, tries - 1); }, PAUSE_MS);
      else opening.textContent = opening.getAttribute("data-failed");
    };
    document.head.appendChild(script);
  }

  opening.textContent = opening.getAttribute("data-again");
  load(0, TRIES);
})();

(function () {
  "use strict";
  var KEY = "minyi.size";
  var root = document.documentElement;

  function isLarge() { return root.classList.contains("mf-care"); }

  try {
    var button = document.querySelector(".mf-size");
    if (button && localStorage.getItem(KEY) === "large" && !isLarge()) {
      button.click();
      document.activeElement.blur();
    }
    document.addEventListener("click", function (event) {
      if (event.target.closest && event.target.closest(".mf-size")) remember();
    });
  } catch (error) { /* storage switched off: each page begins in normal type */ }

  // form.js redraws before this listener hears the click, so the class already tells the new state.
  function remember() {
    try { localStorage.setItem(KEY, isLarge() ? "large" : ""); } catch (error) { /* as above */ }
  }
})();
