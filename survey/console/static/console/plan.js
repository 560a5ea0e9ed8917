// Saves and recalculates a step of the plan when something in it changes. Without this script a button does.
"use strict";
(function () {
  var form = document.querySelector("form[data-live]");
  if (!form || !window.fetch || !window.DOMParser) return;
  var busy = false;
  var again = false;
  function recalculate() {
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    var result = document.getElementById("plan-result");
    if (result) result.setAttribute("aria-busy", "true");
    var data = new FormData(form);
    data.append("go", "stay");
    fetch(window.location.href, { method: "POST", body: data, credentials: "same-origin" })
      .then(function (answer) {
        if (!answer.ok) throw new Error(String(answer.status));
        return answer.text();
      })
      .then(function (text) {
        var page = new DOMParser().parseFromString(text, "text/html");
        swap(page, "#plan-result");
        swap(page, "[data-saved]");
        swap(page, ".wizard");
      })
      .catch(function () {
        var note = document.querySelector("[data-saved]");
        if (note) note.textContent = form.getAttribute("data-offline") || note.textContent;
        if (result) result.removeAttribute("aria-busy");
      })
      .then(function () {
        busy = false;
        if (again) {
          again = false;
          recalculate();
        }
      });
  }
  function swap(page, selector) {
    var fresh = page.querySelector(selector);
    var old = document.querySelector(selector);
    if (!fresh || !old) return;
    var open = old.querySelector("details[open]") !== null;
    old.replaceWith(fresh);
    var details = fresh.querySelector("details.how");
    if (open && details) details.open = true;
  }
  form.addEventListener("change", recalculate);
})();
