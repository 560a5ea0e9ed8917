/* Keeps one choice of large type for the resident's pages and for form.js, which keeps its own in the draft. */
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
