/** resolv.conf(5) as far as a guest takes it over. */
import { append } from "../few.ts";
import { isLoopback, whyNotServer } from "../netlink/name-server.ts";

/** What a file says. */
export interface ResolvConf {
  readonly servers: readonly string[];
  /** Domains that names are looked up in. */
  readonly search: readonly string[];
  /** What the resolver does otherwise than usual: `ndots:5`, `rotate`. */
  readonly options: readonly string[];
  /** Domains and options that are none, or too many. */
  readonly unusable: readonly string[];
  /** Servers that the guest cannot reach, each with the reason. */
  readonly left: readonly string[];
  /** The loopback addresses among them. */
  readonly loopback: readonly string[];
  /** The servers that Docker's resolver asks in its turn, which it notes in a comment. */
  readonly behind: readonly string[];
}

/** The resolver looks at the first three servers only (MAXNS). */
const MOST = 3;
/** As Kubernetes limits a pod's (validation of dnsConfig); the resolver has no limit of its own since glibc 2.26. */
const DOMAINS: Limits = { form: /^[\w-]+(\.[\w-]+)*\.?$/, most: 32, characters: 2048 };
/** A name, for some with a number. Those the guest's resolver does not know it passes over. */
const OPTIONS: Limits = { form: /^[a-z][a-z0-9-]{0,31}(:\d{1,5})?$/, most: 16, characters: 256 };

interface Limits {
  readonly form: RegExp;
  readonly most: number;
  readonly characters: number;
}

export function parseResolvConf(text: string): ResolvConf {
  const lines = text.split("\n");
  const servers: string[] = [];
  const left: string[] = [];
  const loopback: string[] = [];
  const behind: string[] = [];
  const options: string[] = [];
  let search: readonly string[] = [];
  for (const line of lines) {
    const [key, ...values] = line.trim().split(/\s+/);
    // The last of these lines counts.
    if (key === "search" || key === "domain") search = values.slice(0, key === "domain" ? 1 : values.length);
    if (key === "options") append(options, values);
    if (key === "nameserver") sortIn(values[0] ?? "", servers, left, loopback);
    const external = /^#\s*ExtServers:\s*\[(.*)\]\s*$/.exec(line);
    for (const word of external?.[1]?.split(/\s+/) ?? []) {
      const server = /^host\((.*)\)$/.exec(word)?.[1] ?? word;
      if (whyNotServer(server) === undefined && behind.length < MOST) behind.push(server);
    }
  }
  const unusable: string[] = [];
  return {
    servers,
    search: usable(search, DOMAINS, unusable),
    options: usable(options, OPTIONS, unusable),
    unusable,
    left,
    loopback,
    behind,
  };
}

function sortIn(server: string, servers: string[], left: string[], loopback: string[]): void {
  const reason = whyNotServer(server);
  if (reason !== undefined) left.push(`name server ${server.slice(0, 64)} is left out: ${reason}`);
  else if (servers.length < MOST && !servers.includes(server)) servers.push(server);
  if (reason !== undefined && isLoopback(server)) loopback.push(server);
}

/** Those of the form, as long as there is room. */
function usable(words: readonly string[], { form, most, characters }: Limits, unusable: string[]): readonly string[] {
  const taken: string[] = [];
  let used = 0;
  for (const word of words) {
    const isUsable = form.test(word) && used + word.length < characters && taken.length < most;
    (isUsable ? taken : unusable).push(word);
    if (isUsable) used += word.length + 1;
  }
  return taken;
}
