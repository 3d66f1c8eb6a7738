// Prints what AsyncAPI's own parser has to say against a file, one line each.

import { readFileSync } from "node:fs";
import { Parser } from "@asyncapi/parser";

const HINT = 2;
const [file] = process.argv.slice(2);

for (const { severity, path, message } of await new Parser().validate(readFileSync(file, "utf8"), { source: file })) {
  if (severity < HINT) console.log(`${path.join(".")}: ${message}`);
}
