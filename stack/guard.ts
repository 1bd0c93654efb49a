import { spawn } from 'node:child_process';

import type { ChildRecord } from './process-group.ts';

/** A watcher outside this process that ends the children when this process is killed. */
export interface Guard {
  watch(child: ChildRecord): void;
  forget(pid: number): void;
  /** To be called when everything is stopped in good order: ends the watcher. */
  dismiss(): void;
}

/**
 * `kill -9` cannot be caught, so a small shell outside of our process group listens at a pipe that the system closes
 * with us. The shell then asks each group that it has been told of to stop, and after three seconds forces it.
 *
 * Windows has no process groups and no sh: there the next start finds what was left.
 */
export function startGuard(): Guard {
  if (process.platform === 'win32') return { watch() {}, forget() {}, dismiss() {} };
  const shell = spawn('/bin/sh', ['-c', script], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
    env: { PATH: '/usr/bin:/bin' },
    cwd: '/',
  });
  shell.on('error', () => {}); // a machine without sh has the next start
  shell.stdin.on('error', () => {});
  shell.unref();
  const tell = (line: string) => void shell.stdin.write(`${line}\n`);
  return {
    watch: ({ pid, stopSignal }) => tell(`watch ${pid} ${stopSignal.replace('SIG', '')}`),
    forget: (pid) => tell(`forget ${pid}`),
    dismiss: () => void shell.stdin.end('dismiss\n'),
  };
}

const script = `
trap '' HUP INT TERM
watched=
while read -r verb pid signal; do
  case $verb in
    watch) watched="$watched $pid:$signal" ;;
    forget)
      kept=
      for entry in $watched; do [ "\${entry%%:*}" = "$pid" ] || kept="$kept $entry"; done
      watched=$kept ;;
    dismiss) exit 0 ;;
  esac
done
for entry in $watched; do kill -s "\${entry#*:}" -- "-\${entry%%:*}"; done
tries=0
while [ $tries -lt 30 ]; do
  left=
  for entry in $watched; do kill -s 0 -- "-\${entry%%:*}" && left=yes; done
  [ -z "$left" ] && exit 0
  sleep 0.1
  tries=$((tries + 1))
done
for entry in $watched; do kill -s KILL -- "-\${entry%%:*}"; done
`;
