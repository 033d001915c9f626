/** The ids of a user namespace: which of the host's they are, and whether the container's own are among them. */
import type { IdMapping } from "../oci/spec.ts";
import type { IdMappings } from "./launch-plan.ts";
import type { Planning } from "./plan-input.ts";

/** Mappings for a user namespace that is made; undefined where there is none, or where one that has its own is joined. */
export function decideMappings(planning: Planning): IdMappings | undefined {
  const { namespaces, uidMappings, gidMappings } = planning.spec.linux;
  const user = namespaces.find(({ type }) => type === "user");
  const given = uidMappings.length + gidMappings.length > 0;
  const report = (message: string) => planning.problems.push({ code: "user-namespace", message });
  if (user === undefined) {
    if (given) report("linux.uidMappings, linux.gidMappings: there is no user namespace in linux.namespaces: add one");
    return undefined;
  }
  if (user.path !== undefined) return undefined;
  checkMappings(planning, "linux.uidMappings", uidMappings);
  checkMappings(planning, "linux.gidMappings", gidMappings);
  const { uid, gid, additionalGids } = planning.spec.process.user;
  checkId(planning, "process.user.uid", uid, uidMappings);
  for (const id of [gid, ...additionalGids]) checkId(planning, "process.user", id, gidMappings);
  return { uids: uidMappings, gids: gidMappings };
}

/** Our own part is done as the container's root, so that has to exist. */
function checkMappings({ problems }: Planning, key: string, mappings: readonly IdMapping[]): void {
  if (mappings.some(({ size }) => size === 0)) {
    problems.push({ code: "user-namespace", message: `${key}: a size of 0 maps nothing: give the number of ids` });
  } else if (!isMapped(0, mappings)) {
    const message = `${key}: the new user namespace needs a mapping for containerID 0: add one`;
    problems.push({ code: "user-namespace", message });
  }
}

function checkId({ problems }: Planning, key: string, id: number, mappings: readonly IdMapping[]): void {
  if (mappings.length === 0 || isMapped(id, mappings)) return;
  const message = `${key}: ${id} is not mapped in the user namespace: add it to linux.uidMappings and linux.gidMappings`;
  problems.push({ code: "user-namespace", message });
}

function isMapped(id: number, mappings: readonly IdMapping[]): boolean {
  return mappings.some(({ containerID, size }) => id >= containerID && id < containerID + size);
}
