// Checks servers of tidewire with the client of `ws`: deflate_client.mjs [URL PARAMETERS LOAD]...
//
// Each server sends back what it gets. Offers the parameters, or nothing where they are `off`, and prints what was
// agreed on, one line for each connection. The folder with `node_modules` is TIDEWIRE_NODE_MODULES.

import assert from "node:assert";
import { once } from "node:events";

import { WebSocket, load, options } from "./deflate.mjs";

async function exchange(url, parameters, name) {
  const ws = new WebSocket(url, { perMessageDeflate: options(parameters) });
  let agreed = "";
  ws.on("upgrade", (response) => (agreed = response.headers["sec-websocket-extensions"] ?? ""));
  await once(ws, "open");
  for (const message of load(name)) {
    ws.send(message);
    const [answer, isBinary] = await once(ws, "message");
    assert.strictEqual(isBinary, typeof message !== "string");
    assert.ok(answer.equals(Buffer.from(message)), `${answer.length} in place of ${message.length}`);
  }
  ws.close(1000);
  const [code] = await once(ws, "close");
  assert.strictEqual(code, 1000);
  console.log(agreed);
}

setTimeout(() => assert.fail("not done within 30 s"), 30_000).unref();
const jobs = process.argv.slice(2);
for (let at = 0; at < jobs.length; at += 3) {
  await exchange(...jobs.slice(at, at + 3));
}
