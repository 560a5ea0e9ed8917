/* Who is asked in a household: the algorithm "minyi-person-1" of survey/contacts/household.py, on the phone.
 * tests/vectors/household runs through both. No page and no storage here, so that node can run it too. */

export const ALGORITHM = "minyi-person-1";
export const SEXES = ["male", "female"];
export const MAX_AGE = 120;
export const MAX_MEMBERS = 30;

/* A line of a roster that cannot stand: `row` counts from 1, 0 is the roster as a whole. */
export class RosterError extends Error {
  constructor(row, reason) {
    super(reason);
    this.row = row;
    this.reason = reason;
  }
}

const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

async function sha256(text) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
}

/* Python's str.split(): every run of its white space, which is more than JavaScript's \s has, and lacks U+FEFF. */
const SPACE = /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/;
const words = (text) => text.normalize("NFC").split(SPACE).filter(Boolean).join(" ");
const length = (text) => Array.from(text).length;

function byCodePoint(a, b) {
  const left = Array.from(a, (char) => char.codePointAt(0)), right = Array.from(b, (char) => char.codePointAt(0));
  for (let i = 0; i < Math.min(left.length, right.length); i++) if (left[i] !== right[i]) return left[i] - right[i];
  return left.length - right.length;
}

function member(row, given, minAge) {
  const label = words(String(given.label === undefined ? "" : given.label));
  if (!label || length(label) > 40) throw new RosterError(row, "label");
  if (!SEXES.includes(given.sex)) throw new RosterError(row, "sex");
  // Chinese keyboards also write full-width digits, which Python's int() reads.
  const text = words(String(given.age === undefined ? "" : given.age))
    .replace(/[０-９]/g, (digit) => String.fromCharCode(digit.charCodeAt(0) - 0xfee0));
  if (!/^[+-]?\d+$/.test(text)) throw new RosterError(row, "age");
  const age = Number(text);
  if (age > MAX_AGE) throw new RosterError(row, "age");
  if (age < minAge) throw new RosterError(row, "young");
  return { label, sex: given.sex, age };
}

/* The members in the locked order: men before women, older before younger, labels by code point. */
export function normalise(members, minAge = 18) {
  const people = [];
  members.forEach((given, i) => {
    const person = member(i + 1, given, minAge);
    if (people.some((each) => each.label === person.label && each.sex === person.sex && each.age === person.age)) {
      throw new RosterError(i + 1, "same");
    }
    people.push(person);
  });
  if (!people.length) throw new RosterError(0, "empty");
  if (people.length > MAX_MEMBERS) throw new RosterError(0, "too_many");
  return people.sort((a, b) => SEXES.indexOf(a.sex) - SEXES.indexOf(b.sex) || b.age - a.age ||
    byCodePoint(a.label, b.label));
}

/* Hex SHA-256 of a roster in its locked order. */
export async function rosterHash(people) {
  return hex(await sha256(people.map((each) => `${each.sex}\t${each.age}\t${each.label}`).join("\n")));
}

/* The 1-based place, among n, of the adult to ask: uniform over seeds, fixed for one seed. */
export async function choose(seed, n) {
  if (!(n >= 1 && n < 2 ** 32)) throw new RangeError(`n must be at least 1, not ${n}`);
  const limit = n * Math.floor(2 ** 32 / n);
  for (let k = 0; ; k++) {
    const block = await sha256(`${ALGORITHM}|${seed}|${k}`);
    const x = new DataView(block.buffer).getUint32(0);
    if (x < limit) return x % n + 1;
  }
}
