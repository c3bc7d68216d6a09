import { release } from 'node:os';

/** `6.12` of `6.12.30-amd64`. */
export function kernelVersion(text = release()): { major: number; minor: number } {
  const [major = 0, minor = 0] = text.split(/[.-]/, 2).map(Number);
  return { major, minor };
}

export function atLeast(since: string, version = kernelVersion()): boolean {
  const [major = 0, minor = 0] = since.split('.').map(Number);
  return version.major > major || (version.major === major && version.minor >= minor);
}

/** Before Linux 6.12 a tail call that fails uses up one of the packet's 33, too. Not observable without packets. */
export function failedCallsCount(): boolean {
  return !atLeast('6.12');
}
