/* Takes a proposed text into its field; only a person's click does, and the save is theirs too. */
const form = document.querySelector("[data-texts]");

if (form) {
  const take = (button) => {
    const cell = button.closest("td");
    const field = cell.querySelector("textarea");
    if (!field.value) {
      field.value = cell.querySelector("[data-proposal]").textContent;
      field.classList.add("proposal");
    }
  };
  const buttons = form.querySelectorAll("[data-take]");
  buttons.forEach((button) => {
    button.hidden = false;
    button.addEventListener("click", () => take(button));
  });
  const all = form.querySelector("[data-take-all]");
  if (all && buttons.length) {
    all.hidden = false;
    all.addEventListener("click", () => buttons.forEach(take));
  }
}
