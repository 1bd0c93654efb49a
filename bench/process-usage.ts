import { readFileSync } from 'node:fs';

/** The kernel's clock ticks a second, as proc(5) counts CPU time: 100 on every Linux that we know. */
const ticksPerSecond = 100;

/** CPU time that a process has used, user and system, in milliseconds. Linux. */
export function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / ticksPerSecond;
}

/** Resident memory of a process, in megabytes (10^6 bytes). Linux. */
export function residentMb(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return (Number(line?.[1]) * 1024) / 1e6;
}

/** Proportional memory of a process, in MiB: its own pages, and its share of those that others use, too. Linux. */
export function proportionalMib(pid: number): number {
  return Number(/^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1]) / 1024;
}
