/* Open answers by the keyboard: a key decides, the next card comes forward, nothing reloads. Keys work only while
 * a card has the focus and nothing is being typed. Without this every button still works. */
const list = document.querySelector("[data-saids]");

if (list) {
  const words = list.dataset;

  const cards = () => Array.from(list.querySelectorAll("[data-card]"));
  const typing = (target) => target.matches("textarea, input:not([type=checkbox]), select");

  function go(card, step) {
    const all = cards();
    const next = all[all.indexOf(card) + step];
    if (next) {
      next.focus();
      next.scrollIntoView({ block: "nearest" });
      return;
    }
    const on = document.querySelector("[data-on]");
    if (step > 0 && on) on.focus();
  }

  function say(card, text, alarming) {
    const status = card.querySelector("[data-status]");
    status.textContent = text;
    status.classList.toggle("said-error", Boolean(alarming));
  }

  async function send(form, button) {
    const card = form.closest("[data-card]");
    const body = new FormData(form);
    if (button && button.name) body.set(button.name, button.value);
    say(card, words.wordsSaving);
    let answer;
    try {
      answer = await fetch(form.action, { method: "POST", body, headers: { Accept: "application/json" }, credentials: "same-origin" });
    } catch (error) {
      say(card, words.wordsFailed, true);
      return;
    }
    const read = await answer.json().catch(() => ({}));
    if (!answer.ok) {
      say(card, read.detail || words.wordsFailed, true);
      return;
    }
    const box = document.createElement("ol");
    box.innerHTML = read.card;
    const renewed = box.firstElementChild;
    card.replaceWith(renewed);
    const bar = document.querySelector("[data-progress]");
    if (bar) bar.outerHTML = read.progress;
    // Who decides and then codes stays; who is through with the card goes on.
    const toCode = form.matches("[data-review]") && renewed.querySelector("[data-code]");
    if (toCode) renewed.focus();
    else go(renewed, 1);
  }

  list.addEventListener("submit", (event) => {
    event.preventDefault();
    send(event.target, event.submitter);
  });

  list.addEventListener("keydown", (event) => {
    const card = event.target.closest("[data-card]");
    if (!card || event.ctrlKey || event.metaKey || event.altKey) {
      if (card && event.key === "Enter" && event.target.matches("textarea")) {
        event.preventDefault();
        send(card.querySelector("[data-review]"), card.querySelector("[value=redacted]"));
      }
      return;
    }
    if (typing(event.target)) return;
    const key = event.key.toLowerCase();
    const chip = card.querySelector(`[data-key="${CSS.escape(key)}"]`);
    const verdict = { 1: "cleared", 3: "withheld" }[key];
    if (key === "j" || key === "k") go(card, key === "j" ? 1 : -1);
    else if (verdict && card.querySelector(`[value=${verdict}]`)) card.querySelector(`[value=${verdict}]`).click();
    else if (key === "2" && card.querySelector("[data-redact]")) {
      card.querySelector("[data-redact]").open = true;
      card.querySelector("textarea").focus();
    } else if (chip) {
      chip.checked = !chip.checked;
      chip.dispatchEvent(new Event("change", { bubbles: true }));
    } else if (key === "enter" && event.target === card && card.querySelector("[data-code]")) {
      send(card.querySelector("[data-code]"));
    } else return;
    event.preventDefault();
  });

  list.addEventListener("click", (event) => {
    const card = event.target.closest("[data-card]");
    if (card && !event.target.closest("button, a, label, summary, textarea, input")) card.focus();
  });
}
