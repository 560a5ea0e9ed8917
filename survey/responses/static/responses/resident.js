/* Large type, and closing the page inside WeChat. The pages work without it. */
(function () {
  "use strict";
  var root = document.documentElement;
  var KEY = "minyi.size";

  function stored() {
    try { return localStorage.getItem(KEY); } catch (error) { return null; }
  }

  function show(size) {
    if (size === "large") root.setAttribute("data-size", "large");
    else root.removeAttribute("data-size");
    document.querySelectorAll("[data-size-switch]").forEach(function (button) {
      button.textContent = size === "large" ? button.dataset.standard : button.dataset.large;
      button.setAttribute("aria-pressed", String(size === "large"));
      button.hidden = false;
    });
  }

  show(stored());
  document.addEventListener("click", function (event) {
    var target = event.target.closest("[data-size-switch], [data-close]");
    if (!target) return;
    if (target.hasAttribute("data-close")) {
      window.WeixinJSBridge.call("closeWindow");
      return;
    }
    var size = root.getAttribute("data-size") === "large" ? "" : "large";
    try { localStorage.setItem(KEY, size); } catch (error) { /* a private window: it holds for this page */ }
    show(size);
  });

  function offerToClose() {
    document.querySelectorAll("[data-close], [data-close-foot]").forEach(function (button) { button.hidden = false; });
    document.querySelectorAll("[data-close-words]").forEach(function (words) { words.hidden = true; });
  }
  if (window.WeixinJSBridge) offerToClose();
  else document.addEventListener("WeixinJSBridgeReady", offerToClose);
})();
