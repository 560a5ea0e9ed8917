/* Reads [{document, answers, mode, now, language, partial}] on stdin; writes the phone's {clean, path, errors}. */
"use strict";
const path = require("path");
const Logic = require(path.join(__dirname, "../../../survey/questionnaires/static/questionnaires/logic.js"));

let text = "";
process.stdin.setEncoding("utf8");
process.stdin.on("data", (chunk) => { text += chunk; });
process.stdin.on("end", () => {
  const { documents, jobs } = JSON.parse(text)[0];
  const out = jobs.map((job) => new Logic.Run(documents[job.document], job.answers, job).validate(job.partial));
  process.stdout.write(JSON.stringify([out]));
});
