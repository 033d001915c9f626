/** Entry of the sanitizer build: the product, and one more verb that runs the tests of the engine. */

import { args, exit } from "urunc:sys";

if (args()[1] === "engine-tests") {
  const { engineTests } = await import("./engine-tests.ts");
  // On success the program ends by itself, so that the sanitizer looks for leaks.
  if (!(await engineTests())) exit(1);
} else {
  await import("../../src/main.ts");
}
