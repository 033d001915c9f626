/** Options of a mount as the kernel lists them, as flags of mount(2). */
const FLAGS: Readonly<Record<string, number>> = {
  ro: 0x1,
  nosuid: 0x2,
  nodev: 0x4,
  noexec: 0x8,
  sync: 0x10,
  dirsync: 0x80,
  nosymfollow: 0x100,
  noatime: 0x400,
  nodiratime: 0x800,
  relatime: 0x200000,
  lazytime: 0x2000000,
};

/** mount(2)'s flags and data for a file system that had these options. */
export function mountArguments(
  options: string,
  superOptions: string,
): { readonly flags: number; readonly data: string } {
  const words = [...options.split(","), ...superOptions.split(",")];
  const flags = words.reduce((all, word) => all | (FLAGS[word] ?? 0), 0);
  const data = superOptions.split(",").filter((word) => word !== "rw" && FLAGS[word] === undefined);
  return { flags, data: data.join(",") };
}
