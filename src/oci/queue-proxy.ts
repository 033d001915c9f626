/**
 * Knative's queue-proxy, an ordinary container beside a unikernel: it looks for the service at 127.0.0.1, but the guest
 * has an address of its own.
 */
import { isObject } from "./decode.ts";
import { placeOfMember } from "./json-place.ts";

const PROBE = "SERVING_READINESS_PROBE=";
const REDIRECT = "REDIRECT_IP=";
/** Members of a probe that have a host (Kubernetes' core/v1 Probe). */
const CHECKS = ["tcpSocket", "httpGet"] as const;

/**
 * The text of config.json with the guest's address: as host of the readiness probe, where there is one, and as
 * REDIRECT_IP. Everything else stays as it is, to the letter. The same again changes nothing.
 *
 * @returns undefined for a document without process.
 */
export function redirectQueueProxy(text: string, address: string): string | undefined {
  const process = placeOfMember(text, 0, "process");
  if (process === undefined) return undefined;
  const place = placeOfMember(text, process.start, "env");
  if (place === undefined) {
    const at = process.start + 1;
    const rest = text.slice(at);
    const comma = rest.trimStart().startsWith("}") ? "" : ",";
    return `${text.slice(0, at)}"env":${JSON.stringify([REDIRECT + address])}${comma}${rest}`;
  }
  const env: unknown = JSON.parse(text.slice(place.start, place.end));
  const entries: readonly unknown[] = Array.isArray(env) ? env : [];
  const kept = entries.filter((entry) => typeof entry !== "string" || !entry.startsWith(REDIRECT));
  const changed = kept.map((entry) =>
    typeof entry === "string" && entry.startsWith(PROBE) ? PROBE + probeOf(entry.slice(PROBE.length), address) : entry,
  );
  return text.slice(0, place.start) + JSON.stringify([...changed, REDIRECT + address]) + text.slice(place.end);
}

/** One probe or a list of them; what is neither stays as it is. */
function probeOf(text: string, address: string): string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return text;
  }
  return JSON.stringify(Array.isArray(value) ? value.map((one) => withHost(one, address)) : withHost(value, address));
}

function withHost(probe: unknown, address: string): unknown {
  if (!isObject(probe)) return probe;
  const changed = CHECKS.flatMap((key) => {
    const check = probe[key];
    return isObject(check) ? [[key, { ...check, host: address }] as const] : [];
  });
  return { ...probe, ...Object.fromEntries(changed) };
}
