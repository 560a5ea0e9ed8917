/* The PIN and what it locks. A random key encrypts everything readable; it exists on the disk only wrapped by a
 * key that is derived from the PIN. */

// OWASP Password Storage Cheat Sheet (2023 and later): PBKDF2-HMAC-SHA256, 600,000 iterations.
export const ITERATIONS = 600000;
const FREE_TRIES = 5, WAIT_MS = 30000;
const encoder = new TextEncoder(), decoder = new TextDecoder();

export class WrongPin extends Error {
  constructor(waitMs) {
    super("wrong pin");
    this.waitMs = waitMs;
  }
}

async function pinKey(pin, salt, iterations) {
  const raw = await crypto.subtle.importKey("raw", encoder.encode(pin), "PBKDF2", false, ["deriveKey"]);
  return crypto.subtle.deriveKey({ name: "PBKDF2", hash: "SHA-256", salt, iterations }, raw,
    { name: "AES-GCM", length: 256 }, false, ["wrapKey", "unwrapKey"]);
}

const random = (n) => crypto.getRandomValues(new Uint8Array(n));

export class Vault {
  constructor(key) { this.key = key; }

  /* A new random key under a PIN; the wrap is on the disk when this resolves. */
  static async create(store, pin, iterations = ITERATIONS) {
    const key = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, true, ["encrypt", "decrypt"]);
    const salt = random(16), iv = random(12);
    const wrapped = await crypto.subtle.wrapKey("raw", key, await pinKey(pin, salt, iterations), { name: "AES-GCM", iv });
    await store.setValue("wrap", { salt, iv, wrapped, iterations, tries: 0, until: 0 });
    return Vault.open(store, pin);
  }

  /* The key again. Wrong PINs cost more and more time, also after the app was closed. */
  static async open(store, pin) {
    const wrap = await store.value("wrap");
    const waitMs = wrap.until - Date.now();
    // A clock that was turned back must not lock the door for years.
    if (waitMs > 0 && waitMs <= WAIT_MS * 2 ** 10) throw new WrongPin(waitMs);
    try {
      const key = await crypto.subtle.unwrapKey("raw", wrap.wrapped, await pinKey(pin, wrap.salt, wrap.iterations),
        { name: "AES-GCM", iv: wrap.iv }, { name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
      if (wrap.tries) await store.setValue("wrap", { ...wrap, tries: 0, until: 0 });
      return new Vault(key);
    } catch (error) {
      const tries = wrap.tries + 1;
      const wait = tries < FREE_TRIES ? 0 : WAIT_MS * 2 ** Math.min(10, tries - FREE_TRIES);
      await store.setValue("wrap", { ...wrap, tries, until: Date.now() + wait });
      throw new WrongPin(wait);
    }
  }

  /* {id, iv, ct} of a value that is kept under `id`; the id is authenticated, so records cannot be swapped. */
  async lock(id, value, clear = {}) {
    const iv = random(12);
    const ct = await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData: encoder.encode(id) }, this.key,
      encoder.encode(JSON.stringify(value)));
    return { ...clear, id, iv, ct };
  }

  async unlock(record) {
    const text = await crypto.subtle.decrypt(
      { name: "AES-GCM", iv: record.iv, additionalData: encoder.encode(record.id) }, this.key, record.ct);
    return JSON.parse(decoder.decode(text));
  }
}
