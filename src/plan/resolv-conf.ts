/** resolv.conf(5) as far as a guest takes it over. */

export interface NameServers {
  readonly servers: readonly string[];
  /** Those the guest cannot reach, each with the reason. */
  readonly left: readonly string[];
}

/** The resolver looks at the first three only (MAXNS). */
const MOST = 3;

export function parseResolvConf(text: string): NameServers {
  const listed = text.split("\n").flatMap((line) => /^\s*nameserver\s+(\S+)/.exec(line)?.[1] ?? []);
  const servers: string[] = [];
  const left: string[] = [];
  for (const server of listed) {
    const reason = whyNot(server);
    if (reason !== undefined) left.push(`name server ${server.slice(0, 64)} is left out: ${reason}`);
    else if (servers.length < MOST && !servers.includes(server)) servers.push(server);
  }
  return { servers, left };
}

function whyNot(server: string): string | undefined {
  const isIpv4 = /^\d{1,3}(\.\d{1,3}){3}$/.test(server) && server.split(".").every((part) => Number(part) < 256);
  if (!isIpv4 && !/^(?=.*:)[0-9a-fA-F:.]{2,45}$/.test(server)) {
    return server.includes("%") ? "the guest's interface has another name" : "it is no address";
  }
  const isLoopback = isIpv4 ? server.startsWith("127.") : /^(0*:)*:?0*1$/.test(server);
  return isLoopback ? "its loopback address is the container's own, which the guest cannot reach" : undefined;
}
