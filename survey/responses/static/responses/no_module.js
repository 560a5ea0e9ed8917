/* Kernels without modules cannot run form.js: they go on to the plain forms. Others never load this file (nomodule).
 * Written for the oldest of them. */
(function () {
  var mark = document.querySelector("script[data-plain]");
  window.location.replace(mark.getAttribute("data-plain"));
})();
