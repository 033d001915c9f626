import { describe, expect, test } from "vitest";
import { parseMountinfo } from "../../src/plan/mountinfo.ts";
import { unneededMounts } from "../../src/plan/unneeded-mounts.ts";

const entriesAt = (...places: readonly string[]) =>
  parseMountinfo(places.map((place, index) => `${index + 20} 1 8:${index} / ${place} rw - ext4 /dev/x rw`).join("\n"));

describe("mounts that a waiting container does without", () => {
  test("are those that no needed path goes through and that lie below none", () => {
    const entries = entriesAt("/", "/a", "/a/b", "/a/b/c", "/a/other", "/data", "/data/inner", "/database");
    expect(unneededMounts(entries, ["/a/b/file", "/data/"])).toEqual(["/a/b/c", "/a/other", "/database"]);
  });

  test("are unmounted with what lies below them, each of several at one place", () => {
    expect(unneededMounts(entriesAt("/", "/x", "/x/y", "/x", "/x/z"), ["/a"])).toEqual(["/x", "/x"]);
  });

  test("are none where the root of the host is needed", () => {
    expect(unneededMounts(entriesAt("/", "/x"), ["/"])).toEqual([]);
  });
});
