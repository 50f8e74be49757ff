// Servers of `ws` for the clients of tidewire: server.mjs [CERTIFICATE KEY]
//
// They do what those of server.py do. The folder with `node_modules` is TIDEWIRE_NODE_MODULES.

import { once } from "node:events";
import { readFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";

import { WebSocketServer, options } from "./deflate.mjs";

function obey(ws, request, message) {
  const [command, argument, ...rest] = message.split(" ");
  switch (command) {
    case "close":
      return ws.close(Number(argument), rest.join(" "));
    case "field":
      return ws.send(request.headers[argument.toLowerCase()] ?? "");
    case "pieces":
      ws.send("in ", { fin: false });
      ws.send("", { fin: false });
      return ws.send("pieces");
    case "ping":
      ws.once("pong", () => ws.send("answered"));
      return ws.ping();
    default:
      return ws.send(message);
  }
}

async function start(server) {
  const sockets = new WebSocketServer({
    server,
    perMessageDeflate: options(""),
    verifyClient: ({ req }, decide) => decide(req.url !== "/forbidden", 403, "not here\n"),
    handleProtocols: (offers) => (offers.has("v2") ? "v2" : false),
  });
  sockets.on("connection", (ws, request) => {
    ws.on("message", (message, isBinary) => {
      if (isBinary) ws.send(message);
      else obey(ws, request, message.toString());
    });
    // A client may vanish: that is the test's business.
    ws.on("error", () => {});
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server.address().port;
}

const [certificate, key] = process.argv.slice(2);
const ports = [await start(http.createServer())];
if (certificate) {
  const files = { cert: readFileSync(certificate), key: readFileSync(key) };
  ports.push(await start(https.createServer(files)));
}
console.log(ports.join(" "));
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
