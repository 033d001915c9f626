export interface Version {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
}

/** Major, minor and patch of a semantic version, with or without `v`; the rest of the text does not count. */
export function parseVersion(text: string): Version | undefined {
  const match = /^v?(\d{1,9})\.(\d{1,9})(?:\.(\d{1,9}))?(?:[-+~].*)?$/.exec(text);
  if (match === null) return undefined;
  return { major: Number(match[1]), minor: Number(match[2]), patch: Number(match[3] ?? 0) };
}

export function isBefore(version: Version, other: Version): boolean {
  if (version.major !== other.major) return version.major < other.major;
  if (version.minor !== other.minor) return version.minor < other.minor;
  return version.patch < other.patch;
}

/** `major.minor.patch`. */
export function versionText({ major, minor, patch }: Version): string {
  return `${major}.${minor}.${patch}`;
}
