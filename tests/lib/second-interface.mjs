#!/usr/bin/env node
// A plugin for the chain of a CNI network, of the kind of Multus: it has another plugin add one interface more, with
// the configuration `delegate` and the name `interface`, and passes the result of those before it on.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const { CNI_COMMAND = "", CNI_PATH = "" } = process.env;
const { cniVersion, name, prevResult, interface: second, delegate } = JSON.parse(readFileSync(0, "utf8"));

/** Prints what the specification asks of a plugin that fails. */
function fail(text) {
  console.log(JSON.stringify({ cniVersion, code: 100, msg: text }));
  process.exit(1);
}

if (CNI_COMMAND === "ADD" || CNI_COMMAND === "DEL") {
  const directory = CNI_PATH.split(":").find((path) => existsSync(join(path, delegate.type))) ?? "";
  const { status, stdout, error } = spawnSync(join(directory, delegate.type), {
    input: JSON.stringify({ cniVersion, name: `${name}-${second}`, ...delegate }),
    env: { ...process.env, CNI_IFNAME: second },
    encoding: "utf8",
  });
  if (status !== 0) fail(`${delegate.type} for ${second}: ${error?.message ?? stdout}`);
}
if (CNI_COMMAND === "VERSION") console.log(JSON.stringify({ cniVersion, supportedVersions: ["0.4.0"] }));
if (CNI_COMMAND === "ADD") console.log(JSON.stringify(prevResult));
