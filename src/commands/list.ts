import type { Invocation } from "../cli/command.ts";
import { usage } from "../cli/parse.ts";
import { warningsOf } from "../container/kept-warnings.ts";
import { findContainer, runcRoot } from "../container/lookup.ts";
import { listOfRunc } from "../container/runc-list.ts";
import { type ContainerState, stateOf } from "../container/state.ts";
import { largest } from "../few.ts";
import { jsonText } from "../json-text.ts";
import { plainText } from "../plain-text.ts";
import { O_DIRECTORY, O_RDONLY } from "../sys/constants.ts";
import { isSysError, messageOf } from "../sys/errors.ts";
import { readdir, withFile, writeAll } from "../sys/file.ts";

const STDOUT = 1;
const STDERR = 2;

/** `list`: our containers and runc's, in runc's formats. */
export function run(invocation: Invocation): number {
  const format = invocation.options.text("format") ?? "table";
  if (format !== "table" && format !== "json") throw usage(`invalid format option: ${format}: use table or json`);
  const states = collect(invocation);
  if (invocation.options.has("quiet")) writeAll(STDOUT, states.map(({ id }) => `${plainText(id)}\n`).join(""));
  else if (format === "json") writeAll(STDOUT, `${states.length === 0 ? "null" : jsonText(states)}\n`);
  else writeAll(STDOUT, table(states));
  return 0;
}

function collect({ global }: Invocation): ContainerState[] {
  const own: ContainerState[] = [];
  const foreign = new Set<string>();
  for (const id of names(global.root)) {
    try {
      const found = findContainer({ ...global, rootGiven: true }, id);
      if (found.owner === "runc") foreign.add(id);
      if (found.owner === "urunc") own.push(stateOf(global.root, found.record));
      if (found.owner === "unfinished") writeAll(STDERR, `load container ${plainText(id)}: it has no state file\n`);
    } catch (error) {
      // One that goes away meanwhile or cannot be read does not hide the others.
      writeAll(STDERR, `load container ${plainText(`${id}: ${messageOf(error)}`)}\n`);
    }
  }
  const ofRunc = foreign.size === 0 ? [] : listOfRunc(global.root).filter(({ id }) => foreign.has(id));
  const ofRuncDefault = global.rootGiven || names(runcRoot()).length === 0 ? [] : listOfRunc(runcRoot());
  return [...own, ...ofRunc, ...ofRuncDefault].sort((a, b) => (a.id < b.id ? -1 : 1));
}

function names(root: string): string[] {
  try {
    return withFile(root, O_RDONLY | O_DIRECTORY, readdir);
  } catch (error) {
    if (isSysError(error, "ENOENT")) return [];
    throw error;
  }
}

/** Go's tabwriter as runc sets it: cells at least 12 wide, three blanks between. */
function table(states: readonly ContainerState[]): string {
  const marks = states.map(({ annotations }) => warningsOf(annotations).length);
  // One more column, the last, and only where it says something: whoever reads runc's finds them in their places.
  const isMarked = marks.some((count) => count > 0);
  const rows = [
    ["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER", ...(isMarked ? ["WARNINGS"] : [])],
    ...states.map((s, index) =>
      [
        ...[s.id, String(s.pid), s.status, s.bundle, s.created, s.owner],
        ...(isMarked ? [String(marks[index])] : []),
      ].map(plainText),
    ),
  ];
  const widths = (rows[0] ?? []).map((_, column) =>
    largest(
      rows.map((row) => (row[column] ?? "").length + 3),
      12,
    ),
  );
  const line = (row: readonly string[]) =>
    row.map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0))).join("");
  return rows.map((row) => `${line(row)}\n`).join("");
}
