/* Reads a JSON array of {tree, env} on stdin; writes one result each: {string, number, boolean},
 * {error}, or {odd} when the evaluator broke. */
"use strict";
const path = require("path");
const engine = require(path.join(
  __dirname, "../../survey/questionnaires/static/questionnaires/expressions.js"));

function numberText(value) {
  return isFinite(value) ? value : String(value);
}

function run(job) {
  try {
    const env = Object.assign({ at: [], zone: "UTC", locale: "en" }, job.env);
    const value = engine.evaluate(job.tree, env);
    return {
      string: engine.toString(value, env.zone),
      number: numberText(engine.toNumber(value, env.zone)),
      boolean: engine.toBoolean(value, env.zone),
    };
  } catch (error) {
    if (!(error instanceof engine.ExpressionError)) return { odd: `the evaluator broke: ${error}` };
    return { error: error.message };
  }
}

let text = "";
process.stdin.setEncoding("utf8");
process.stdin.on("data", (chunk) => { text += chunk; });
process.stdin.on("end", () => process.stdout.write(JSON.stringify(JSON.parse(text).map(run))));
