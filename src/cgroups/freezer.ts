import { RuntimeFailure } from "../failure.ts";
import { type CgroupPlace, directoryOf } from "../resources/cgroup-place.ts";
import { deadlineIn, waitUntil } from "../sys/deadline.ts";
import { messageOf } from "../sys/errors.ts";
import { isV1 } from "./limits.ts";
import { isGone, readCgroupFile } from "./read.ts";
import { writeCgroupFile } from "./write.ts";

const TIMEOUT_MS = 5_000;
const STEP_MS = 2;

/** The files of the freezer and the words it speaks. */
interface Freezer {
  readonly file: string;
  readonly frozen: string;
  readonly thawed: string;
  readonly shows: { readonly file: string; readonly frozen: RegExp };
}

function freezerOf(place: CgroupPlace): Freezer | undefined {
  const v1 = directoryOf(place, "freezer");
  if (v1 !== undefined) {
    const file = `${v1}/freezer.state`;
    return { file, frozen: "FROZEN", thawed: "THAWED", shows: { file, frozen: /^FROZEN/ } };
  }
  if (place.v2 === undefined || isV1(place)) return undefined;
  const shows = { file: `${place.v2}/cgroup.events`, frozen: /^frozen 1$/m };
  return { file: `${place.v2}/cgroup.freeze`, frozen: "1", thawed: "0", shows };
}

/** Whether every process of the cgroup is frozen; false where there is no freezer. */
export function isFrozen(place: CgroupPlace): boolean {
  const freezer = freezerOf(place);
  return freezer !== undefined && shows(freezer);
}

function shows({ shows: { file, frozen } }: Freezer): boolean {
  return frozen.test(readCgroupFile(file) ?? "");
}

/**
 * Stops every process of the cgroup and returns when all have stopped.
 *
 * @throws RuntimeFailure `freezer` when there is none or they do not stop; they go on then.
 */
export function freeze(place: CgroupPlace): void {
  const freezer = freezerOf(place);
  if (freezer === undefined) {
    throw new RuntimeFailure("freezer", "this host has no cgroup controller freezer: it cannot pause containers", {
      kind: "system",
    });
  }
  const isDone = () => {
    // cgroup v1: a process that was made meanwhile is missed until the word is written again.
    write(freezer, freezer.frozen);
    return shows(freezer);
  };
  if (waitUntil(isDone, deadlineIn(TIMEOUT_MS), STEP_MS)) return;
  write(freezer, freezer.thawed);
  throw new RuntimeFailure(
    "freezer",
    `Freeze ${freezer.file}: the processes did not stop within ${TIMEOUT_MS / 1000} s: try again`,
    {
      kind: "system",
    },
  );
}

/** Lets the processes of a cgroup go on; nothing where there is no freezer. */
export function thaw(place: CgroupPlace): void {
  const freezer = freezerOf(place);
  if (freezer !== undefined) write(freezer, freezer.thawed);
}

function write({ file }: Freezer, word: string): void {
  try {
    writeCgroupFile(file, word);
  } catch (error) {
    // The cgroup is gone, and its processes with it.
    if (isGone(error)) return;
    throw new RuntimeFailure("freezer", `Write ${word}: ${messageOf(error)}`, { kind: "system", cause: error });
  }
}
