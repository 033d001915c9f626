/**
 * Options of a bundle's mounts: those of the runtime specification (config.md, "Linux mount options") and of mount(8) that
 * mean something for every file system. docs/mount-options.md says of each what is done; a test compares the two.
 */

/** An attribute of a mount, by the option that sets it; `ro` apart, since everybody has it. */
export type MountFlag =
  | "nosuid"
  | "nodev"
  | "noexec"
  | "nosymfollow"
  | "nodiratime"
  | "noatime"
  | "relatime"
  | "strictatime";

type Attribute = MountFlag | "ro";

/** What an option does. */
export type OptionEffect =
  | { readonly does: "attribute"; readonly flag: Attribute; readonly on: boolean; readonly recursive: boolean }
  /** Of mount(8): who may mount it, and what follows from that. */
  | { readonly does: "imply"; readonly flags: readonly MountFlag[] }
  | { readonly does: "bind"; readonly recursive: boolean }
  /** `later`: with what is mounted there later. */
  | { readonly does: "propagate"; readonly later: boolean }
  /** When and by whom something is mounted, or what is said of it: nothing of the mount itself. */
  | { readonly does: "nothing" }
  /** A property of a whole file system, which a bind mount leaves as it is (mount(2), MS_BIND). */
  | { readonly does: "file-system" }
  | { readonly does: "idmap" }
  | { readonly does: "copy-up" }
  | { readonly does: "refused"; readonly why: string };

/** Options that set an attribute, and those that take it back. Each has a recursive form, with an `r` before it. */
const ATTRIBUTES: Readonly<Record<Attribute, string>> = {
  ro: "rw",
  nosuid: "suid",
  nodev: "dev",
  noexec: "exec",
  nosymfollow: "symfollow",
  nodiratime: "diratime",
  noatime: "atime",
  relatime: "norelatime",
  strictatime: "nostrictatime",
};

const NOT_MOUNTED = "nothing is mounted of it: the file itself is bound";
const NO_LABEL = "a guest's mounts have no label of the host's";

function attributes(): Readonly<Record<string, OptionEffect>> {
  const rows: Record<string, OptionEffect> = {};
  for (const flag of ATTRIBUTE_NAMES) {
    for (const recursive of [false, true]) {
      const r = recursive ? "r" : "";
      rows[`${r}${flag}`] = { does: "attribute", flag, on: true, recursive };
      rows[`${r}${ATTRIBUTES[flag]}`] = { does: "attribute", flag, on: false, recursive };
    }
  }
  return rows;
}

const ATTRIBUTE_NAMES: readonly Attribute[] = [
  "ro",
  "nosuid",
  "nodev",
  "noexec",
  "nosymfollow",
  "nodiratime",
  "noatime",
  "relatime",
  "strictatime",
];

function each(words: string, effect: OptionEffect): Readonly<Record<string, OptionEffect>> {
  return Object.fromEntries(words.split(" ").map((word) => [word, effect]));
}

/** A name that ends with `*` stands for all that begin so. */
export const MOUNT_OPTIONS: Readonly<Record<string, OptionEffect>> = {
  ...attributes(),
  ...each("user users", { does: "imply", flags: ["nosuid", "nodev", "noexec"] }),
  ...each("owner group", { does: "imply", flags: ["nosuid", "nodev"] }),
  bind: { does: "bind", recursive: false },
  rbind: { does: "bind", recursive: true },
  ...each("private rprivate unbindable runbindable", { does: "propagate", later: false }),
  ...each("slave rslave shared rshared", { does: "propagate", later: true }),
  ...each("defaults silent loud auto noauto nofail nouser _netdev comment=* x-* X-*", { does: "nothing" }),
  ...each("async noiversion nolazytime nomand", { does: "nothing" }),
  ...each("sync dirsync iversion lazytime mand", { does: "file-system" }),
  ...each("idmap ridmap", { does: "idmap" }),
  tmpcopyup: { does: "copy-up" },
  remount: { does: "refused", why: "nothing is mounted there yet that it could change" },
  ...each("loop loop=* offset=* sizelimit=*", { does: "refused", why: NOT_MOUNTED }),
  ...each("context=* fscontext=* defcontext=* rootcontext=*", { does: "refused", why: NO_LABEL }),
};

/** Undefined for one that is a file system's own, or nobody's. */
export function effectOf(word: string): OptionEffect | undefined {
  if (Object.hasOwn(MOUNT_OPTIONS, word)) return MOUNT_OPTIONS[word];
  const cut = /^(?:[xX]-|[^=]*=)/.exec(word)?.[0];
  const pattern = `${cut}*`;
  return cut !== undefined && Object.hasOwn(MOUNT_OPTIONS, pattern) ? MOUNT_OPTIONS[pattern] : undefined;
}

/** The options of one mount taken together: of two that contradict each other the later one counts, as for mount(8). */
export interface MountOptions {
  readonly bind?: "bind" | "rbind";
  readonly readonly: boolean;
  /** `rrw`: also what the host has read-only below the source is writable. */
  readonly writableBelow: boolean;
  /** In the order of {@link MountFlag}. */
  readonly flags: readonly MountFlag[];
  readonly words: readonly string[];
}

export function readMountOptions(words: readonly string[]): MountOptions {
  const plain = new Map<Attribute, boolean>();
  const recursive = new Map<Attribute, boolean>();
  let bind: MountOptions["bind"];
  for (const word of words) {
    const effect = effectOf(word);
    if (effect?.does === "attribute") (effect.recursive ? recursive : plain).set(effect.flag, effect.on);
    else if (effect?.does === "imply") for (const flag of effect.flags) plain.set(flag, true);
    else if (effect?.does === "bind") bind = effect.recursive || bind === "rbind" ? "rbind" : "bind";
  }
  // The recursive ones are set last (mount_setattr(2)), on the mount itself too.
  const has = (flag: Attribute) => recursive.get(flag) ?? plain.get(flag) ?? false;
  // One way to count times: the kernel lets strictatime win over noatime, and that over relatime.
  const time = TIMES.find(has);
  const flags = ATTRIBUTE_NAMES.flatMap((flag) =>
    flag !== "ro" && has(flag) && (flag === time || !TIMES.includes(flag)) ? [flag] : [],
  );
  return {
    ...(bind === undefined ? {} : { bind }),
    readonly: has("ro"),
    writableBelow: recursive.get("ro") === false,
    flags,
    words,
  };
}

/** Of these one holds. */
export const TIMES: readonly MountFlag[] = ["strictatime", "noatime", "relatime"];

/** What makes a mount stricter for programs of a guest. */
export const RESTRICTIONS: readonly MountFlag[] = ["nosuid", "nodev", "noexec", "nosymfollow"];

/** Those of the specification's options that have their effect where a guest can have it. */
export function honouredOptions(): readonly string[] {
  return Object.entries(MOUNT_OPTIONS)
    .filter(([, effect]) => ["attribute", "bind", "nothing"].includes(effect.does) || isPrivate(effect))
    .map(([word]) => word)
    .filter((word) => !word.endsWith("*"))
    .sort();
}

function isPrivate(effect: OptionEffect): boolean {
  return effect.does === "imply" || (effect.does === "propagate" && !effect.later);
}
