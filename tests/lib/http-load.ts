// Many requests to a guest, and what the web server of examples/http serves.
import { createHash } from "node:crypto";
import { join } from "node:path";
import { parseJson } from "./json.ts";
import type { NetworkNamespace } from "./network.ts";
import { SOURCE } from "./paths.ts";

const ROW = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.\n";
const MEBIBYTE = 1 << 20;

export const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

/** SHA-256 of the page `/big`. */
export const BIG_PAGE = sha256(ROW.repeat(MEBIBYTE / ROW.length + 1).slice(0, MEBIBYTE));

/** How many answers of each content there were, by SHA-256. @throws Error when one request is not answered */
export function load(from: NetworkNamespace, url: string, requests: number, concurrency: number): unknown {
  const program = join(SOURCE, "script", "lib", "http-load.mjs");
  return parseJson(from.inside(process.execPath, program, url, String(requests), String(concurrency)));
}
