// What both scripts share: the parameters they are given, the messages of a load, and the `ws` that is installed.

import { createRequire } from "node:module";
import { join } from "node:path";

// Modules are not looked up by an environment variable; what `require` is created for is a file beside them.
const require = createRequire(join(process.env.TIDEWIRE_NODE_MODULES, "scripts.js"));
export const { WebSocket, WebSocketServer } = require("ws");

const NAMES = {
  server_no_context_takeover: "serverNoContextTakeover",
  client_no_context_takeover: "clientNoContextTakeover",
  server_max_window_bits: "serverMaxWindowBits",
  client_max_window_bits: "clientMaxWindowBits",
};

/** Turns `server_no_context_takeover; client_max_window_bits=9` into options of `ws`; `off` into `false`. */
export function options(parameters) {
  if (parameters === "off") return false;
  const found = { threshold: 0 };
  for (const part of parameters.split("; ").filter(Boolean)) {
    const [name, value] = part.split("=");
    found[NAMES[name]] = value === undefined ? true : Number(value);
  }
  return found;
}

/** Returns JSON of at least this many bytes. */
function records(length) {
  const found = [];
  for (let size = 0; size < length; ) {
    const id = found.length;
    const record = { id, name: `user ${id}`, score: (id * 37) % 101, tags: ["tide", "wire"] };
    found.push(record);
    size += JSON.stringify(record).length;
  }
  return JSON.stringify(found);
}

/** Returns bytes that do not shrink, the same ones in each run. */
function noise(length) {
  let state = 7;
  return Buffer.from(
    Array.from({ length }, () => {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      return (state >>> 11) & 0xff;
    }),
  );
}

/** Returns the messages of a load: strings and buffers. */
export function load(name) {
  const [small, large] = [records(1 << 10), records(70 << 10)];
  const letters = "tide and wire, é漢…; ".repeat(4);
  const texts = [0, 1, 63, 64].map((length) => letters.slice(0, length));
  const loads = {
    json: [large],
    repeated: Array(20).fill(small),
    every: [
      ...texts,
      ...texts.map((text) => Buffer.from(text)),
      ...[1, 63, 64, 5000, 70_000].map(noise),
      ...Array(3).fill([small, large]).flat(),
      ...Array(2).fill([small, large]).flat().map((text) => Buffer.from(text)),
    ],
  };
  return loads[name];
}
