import * as sys from "urunc:sys";
import { archiveTests } from "./archive-tests.ts";
import { argumentTests } from "./argument-tests.ts";
import { deviceTests } from "./device-tests.ts";
import { engineRuleTests } from "./engine-rule-tests.ts";
import { fileTests } from "./file-tests.ts";
import { equal, runTests, type Test, test } from "./harness.ts";
import { initrdTests } from "./initrd-tests.ts";
import { mountTests } from "./mount-tests.ts";
import { networkTests } from "./network-tests.ts";
import { processTests } from "./process-tests.ts";
import { socketTests } from "./socket-tests.ts";
import { terminalTests } from "./terminal-tests.ts";
import { treeTests } from "./tree-tests.ts";

/** Tests of what a binding does; those of its arguments do not count as cover. */
const behaviourTests: readonly Test[] = [
  ...engineRuleTests,
  ...fileTests,
  ...processTests,
  ...mountTests,
  ...socketTests,
  ...networkTests,
  ...terminalTests,
  ...deviceTests,
];

const coverTest = test([], "every binding of the module has a test of its own", () => {
  const covered = new Set<string>(behaviourTests.flatMap(({ covers }) => covers));
  equal(
    Object.keys(sys).filter((name) => !covered.has(name)),
    [],
  );
});

export function engineTests(): Promise<boolean> {
  return runTests([coverTest, ...argumentTests, ...behaviourTests, ...archiveTests, ...initrdTests, ...treeTests]);
}
