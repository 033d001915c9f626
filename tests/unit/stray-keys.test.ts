// What somebody has meant for us and that has no effect is told, with what was meant: such a bundle has no virtual machine.
import { describe, expect, test } from "vitest";
import { readMetadata } from "../../src/oci/annotations.ts";
import { peekBundle } from "../../src/oci/peek.ts";

const PREFIX = "com.urunc.unikernel.";
const COMPLETE = {
  [`${PREFIX}unikernelType`]: "linux",
  [`${PREFIX}hypervisor`]: "qemu",
  [`${PREFIX}binary`]: "/kernel",
};

function warningsOf(annotations: Readonly<Record<string, string>>, json?: unknown, others = {}): readonly string[] {
  const text = json === undefined ? undefined : JSON.stringify(json);
  const outcome = readMetadata(annotations, text, others);
  if (outcome.kind === "invalid") throw new Error(outcome.problems.map(({ message }) => message).join("\n"));
  return outcome.warnings;
}

function encoded(values: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, Buffer.from(value).toString("base64")]));
}

describe("a misspelled key", () => {
  const SLIPS: readonly (readonly [string, string])[] = [
    [`${PREFIX}bootkernel`, "bootKernel"],
    [`${PREFIX}BootKernel`, "bootKernel"],
    [`${PREFIX}bootKernal`, "bootKernel"],
    [`${PREFIX}boot-kernel`, "bootKernel"],
    [`${PREFIX}unikerneltype`, "unikernelType"],
    [`${PREFIX}hypervisors`, "hypervisor"],
    [`${PREFIX}Binary`, "binary"],
    ["com.urunc.Unikernel.binary", "binary"],
    ["COM.URUNC.UNIKERNEL.BINARY", "binary"],
    ["com.urunc.unikernal.binary", "binary"],
    ["com.urunc.binary", "binary"],
    ["com.urunc.unikernel/binary", "binary"],
    ["com.urunc.unikernel-hypervisor", "hypervisor"],
    ["com.urnc.unikernel.hypervisor", "hypervisor"],
    ["com.urcun.unikernel.hypervisor", "hypervisor"],
    ["con.uruc.unikernel.initrd", "initrd"],
    ["urunc.unikernel.mountRootfs", "mountRootfs"],
    ["unikernelType", "unikernelType"],
    ["org.example.bootKernel", "bootKernel"],
    ["com.urunc.unikernel", "binary"],
    [`${PREFIX}networkmode`, "networkMode"],
    [`${PREFIX}vaccel`, "vAccel"],
  ];

  test.each(SLIPS)("%s of a bundle that goes to runc is told, with the right one", (key, name) => {
    const warnings = warningsOf({ [key]: "x" });
    if (key !== "com.urunc.unikernel")
      expect(warnings[0]).toBe(`annotation ${key} ignored: it is not known: did you mean ${PREFIX}${name}?`);
    expect(warnings[0]).toContain("did you mean com.urunc.unikernel.");
    expect(warnings.at(-1)).toMatch(/ missing: without (it|them) this is no unikernel$/);
  });

  test.each(SLIPS)("%s beside a complete set is told, too", (key) => {
    expect(warningsOf({ ...COMPLETE, [key]: "x" }).join("\n")).toContain(`annotation ${key} ignored`);
    expect(warningsOf({}, { ...encoded(COMPLETE), [key]: "eA==" }).join("\n")).toContain(
      `urunc.json of the image: ${key} ignored`,
    );
  });

  test.each(SLIPS)("%s of a bundle whose image describes the unikernel is told, too", (key) => {
    expect(warningsOf({ [key]: "x" }, encoded(COMPLETE)).join("\n")).toContain(`annotation ${key} ignored`);
  });

  test.each(SLIPS)("%s in an urunc.json that goes to runc is told, with the right one", (key) => {
    const [first] = warningsOf({}, { [key]: "eA==" });
    expect(first).toContain(`urunc.json of the image: ${key} ignored: it is not known: did you mean ${PREFIX}`);
  });

  test("of somebody else is nobody's business", () => {
    const others = {
      "io.kubernetes.cri.container-type": "container",
      "io.kubernetes.cri.sandbox-id": "1",
      "io.kubernetes.cri-o.TTY": "false",
      "org.opencontainers.image.title": "t",
      "io.katacontainers.config.hypervisor.kernel": "/k",
      "com.docker.compose.project": "p",
      "com.urunc.internal.rootfs.params": "{}",
      "org.unikraft.kernel.version": "1",
      binary: "/bin/true",
    };
    expect(warningsOf(others)).toEqual([]);
    expect(warningsOf({ ...COMPLETE, ...others })).toEqual([]);
  });

  test("is told a few times, however many there are, and cut where it is long", () => {
    const many = Object.fromEntries(Array.from({ length: 20_000 }, (_, n) => [`${PREFIX}bad${n}`, "x"]));
    const warnings = warningsOf({ ...many, [`${PREFIX}${"x".repeat(100_000)}`]: "x" });
    expect(warnings.length).toBeLessThan(12);
    expect(warnings.join("").length).toBeLessThan(4096);
    expect(warnings.join("\n")).toContain("19993 more keys like these");
  });
});

describe("a part of what makes a unikernel", () => {
  const KEYS = Object.keys(COMPLETE);

  test.each(KEYS)("without %s says so", (missing) => {
    const part = Object.fromEntries(Object.entries(COMPLETE).filter(([key]) => key !== missing));
    expect(warningsOf(part).at(-1)).toContain(`annotation ${missing} is missing`);
    expect(warningsOf({}, encoded(part)).at(-1)).toContain(`urunc.json of the image: ${missing} is missing`);
  });

  test.each(KEYS)("with an empty %s says so", (key) => {
    const warnings = warningsOf({ ...COMPLETE, [key]: "" });
    expect(warnings).toContain(`annotation ${key} is empty`);
    expect(warnings.at(-1)).toContain(`${key} is missing`);
  });

  test("whose value is no text says so", () => {
    const warnings = warningsOf({ [`${PREFIX}hypervisor`]: "qemu" }, undefined, { [`${PREFIX}binary`]: ["/kernel"] });
    expect(warnings).toContain(`annotation ${PREFIX}binary must be a string, found a list`);
  });

  test("below a member of config.json that runc takes for annotations and we do not says so", () => {
    const { annotations, others } = peekBundle({ Annotations: { ...COMPLETE, "org.example": "x" } });
    const warnings = warningsOf(annotations, undefined, others);
    expect(warnings[0]).toContain(
      `annotation Annotations.${PREFIX}unikernelType ignored: it is not known: did you mean`,
    );
    expect(warnings).toHaveLength(4);
  });

  test("of what has no effect alone says so", () => {
    expect(warningsOf({ [`${PREFIX}bootInitrd`]: "/boot/i" })).toHaveLength(1);
    expect(warningsOf({ [`${PREFIX}networkMode`]: "none" })).toHaveLength(1);
  });

  test("in an urunc.json with nothing of ours says so", () => {
    expect(warningsOf({}, {})[0]).toContain("urunc.json of the image: it has no key of ours");
  });

  test("of none at all says nothing", () => {
    expect(warningsOf({})).toEqual([]);
    expect(warningsOf({ "org.example": "x" })).toEqual([]);
  });
});
