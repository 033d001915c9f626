import { describe, expect, test } from "vitest";
import { findBlockMount, parseMountinfo } from "../../src/plan/mountinfo.ts";

const TABLE = [
  "27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/root rw",
  "43 27 7:0 / /run/with\\040blank\\134/rootfs rw,nosuid shared:5 master:2 - ext4 /dev/mapper/a\\011b rw,errors=continue",
  "44 27 0:50 / /run/b/rootfs rw - overlay overlay rw,lowerdir=/a\\054b",
  "45 27 7:1 / /run/c/rootfs ro - ext4 /dev/loop1 ro",
  "46 27 7:1 / /mnt ro - ext4 /dev/loop1 ro",
  "47 27 254:0 /some/where /run/d/rootfs rw - ext4 /dev/vda rw",
  "48 27 7:2 / /run/e/rootfs rw - ext4 /dev/loop2 rw",
  "49 48 0:51 / /run/e/rootfs/proc rw - proc proc rw",
  "50 27 7:3 / /run/f/rootfs rw - ext4 /dev/loop3 rw",
  "51 50 7:4 / /run/f/rootfs rw - ext4 /dev/loop4 rw",
].join("\n");

function found(path: string) {
  return findBlockMount(parseMountinfo(`${TABLE}\n`), path);
}

describe("the table of mounts", () => {
  test("names are decoded, whatever optional fields there are", () => {
    expect(found("/run/with blank\\/rootfs")).toEqual({
      mount: {
        source: "/dev/mapper/a\tb",
        device: "7:0",
        mountPoint: "/run/with blank\\/rootfs",
        fsType: "ext4",
        options: "rw,nosuid",
        superOptions: "rw,errors=continue",
      },
    });
  });

  test.each([
    ["/run/a", "nothing is mounted at /run/a"],
    ["/run/b/rootfs", "/run/b/rootfs is overlay, which has no block device"],
    ["/run/c/rootfs", "/dev/loop1 is mounted at /mnt too"],
    ["/run/d/rootfs", "/run/d/rootfs is the directory /some/where of a file system, not all of it"],
    ["/run/e/rootfs", "/run/e/rootfs/proc is mounted in it"],
    ["/run/f/rootfs", "several file systems are mounted at /run/f/rootfs, one over the other"],
  ])("%s cannot be taken off the host", (path, reason) => {
    expect(found(path)).toEqual({ reason });
  });

  test("a file system in two places is none to be taken, also when one of them is a part", () => {
    const entries = parseMountinfo(`${TABLE}\n52 27 7:0 /part /srv rw - ext4 /dev/other rw`);
    expect(findBlockMount(entries, "/run/with blank\\/rootfs")).toEqual({
      reason: "/dev/mapper/a\tb is mounted at /srv too",
    });
  });

  test("what is no line is left out", () => {
    expect(parseMountinfo("\nnothing\n")).toEqual([]);
  });
});
