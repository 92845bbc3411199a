import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { FolderInUseError, lockFolder } from './folder-lock.js';

describe('the lock of a data folder', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'folder-lock-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const leaveLock = (processId: number, startedAt: string): void =>
    writeFileSync(join(folder, 'lock'), JSON.stringify({ processId, startedAt }));

  it('keeps a second one out and names who holds it', () => {
    const unlock = lockFolder(folder);
    expect(() => lockFolder(folder)).toThrow(FolderInUseError);
    expect(() => lockFolder(folder)).toThrow(`is in use by process ${process.pid}`);
    unlock();
    lockFolder(folder)();
    expect(existsSync(join(folder, 'lock'))).toBe(false);
  });

  it('creates the folder', () => {
    lockFolder(join(folder, 'new', 'folder'))();
    expect(existsSync(join(folder, 'new', 'folder'))).toBe(true);
  });

  it('takes over from a process that was killed', async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
    await once(child, 'spawn');
    const processId = child.pid!;
    child.kill('SIGKILL');
    await once(child, 'exit');
    leaveLock(processId, '');
    lockFolder(folder)();
  });

  it('takes over when the id of the holder now belongs to another process', () => {
    leaveLock(process.ppid, '1');
    lockFolder(folder)();
  });

  it('takes over a lock that says nothing', () => {
    writeFileSync(join(folder, 'lock'), '');
    lockFolder(folder)();
  });
});
