/** Tables of nftables in the namespace this process is in: one for each container of ours that needs one. */
import { RuntimeFailure } from "../failure.ts";
import {
  addChainRequest,
  addRuleRequest,
  addTableRequest,
  decodeTable,
  deleteTableRequest,
  type Expression,
  type Hook,
  type Table,
  tablesRequest,
} from "../netlink/nftables.ts";
import { NETLINK_NETFILTER } from "../sys/constants.ts";
import { isSysError, messageOf } from "../sys/errors.ts";
import { parseTableName } from "./marks.ts";
import { carryOut, type NetlinkSocket, openNetlinkSocket, refused, type Step } from "./netlink-socket.ts";

/** A chain that packets come into by itself, and its rules in their order. */
export interface Chain {
  readonly name: string;
  readonly hook: Hook;
  readonly rules: readonly (readonly Expression[])[];
}

/** What the kernel says where a module is missing and cannot be loaded. */
const MISSING = ["EPROTONOSUPPORT", "EOPNOTSUPP", "ENOENT"];
const ADVICE = "this needs nftables: load the kernel modules nf_tables, nft_ct, nft_chain_nat and nft_masq";

/** Makes a table with its chains, or nothing. @throws RuntimeFailure `network`. */
export function addTable(table: Table, chains: readonly Chain[]): void {
  const steps: Step[] = [{ name: `Add table ${table.name}`, request: addTableRequest(table) }];
  for (const { name, hook, rules } of chains) {
    steps.push({ name: `Add chain ${name} to table ${table.name}`, request: addChainRequest(table, name, hook) });
    for (const rule of rules) {
      steps.push({ name: `Add rule to chain ${name}`, request: addRuleRequest(table, name, rule) });
    }
  }
  const refusals = attempt(table, () => withSocket((socket) => socket.change(steps.map(({ request }) => request))));
  refusals.forEach((refusal, index) => {
    if (refusal === undefined) return;
    const advice = MISSING.includes(refusal.code) ? `: ${ADVICE}` : "";
    throw refused(steps[index]?.name ?? "Change network", { ...refusal, text: `${refusal.text}${advice}` });
  });
}

/** A kernel without nftables has not even a socket for them. */
function attempt<T>({ name }: Table, change: () => T): T {
  try {
    return change();
  } catch (error) {
    if (!isSysError(error, ...MISSING)) throw error;
    throw new RuntimeFailure("network", `Add table ${name}: ${messageOf(error)}: ${ADVICE}`, {
      kind: "system",
      cause: error,
    });
  }
}

/** The tables of ours, of living and dead containers. None where the kernel has no nftables. */
export function ownTables(): readonly Table[] {
  try {
    const tables = withSocket((socket) => socket.list(tablesRequest(), decodeTable, ["EOPNOTSUPP", "EINVAL"]));
    return tables.filter((table) => table !== undefined).filter(({ name }) => parseTableName(name) !== undefined);
  } catch (error) {
    if (isSysError(error, "EPROTONOSUPPORT")) return [];
    throw error;
  }
}

/** Removes the tables of a container. */
export function removeTables(tables: readonly Table[], hash: string): void {
  const own = tables.filter(({ name }) => parseTableName(name)?.hash === hash);
  if (own.length === 0) return;
  const steps = own.map((table) => ({ name: `Remove table ${table.name}`, request: deleteTableRequest(table) }));
  withSocket((socket) => carryOut(socket, steps));
}

function withSocket<T>(use: (socket: NetlinkSocket) => T): T {
  const socket = openNetlinkSocket(NETLINK_NETFILTER);
  try {
    return use(socket);
  } finally {
    socket.close();
  }
}
