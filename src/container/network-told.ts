import { RuntimeFailure } from "../failure.ts";
import { cleanPath } from "../oci/clean-path.ts";
import type { Spec } from "../oci/spec.ts";
import type { Told } from "../plan/choose-network.ts";
import type { PlanInput } from "../plan/plan-input.ts";
import { parseResolvConf, type ResolvConf } from "../plan/resolv-conf.ts";
import { isSysError, messageOf } from "../sys/errors.ts";
import { readRegularFile, readRegularFileIfPresent } from "../sys/regular-file.ts";

type Note = (level: "info" | "warning" | "loss", text: string) => void;

const RESOLV_CONF = "/etc/resolv.conf";
const LIMIT = 65536;

/** Addresses of systemd's resolver, and the host's file with the servers that it asks (systemd-resolved(8)). */
const SYSTEMD_RESOLVER = ["127.0.0.53", "127.0.0.54"];
const SYSTEMD_UPSTREAM = "/run/systemd/resolve/resolv.conf";

/** What the guest is told beside its addresses: of the file that stands at /etc/resolv.conf in the container. */
export function toldOf({ spec, bundle, configuration }: PlanInput, note: Note): Told {
  const read = readResolvConf(spec, bundle, note);
  const dns = serversOf(read, configuration.network.dns, note);
  const resolverOptions = optionsOf(read);
  if (read.unusable.length > 0) {
    const words = read.unusable.slice(0, 8).map((word) => JSON.stringify(word.slice(0, 64)));
    note("warning", `${RESOLV_CONF} of the container: left out domains or options: ${words.join(", ")}`);
  }
  return {
    dns,
    search: read.search,
    ...(resolverOptions.length === 0 ? {} : { resolverOptions }),
    ...(spec.hostname === undefined ? {} : { hostname: spec.hostname }),
  };
}

function readResolvConf(spec: Spec, bundle: string, note: Note): ResolvConf {
  const source = spec.mounts.findLast(({ destination }) => cleanPath(destination) === RESOLV_CONF)?.source;
  if (source === undefined) return parseResolvConf("");
  try {
    return parseResolvConf(readRegularFile(source.startsWith("/") ? source : `${bundle}/${source}`, LIMIT));
  } catch (error) {
    if (!isSysError(error) && !(error instanceof RuntimeFailure)) throw error;
    note("loss", `${RESOLV_CONF} of the container cannot be read: ${messageOf(error)}`);
    return parseResolvConf("");
  }
}

/** Whose answers count as checked (trust-ad) is said of the container's own servers, not of others in their place. */
function optionsOf({ servers, options }: ResolvConf): readonly string[] {
  return servers.length > 0 ? options : options.filter((option) => option !== "trust-ad");
}

/** The container's own that the guest can reach; where there is none, what stands behind them, or the configuration's. */
function serversOf(
  { servers, left, loopback, behind }: ResolvConf,
  configured: readonly string[],
  note: Note,
): readonly string[] {
  const instead = servers.length > 0 ? [] : substitutes(loopback, behind, configured);
  if (instead.length > 0 && loopback.length > 0) {
    note("info", `The guest is told name server ${instead.join(", ")}: it cannot reach ${loopback.join(", ")}`);
    return instead;
  }
  for (const reason of left) note("loss", `${RESOLV_CONF} of the container: ${reason}`);
  return servers.length > 0 ? servers : instead;
}

function substitutes(
  loopback: readonly string[],
  behind: readonly string[],
  configured: readonly string[],
): readonly string[] {
  if (configured.length > 0) return configured;
  if (behind.length > 0) return behind;
  if (!loopback.some((server) => SYSTEMD_RESOLVER.includes(server))) return [];
  return parseResolvConf(readRegularFileIfPresent(SYSTEMD_UPSTREAM, LIMIT) ?? "").servers;
}
