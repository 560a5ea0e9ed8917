// The menu of a narrow screen. Without this script the column simply stays open.
"use strict";
(function () {
  document.documentElement.classList.add("js");
  var button = document.querySelector("[data-menu]");
  if (!button) return;
  var side = document.getElementById(button.getAttribute("aria-controls"));
  button.addEventListener("click", function () {
    var open = side.classList.toggle("open");
    button.setAttribute("aria-expanded", open ? "true" : "false");
  });
  document.addEventListener("keydown", function (event) {
    if (event.key === "Escape" && side.classList.contains("open")) {
      side.classList.remove("open");
      button.setAttribute("aria-expanded", "false");
      button.focus();
    }
  });
})();
