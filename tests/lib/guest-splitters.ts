/**
 * What the guests do with a command line, written from their sources' behaviour, so that tests can ask whether an
 * argument arrives as it was given.
 */

/** Linux: bytes in, words out; a double quote groups and falls away at the start and end of a word or its value. */
export function splitLikeLinux(text: string): readonly string[] {
  const bytes = new TextEncoder().encode(text);
  const isBlank = (byte: number) => byte === 0x20 || (byte >= 0x09 && byte <= 0x0d) || byte === 0xa0;
  const words: string[] = [];
  let word: number[] = [];
  let isQuoted = false;
  const flush = () => {
    if (word.length > 0) words.push(unquoteLinuxWord(new TextDecoder().decode(new Uint8Array(word))));
    word = [];
  };
  for (const byte of bytes) {
    if (isBlank(byte) && !isQuoted) flush();
    else {
      word.push(byte);
      if (byte === 0x22) isQuoted = !isQuoted;
    }
  }
  flush();
  return words;
}

function unquoteLinuxWord(word: string): string {
  if (word.startsWith('"')) return word.slice(1).replace(/"$/, "");
  const equals = word.indexOf("=");
  const value = word.slice(equals + 1);
  if (equals < 1 || !value.startsWith('"')) return word;
  return word.slice(0, equals + 1) + value.slice(1).replace(/"$/, "");
}

/** Unikraft: quotes of both kinds group and fall away, no escapes, empty words vanish. */
export function splitLikeUnikraft(text: string): readonly string[] {
  const words: string[] = [];
  let word = "";
  let quote = "";
  for (const character of text) {
    if (quote === "" && " \r\n\t\u000b".includes(character)) {
      if (word !== "") words.push(word);
      word = "";
    } else if (quote === "" && (character === '"' || character === "'")) quote = character;
    else if (character === quote) quote = "";
    else word += character;
  }
  if (word !== "") words.push(word);
  return words;
}

/** The values of `env.vars` among the words before `--`. */
export function unikraftEnvironment(words: readonly string[]): readonly string[] {
  const values: string[] = [];
  let isList = false;
  for (const word of words) {
    let value = word;
    if (!isList) {
      if (word === "--") break;
      if (!word.startsWith("env.vars=")) {
        isList = word.endsWith("=[");
        continue;
      }
      value = word.slice("env.vars=".length);
      if (!value.startsWith("[")) {
        values.push(value);
        continue;
      }
      isList = true;
      value = value.slice(1);
    }
    if (value.endsWith("]")) {
      isList = false;
      value = value.slice(0, -1);
    }
    if (value !== "") values.push(value);
  }
  return values;
}

/** MirageOS: white space splits outside of quotes, a backslash makes the next character data, empty words vanish. */
export function splitLikeMirage(text: string): readonly string[] {
  const words: string[] = [];
  let word = "";
  let quote = "";
  for (let index = 0; index < text.length; index++) {
    const character = text.charAt(index);
    if (character === "\\" && quote !== "'") word += text.charAt(++index);
    else if (quote === "" && /[\t-\r ]/.test(character)) {
      words.push(word);
      word = "";
    } else if (quote === "" && (character === '"' || character === "'")) quote = character;
    else if (character === quote) quote = "";
    else word += character;
  }
  words.push(word);
  return words.filter((entry) => entry !== "");
}

/** Rumprun: the texts of a key, as its parser leaves them: ends are found as in JSON, nothing is unescaped. */
export function rumprunTexts(object: string, wanted: string): readonly string[] {
  const strings: string[] = [];
  for (let at = 0; at < object.length; at += 1) {
    if (object[at] !== '"') continue;
    const start = at + 1;
    for (at = start; object[at] !== '"'; at += 1) {
      if (at >= object.length) throw new Error("a text without an end");
      if (object[at] !== "\\") continue;
      at += 1;
      if (!/^(?:["\\/bfnrt]|u[0-9A-Fa-f]{4})/.test(object.slice(at))) throw new Error("an escape that is none");
    }
    strings.push(object.slice(start, at));
  }
  return strings.filter((_, index) => strings[index - 1] === wanted);
}

/** Rumprun's `cmdline`: a backslash takes the next character as it is, a quote reaches to the next of its kind. */
export function splitLikeRumprun(text: string): readonly string[] {
  const words: string[] = [];
  let quote: string | undefined;
  let isInside = false;
  for (let at = 0; at < text.length; at += 1) {
    let character = text[at] ?? "";
    const isEscaped = character === "\\";
    if (isEscaped) character = text[++at] ?? "";
    if (!isEscaped && quote === undefined && /[ \t\n]/.test(character)) {
      isInside = false;
      continue;
    }
    if (!isInside) words.push("");
    isInside = true;
    if (!isEscaped && character === quote) quote = undefined;
    else if (!isEscaped && /['"]/.test(character)) quote = character;
    else words.push((words.pop() ?? "") + character);
  }
  return words;
}

/** POSIX shell words without expansions: single quotes, double quotes with backslash, backslash. */
export function splitLikeShell(text: string): readonly string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote = "";
  for (let index = 0; index < text.length; index++) {
    const character = text.charAt(index);
    if (quote === "'") {
      if (character === "'") quote = "";
      else word = (word ?? "") + character;
    } else if (character === "\\") {
      word = (word ?? "") + text.charAt(++index);
    } else if (character === quote) {
      quote = "";
    } else if (quote === "" && (character === "'" || character === '"')) {
      quote = character;
      word ??= "";
    } else if (quote === "" && /[ \t\n]/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      word = (word ?? "") + character;
    }
  }
  if (word !== undefined) words.push(word);
  return words;
}

/** Hermit: as a POSIX shell does it; a `#` where a word begins makes the rest of the line a comment. */
export function splitLikeHermit(text: string): readonly string[] {
  const words: string[] = [];
  let word: string | undefined;
  for (let index = 0; index < text.length; index++) {
    const character = text.charAt(index);
    if (character === "'") {
      const end = text.indexOf("'", index + 1);
      if (end < 0) throw new Error("a quote is left open");
      word = (word ?? "") + text.slice(index + 1, end);
      index = end;
    } else if (character === '"') throw new Error("double quotes are not used");
    else if (character === "\\") word = (word ?? "") + text.charAt(++index);
    else if (" \t\n".includes(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (character === "#" && word === undefined) break;
    else word = (word ?? "") + character;
  }
  if (word !== undefined) words.push(word);
  return words;
}

/**
 * What a guest gets to see of a command line on Firecracker: cut at the first ` -- ` outside of double quotes, both
 * halves trimmed and put together again with a parameter for each device between them (linux-loader, cmdline).
 */
export function throughFirecracker(text: string): string {
  let cut = text.indexOf(" -- ");
  while (cut >= 0 && text.slice(0, cut).split('"').length % 2 === 0) cut = text.indexOf(" -- ", cut + 1);
  const device = "virtio_mmio.device=4K@0xc0001000:5";
  if (cut < 0) return `${text.trim()} ${device}`;
  const rest = text.slice(cut + 4).trim();
  const boot = `${text.slice(0, cut).trim()} ${device}`;
  return rest === "" ? boot : `${boot} -- ${rest}`;
}

const OSV_ESCAPES: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  "\\": "\\",
  "'": "'",
  '"': '"',
};

/** OSv: the loader's options up to the first word without a dash, then the words of one command. */
export function splitLikeOsv(text: string): {
  readonly options: readonly string[];
  readonly command: readonly string[];
} {
  const options: string[] = [];
  let at = 0;
  const skip = () => {
    while (at < text.length && /[ \t\n\v\f\r]/.test(text.charAt(at))) at++;
  };
  for (skip(); text.charAt(at) === "-"; skip()) {
    let option = "";
    for (; at < text.length && !" \t\n".includes(text.charAt(at)); at++) {
      if (text.charAt(at) === "\\") at++;
      option += text.charAt(at);
    }
    options.push(option);
  }
  const command: string[] = [];
  for (; at < text.length; skip()) {
    const isQuoted = text.charAt(at) === '"';
    if (isQuoted) at++;
    let word = "";
    for (; at < text.length; at++) {
      const character = text.charAt(at);
      if (isQuoted ? character === '"' : " ;&!".includes(character)) break;
      if (/[^\x01-\x7f]/.test(character)) throw new Error("the command is not ASCII");
      const meant = character === "\\" ? OSV_ESCAPES[text.charAt(at + 1)] : undefined;
      if (meant !== undefined) at++;
      word += meant ?? character;
    }
    if (isQuoted) at++;
    else if (";&!".includes(text.charAt(at)) && at < text.length) throw new Error("the command ends early");
    command.push(word.includes("$") ? word.slice(0, word.indexOf("$")) : word);
  }
  return { options, command };
}
