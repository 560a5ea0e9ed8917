// Asks how far a job is and shows it; reloads the page when it ends, so that the server renders the outcome.
"use strict";
(function () {
  var box = document.querySelector("[data-job]");
  if (!box) return;
  var bar = box.querySelector("progress");
  var words = box.querySelector("[data-job-words]");
  var wait = 1000;
  function ask() {
    fetch(box.getAttribute("data-job"), { headers: { Accept: "application/json" }, credentials: "same-origin" })
      .then(function (answer) {
        if (!answer.ok) throw new Error(String(answer.status));
        return answer.json();
      })
      .then(function (job) {
        if (job.over) {
          window.location.reload();
          return;
        }
        if (bar) bar.value = job.progress;
        if (words && job.message) words.textContent = job.message;
        wait = Math.min(wait * 1.2, 5000);
        window.setTimeout(ask, wait);
      })
      .catch(function () {
        wait = Math.min(wait * 2, 20000);
        window.setTimeout(ask, wait);
      });
  }
  window.setTimeout(ask, wait);
})();
