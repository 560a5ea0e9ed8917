/* The day's work on the phone: cases, drafts, files, finished items. Everything readable is a ciphertext on the disk;
 * what is finished is sealed at that moment, and sending again sends the same bytes. */

import { choose, normalise, rosterHash } from "./household.js";
import { seal, toBase64 } from "./sealing.js";
import { together } from "./ui.js";
import { APP, PROTOCOL } from "./version.js";

const TRAINING_PREFIX = "00000000-"; // docs/field-sync.md, rule 7
export const KEPT_DAYS = 7;

export function newId(training) {
  for (;;) {
    const id = crypto.randomUUID();
    if (training) return TRAINING_PREFIX + id.slice(TRAINING_PREFIX.length);
    if (!id.startsWith(TRAINING_PREFIX)) return id;
  }
}

export class Work {
  constructor(store, vault, training = null) {
    this.store = store;
    this.vault = vault;
    this.training = training; // the made-up community's data; null for real work
    this.cases = new Map();
    this.rounds = new Map();
    this.visits = []; // made here, not yet in the server's history
    this.outbox = [];
    this.open = new Map(); // case → draft
    this.returned = [];
  }

  async load() {
    const [cases, rounds, visits, drafts, outbox] = await Promise.all(
      ["cases", "rounds", "visits", "drafts", "outbox"].map((name) => this.store.all(name)));
    const read = (records) => Promise.all(records.map((each) => this.vault.unlock(each)));
    this.cases = new Map((await read(cases)).map((each) => [each.id, { ...each, address: together(each.address) }]));
    this.rounds = new Map(rounds.map((each) => [each.id, each]));
    this.visits = await read(visits);
    this.open = new Map((await read(drafts)).map((each) => [each.case, each]));
    this.outbox = outbox.sort((a, b) => a.made - b.made);
    [this.door, this.device, this.user, this.offset, this.pulledAt, this.lastSync, this.returned] = await Promise.all(
      ["door", "device", "user", "offset_ms", "pulled_at", "last_sync", "returned"].map((id) => this.store.value(id)));
    if (this.device) this.device = await this.vault.unlock(this.device);
    this.returned = this.returned ? (await this.vault.unlock(this.returned)).list : [];
    return this;
  }

  waiting() { return this.outbox.filter((item) => item.state === "waiting"); }

  /* What still has to be uploaded, counted as the interviewer counts: files go with what names them. */
  left() { return this.waiting().filter((item) => item.kind !== "file"); }

  now() { return new Date(Date.now() + (this.offset || 0)); }

  // ---- cases -------------------------------------------------------------------------------------------

  roundOf(caseId) { return this.rounds.get(this.cases.get(caseId).round); }

  /* Visits that the round's rules ask for before a door may be left. */
  least(caseId) { return this.roundOf(caseId).min_attempts || this.door.min_attempts; }

  /* The server's history of a door with what was done here since. */
  historyOf(caseId) {
    const mine = this.visits.filter((visit) => visit.case === caseId);
    return this.cases.get(caseId).visits.concat(mine).sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
  }

  isDone(caseId) {
    const door = this.cases.get(caseId);
    return door.closed || this.visits.some((visit) => visit.case === caseId && (visit.complete || visit.closes));
  }

  appointmentOf(caseId) {
    const visits = this.historyOf(caseId);
    return visits.length && !this.isDone(caseId) ? visits[visits.length - 1].appointment : null;
  }

  async takePage(page) {
    await this.tookResults(page.results);
    await this.load();
    const steps = [];
    for (const each of page.cases) {
      steps.push(["put", "cases", await this.vault.lock(each.id, each)]);
      // The server's history now holds what it has of this door.
      this.visits.filter((visit) => visit.case === each.id && visit.settled)
        .forEach((visit) => steps.push(["delete", "visits", visit.id]));
    }
    page.gone.forEach((id) => { if (!this.open.has(id)) steps.push(["delete", "cases", id]); });
    page.rounds.forEach((each) => steps.push(["put", "rounds", each]));
    if (page.door) steps.push(["put", "meta", { id: "door", value: page.door }]);
    if (page.door) {
      const list = await this.vault.lock("returned", { list: page.returned });
      steps.push(["put", "meta", { id: "returned", value: list }]);
    }
    steps.push(["put", "meta", { id: "cursor", value: page.cursor }]);
    steps.push(["put", "meta", { id: "pulled_at", value: page.server_time }]);
    await this.store.write(steps);
    await this.load();
  }

  // ---- the household -----------------------------------------------------------------------------------

  /* Lock a list and choose from it: the first time, or again with a reason. The choice is the seed's. */
  async choosePerson(caseId, members, reason = "") {
    const door = this.cases.get(caseId), draft = await this.draftOf(caseId);
    const people = normalise(members, this.roundOf(caseId).min_age);
    const chosen = await choose(door.seed, people.length);
    const listed = { members: people, locked_at: new Date().toISOString(), reason };
    draft.household = {
      rosters: (draft.household ? draft.household.rosters : []).concat([listed]),
      n_eligible: people.length, chosen_index: chosen, roster_hash: await rosterHash(people),
    };
    await this.saveDraft(draft);
    return draft;
  }

