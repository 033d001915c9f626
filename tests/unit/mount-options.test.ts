import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { effectOf, honouredOptions, MOUNT_OPTIONS, readMountOptions } from "../../src/plan/mount-options.ts";

/** runtime-spec 1.3, config.md, "Linux mount options". */
const SPECIFIED = [
  "async atime bind defaults dev diratime dirsync exec iversion lazytime loud mand noatime nodev nodiratime noexec",
  "noiversion nolazytime nomand norelatime nostrictatime nosuid nosymfollow private ratime rbind rdev rdiratime relatime",
  "remount rexec rnoatime rnodiratime rnoexec rnorelatime rnostrictatime rnosuid rnosymfollow ro rprivate rrelatime rro rrw",
  "rshared rslave rstrictatime rsuid rsymfollow runbindable rw shared silent slave strictatime suid symfollow sync",
  "tmpcopyup unbindable idmap ridmap",
].flatMap((line) => line.split(" "));

/** util-linux 2.38, mount(8), "filesystem-independent mount options", without those of the specification. */
const OF_MOUNT = [
  "auto noauto context=a fscontext=a defcontext=a rootcontext=a group owner _netdev nofail user nouser users",
  "comment=a x-systemd.automount X-mount.mkdir loop loop=a offset=1 sizelimit=1",
].flatMap((line) => line.split(" "));

/** Options and the class of each, as docs/mount-options.md has them. */
function documented(): readonly (readonly [string, string])[] {
  const text = readFileSync("docs/mount-options.md", "utf8");
  return text.split("\n").flatMap((line) => {
    const [, words = "", rest = ""] = /^\| (`[^|]*`) \| \*\*([a-z-]+)/.exec(line) ?? [];
    return [...words.matchAll(/`([^`]+)`/g)].map((match) => [match[1] ?? "", rest] as const);
  });
}

describe("options of mounts", () => {
  test.each([...SPECIFIED, ...OF_MOUNT])("%s is known", (word) => {
    expect(effectOf(word)).toBeDefined();
  });

  test("are those of docs/mount-options.md, each once and in its class", () => {
    const rows = Object.entries(MOUNT_OPTIONS).map(([word, effect]) => [word, effect.does]);
    expect([...documented()].sort()).toEqual(rows.sort());
  });

  test("that runc knows are known", () => {
    let answer: string;
    try {
      answer = execFileSync("runc", ["features"], { encoding: "utf8" });
    } catch {
      // It is not installed, or older than its verb: then the list above stands for it.
      answer = JSON.stringify({ mountOptions: SPECIFIED });
    }
    const { mountOptions }: { mountOptions: readonly string[] } = JSON.parse(answer);
    // runc 1.1 lists these, and does not honour them (its issue 3738).
    expect(mountOptions.filter((word) => effectOf(word) === undefined)).toEqual(
      mountOptions.filter((word) => word === "acl" || word === "noacl"),
    );
  });

  test("that are honoured are listed, and none that only is named in a warning", () => {
    const honoured = honouredOptions();
    expect(honoured).toEqual(expect.arrayContaining(["ro", "rro", "rnosymfollow", "rbind", "rprivate"]));
    for (const word of ["rslave", "shared", "idmap", "sync", "tmpcopyup", "remount", "loop"]) {
      expect(honoured).not.toContain(word);
    }
  });

  test.each([
    [["ro", "rw"], false, []],
    [["rw", "ro"], true, []],
    [["rro", "rw"], true, []],
    [["ro", "rrw"], false, []],
    [["user", "exec"], false, ["nosuid", "nodev"]],
    [["noatime", "strictatime", "nodiratime"], false, ["nodiratime", "strictatime"]],
    [["rnosuid", "suid"], false, ["nosuid"]],
    [["x-ro", "comment=nosuid", "nonsense"], false, []],
  ])("%s together", (words, readonly, flags) => {
    expect(readMountOptions(words)).toMatchObject({ readonly, flags });
  });
});
