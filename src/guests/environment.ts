/** Variables that engines set everywhere: that a guest without an environment does not get them is no loss. */
const EVERYWHERE: readonly string[] = ["PATH", "HOSTNAME", "HOME", "TERM", "container"];

/** What an answer says of variables that are not passed: a loss where somebody has set one. */
export function lostVariables(
  env: readonly string[],
  text: string,
): { readonly warnings: readonly string[]; readonly remarks: readonly string[] } {
  const isSet = env.some((entry) => !EVERYWHERE.includes(entry.split("=", 1)[0] ?? ""));
  return { warnings: isSet ? [text] : [], remarks: isSet || env.length === 0 ? [] : [text] };
}
