/* A made-up community to practise on: its own database, its own ids, nobody's key, nothing that is ever sent. */

import { Store } from "./store.js";
import { Vault } from "./vault.js";
import { Work } from "./work.js";

const HOUR = 3600000;

function community(real) {
  const seeds = ["a1", "b2", "c3", "d4", "e5"].map((each) => each.repeat(32));
  const doors = ["1-1-101", "1-1-302", "1-2-201", "2-1-502", "3-2-601"];
  const round = Array.from(real.rounds.values())[0];
  const cases = doors.map((address, i) => ({
    id: `00000000-0000-4000-8000-00000000000${i}`, round: round.id, number: `练习-${i + 1}`, community: "桃源社区",
    community_code: "", place: "练习区 练习街道 桃源社区", address: `桃源里 ${address}`, order: [i, "", i], seed: seeds[i],
    status: "waiting", closed: false, answered: "", roster: null, visits: [],
  }));
  const ago = (hours) => new Date(Date.now() - hours * HOUR).toISOString();
  cases[1].visits = [{ at: ago(26), label: "没人应门", note: "", appointment: null }];
  cases[2].visits = [{ at: ago(50), label: "有人，没开门", note: "说“不方便”", appointment: null }];
  return { round: { ...round, name: "练习", title: "练习", key: null, simulated: false }, cases };
}

/* Work on the made-up community with the questionnaire of the first real round; made anew each time. */
export async function trainingWork(real) {
  const store = await Store.open("minyi-field-training");
  const key = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
  const vault = new Vault(key);
  for (const name of ["cases", "drafts", "files", "outbox", "copies", "visits"]) {
    await store.write((await store.all(name)).map((record) => ["delete", name, record.id]));
  }
  const { round, cases } = community(real);
  const found = await real.store.get("documents", round.document);
  const locked = await Promise.all(cases.map((each) => vault.lock(each.id, each)));
  const device = await vault.lock("device", { id: "00000000-0000-4000-8000-0000000000ff", secret: "" });
  await store.write([...locked.map((each) => ["put", "cases", each]), ["put", "rounds", round],
    ...(found ? [["put", "documents", found]] : []),
    ...Object.entries({ device, user: real.user, door: real.door, offset_ms: real.offset })
      .map(([id, value]) => ["put", "meta", { id, value }])]);
  await store.remove("meta", "returned");
  return new Work(store, vault, true).load();
}
