/**
 * Device rules as a BPF program of type BPF_PROG_TYPE_CGROUP_DEVICE (kernel, Documentation/bpf/standardization and
 * include/uapi/linux/bpf.h): it answers 1 to allow an access and 0 to deny it.
 */
import type { DeviceRule } from "../oci/resources.ts";
import { isEverything } from "./device-rules.ts";

/** Opcodes, as class | operation | source. */
const LOAD_WORD = 0x61;
const AND = 0x54;
const SHIFT_RIGHT = 0x74;
const MOVE = 0xbc;
const SET = 0xb7;
const JUMP_UNLESS = 0x56;
const JUMP_UNLESS_SAME = 0x5e;
const JUMP_IF = 0x16;
const EXIT = 0x95;

const RESULT = 0;
/** First the context, struct bpf_cgroup_dev_ctx; after it is read, room for what is compared. */
const SCRATCH = 1;
const TYPE = 2;
const ACCESS = 3;
const MAJOR = 4;
const MINOR = 5;

/** BPF_DEVCG_DEV_BLOCK and _CHAR; BPF_DEVCG_ACC_MKNOD, _READ and _WRITE. */
const TYPES = { b: 1, c: 2 } as const;
const ACCESSES: Readonly<Record<string, number>> = { m: 1, r: 2, w: 4 };
const EVERY_ACCESS = 7;

interface Instruction {
  readonly code: number;
  readonly to: number;
  readonly from?: number;
  readonly offset?: number;
  readonly value?: number;
}

/** The last rule that fits decides; none: denied. */
export function deviceProgram(rules: readonly DeviceRule[]): Uint8Array {
  const program: Instruction[] = [
    { code: LOAD_WORD, to: TYPE, from: SCRATCH },
    { code: MOVE, to: ACCESS, from: TYPE },
    { code: AND, to: TYPE, value: 0xffff },
    { code: SHIFT_RIGHT, to: ACCESS, value: 16 },
    { code: LOAD_WORD, to: MAJOR, from: SCRATCH, offset: 4 },
    { code: LOAD_WORD, to: MINOR, from: SCRATCH, offset: 8 },
  ];
  for (let index = rules.length - 1; index >= 0; index--) {
    const rule = rules[index];
    if (rule === undefined) continue;
    program.push(...instructionsOf(rule));
    // What comes before is never reached, and the kernel refuses instructions that are not.
    if (isEverything(rule)) return encode(program);
  }
  return encode([...program, ...answer(false)]);
}

function answer(allow: boolean): readonly Instruction[] {
  return [
    { code: SET, to: RESULT, value: allow ? 1 : 0 },
    { code: EXIT, to: 0 },
  ];
}

function instructionsOf(rule: DeviceRule): readonly Instruction[] {
  const access = [...rule.access].reduce((mask, one) => mask | (ACCESSES[one] ?? 0), 0);
  const tests: Instruction[] = [];
  if (rule.type !== "a") tests.push({ code: JUMP_UNLESS, to: TYPE, value: TYPES[rule.type] });
  if (access !== EVERY_ACCESS) {
    tests.push({ code: MOVE, to: SCRATCH, from: ACCESS }, { code: AND, to: SCRATCH, value: access });
    // All that is asked for must be allowed; any of it may be denied.
    tests.push(
      rule.allow ? { code: JUMP_UNLESS_SAME, to: SCRATCH, from: ACCESS } : { code: JUMP_IF, to: SCRATCH, value: 0 },
    );
  }
  if (rule.major !== undefined) tests.push({ code: JUMP_UNLESS, to: MAJOR, value: rule.major });
  if (rule.minor !== undefined) tests.push({ code: JUMP_UNLESS, to: MINOR, value: rule.minor });
  const block = [...tests, ...answer(rule.allow)];
  const isJump = ({ code }: Instruction) => code === JUMP_UNLESS || code === JUMP_UNLESS_SAME || code === JUMP_IF;
  return block.map((instruction, index) =>
    isJump(instruction) ? { ...instruction, offset: block.length - index - 1 } : instruction,
  );
}

const INSTRUCTION_SIZE = 8;

/** Little-endian, as on both architectures this runs on. */
function encode(program: readonly Instruction[]): Uint8Array {
  const bytes = new Uint8Array(program.length * INSTRUCTION_SIZE);
  const view = new DataView(bytes.buffer);
  program.forEach(({ code, to, from = 0, offset = 0, value = 0 }, index) => {
    const at = index * INSTRUCTION_SIZE;
    view.setUint8(at, code);
    view.setUint8(at + 1, to | (from << 4));
    view.setInt16(at + 2, offset, true);
    view.setInt32(at + 4, value, true);
  });
  return bytes;
}
