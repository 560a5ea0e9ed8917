/* A pasted questionnaire is read while it is written: problems by line beside the text. Without scripts the
 * button below does the same once. */
const paste = document.querySelector("[data-paste]");

if (paste) {
  const form = paste.querySelector("form");
  const found = paste.querySelector("[data-paste-found]");
  let timer = 0;
  let asked = 0;

  async function check() {
    asked += 1;
    const mine = asked;
    try {
      const answer = await fetch(paste.dataset.check, { method: "POST", body: new FormData(form), credentials: "same-origin" });
      if (!answer.ok) throw new Error(String(answer.status));
      const html = await answer.text();
      if (mine === asked) found.innerHTML = html;
    } catch (error) {
      if (mine === asked) found.textContent = paste.dataset.failed;
    }
  }

  form.addEventListener("input", () => {
    window.clearTimeout(timer);
    timer = window.setTimeout(check, 500);
  });
  // What was pasted before this script came, or what the browser put back, is read as well.
  if (form.querySelector("textarea").value.trim()) check();
}
