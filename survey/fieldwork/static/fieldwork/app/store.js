/* What the phone keeps: one IndexedDB for each interviewer, each write on the disk before it is reported done. */

export const STORES = ["meta", "cases", "rounds", "documents", "drafts", "files", "outbox", "copies", "visits"];
const VERSION = 1;

function settled(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

export class Store {
  constructor(base) { this.base = base; }

  static async open(name) {
    const asked = indexedDB.open(name, VERSION);
    asked.onupgradeneeded = () => STORES.forEach((store) => asked.result.createObjectStore(store, { keyPath: "id" }));
    const base = await settled(asked);
    base.onversionchange = () => base.close();
    return new Store(base);
  }

  /* Whether this browser puts a write on the disk before it says so. */
  isStrict() {
    const trial = this.base.transaction("meta", "readwrite", { durability: "strict" });
    const strict = trial.durability === "strict";
    trial.abort();
    return strict;
  }

  /* Several puts and deletes that happen together or not at all: [["put", store, record], ["delete", store, id]]. */
  write(steps) {
    return new Promise((resolve, reject) => {
      const stores = Array.from(new Set(steps.map((step) => step[1])));
      if (!stores.length) { resolve(); return; }
      const transaction = this.base.transaction(stores, "readwrite", { durability: "strict" });
      transaction.oncomplete = () => resolve();
      transaction.onabort = transaction.onerror = () => reject(transaction.error || new Error("aborted"));
      steps.forEach(([verb, store, value]) => transaction.objectStore(store)[verb](value));
    });
  }

  put(store, record) { return this.write([["put", store, record]]); }

  remove(store, id) { return this.write([["delete", store, id]]); }

  get(store, id) { return settled(this.base.transaction(store).objectStore(store).get(id)); }

  all(store) { return settled(this.base.transaction(store).objectStore(store).getAll()); }

  count(store) { return settled(this.base.transaction(store).objectStore(store).count()); }

  async value(id) { return ((await this.get("meta", id)) || {}).value; }

  setValue(id, value) { return this.put("meta", { id, value }); }
}
