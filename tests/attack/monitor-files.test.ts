// What a monitor that a guest has taken over can fill, and what of the host's libraries it finds.
import { copyFileSync, existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { helloBundle } from "../lib/bundle.ts";
import { succeed } from "../lib/command.ts";
import { atEnd } from "../lib/hygiene.ts";
import { lightBundle } from "../lib/light.ts";
import { lightConfiguration } from "../lib/light-bundle.ts";
import { HELPERS } from "../lib/paths.ts";
import { urunc } from "../lib/runtime.ts";

describe("files of a monitor", () => {
  it("are limited in number, so that they take no more of the kernel's memory than its limit of bytes says", () => {
    const runtime = urunc(lightConfiguration(join(HELPERS, "fills")));
    const outcome = succeed(runtime.verb("run", "--bundle", lightBundle(), "fills"));
    const [, count = "", why = ""] = /^files (\d+) (.*)$/m.exec(outcome.stdout()) ?? [];
    expect(why).toBe("No space left on device");
    expect(Number(count)).toBeGreaterThan(100);
    expect(Number(count)).toBeLessThan(5000);
  });
});

const LOCAL = "/usr/local/lib";

describe("libraries of a dynamic monitor", () => {
  it("are of /usr/local/lib those that it is linked with, not all that the administrator has there", () => {
    // QEMU is linked with the one; the other nothing is linked with. The host's own linker does not know of them.
    const places = readdirSync("/usr/lib").map((name) => `/usr/lib/${name}/libz.so.1`);
    const library = places.find((path) => existsSync(path)) ?? "";
    const needed = join(LOCAL, "libz.so.1");
    const planted = join(LOCAL, "liburunc-test-unneeded.so.1");
    expect(existsSync(needed)).toBe(false);
    atEnd(() => {
      for (const path of [needed, planted]) rmSync(path, { force: true });
    });
    copyFileSync(library, needed);
    writeFileSync(planted, "no library");
    const runtime = urunc();
    const { pid } = runtime.create("libraries", helloBundle({ args: ["--stay"] }));
    succeed(runtime.verb("start", "libraries"));
    const seen = join(`/proc/${pid}/root`, LOCAL);
    expect(readdirSync(seen).filter((name) => !/\.so(\.|$)/.test(name))).toEqual([]);
    expect(existsSync(join(`/proc/${pid}/root`, planted))).toBe(false);
    expect(existsSync(join(`/proc/${pid}/root`, needed))).toBe(true);
    expect(existsSync(`/proc/${pid}/root/usr/lib`)).toBe(true);
  });
});
