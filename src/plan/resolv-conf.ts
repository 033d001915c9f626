/** resolv.conf(5) as far as a guest takes it over. */
import { isLoopback, whyNotServer } from "../netlink/name-server.ts";

/** What a file says. */
export interface ResolvConf {
  readonly servers: readonly string[];
  /** Domains that names are looked up in. */
  readonly search: readonly string[];
  /** Those the guest cannot reach, each with the reason. */
  readonly left: readonly string[];
  /** The loopback addresses among them. */
  readonly loopback: readonly string[];
  /** The servers that Docker's resolver asks in its turn, which it notes in a comment. */
  readonly behind: readonly string[];
}

/** The resolver looks at the first three servers only (MAXNS), and at six domains of 256 characters in all (older ones). */
const MOST = 3;
const MOST_DOMAINS = 6;
const MOST_CHARACTERS = 256;

export function parseResolvConf(text: string): ResolvConf {
  const lines = text.split("\n");
  const servers: string[] = [];
  const left: string[] = [];
  const loopback: string[] = [];
  const behind: string[] = [];
  let search: readonly string[] = [];
  for (const line of lines) {
    const [key, ...values] = line.trim().split(/\s+/);
    // The last of these lines counts.
    if (key === "search" || key === "domain") search = values.slice(0, key === "domain" ? 1 : MOST_DOMAINS);
    if (key === "nameserver") sortIn(values[0] ?? "", servers, left, loopback);
    const external = /^#\s*ExtServers:\s*\[(.*)\]\s*$/.exec(line);
    for (const word of external?.[1]?.split(/\s+/) ?? []) {
      const server = /^host\((.*)\)$/.exec(word)?.[1] ?? word;
      if (whyNotServer(server) === undefined && behind.length < MOST) behind.push(server);
    }
  }
  return { servers, search: domains(search), left, loopback, behind };
}

function sortIn(server: string, servers: string[], left: string[], loopback: string[]): void {
  const reason = whyNotServer(server);
  if (reason !== undefined) left.push(`name server ${server.slice(0, 64)} is left out: ${reason}`);
  else if (servers.length < MOST && !servers.includes(server)) servers.push(server);
  if (reason !== undefined && isLoopback(server)) loopback.push(server);
}

/** Those that are names: letters, digits, hyphens, underscores and dots. */
function domains(words: readonly string[]): readonly string[] {
  let characters = 0;
  return words.filter((word) => {
    characters += word.length + 1;
    return /^[\w-]+(\.[\w-]+)*\.?$/.test(word) && characters <= MOST_CHARACTERS;
  });
}
