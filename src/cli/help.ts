import { SPEC_VERSION, VERSION } from "../version.ts";
import type { Command, Flag } from "./command.ts";
import { GLOBAL, HELP } from "./flags.ts";

/** The three lines callers parse (containerd, Podman), in runc's form. */
export function versionText(): string {
  return `urunc version ${VERSION}\nspec: ${SPEC_VERSION}`;
}

export function programHelp(commands: readonly Command[]): string {
  return [
    "urunc - an OCI runtime for unikernels: the container's process is the virtual machine monitor",
    "",
    "Usage: urunc [OPTIONS] COMMAND [COMMAND OPTIONS] [ARGUMENTS]",
    "",
    "Commands:",
    ...columns(commands.map((command) => [command.name, command.summary])),
    "",
    "Options:",
    ...flagLines(GLOBAL),
    "",
    "'urunc COMMAND --help' tells more of a command.",
  ].join("\n");
}

export function commandHelp(command: Command): string {
  return [
    `urunc ${command.name} - ${command.summary}`,
    "",
    `Usage: urunc [GLOBAL OPTIONS] ${command.name} [OPTIONS]${command.usage === "" ? "" : ` ${command.usage}`}`,
    "",
    "Options:",
    ...flagLines([...command.flags, HELP]),
  ].join("\n");
}

function flagLines(flags: readonly Flag[]): string[] {
  return columns(
    flags.map((flag) => [
      `${flag.short === undefined ? "    " : `-${flag.short}, `}--${flag.name}${flag.value === undefined ? "" : ` ${flag.value}`}`,
      `${flag.help}${flag.repeatable ? " (repeatable)" : ""}`,
    ]),
  );
}

function columns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
}
