/* What scripts add to the editor: saving by itself, conditions that open as they are picked, rows and items that
 * are dragged, the phone that follows. Without it every button still works. */
const editor = document.querySelector("[data-editor]");

if (editor) {
  document.documentElement.classList.add("js-editor");
  const form = editor.querySelector("form[data-autosave]");
  const words = editor.dataset;
  let timer = 0;
  let saving = null;
  let dirty = false;
  let refused = false; // the last save was not stored: no more tries until something is typed or 保存 is pressed
  let leaving = false;

  // ---- saving ------------------------------------------------------------------------------------------

  function say(text, alarming) {
    const status = editor.querySelector("[data-status]");
    if (!status) return;
    status.textContent = text;
    status.classList.toggle("advice-error", Boolean(alarming));
  }

  function renew(answer) {
    document.querySelectorAll("[data-seen]").forEach((field) => { field.value = answer.seen; });
    document.querySelectorAll("[data-name]").forEach((field) => { field.value = answer.name; });
    const parts = { "[data-outline]": answer.outline, "[data-advice]": answer.advice, "[data-history]": answer.history, "[data-cond-words]": answer.condition };
    Object.keys(parts).forEach((place) => {
      const box = document.querySelector(place);
      if (!box) return;
      const top = box.scrollTop;
      box.innerHTML = parts[place];
      box.scrollTop = top;
    });
    const name = new URL(window.location.href).searchParams.get("item");
    if (answer.name && name && name !== answer.name) {
      window.history.replaceState(null, "", `?item=${encodeURIComponent(answer.name)}`);
    }
    showPhone(answer.name);
  }

  // A line that drops out is tried again by itself; what was refused in words is not.
  async function fetchAgain(address, options) {
    for (let pause = 500; ; pause *= 2) {
      try {
        return await fetch(address, options);
      } catch (error) {
        if (pause > 8000) throw error;
        say(words.wordsAgain, true);
        await new Promise((done) => { window.setTimeout(done, pause); });
      }
    }
  }

  async function send(body) {
    const answer = await fetchAgain(window.location.pathname, {
      method: "POST", body, headers: { Accept: "application/json" }, credentials: "same-origin",
    });
    const read = await answer.json();
    if (!answer.ok) throw Object.assign(new Error(read.reason), { told: true });
    return read;
  }

  // An unfinished condition (an item without an answer) waits; everything else is stored at once.
  function unfinished() {
    return Array.from(form.querySelectorAll(".cond[data-cond]")).some((row) => {
      const item = row.querySelector("[data-cond-item]");
      const value = row.querySelector("[name$=_value]");
      if (!item || !item.value || !value) return false;
      const ticks = row.querySelectorAll("input[type=checkbox]");
      return ticks.length ? !row.querySelector("input:checked") : !value.value;
    });
  }

  async function save() {
    window.clearTimeout(timer);
    if (!dirty || saving) return saving;
    if (unfinished()) { say(words.wordsUnsaved); return null; }
    dirty = false;
    refused = false;
    say(words.wordsSaving);
    const body = new FormData(form);
    body.set("do", "save_item");
    saving = send(body).then((answer) => {
      say(answer.saved);
      renew(answer);
      // Options that came without a code have got one.
      const held = Array.from(form.querySelectorAll("[data-row]")).filter((row) =>
        row.querySelector("[name$=_label]").value || row.querySelector("[name$=_code]").value);
      if (!dirty) held.forEach((row, place) => {
        row.querySelector("[name$=_was]").value = answer.codes[place];
        row.querySelector("[name$=_code]").value = answer.codes[place];
      });
      const shared = form.querySelector("[data-shared]");
      if (shared && !answer.shared) shared.remove();
    }).catch((error) => {
      dirty = true;
      refused = true;
      say(error.told ? error.message : words.wordsFailed, true);
    }).finally(() => {
      saving = null;
      if (dirty && !refused) later();
    });
    return saving;
  }

  function later() {
    dirty = true;
    window.clearTimeout(timer);
    timer = window.setTimeout(save, 900);
  }

  if (form) {
    form.addEventListener("change", (event) => {
      if (event.target.matches("[data-retype]")) {
        form.requestSubmit(form.querySelector("[data-no-script]"));
        return;
      }
      if (event.target.matches("[data-cond-item], [data-cond-op]")) return;
      later();
    });
    form.addEventListener("input", (event) => {
      dirty = true;
      say(words.wordsUnsaved);
      if (event.target.name === "label") count(event.target);
    });
    form.addEventListener("submit", () => { dirty = false; window.clearTimeout(timer); });
    window.addEventListener("beforeunload", (event) => { if (dirty) event.preventDefault(); });
    // A link or a small button waits for the save that is due.
    document.addEventListener("click", async (event) => {
      const way = event.target.closest("a[href]:not([target]), [data-small] button, [data-history] button");
      if (!way || leaving || (!dirty && !saving)) return;
      event.preventDefault();
      await (saving || save());
      leaving = true; // what could not be stored is asked about by the browser itself
      way.click();
      leaving = false;
    });
  }

  function count(field) {
    const counter = form.querySelector("[data-counter]");
    if (!counter) return;
    const length = Array.from(field.value).length;
    counter.textContent = counter.textContent.replace(/^\s*\d+/, String(length));
    counter.classList.toggle("over", length > Number(counter.dataset.most));
  }

  // ---- conditions --------------------------------------------------------------------------------------

  let made = 0;
  document.addEventListener("change", async (event) => {
    const picked = event.target.closest("[data-cond-item], [data-cond-op]");
    if (!picked) return;
    const row = picked.closest("[data-cond]");
    const item = row.querySelector("[data-cond-item]");
    const op = row.querySelector("[data-cond-op]");
    const fresh = row.dataset.cond === "new";
    if (!item.value) { if (!fresh) { row.remove(); later(); } return; }
    made += 1;
    const key = fresh ? `s${made}${Date.now() % 10000}` : row.dataset.cond;
    const query = new URLSearchParams({ item: item.value, key, op: op && picked === op ? op.value : "" });
    const answer = await fetchAgain(`${words.condition}?${query}`, { credentials: "same-origin" }).catch(() => null);
    if (!answer || !answer.ok) { say(words.wordsFailed, true); return; }
    const holder = document.createElement("ul");
    holder.innerHTML = await answer.text();
    const next = holder.firstElementChild;
    if (fresh) {
      row.before(next);
      item.value = "";
    } else {
      row.replaceWith(next);
    }
    joiner(next.closest("form"));
    const value = next.querySelector("[name$=_value]");
    if (value) value.focus(); else if (form && form.contains(next)) later();
  });

  function joiner(holder) {
    const box = holder.querySelector(".cond-joiner");
    const rows = holder.querySelectorAll("[data-cond]:not([data-cond=new])").length;
    if (box) box.toggleAttribute("data-single", rows < 2);
  }

  document.addEventListener("click", (event) => {
    const drop = event.target.closest("[data-cond-drop]");
    if (!drop) return;
    event.preventDefault();
    const holder = drop.closest("form");
    drop.closest("[data-cond]").remove();
    joiner(holder);
    if (holder === form) later();
  });

  // ---- options -----------------------------------------------------------------------------------------

  const rows = editor.querySelector("[data-rows]");
  if (rows) {
    const template = editor.querySelector("[data-row-template]");
    // Blank rows of the page without scripts give way to the button.
    rows.querySelectorAll("[data-row]").forEach((row) => {
      if (!row.querySelector("[name$=_label]").value && !row.querySelector("[name$=_code]").value) row.remove();
    });
    editor.addEventListener("click", (event) => {
      const button = event.target.closest("[data-row-more], [data-row-up], [data-row-down], [data-row-drop]");
      if (!button) return;
      event.preventDefault();
      const row = button.closest("[data-row]");
      if (button.matches("[data-row-more]")) {
        made += 1;
        const holder = document.createElement("ul");
        holder.innerHTML = template.innerHTML.replace(/KEY/g, `r${made}${Date.now() % 10000}`);
        rows.append(holder.firstElementChild);
        rows.lastElementChild.querySelector("[name$=_label]").focus();
        return;
      }
      if (button.matches("[data-row-drop]")) row.remove();
      else if (button.matches("[data-row-up]") && row.previousElementSibling) row.previousElementSibling.before(row);
      else if (button.matches("[data-row-down]") && row.nextElementSibling) row.nextElementSibling.after(row);
      later();
    });
    // Enter goes on to the next option, and after the last one to a new one; not while Chinese is composed.
    rows.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.isComposing || !event.target.matches("[name$=_label]")) return;
      event.preventDefault();
      const next = event.target.closest("[data-row]").nextElementSibling;
      if (next) next.querySelector("[name$=_label]").focus();
      else editor.querySelector("[data-row-more]").click();
    });
    draggable(rows, "[data-row]", "[data-grip]", () => later());
  }

  // ---- dragging ----------------------------------------------------------------------------------------

  /* Rows of `list` follow the pointer once it is pressed on their handle; `done` runs when one was moved. */
  function draggable(list, row, handle, done) {
    let held = null;
    let moved = false;
    list.addEventListener("pointerdown", (event) => {
      const grip = event.target.closest(handle);
      if (!grip || event.button !== 0) return;
      held = grip.closest(row);
      moved = false;
      list.setPointerCapture(event.pointerId);
      event.preventDefault();
    });
    list.addEventListener("pointermove", (event) => {
      if (!held) return;
      const under = Array.from(list.querySelectorAll(row)).find((each) => {
        const box = each.getBoundingClientRect();
        return each !== held && event.clientY >= box.top && event.clientY <= box.bottom;
      });
      held.classList.add("dragged");
      if (!under) return;
      const box = under.getBoundingClientRect();
      if (event.clientY < box.top + box.height / 2) under.before(held); else under.after(held);
      moved = true;
    });
    const stop = () => {
      if (!held) return;
      held.classList.remove("dragged");
      held = null;
      if (moved) done();
    };
    list.addEventListener("pointerup", stop);
    list.addEventListener("pointercancel", stop);
  }

  // Items of the outline are dragged by the browser's own means, also from block to block.
  const outline = editor.querySelector("[data-outline]");
  let carried = null;
  function mark(line) {
    outline.querySelectorAll(".drop-before").forEach((each) => each.classList.remove("drop-before"));
    if (line) line.classList.add("drop-before");
  }
  function arm() {
    outline.querySelectorAll("[data-item]").forEach((line) => { line.draggable = true; });
  }
  arm();
  new MutationObserver(arm).observe(outline, { childList: true });
  outline.addEventListener("dragstart", (event) => {
    carried = event.target.closest("[data-item]");
    if (!carried) return;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", carried.dataset.item);
    carried.classList.add("dragged");
  });
  outline.addEventListener("dragover", (event) => {
    if (!carried || !event.target.closest("[data-block]")) return;
    event.preventDefault();
    mark(event.target.closest("[data-item]"));
  });
  outline.addEventListener("dragend", () => { if (carried) carried.classList.remove("dragged"); carried = null; mark(null); });
  outline.addEventListener("drop", async (event) => {
    const block = event.target.closest("[data-block]");
    if (!carried || !block) return;
    event.preventDefault();
    const before = event.target.closest("[data-item]");
    const open = form ? form.querySelector("[data-name]").value : "";
    const body = new FormData();
    body.set("csrfmiddlewaretoken", editor.querySelector("[name=csrfmiddlewaretoken]").value);
    body.set("seen", document.querySelector("[data-seen]").value);
    body.set("do", "move");
    body.set("item", carried.dataset.item);
    body.set("block", block.dataset.block);
    body.set("before", before && before !== carried ? before.dataset.item : "");
    carried = null;
    try {
      const answer = await send(body);
      answer.name = open || answer.name;
      if (!open) { window.location.reload(); return; }
      delete answer.advice;
      renewOutline(answer);
      say(words.wordsMoved);
    } catch (error) {
      say(error.told ? error.message : words.wordsFailed, true);
    }
  });
  function renewOutline(answer) {
    document.querySelectorAll("[data-seen]").forEach((field) => { field.value = answer.seen; });
    outline.innerHTML = answer.outline;
    outline.querySelectorAll("[aria-current]").forEach((each) => each.removeAttribute("aria-current"));
    const here = Array.from(outline.querySelectorAll("[data-item]")).find((each) => each.dataset.item === answer.name);
    if (here) here.querySelector("a").setAttribute("aria-current", "page");
    document.querySelector("[data-history]").innerHTML = answer.history;
  }
  const current = outline.querySelector(".outline-items [aria-current]");
  if (current && outline.scrollHeight > outline.clientHeight) {
    outline.scrollTop = current.offsetTop - outline.clientHeight / 2;
  }

  // ---- the phone ---------------------------------------------------------------------------------------

  const phone = editor.querySelector("[data-phone]");
  const shown = { mode: "web", language: "" };
  function showPhone(name) {
    if (!phone) return;
    const item = name || form.querySelector("[data-name]").value;
    const query = new URLSearchParams({ item, mode: shown.mode, language: shown.language });
    phone.contentWindow.location.replace(`${phone.dataset.address}?${query}`);
  }
  editor.querySelectorAll("[data-phone-mode]").forEach((button) => {
    button.addEventListener("click", () => {
      shown.mode = button.dataset.phoneMode;
      editor.querySelectorAll("[data-phone-mode]").forEach((each) => {
        each.setAttribute("aria-pressed", String(each === button));
      });
      showPhone("");
    });
  });
  const language = editor.querySelector("[data-phone-language]");
  if (language) language.addEventListener("change", () => { shown.language = language.value; showPhone(""); });
}
