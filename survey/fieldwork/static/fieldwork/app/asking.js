/* The questionnaire at the door: the resident's own renderer and evaluator (docs/questionnaire-page.md), with the
 * vault in place of localStorage and the outbox in place of the network. */

import { newId } from "./work.js";

const loaded = new Set();

/* The scripts that a document needs, one after another, as its own page would load them; without mount.js, which
 * looks for a page that is not here. */
async function loadScripts(base, scripts) {
  for (const path of scripts.filter((each) => !each.endsWith("/mount.js") && !loaded.has(each))) {
    await import(base + path);
    loaded.add(path);
  }
}

class DoorDraft {
  constructor(data, keep) {
    this.data = data;
    this.keep = keep;
    this.persistent = true;
    this.restored = Object.keys(data.answers).length > 0;
    if (this.restored) data.returns += 1;
  }

  save() {
    if (!this.sent) this.keep(this.data);
  }

  forget() { this.sent = true; }
}

/* Writes one after another; of several that wait only the last is written. */
class Keeper {
  constructor(write) {
    this.write = write;
    this.next = null;
    this.busy = null;
  }

  keep(value) {
    this.next = structuredClone(value);
    if (!this.busy) this.busy = this.run();
    return this.busy;
  }

  async run() {
    try {
      while (this.next) {
        const value = this.next;
        this.next = null;
        await this.write(value);
      }
    } finally {
      this.busy = null;
    }
  }

  async idle() { while (this.busy) await this.busy; }
}

function newForm(training) {
  return { id: newId(training), answers: {}, at: null, started: new Date().toISOString(), items: {}, language: null,
    care: false, returns: 0, outbox: null, sequence: 0, orders: {}, changed: null };
}

/* Ask the questionnaire in `mount`; `done` gets what was answered once it is complete and kept. */
export async function ask({ work, caseId, mount, staticBase, found, finish }) {
  const root = globalThis;
  await loadScripts(staticBase, found.scripts);
  const draft = work.open.get(caseId), round = work.roundOf(caseId);
  draft.form = Object.assign(newForm(work.training), draft.form || {});
  const keeper = new Keeper(async (form) => {
    draft.form = form;
    await work.saveDraft(draft);
  });
  root.MinyiDraft.Draft = class extends DoorDraft {
    constructor() { super(structuredClone(draft.form), (data) => keeper.keep(data)); }
  };
  root.MinyiSending.Sending = class extends root.MinyiSending.Sending {
    /* Instead of the network: the outbox, sealed, in one write. */
    async send() {
      const { form } = this;
      if (this.working || form.draft.sent) return;
      this.working = true;
      await keeper.idle();
      form.draft.sent = true;
      try {
        await finish(JSON.parse(form.state.outbox));
      } catch (error) {
        form.draft.sent = false;
        form.state.outbox = null;
        this.refused({ status: 0, data: { detail: `没有存上：${error.message}。您记的都还在这里，请再点一次。` } });
      } finally {
        this.working = false;
      }
    }
  };
  if (root.MinyiAttachments) root.MinyiAttachments = Object.assign(root.MinyiAttachments, filesOf(work, caseId));
  Object.assign(mount.dataset, { documentHash: round.document, submitUrl: "", thanksUrl: "#/", draftKey: caseId,
    mode: "door", lang: "zh-hans" });
  const form = new root.MinyiFormPage.Form(mount, found.document);
  if (form.state.outbox) form.state.outbox = null; // it never left the form: asked to hand in again
  form.start();
  return {
    /* The page goes to another screen: everything is on the disk, and this form answers to nothing any more. */
    leave: async () => {
      if (!form.draft.sent) {
        form.clock.stop();
        form.draft.save();
      }
      await keeper.idle();
      form.draft.sent = true;
      form.state.outbox = "left";
    },
  };
}

function filesOf(work, caseId) {
  return {
    keep: async (_key, item, blob) => ({ answer: await work.keepFile(caseId, item, blob), safe: true }),
    find: async (id) => {
      const file = await work.file(id);
      return file ? { ...file, buffer: Uint8Array.from(atob(file.data), (char) => char.charCodeAt(0)).buffer } : null;
    },
    drop: (id) => work.dropFile(id),
    pending: async () => [],
    sendAll: async () => ({ kind: "ok" }),
    left: () => 0,
  };
}