  /* Who is to be asked: {people, chosen, place, n}; null before the listing. */
  personOf(caseId) {
    const draft = this.open.get(caseId);
    if (!draft || !draft.household) return null;
    const { rosters, chosen_index: place } = draft.household;
    const people = rosters[rosters.length - 1].members;
    return { people, chosen: people[place - 1], place, n: people.length, changed: rosters.length > 1 };
  }

  // ---- drafts ------------------------------------------------------------------------------------------

  async draftOf(caseId) {
    if (this.open.has(caseId)) return this.open.get(caseId);
    const door = this.cases.get(caseId);
    const draft = { case: caseId, household: null, present: [], consent: null, plate: null, place: null, form: null,
      replaces: "", note: "" };
    if (door.roster) { // listed on an earlier day, perhaps by a colleague
      const people = door.roster.members;
      draft.household = {
        rosters: [{ members: people, locked_at: new Date().toISOString(), reason: door.roster.reason }],
        n_eligible: people.length, chosen_index: await choose(door.seed, people.length), roster_hash: door.roster.hash,
      };
    }
    return draft;
  }

  async saveDraft(draft) {
    await this.store.put("drafts", await this.vault.lock(draft.case, draft));
    this.open.set(draft.case, draft);
  }

  async dropDraft(caseId) {
    await this.store.remove("drafts", caseId);
    this.open.delete(caseId);
  }

  // ---- files -------------------------------------------------------------------------------------------

  /* Keep a picture until the item that names it is finished: {id, sha256, bytes}. */
  async keepFile(caseId, item, blob) {
    const id = newId(this.training), content = await this.pictureOf(item, blob);
    await this.store.put("files", await this.vault.lock(id, { id, case: caseId, ...content }));
    return { id, sha256: content.sha256, bytes: blob.size };
  }

  /* A picture as an item of kind file says it: {item, type, sha256, data}. */
  async pictureOf(item, blob) {
    const bytes = new Uint8Array(await blob.arrayBuffer());
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    const sha256 = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
    return { item, type: blob.type, sha256, data: toBase64(bytes) };
  }

  async file(id) {
    const record = await this.store.get("files", id);
    return record ? this.vault.unlock(record) : null;
  }

  dropFile(id) { return this.store.remove("files", id); }

  // ---- finishing ---------------------------------------------------------------------------------------

  /* A sealed item for the outbox. In training it is sealed to nobody and stays here. */
  async sealed(kind, caseId, body, id) {
    const text = {
      protocol: PROTOCOL, app: APP, kind, case: caseId, device: { id: this.device.id, secret: this.device.secret },
      device_at: new Date().toISOString(), offset_ms: this.offset || 0, pulled_at: this.pulledAt || null, body,
    };
    const common = { kind, case: caseId, made: Date.now(), state: "waiting", attempts: 0 };
    if (this.training) return { id, ct: "", ...common };
    return { ...await seal(text, this.roundOf(caseId).key, id), ...common };
  }

  /* A visit, with the door's picture if one was taken, in one write. */
  async finishVisit(caseId, body, label, plate = null) {
    const id = newId(this.training), draft = this.open.get(caseId), steps = [];
    if (draft && draft.household) body.household = draft.household;
    if (plate) {
      body.plate = newId(this.training);
      const picture = await this.pictureOf("door_plate", plate);
      steps.push(["put", "outbox", await this.sealed("file", caseId, picture, body.plate)]);
    }
    const item = await this.sealed("visit", caseId, body, id);
    item.made += 1; // after its picture
    const visit = { id, case: caseId, at: this.now().toISOString(), label, note: body.note || "",
      appointment: body.appointment || null, closes: this.closes(body.result), settled: false };
    steps.push(["put", "outbox", item], ["put", "visits", await this.vault.lock(id, visit)]);
    await this.store.write(steps);
    await this.load();
  }

  /* A refusal or a dwelling that is none ends today's way to a door; the server decides the outcome. */
  closes(result) {
    const found = this.door.results.find((each) => each.key === result);
    return Boolean(found) && (found.group === "doubtful" || found.key.startsWith("refused"));
  }

