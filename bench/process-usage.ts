import { readFileSync } from 'node:fs';

import type { Suite } from '../tests/harness/suite.ts';

/** The kernel's clock ticks a second, as proc(5) counts CPU time: 100 on every Linux that we know. */
const ticksPerSecond = 100;

/** CPU time that a process has used, user and system, in milliseconds. Linux. */
export function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / ticksPerSecond;
}

/** The same of several processes together. */
export function totalCpuMs(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + cpuMs(pid), 0);
}

/** The processes of a suite's four services. */
export function servicePids(suite: Suite): number[] {
  return Object.values(suite.services).map((service) => service.process.pid ?? 0);
}

/** Resident memory of a process, in megabytes (10^6 bytes). Linux. */
export function residentMb(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return (Number(line?.[1]) * 1024) / 1e6;
}

/** Proportional memory of a process, in MiB: its own pages, and its share of those that others use, too. Linux. */
export function proportionalMib(pid: number): number {
  return fromRollup(pid, 'Pss');
}

/**
 * The part of it that belongs to no file, in MiB: what the process has allocated. The rest is programs and libraries, of
 * which the share grows when another process that uses them ends.
 */
export function allocatedMib(pid: number): number {
  return fromRollup(pid, 'Pss') - fromRollup(pid, 'Pss_File');
}

function fromRollup(pid: number, field: string): number {
  const line = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'));
  return Number(line?.[1]) / 1024;
}
