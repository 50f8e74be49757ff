// Servers of `ws` for the clients of tidewire: deflate_server.mjs PARAMETERS...
//
// Starts one server for each set of parameters (`off`: without compression), prints their ports in one line, and runs
// until its input ends. They send back what they get, but answer `agreed` with the extension that was agreed on. The
// folder with `node_modules` is TIDEWIRE_NODE_MODULES.

import { once } from "node:events";

import { WebSocketServer, options } from "./deflate.mjs";

const EXTENSIONS = "Sec-WebSocket-Extensions: ";

async function start(parameters) {
  const server = new WebSocketServer({
    host: "127.0.0.1",
    port: 0,
    perMessageDeflate: options(parameters),
  });
  server.on("headers", (lines, request) => {
    const line = lines.find((line) => line.startsWith(EXTENSIONS));
    request.agreed = line?.slice(EXTENSIONS.length) ?? "";
  });
  server.on("connection", (ws, request) => {
    ws.on("message", (message, isBinary) => {
      const asks = !isBinary && message.toString() === "agreed";
      ws.send(asks ? request.agreed : message, { binary: isBinary });
    });
    // A client may vanish: that is the test's business.
    ws.on("error", () => {});
  });
  await once(server, "listening");
  return server.address().port;
}

const ports = [];
for (const parameters of process.argv.slice(2)) {
  ports.push(await start(parameters));
}
console.log(ports.join(" "));
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
