/* Runs after the form's scripts: fetches them again when one was lost on the way. The page names this file under two
 * addresses, so that losing one of them does not leave her before a page that says it is opening for ever. */
(function () {
  "use strict";
  var TRIES = 8, FIRST_PAUSE_MS = 250, LONGER = 1.5;
  var opening = document.querySelector("[data-again]");
  if (!opening || opening.hasAttribute("data-tended") || (window.MinyiForm && !window.MinyiForm.incomplete)) return;
  opening.setAttribute("data-tended", "");
  var addresses = Array.from(document.querySelectorAll("script[type=module]")).map(function (each) { return each.src; });

  // In order, one after another: what has arrived before comes out of the browser's cache, and may run twice.
  function load(place, failures) {
    if (place === addresses.length) return;
    var script = document.createElement("script");
    script.src = addresses[place];
    script.onload = function () { load(place + 1, 0); };
    script.onerror = function () {
      if (failures + 1 === TRIES) opening.textContent = opening.getAttribute("data-failed");
      else setTimeout(function () { load(place, failures + 1); }, FIRST_PAUSE_MS * Math.pow(LONGER, failures));
    };
    document.head.appendChild(script);
  }

  opening.textContent = opening.getAttribute("data-again");
  load(0, 0);
})();
