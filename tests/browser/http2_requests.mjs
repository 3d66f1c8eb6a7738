// Sends GET requests at once over one HTTP/2 connection, and prints their statuses as JSON.
// node http2_requests.mjs AUTHORITY_FILE URL…

import { readFileSync } from "node:fs";
import { connect } from "node:http2";

const [authority, ...urls] = process.argv.slice(2);
const session = connect(new URL(urls[0]).origin, { ca: readFileSync(authority) });

function get(url) {
  const { pathname, search } = new URL(url);
  const stream = session.request({ ":path": pathname + search });
  stream.resume();
  return new Promise((resolve, reject) => {
    stream.on("error", reject);
    stream.on("response", ({ ":status": status }) => stream.on("end", () => resolve(status)));
  });
}

console.log(JSON.stringify(await Promise.all(urls.map(get))));
session.close();
