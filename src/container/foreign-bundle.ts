import { redirectQueueProxy } from "../oci/queue-proxy.ts";
import { KNATIVE_GUEST } from "../plan/private-subnet.ts";
import { close, fstatat, openDirectory, replaceFile } from "../sys/file.ts";
import { readRegularFile } from "../sys/regular-file.ts";
import { CONFIG_LIMIT } from "./bundle.ts";
import { becomeRunc } from "./runc.ts";

/** What a bundle is that is no unikernel's; of Knative's queue-proxy the environment is rewritten. */
export type ForeignKind = "not-unikernel" | "queue-proxy";

/** A bundle that is runc's, with what its author has to hear. */
export interface ForeignBundle {
  readonly kind: ForeignKind;
  readonly warnings: readonly string[];
}

const FILE = "config.json";

/** Hands a bundle to runc, with the caller's arguments. */
export function handToRunc(kind: ForeignKind, bundle: string, argv: readonly string[]): never {
  if (kind === "queue-proxy") rewriteQueueProxy(bundle);
  return becomeRunc(argv);
}

function rewriteQueueProxy(bundle: string): void {
  const directory = openDirectory(bundle);
  try {
    const text = redirectQueueProxy(readRegularFile(`${bundle}/${FILE}`, CONFIG_LIMIT), KNATIVE_GUEST);
    if (text === undefined) return;
    const mode = fstatat(directory, FILE, 0).mode & 0o777;
    replaceFile(directory, FILE, text, { mode, durable: false });
  } finally {
    close(directory);
  }
}
