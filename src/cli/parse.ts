import { RuntimeFailure } from "../failure.ts";
import { append } from "../few.ts";
import { nearest } from "../nearest.ts";
import type { Flag, Options } from "./command.ts";

/** Options and what is left of an argument list. */
export interface Parsed {
  readonly options: Options;
  readonly rest: readonly string[];
  /** The words of the options but for those that are {@link Flag.own}, and `rest`. */
  readonly forRunc: readonly string[];
}

/**
 * Parses options by a list of flags, as runc's parser takes them: `--name value`, `--name=value`, `-n value`,
 * `-name` with one dash too, `--switch`, `--switch=false`, `--` ends the options.
 *
 * @param stop whether parsing ends at the first argument that is no option; what follows is left as it is.
 * @throws RuntimeFailure `usage` for an unknown option, a missing or a superfluous value.
 */
export function parseOptions(args: readonly string[], flags: readonly Flag[], stop: boolean): Parsed {
  const values = new Map<string, string>();
  const rest: string[] = [];
  const forRunc: string[] = [];
  for (let index = 0; index < args.length; index++) {
    const word = args[index] ?? "";
    const start = index;
    if (word === "--") {
      append(rest, args.slice(index + 1));
      break;
    }
    if (!word.startsWith("-") || word === "-") {
      if (stop) {
        append(rest, args.slice(index));
        break;
      }
      rest.push(word);
      continue;
    }
    const equals = word.indexOf("=");
    const given = equals < 0 ? word : word.slice(0, equals);
    const flag = findFlag(given, flags);
    let value = equals < 0 ? undefined : word.slice(equals + 1);
    if (flag.value === undefined) {
      value ??= "true";
      if (value !== "true" && value !== "false") {
        throw usage(`option ${given} is a switch: give it without a value, or true or false`);
      }
    } else if (value === undefined) {
      index++;
      value = args[index];
      if (value === undefined) throw usage(`option ${given} needs a value: ${flag.value}`);
    }
    values.set(flag.name, value);
    if (flag.own !== true) append(forRunc, args.slice(start, index + 1));
  }
  return {
    rest,
    forRunc: [...forRunc, ...rest],
    options: {
      has: (name) => values.get(name) === "true",
      text: (name) => values.get(name),
    },
  };
}

function findFlag(given: string, flags: readonly Flag[]): Flag {
  const name = given.replace(/^--?/, "");
  const found = flags.find((flag) => flag.name === name || (flag.short !== undefined && flag.short === name));
  if (found !== undefined) return found;
  const guess = nearest(
    name,
    flags.map((flag) => flag.name),
  );
  const meant = guess === undefined ? "" : `: did you mean --${guess}?`;
  throw usage(`unknown option ${given}${meant} '--help' lists all`);
}

export function usage(message: string): RuntimeFailure {
  return new RuntimeFailure("usage", message);
}
