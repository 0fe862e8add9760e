// TLS: Node reads NODE_EXTRA_CA_CERTS when it starts, so the client runs in a process of its own.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Server } from "./server.mjs";

const client = fileURLToPath(new URL("./tls-client.mjs", import.meta.url));
let server;

before(async () => {
  server = await Server.start();
});

after(() => server.remove());

async function run(environment) {
  const env = { PATH: process.env.PATH, ...environment };
  const { stdout } = await promisify(execFile)(process.execPath, [client, server.tlsEndpoint], { env, timeout: 60_000 });
  return stdout.trim();
}

test("a client that trusts the authority puts and is pushed to", async () => {
  assert.equal(await run({ NODE_EXTRA_CA_CERTS: server.authority }), "over tls");
});

test("a client that does not is not served", async () => {
  await assert.rejects(run({}), /certificate/);
});
