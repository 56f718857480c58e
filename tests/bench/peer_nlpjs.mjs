// Intents with NLP.js (@nlpjs/basic): JSON {train: [[text, intent]], test: [text]} in; {intents, seconds, times (us)} out.
import { createRequire } from "node:module";
const require = createRequire(process.cwd() + "/");
const { dockStart } = require("@nlpjs/basic");
const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const { train, test } = JSON.parse(Buffer.concat(chunks).toString());
const dock = await dockStart({
  settings: { nlp: { forceNER: false, languages: ["en"], autoSave: false, log: false } },
  use: ["Basic", "LangEn"],
});
const nlp = dock.get("nlp");
for (const [text, intent] of train) nlp.addDocument("en", text, intent);
const began = process.hrtime.bigint();
await nlp.train();
const seconds = Number(process.hrtime.bigint() - began) / 1e9;
const intents = [], times = [];
for (const text of test) {
  const start = process.hrtime.bigint();
  const found = await nlp.process("en", text);
  times.push(Number(process.hrtime.bigint() - start) / 1e3);
  intents.push(found.intent);
}
process.stdout.write("\n" + JSON.stringify({ intents, seconds, times }) + "\n");
