/**
 * Words of a Linux kernel command line. The kernel splits at white space, groups by double quotes, takes them away at
 * the start and end of a word or of its value, and has no escape for them (Linux, lib/cmdline.c, next_arg). What cannot
 * be carried unchanged is refused: a wrong word would be another parameter or another argument.
 */
import type { Problem } from "../failure.ts";
import { guestProblem } from "./command-line.ts";

const DASHES_END = "the kernel drops a second -- and all that comes after it";

/** urunit regroups words between single quotes; other init programs see the kernel's words. */
export function isUrunit(init: string): boolean {
  return init.includes("urunit");
}

/** An argument for an init that does no splitting of its own. */
export function initWord(argument: string, problems: Problem[]): string {
  refuseUnwritable(argument, problems);
  return argument === "" || hasKernelBlank(argument) ? `"${argument}"` : argument;
}

/** An argument for urunit, which joins the words between single quotes with one blank. */
export function urunitWord(argument: string, problems: Problem[]): string {
  refuseUnwritable(argument, problems);
  const grouped = argument === "" || hasKernelBlank(argument);
  const isLost = /^ | {2}| $|[\t-\r]/.test(argument) || hasByteA0(argument);
  if (argument.includes(" -- ")) refuse(argument, DASHES_END, problems);
  else if (isLost) refuse(argument, "urunit keeps single blanks only", problems);
  else if (/^'|'$/.test(argument) || (grouped && argument.includes("'"))) {
    refuse(argument, "urunit has no escape for a single quote", problems);
  }
  return grouped ? `'${argument}'` : argument;
}

/** One variable of init's environment. */
export function environmentWord(entry: string, problems: Problem[]): string {
  const equals = entry.indexOf("=");
  const name = entry.slice(0, equals);
  const value = entry.slice(equals + 1);
  if (!/^[!#-\-/-<>-~]+$/.test(name)) {
    refuse(name, "the kernel passes only names without blanks, dots and double quotes to init", problems);
  } else if (isKernelParameter(name)) {
    refuse(name, "it is a parameter of the kernel and would change how it boots", problems);
  }
  refuseQuotes(value, problems);
  return hasKernelBlank(value) ? `${name}="${value}"` : entry;
}

/** A second `--` ends the list of init's arguments, quoted or not. */
function refuseUnwritable(argument: string, problems: Problem[]): void {
  if (argument === "--") refuse(argument, DASHES_END, problems);
  refuseQuotes(argument, problems);
}

function refuseQuotes(text: string, problems: Problem[]): void {
  if (text.includes('"')) refuse(text, "the kernel's command line has no escape for a double quote", problems);
}

function refuse(text: string, reason: string, problems: Problem[]): void {
  problems.push(guestProblem(`linux: ${JSON.stringify(text)} cannot be passed to init: ${reason}`));
}

/**
 * White space to the kernel is ASCII's and the byte 0xA0, which is also part of letters in UTF-8 (Linux, lib/ctype.c);
 * text beyond ASCII is therefore treated as if it had blanks.
 */
function hasKernelBlank(text: string): boolean {
  return /[^\x21-\x7e]/.test(text);
}

/** Whether the UTF-8 form has a byte 0xA0: a continuation byte whose six bits are 0x20. */
function hasByteA0(text: string): boolean {
  if (/^[\x01-\x7f]*$/.test(text)) return false;
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0;
    const continuations = point < 0x80 ? 0 : point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
    for (let index = 0; index < continuations; index++) {
      if (((point >> (6 * index)) & 0x3f) === 0x20) return true;
    }
  }
  return false;
}

/**
 * Parameters that change what is booted, how and with what output, as far as such names occur in lower case; the
 * kernel's names are case-sensitive and `-` equals `_`. Variables in upper case do not collide.
 */
const KERNEL_PARAMETERS: ReadonlySet<string> = new Set(
  (
    "acpi apic apparmor audit auto boot_delay bootconfig cgroup_disable cgroup_enable clocksource cma console consoleblank " +
    "coredump_filter cpuidle crashkernel debug default_hugepagesz dhash_entries dis_ucode_ldr dma_debug " +
    "earlycon earlyprintk efi elevator enforcing fips fsck gart hardened_usercopy hlt hpet hugepages hugepagesz " +
    "idle ignore_loglevel ima_policy init initcall_blacklist initcall_debug initrd iommu ip isolcpus keepinitrd " +
    "keep_bootcon lapic load_ramdisk log_buf_len loglevel lpj lsm machine maxcpus md mem memmap memtest " +
    "mitigations module_blacklist net netdev nfsaddrs nfsroot no_console_suspend noapic noexec nohalt nohlt nohz " +
    "noinitrd nokaslr nolapic nomca nomce nopti noresume norandmaps nosmap nosmep nosmp nosmt notsc nox2apic " +
    "nr_cpus nr_uarts numa oops panic panic_on_oops panic_on_taint panic_on_warn panic_print pci pti profile " +
    "prompt_ramdisk psi quiet raid ramdisk ramdisk_size ramdisk_start random rcu_nocbs rdinit reboot reserve " +
    "resume retain_initrd ro rodata root rootdelay rootflags rootfstype rootwait rw security selinux single slram " +
    "slub_debug smp spectre_v2 swapaccount swiotlb sysrq trace_event tsc vdso vga video vmalloc vsyscall " +
    "wakeup x86_intel_mid_timer"
  ).split(" "),
);

function isKernelParameter(name: string): boolean {
  return KERNEL_PARAMETERS.has(name.replaceAll("-", "_"));
}
