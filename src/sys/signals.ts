/** Signals of signal(7) by name; the numbers are the same on x86-64 and arm64. */
const NUMBERS = {
  HUP: 1,
  INT: 2,
  QUIT: 3,
  ILL: 4,
  TRAP: 5,
  ABRT: 6,
  BUS: 7,
  FPE: 8,
  KILL: 9,
  USR1: 10,
  SEGV: 11,
  USR2: 12,
  PIPE: 13,
  ALRM: 14,
  TERM: 15,
  STKFLT: 16,
  CHLD: 17,
  CONT: 18,
  STOP: 19,
  TSTP: 20,
  TTIN: 21,
  TTOU: 22,
  URG: 23,
  XCPU: 24,
  XFSZ: 25,
  VTALRM: 26,
  PROF: 27,
  WINCH: 28,
  IO: 29,
  PWR: 30,
  SYS: 31,
} as const;

export const SIGHUP = NUMBERS.HUP;
export const SIGINT = NUMBERS.INT;
export const SIGQUIT = NUMBERS.QUIT;
export const SIGKILL = NUMBERS.KILL;
export const SIGUSR1 = NUMBERS.USR1;
export const SIGUSR2 = NUMBERS.USR2;
export const SIGPIPE = NUMBERS.PIPE;
export const SIGTERM = NUMBERS.TERM;
export const SIGCHLD = NUMBERS.CHLD;
export const SIGCONT = NUMBERS.CONT;
export const SIGWINCH = NUMBERS.WINCH;

/** By which a process that cannot go on ends. */
export const FAULTS: readonly number[] = [
  NUMBERS.ILL,
  NUMBERS.ABRT,
  NUMBERS.BUS,
  NUMBERS.FPE,
  NUMBERS.SEGV,
  NUMBERS.SYS,
];

/** SIGRTMIN of the kernel and SIGRTMAX. */
const FIRST_REALTIME = 32;
const LAST = 64;

/** Whose default action is not to end the process (signal(7)), or which cannot be blocked. */
const HARMLESS: readonly number[] = [
  NUMBERS.KILL,
  NUMBERS.STOP,
  NUMBERS.CHLD,
  NUMBERS.CONT,
  NUMBERS.TSTP,
  NUMBERS.TTIN,
  NUMBERS.TTOU,
  NUMBERS.URG,
  NUMBERS.WINCH,
];

/** Every signal whose default action ends a process. */
export const ENDING_SIGNALS: readonly number[] = Array.from({ length: LAST }, (_, index) => index + 1).filter(
  (signal) => signal !== FIRST_REALTIME && signal !== FIRST_REALTIME + 1 && !HARMLESS.includes(signal),
);

/** A signal by number, name, or name with `SIG`; undefined when there is no such signal. */
export function parseSignal(text: string): number | undefined {
  if (/^\d{1,3}$/.test(text)) {
    const number = Number(text);
    return number >= 1 && number <= LAST ? number : undefined;
  }
  const name = text.toUpperCase().replace(/^SIG/, "");
  return Object.entries(NUMBERS).find(([known]) => known === name)?.[1];
}
