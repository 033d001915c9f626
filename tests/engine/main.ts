/** Entry of the sanitizer build: the product, and one more verb that runs the tests of the engine. */

import { args, exit, writeText } from "urunc:sys";

if (args()[1] === "engine-tests") {
  const { engineTests } = await import("./engine-tests.ts");
  // On success the program ends by itself, so that the sanitizer looks for leaks.
  if (!(await engineTests())) exit(1);
} else if (args()[1] === "engine-fuzz") {
  const { fuzzEngine } = await import("./fuzz.ts");
  const calls = fuzzEngine(Number(args()[2]), Number(args()[3]));
  writeText(2, `${calls} calls\n`);
} else if (args()[1] === "kernel-fuzz") {
  const { fuzzKernels } = await import("./kernel-fuzz.ts");
  const files = fuzzKernels(Number(args()[2]), Number(args()[3]));
  writeText(2, `${files} kernel files\n`);
} else {
  await import("../../src/main.ts");
}