  /* Everything of a finished interview in one write: sealed items in, draft and readable files out. */
  async finishInterview(caseId, handed) {
    const draft = this.open.get(caseId);
    const named = JSON.stringify(handed.answers);
    const records = await Promise.all((await this.store.all("files")).map((each) => this.vault.unlock(each)));
    const mine = records.filter((each) => each.case === caseId);
    const files = mine.filter((each) => named.includes(each.id)).map((each) => each.id);
    const body = {
      household: draft.household, consent: draft.consent, document: handed.document, language: handed.language,
      answers: handed.answers, paradata: handed.paradata, started_at: handed.started_at, present: draft.present,
      // A number in the draft was asked for by an app before protocol 3; now it comes afterwards, by itself.
      note: draft.note, phone: draft.phone || "", place: draft.place, plate: draft.plate ? draft.plate.id : "", files,
      replaces: draft.replaces,
    };
    const wanted = files.concat([body.plate, draft.consent.signature]).filter(Boolean);
    const steps = [["delete", "drafts", caseId]];
    for (const file of mine) {
      if (wanted.includes(file.id)) {
        const { id, case: _case, ...content } = file;
        steps.push(["put", "outbox", await this.sealed("file", caseId, content, id)]);
      }
      steps.push(["delete", "files", file.id]);
    }
    const id = handed.id; // random orders on the screen followed from it
    const sealed = await this.sealed("interview", caseId, body, id);
    steps.push(["put", "outbox", { ...sealed, made: Date.now() + 1, replaces: draft.replaces }]);
    const copy = { id, case: caseId, draft: { ...draft, plate: draft.plate }, at: this.now().toISOString() };
    steps.push(["put", "copies", await this.vault.lock(id, copy, { made: Date.now(), case: caseId })]);
    const visit = { id, case: caseId, at: this.now().toISOString(), label: "完成访问", note: "", appointment: null,
      complete: true, settled: false };
    steps.push(["put", "visits", await this.vault.lock(id, visit)]);
    steps.push(...this.replacedSteps(draft.replaces));
    await this.store.write(steps);
    await this.load();
    return id;
  }

  /* What a correction makes needless: the first one, if it never left the phone, and what was shown of it. */
  replacedSteps(replaced) {
    const first = this.outbox.find((item) => item.id === replaced);
    const steps = replaced ? [["delete", "copies", replaced], ["delete", "visits", replaced]] : [];
    if (first && first.state === "waiting" && !first.attempts) steps.push(["delete", "outbox", replaced]);
    return steps;
  }

  /* The number that the household gave after the interview; its seal is all that stays here. */
  async keepPhone(caseId, phone) {
    const id = newId(this.training);
    await this.store.put("outbox", await this.sealed("phone", caseId, { phone }, id));
    await this.load();
  }

  phoneKept(caseId) { return this.outbox.some((item) => item.kind === "phone" && item.case === caseId); }

  async remark(caseId, about, note) {
    const id = newId(this.training);
    await this.store.put("outbox", await this.sealed("remark", caseId, { about, note }, id));
    await this.load();
  }

  // ---- corrections -------------------------------------------------------------------------------------

  /* The readable copy of an interview that was finished here, if it is still kept. */
  async copyOf(caseId) {
    const records = (await this.store.all("copies")).filter((each) => each.case === caseId);
    if (!records.length) return null;
    return this.vault.unlock(records.sort((a, b) => b.made - a.made)[0]);
  }

  /* Open a finished interview again: of this phone, or one that the supervisor sent back. */
  async reopen(caseId, returned = null) {
    const copy = await this.copyOf(caseId);
    const draft = copy ? copy.draft : await this.draftOf(caseId);
    draft.replaces = returned ? returned.replaces : copy.id;
    draft.returned = returned ? { comment: returned.comment, items: returned.items } : null;
    if (!copy) {
      draft.present = returned.present;
      draft.consent = { given_at: new Date().toISOString(), language: returned.language, signature: "" };
    } else {
      draft.consent = { ...draft.consent, signature: "" }; // it went up with the first
      draft.plate = null;
    }
    const answers = copy ? draft.form.answers : returned.answers;
    draft.form = { ...(copy ? draft.form : {}), id: newId(this.training), answers, outbox: null, at: returned && returned.items[0] || null,
      started: new Date().toISOString() };
    await this.saveDraft(draft);
    return draft;
  }

  // ---- results -----------------------------------------------------------------------------------------

  /* What the server says of items: those it has stored leave the outbox, with their result kept to be shown. */
  async tookResults(results) {
    const known = new Map((await this.store.all("outbox")).map((item) => [item.id, item]));
    const steps = [];
    for (const result of results) {
      const item = known.get(result.id);
      if (!item) continue;
      if (result.state === "not_stored") {
        steps.push(["put", "outbox", { ...item, result, attempts: item.attempts + 1 }]);
        continue;
      }
      // The sealed bytes are not needed any more; what became of the item still is.
      const { id, kind, case: of, made, replaces, settled } = item;
      steps.push(["put", "outbox", { id, kind, case: of, made, replaces, settled, state: "sent", result,
        sent: item.sent || Date.now() }]);
      const visit = this.visits.find((each) => each.id === item.id);
      if (visit) steps.push(["put", "visits", await this.vault.lock(visit.id, { ...visit, settled: true })]);
    }
    await this.store.write(steps);
  }

  /* Forget what was uploaded a week ago. */
  async sweep() {
    const old = Date.now() - KEPT_DAYS * 86400000;
    const steps = this.outbox.filter((item) => item.state === "sent" && item.sent < old)
      .flatMap((item) => [["delete", "outbox", item.id], ["delete", "copies", item.id]]);
    await this.store.write(steps);
  }
}
