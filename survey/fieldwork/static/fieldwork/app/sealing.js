/* The seal on what is finished: only the round's server key opens it (docs/field-sync.md, "minyi-seal-1"). */

const NAME = "minyi-seal-1";
const encoder = new TextEncoder();

export function toBase64(bytes) {
  let text = "";
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return btoa(text);
}

export function fromBase64(text) { return Uint8Array.from(atob(text), (char) => char.charCodeAt(0)); }

export function fromHex(text) { return Uint8Array.from(text.match(/../g) || [], (pair) => parseInt(pair, 16)); }

function join(...parts) {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  parts.forEach((part) => { all.set(part, at); at += part.length; });
  return all;
}

async function gzip(bytes) {
  const packed = new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(packed).arrayBuffer());
}

/* Bytes made smaller where the browser can: {bytes, zip: 1 or 0}. */
export async function pack(bytes) {
  if (typeof CompressionStream === "undefined") return { bytes, zip: 0 };
  return { bytes: await gzip(bytes), zip: 1 };
}

/* Seal an object for an item's id to a round's key {id, point}: {id, key, epk, iv, ct, zip}. */
export async function seal(value, key, id) {
  const curve = { name: "ECDH", namedCurve: "P-256" };
  const point = fromHex(key.point);
  const server = await crypto.subtle.importKey("raw", point, curve, false, []);
  const pair = await crypto.subtle.generateKey(curve, true, ["deriveBits"]);
  const epk = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
  const secret = await crypto.subtle.deriveBits({ name: "ECDH", public: server }, pair.privateKey, 256);
  const info = encoder.encode(`${NAME}|${key.id}|${id}`);
  const aes = await crypto.subtle.deriveKey({ name: "HKDF", hash: "SHA-256", salt: join(epk, point), info },
    await crypto.subtle.importKey("raw", secret, "HKDF", false, ["deriveKey"]),
    { name: "AES-GCM", length: 256 }, false, ["encrypt"]);
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const packed = await pack(encoder.encode(JSON.stringify(value)));
  const ct = await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData: info }, aes, packed.bytes);
  return { id, key: key.id, epk: toBase64(epk), iv: toBase64(iv), ct: toBase64(new Uint8Array(ct)), zip: packed.zip };
}
