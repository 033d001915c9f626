import type { Invocation } from "../cli/command.ts";
import { usage } from "../cli/parse.ts";
import type { BundleQuestion, UnikernelBundle } from "../container/bundle.ts";
import { checkId, idInUse } from "../container/container-directory.ts";
import type { CreateOptions } from "../container/create.ts";
import { isRuncDefault } from "../container/lookup.ts";
import { closeAllBut, exists } from "../sys/file.ts";
import { absolutePath } from "../sys/working-directory.ts";

const FIRST_DESCRIPTOR = 3;

/** `--bundle` as an absolute path. */
export function bundleOption({ options }: Invocation): string {
  return absolutePath(options.text("bundle") ?? "");
}

/** The bundle to read, for the container that the first argument names. */
export function bundleQuestion(invocation: Invocation): BundleQuestion {
  const { config } = invocation.global;
  const question = { path: bundleOption(invocation), id: invocation.args[0] ?? "" };
  return config === undefined ? question : { ...question, config };
}

/**
 * Closes every descriptor the caller left open but those it asked to pass on: none may reach the monitor by accident
 * (CVE-2024-21626). That goes for those of systemd's socket activation too (sd_listen_fds(3)), which no monitor takes. Only
 * for a unikernel: what is runc's to run gets every descriptor, since runc takes numbers that LISTEN_FDS names for the
 * caller's, and would pass its own on if they were closed. To be called while nothing but the log is open.
 */
export function preserveDescriptors({ options, log }: Invocation): void {
  const text = options.text("preserve-fds") ?? "0";
  if (!/^\d{1,6}$/.test(text)) throw usage(`option --preserve-fds needs a number of descriptors, not ${text}`);
  closeAllBut(FIRST_DESCRIPTOR + Number(text), [log.descriptor]);
}

/**
 * Ids are unique over our containers and runc's. Without `--root` runc's lie in a directory of its own, which making
 * ours would not notice.
 *
 * @throws RuntimeFailure `bad-id`, `exists`.
 */
export function checkIdIsFree({ global, args }: Invocation): void {
  const id = args[0] ?? "";
  checkId(id);
  if (!global.rootGiven && (isRuncDefault(id) || exists(`${global.root}/${id}`))) throw idInUse();
}

/** What `create` and `run` share. */
export function createOptions(
  { global, options, args, log }: Invocation,
  bundle: UnikernelBundle,
): Omit<CreateOptions, "keepConsole" | "timestamps"> {
  const consoleSocket = options.text("console-socket");
  const pidfdSocket = options.text("pidfd-socket");
  const pidFile = options.text("pid-file");
  return {
    root: global.root,
    id: args[0] ?? "",
    bundle,
    systemdCgroup: global.systemdCgroup,
    warn: log.warning,
    ...(consoleSocket === undefined ? {} : { consoleSocket }),
    ...(pidfdSocket === undefined ? {} : { pidfdSocket }),
    // runc takes an empty name for none.
    ...(pidFile === undefined || pidFile === "" ? {} : { pidFile }),
  };
}
