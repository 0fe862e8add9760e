// Starts and stops one server: the only file here that knows the flags of `anabranch serve`.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

export const credentials = { accessKeyId: "AKIACONFORMANCE0001", secretAccessKey: "conformance/secret+key" };
export const region = "us-east-1";

async function freePort() {
  const listener = createServer().listen(0, "127.0.0.1");
  await once(listener, "listening");
  const { port } = listener.address();
  listener.close();
  await once(listener, "close");
  return port;
}

export class Server {
  static async start() {
    const server = new Server();
    server.folder = mkdtempSync(join(tmpdir(), "anabranch-"));
    server.port = await freePort();
    server.tlsPort = await freePort();
    await server.restart();
    return server;
  }

  get endpoint() {
    return `http://127.0.0.1:${this.port}`;
  }

  get tlsEndpoint() {
    return `https://localhost:${this.tlsPort}`;
  }

  /** The certificate authority that `--tls auto` makes. */
  get authority() {
    return join(this.folder, "data", "tls", "ca.pem");
  }

  async restart() {
    const log = openSync(join(this.folder, "log"), "a");
    const flags = ["serve", "--data", join(this.folder, "data"), "--listen", `127.0.0.1:${this.port}`];
    flags.push("--limits", "off", "--tls", "auto", "--tls-listen", `127.0.0.1:${this.tlsPort}`);
    this.process = spawn(process.env.ANABRANCH_BINARY ?? "anabranch", flags, {
      stdio: ["ignore", log, log],
      env: {
        PATH: process.env.PATH,
        ANABRANCH_ACCESS_KEY_ID: credentials.accessKeyId,
        ANABRANCH_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      },
    });
    for (let tries = 0; tries < 1000; tries += 1) {
      const ready = await fetch(`${this.endpoint}/readyz`).then((answer) => answer.ok, () => false);
      if (ready) return;
      if (this.process.exitCode !== null) break;
      await sleep(20);
    }
    throw new Error(`the server does not start:\n${readFileSync(join(this.folder, "log"), "utf8")}`);
  }

  /** kill -9. */
  async kill() {
    const ended = once(this.process, "exit");
    this.process.kill("SIGKILL");
    await ended;
  }

  async remove() {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
