import { join, resolve } from "node:path";

/** Places of the checkout; the tests are started in its root. */
export const SOURCE = resolve(".");
export const URUNC = join(SOURCE, "build", "urunc");
export const HELLO_KERNEL = join(SOURCE, "build", "examples", "hello", "kernel");
export const HELLO_BUNDLE = join(SOURCE, "build", "examples", "hello", "bundle");
export const HELLO_IMAGE = join(SOURCE, "build", "examples", "hello", "image.tar");
export const HTTP_KERNEL = join(SOURCE, "build", "examples", "http", "kernel");
export const HELPERS = join(SOURCE, "build", "tests");
