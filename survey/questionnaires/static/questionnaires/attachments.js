/* Files on their way: kept in IndexedDB until the server has them, so that they survive closing the page; in memory
 * where there is no IndexedDB, which the page says. Parses as ES2017. */
(function (root) {
  "use strict";

  root.MinyiAddWords({
    "zh-hans": {
      filesLeft: "还有 {0} 个文件没送到", filesFirst: "文件送到以后，回答才会提交", fileMemory: "这部手机存不住文件，提交之前请别关这一页。",
      fileKept: "存在手机里了，和回答一起送出。", fileFailed: "没有做好，请再试一次。",
    },
    "zh-hant": {
      filesLeft: "還有 {0} 個檔案沒送到", filesFirst: "檔案送到以後，回答才會提交", fileMemory: "這部手機存不住檔案，提交之前請別關這一頁。",
      fileKept: "存在手機裡了，和回答一起送出。", fileFailed: "沒有做好，請再試一次。",
    },
    en: {
      filesLeft: "{0} files still to be sent", filesFirst: "Your answers follow once the files have arrived",
      fileMemory: "This phone cannot keep files. Please keep this page open until you have submitted.",
      fileKept: "Kept on this phone, sent with your answers.", fileFailed: "That did not work. Please try again.",
    },
  });

  const D = root.MinyiDraft, O = root.MinyiOrdering;
  const STORE = "files";
  const memory = new Map(); // id → record, where the phone keeps nothing
  let waiting = 0;
  let opened = null;

  function open() {
    if (opened) return opened;
    opened = new Promise((resolve, reject) => {
      const asked = root.indexedDB.open("minyi", 1);
      asked.onupgradeneeded = () => asked.result.createObjectStore(STORE, { keyPath: "id" });
      asked.onsuccess = () => resolve(asked.result);
      asked.onerror = () => reject(asked.error);
    });
    return opened;
  }

  /* One step in the store; `work` gets it and gives a request. Rejects where there is no IndexedDB. */
  async function step(mode, work) {
    const base = await open();
    return new Promise((resolve, reject) => {
      const asked = work(base.transaction(STORE, mode).objectStore(STORE));
      asked.onsuccess = () => resolve(asked.result);
      asked.onerror = () => reject(asked.error);
    });
  }

  async function stored() {
    try {
      return await step("readonly", (store) => store.getAll());
    } catch (error) {
      return [];
    }
  }

  /* Files of one respondent that the server does not have yet. */
  async function pending(key) {
    const all = (await stored()).concat(Array.from(memory.values())).filter((record) => record.key === key);
    waiting = all.length;
    return all;
  }

  async function hexOf(buffer) {
    if (!root.crypto.subtle) return O.digest(new Uint8Array(buffer)); // only HTTPS pages have it
    const digest = new Uint8Array(await root.crypto.subtle.digest("SHA-256", buffer));
    return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  function readBuffer(blob) {
    return new Promise((resolve, reject) => {
      const reader = new FileReader();
      reader.onload = () => resolve(reader.result);
      reader.onerror = () => reject(reader.error);
      reader.readAsArrayBuffer(blob);
    });
  }

  /* Keep a file; resolves to {answer, safe}: the answer that names it, and whether it survives closing the page. */
  async function keep(key, item, blob) {
    const buffer = await readBuffer(blob);
    const record = { id: D.newId(), key, item, type: blob.type, sha256: await hexOf(buffer), buffer };
    let safe = true;
    try {
      await step("readwrite", (store) => store.put(record));
    } catch (error) {
      memory.set(record.id, record);
      safe = false;
    }
    return { answer: { id: record.id, sha256: record.sha256, bytes: buffer.byteLength }, safe };
  }

  async function find(id) {
    if (memory.has(id)) return memory.get(id);
    return (await stored()).find((record) => record.id === id) || null;
  }

  async function drop(id) {
    memory.delete(id);
    try {
      await step("readwrite", (store) => store.delete(id));
    } catch (error) {
      return; // it was only in memory
    }
  }

  function isNamed(answers, id) { return JSON.stringify(answers).indexOf(id) >= 0; }

  async function sendOne(settings, record) {
    const body = new FormData();
    ["id", "item", "sha256"].forEach((name) => body.append(name, record[name]));
    body.append("file", new Blob([record.buffer], { type: record.type }), `${record.id}.${record.type.split("/")[1]}`);
    const answer = await D.request("POST", settings.attachUrl, body, settings.csrf);
    if (answer.kind === "ok") await drop(record.id);
    return answer;
  }

  /* All waiting files, one after another; stops at the first that does not arrive. The same id twice is one file. */
  async function sendAll(settings, answers) {
    for (const record of await pending(settings.draftKey)) {
      // Taken again or removed since; and a rehearsal in the console has nowhere to send.
      if (!isNamed(answers, record.id) || !settings.attachUrl) await drop(record.id);
      else {
        const answer = await sendOne(settings, record);
        if (answer.kind !== "ok") return answer;
      }
      waiting -= 1;
    }
    return { kind: "ok" };
  }

  root.MinyiAttachments = { keep, find, drop, pending, sendAll, left: () => waiting };
})(typeof self !== "undefined" ? self : this);
