/** The kernel's table of mounts (proc(5), /proc/pid/mountinfo). */

/** One line of it. */
export interface MountEntry {
  /** Device numbers of its file system as `major:minor`. */
  readonly device: string;
  /** What of the file system is mounted: `/` for all of it. */
  readonly root: string;
  readonly mountPoint: string;
  /** Options of this mount, comma-separated. */
  readonly options: string;
  readonly fsType: string;
  readonly source: string;
  /** Options of the file system, comma-separated. */
  readonly superOptions: string;
}

/** A whole file system of a block device, mounted at one place only. */
export interface BlockMount {
  /** Path of the block device. */
  readonly source: string;
  /** Its numbers as `major:minor`. */
  readonly device: string;
  readonly mountPoint: string;
  readonly fsType: string;
  /** Options of the mount, comma-separated. */
  readonly options: string;
  /** Options of the file system, comma-separated. */
  readonly superOptions: string;
}

/** Whether nothing can be written to it. */
export function isReadonlyMount({ options, superOptions }: BlockMount): boolean {
  return [options, superOptions].some((words) => words.split(",").includes("ro"));
}

/** Lines that are none are left out. */
export function parseMountinfo(text: string): readonly MountEntry[] {
  return text.split("\n").flatMap((line) => {
    // The number of optional fields varies; a dash alone ends them.
    const [left = "", right] = line.split(" - ");
    if (right === undefined) return [];
    const [, , device = "", root = "", mountPoint = "", options = ""] = left.split(" ");
    const [fsType = "", source = "", superOptions = ""] = right.split(" ");
    return [
      {
        device,
        root: unescapeOctal(root),
        mountPoint: unescapeOctal(mountPoint),
        options,
        fsType: unescapeOctal(fsType),
        source: unescapeOctal(source),
        superOptions: unescapeOctal(superOptions),
      },
    ];
  });
}

/** Blank, tab, line feed, backslash and number sign are written as `\` and three octal digits, byte by byte. */
function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

/** The file system mounted at exactly this path if it can be taken off the host, else why not. */
export function findBlockMount(
  entries: readonly MountEntry[],
  path: string,
): { readonly mount: BlockMount } | { readonly reason: string } {
  const [entry, ...more] = entries.filter(({ mountPoint }) => mountPoint === path);
  if (entry === undefined) return { reason: `nothing is mounted at ${path}` };
  if (more.length > 0) return { reason: `several file systems are mounted at ${path}, one over the other` };
  if (!entry.source.startsWith("/")) return { reason: `${path} is ${entry.fsType}, which has no block device` };
  if (entry.root !== "/") return { reason: `${path} is the directory ${entry.root} of a file system, not all of it` };
  const other = entries.find((one) => one !== entry && one.device === entry.device);
  if (other !== undefined) return { reason: `${entry.source} is mounted at ${other.mountPoint} too` };
  const inside = entries.find(({ mountPoint }) => mountPoint.startsWith(`${path}/`));
  if (inside !== undefined) return { reason: `${inside.mountPoint} is mounted in it` };
  const { root: _, ...mount } = entry;
  return { mount };
}
