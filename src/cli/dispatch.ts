import { defaultRoot } from "../container/runtime-directory.ts";
import { RuntimeFailure } from "../failure.ts";
import { type Log, openLog } from "../log.ts";
import { nearest } from "../nearest.ts";
import { messageOf } from "../sys/errors.ts";
import { openStandardDescriptors, writeAll } from "../sys/file.ts";
import { absolutePath } from "../sys/working-directory.ts";
import type { Command, GlobalOptions } from "./command.ts";
import { COMMANDS } from "./commands.ts";
import { GLOBAL, HELP } from "./flags.ts";
import { type Parsed, parseOptions, usage } from "./parse.ts";

const STDOUT = 1;
const SHIM = "containerd-shim-urunc-v2";

/**
 * argv in, exit status out. The only place that catches everything: a failure becomes one line at level error in the
 * log, which is what containerd shows its user.
 */
export async function dispatch(argv: readonly string[]): Promise<number> {
  openStandardDescriptors();
  let log: Log = openLog({ path: undefined, format: "text", level: "info" });
  try {
    if (baseName(argv[0] ?? "") === SHIM) return (await import("../commands/shim.ts")).runShim(argv);
    const global = parseOptions(argv.slice(1), GLOBAL, true);
    log = openLog(logOptions(global));
    return await runVerb(argv, global, log);
  } catch (error) {
    log.error(messageOf(error));
    if (!(error instanceof RuntimeFailure) && error instanceof Error && error.name !== "SysError") {
      log.debug(String(error.stack));
    }
    return error instanceof RuntimeFailure ? error.exitCode : 1;
  }
}

async function runVerb(argv: readonly string[], global: Parsed, log: Log): Promise<number> {
  const [verb, ...words] = global.rest;
  if (global.options.has("version")) return print((await import("./help.ts")).versionText());
  if (verb === undefined || verb === "help" || global.options.has("help")) {
    return print((await import("./help.ts")).programHelp(COMMANDS));
  }
  const command = COMMANDS.find((candidate) => candidate.name === verb);
  if (command === undefined) throw unknownCommand(verb);
  const { options, rest } = parseOptions(words, [...command.flags, HELP], command.stopsAtArgument === true);
  if (options.has("help")) return print((await import("./help.ts")).commandHelp(command));
  checkArguments(command, rest);
  const { run } = await command.load();
  const forRunc = [argv[0] ?? "", ...global.forRunc];
  return run({ verb, global: globalOptions(global), options, args: rest, argv: forRunc, log });
}

function logOptions({ options }: Parsed): Parameters<typeof openLog>[0] {
  const format = options.text("log-format") ?? "text";
  if (format !== "text" && format !== "json") throw usage(`invalid log-format: ${format}: use text or json`);
  return { path: options.text("log"), format, level: options.has("debug") ? "debug" : "info" };
}

function globalOptions({ options }: Parsed): GlobalOptions {
  const given = options.text("root");
  const root = given === undefined ? defaultRoot() : absolutePath(given).replace(/\/+$/, "");
  if (root === "") throw usage("option --root argument should not be set to /");
  const config = options.text("config");
  if (config === "") throw usage("option --config needs the path of a file");
  return {
    root,
    ...(config === undefined ? {} : { config: absolutePath(config) }),
    rootGiven: given !== undefined,
    debug: options.has("debug"),
    systemdCgroup: options.has("systemd-cgroup"),
  };
}

function checkArguments(command: Command, args: readonly string[]): void {
  const { min, max } = command.arguments;
  if (args.length >= min && args.length <= max) return;
  const wanted = min === max ? `exactly ${min}` : Number.isFinite(max) ? `${min} to ${max}` : `at least ${min}`;
  throw usage(`"${command.name}" requires ${wanted} argument(s): urunc ${command.name} [OPTIONS] ${command.usage}`);
}

function unknownCommand(verb: string): RuntimeFailure {
  const guess = nearest(
    verb,
    COMMANDS.map((command) => command.name),
  );
  return usage(`unknown command ${verb}: did you mean ${guess}? 'urunc --help' lists all`);
}

function print(text: string): number {
  writeAll(STDOUT, `${text}\n`);
  return 0;
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
