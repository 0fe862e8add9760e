// Notes which operations the client performed and how they ended, for docs/operations.md.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as sdk from "@aws-sdk/client-kinesis";

const outcomes = new Map();

/** Notes every command of a client. */
export function watch(client) {
  const note = (operation, outcome) => {
    if (!outcomes.has(operation)) outcomes.set(operation, new Set());
    outcomes.get(operation).add(outcome);
  };
  client.middlewareStack.add(
    (next, context) => async (input) => {
      const operation = context.commandName.replace(/Command$/, "");
      try {
        const answer = await next(input);
        note(operation, "ok");
        return answer;
      } catch (error) {
        // A modelled error has a class of its own.
        if (error.name in sdk) note(operation, error.name);
        throw error;
      }
    },
    { step: "initialize", name: "record" },
  );
  return client;
}

export function save() {
  const folder = process.env.ANABRANCH_RECORDED;
  if (!folder) return;
  const path = join(folder, "javascript.json");
  const known = existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : {};
  for (const [operation, found] of outcomes) {
    known[operation] = [...new Set([...found, ...(known[operation] ?? [])])].sort();
  }
  writeFileSync(path, JSON.stringify(known, null, 1));
}
