import { failedWith } from '../sys/errors';
import { queryHook } from '../bpf/query';
import { attachType } from '../bpf/program';

let known: boolean | undefined;

/** Whether the kernel has tcx links (Linux >= 6.6). Asked of the loopback interface, which every namespace has. */
export function hasTcx(): boolean {
  if (known !== undefined) return known;
  try {
    queryHook(1, attachType.tcxIngress);
    known = true;
  } catch (error) {
    if (!failedWith(error, 'EINVAL', 'EOPNOTSUPP')) throw error;
    known = false;
  }
  return known;
}
