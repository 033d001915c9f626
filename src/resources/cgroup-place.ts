/** Where a container's cgroup lies in each hierarchy; runc's rules for `linux.cgroupsPath`. */
import { cleanPath } from "../oci/clean-path.ts";
import { type Result, refusal, success } from "../result.ts";

const ROOT = "/sys/fs/cgroup";

/** Directories of one cgroup. */
export interface CgroupPlace {
  /** Directory in the cgroup v2 hierarchy, if there is one. */
  readonly v2?: string;
  /** Directories in the hierarchies of cgroup v1, by their controllers as /proc/PID/cgroup lists them. */
  readonly v1: Readonly<Record<string, string>>;
  /** The systemd unit that it belongs to. */
  readonly unit?: string;
}

/** A hierarchy, and the cgroup of a process in it. */
export interface Membership {
  /** Comma-separated; `name=…` for one without controllers; empty for cgroup v2. */
  readonly controllers: string;
  /** From the hierarchy's root. */
  readonly path: string;
}

/** /proc/PID/cgroup (cgroups(7)). */
export function parseMemberships(text: string): readonly Membership[] {
  return text
    .split("\n")
    .map((line) => /^\d+:([^:]*):(\/.*)$/.exec(line))
    .flatMap((match) => (match === null ? [] : [{ controllers: match[1] ?? "", path: match[2] ?? "/" }]));
}

/** Mount point of a hierarchy: where every distribution and systemd have it. */
export function hierarchyRoot(controllers: string, isUnified: boolean): string {
  if (controllers === "") return isUnified ? ROOT : `${ROOT}/unified`;
  return `${ROOT}/${controllers.replace(/^name=/, "")}`;
}

/** Whether there is nothing but cgroup v2. */
export function isUnified(memberships: readonly Membership[]): boolean {
  return memberships.every(({ controllers }) => controllers === "");
}

/**
 * The place for the driver cgroupfs. An absolute path counts from the root of each hierarchy, a relative one, and the
 * id where there is no path, from the cgroup of this process; in cgroup v2 from the one above it, since a cgroup that
 * has processes can give no controllers to those below. `..` never leads out.
 */
export function cgroupfsPlace(
  path: string | undefined,
  id: string,
  memberships: readonly Membership[],
): Result<CgroupPlace> {
  const wanted = path ?? id;
  if (wanted.includes(":") && !wanted.includes("/")) {
    return refuse(wanted, "is for the driver systemd: call with --systemd-cgroup or give a path");
  }
  if (/[\n\0]/.test(wanted)) return refuse(wanted, "must not contain line breaks");
  const inner = cleanPath(`/${wanted}`);
  if (inner === "/") return refuse(wanted, "is the root of the hierarchies: name a cgroup below it");
  const place = (own: string) => (wanted.startsWith("/") ? inner : cleanPath(`${own}${inner}`));
  return success(placeAt(memberships, place));
}

function refuse(path: string, reason: string): Result<CgroupPlace> {
  return refusal([{ code: "cgroups-path", message: `linux.cgroupsPath ${JSON.stringify(path)} ${reason}` }]);
}

/** @param inner the path below a hierarchy's root, given the own one. */
export function placeAt(memberships: readonly Membership[], inner: (own: string) => string): CgroupPlace {
  const unified = isUnified(memberships);
  const v1: Record<string, string> = {};
  let v2: string | undefined;
  for (const { controllers, path } of memberships) {
    const root = hierarchyRoot(controllers, unified);
    if (controllers !== "") v1[controllers] = root + inner(path);
    else v2 = root + inner(unified ? path.slice(0, path.lastIndexOf("/")) : path);
  }
  return { ...(v2 === undefined ? {} : { v2 }), v1 };
}

/** The directory that has a controller's files; cgroup v1 first, as a controller belongs to one hierarchy only. */
export function directoryOf(place: CgroupPlace, controller: string): string | undefined {
  for (const controllers in place.v1) if (controllers.split(",").includes(controller)) return place.v1[controllers];
  return undefined;
}

/** All directories; the first is one that tells the processes. */
export function directories(place: CgroupPlace): readonly string[] {
  const v1 = Object.values(place.v1);
  return place.v2 === undefined ? v1 : [place.v2, ...v1];
}
