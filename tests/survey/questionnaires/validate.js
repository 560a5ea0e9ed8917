/* Reads [{documents, jobs}] on stdin; writes the phone's half of `agreement.here`, one for each job. */
"use strict";
const path = require("path");
const home = path.join(__dirname, "../../../survey/questionnaires/static/questionnaires");
const Logic = require(path.join(home, "logic.js"));
const Ordering = require(path.join(home, "ordering.js"));

function read(doc, job) {
  const done = new Logic.Run(doc, job.answers, job).validate(job.partial);
  const run = new Logic.Run(doc, job.answers, job);
  const out = {
    clean: done.clean, path: done.path, instances: {}, offered: {}, limits: {}, orders: {},
    errors: done.errors.map((error) => [error.name, error.code]).sort((a, b) => {
      const order = a.findIndex((part, i) => part !== b[i]);
      return order < 0 ? 0 : a[order] < b[order] ? -1 : 1;
    }),
  };
  run.steps().forEach((step) => {
    const item = step[0], at = step[1];
    if (!item.list) return;
    const choices = run.offered(item.name, at), place = run.place(item.name, at);
    out.offered[place] = choices.map((choice) => choice.code);
    out.limits[place] = run.limits(item.name, at);
    out.orders[place] = Ordering.orderedChoices(doc, item, job.seed, choices).map((choice) => choice.code);
  });
  run.repeats.forEach((block, name) => { out.instances[name] = run.instances(name); });
  out.quotas = run.quotas();
  out.rules = Ordering.ordersOf(doc, job.seed);
  out.items = doc.blocks.filter((block) => Logic.blockItems(block).length)
    .map((block) => Ordering.orderedItems(doc, block, job.seed).map((item) => item.name));
  return out;
}

let text = "";
process.stdin.setEncoding("utf8");
process.stdin.on("data", (chunk) => { text += chunk; });
process.stdin.on("end", () => {
  const { documents, jobs } = JSON.parse(text)[0];
  process.stdout.write(JSON.stringify([jobs.map((job) => read(documents[job.document], job))]));
});
