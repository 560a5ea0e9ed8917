/* Runs the app's pure modules: {"do": "choose" | "normalise" | "seal", …} in, the phone's answers out. */
import { readFileSync } from "node:fs";

const home = new URL("../../../survey/fieldwork/static/fieldwork/app/", import.meta.url);
// The modules are plain .js files, which node would read as CommonJS.
const load = (name) => import(`data:text/javascript,${encodeURIComponent(readFileSync(new URL(name, home), "utf8"))}`);
const household = await load("household.js"), sealing = await load("sealing.js");

async function answer(job) {
  if (job.do === "choose") return household.choose(job.seed, job.n);
  if (job.do === "seal") return sealing.seal(job.value, job.key, job.id);
  try {
    const locked = household.normalise(job.members, job.min_age);
    return { locked, hash: await household.rosterHash(locked) };
  } catch (error) {
    if (!(error instanceof household.RosterError)) throw error;
    return { row: error.row, reason: error.reason };
  }
}

const jobs = JSON.parse(readFileSync(0, "utf8")), answers = [];
for (const job of jobs) answers.push(await answer(job));
process.stdout.write(JSON.stringify(answers));
