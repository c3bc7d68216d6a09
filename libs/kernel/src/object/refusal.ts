import { cannot, L3afError, type ErrorCode } from '@l3af/contracts';
import { errnoName, KernelCallError } from '../sys/errors';

/** What is known when the kernel or libbpf did not take a program. */
export interface Refusal {
  kf: string;
  hook: string;
  errno: number;
  /** The verifier's log; empty when it was not asked. */
  log: string;
  /** libbpf's own words. */
  messages?: string | undefined;
}

interface Reason {
  code: ErrorCode;
  pattern: RegExp;
  says: (match: RegExpExecArray, refusal: Refusal) => string;
}

/** Verifier lines that mean more to people than the line itself. */
const reasons: readonly Reason[] = [
  {
    code: 'stack-limit',
    pattern: /combined stack size of \d+ calls is (\d+)/,
    says: ([, bytes = '']) => `KF and glue use ${bytes} bytes of stack, needs at most 512 (480 for the KF)`,
  },
  {
    code: 'stack-limit',
    pattern: /tail_calls are not allowed when call stack of previous frames is (\d+) bytes/,
    says: ([, bytes = '']) => `it tail-calls from ${bytes} bytes deep in the stack, needs less than 256`,
  },
  {
    code: 'verifier-refused',
    pattern:
      /(?:program of this type cannot use helper|unknown func|helper call is not allowed in probe) (\S+)/,
    says: ([, helper = ''], { hook }) => `helper ${helper} is not allowed on ${hook} by this kernel`,
  },
  {
    code: 'kernel-unsupported',
    pattern: /(tail_calls? (?:are|is) not allowed in (?:programs|non-JITed programs) with bpf-to-bpf calls)/,
    says: () => 'tail calls from subprograms need Linux 5.10 on x86-64 and 6.0 on arm64',
  },
  {
    // A kernel that does not know references to functions counts fewer of them than the object has.
    code: 'kernel-unsupported',
    pattern: /number of funcs in func_info doesn't match number of subprogs/,
    says: () => 'it passes a function to a helper, which needs callback functions (Linux 5.13)',
  },
];

/** Lines that the verifier prints after its verdict. */
const noise = /^(processed \d+ insns|verification time|stack depth|max_states|peak_states|$)/;

/** The last lines of a verifier log that say something. */
export function usefulLines(log: string, count = 4): string[] {
  return log
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => !noise.test(line))
    .slice(-count);
}

/** Turns a refused load into the error that people read. */
export function refusalError(refusal: Refusal): L3afError {
  const { kf, errno, log, messages } = refusal;
  const lines = usefulLines(log);
  const details = { kf, errno: errnoName(errno), lines, log: log || (messages ?? '') };
  const cause = new KernelCallError('bpf_object__load', errno, kf, lines.at(-1) ?? messages);
  for (const { code, pattern, says } of reasons) {
    const match = pattern.exec(log);
    if (match) return new L3afError(code, cannot('load', 'KF', kf, says(match, refusal)), { cause, details });
  }
  if (log.trim() !== '') {
    const said = lines.at(-1) ?? errnoName(errno);
    return new L3afError('verifier-refused', cannot('load', 'KF', kf, `the verifier says ${said}`), {
      cause,
      details,
    });
  }
  const said = messages ?? errnoName(errno);
  return new L3afError(codeWithoutLog(errno), cannot('load', 'KF', kf, said), { cause, details });
}

function codeWithoutLog(errno: number): ErrorCode {
  const name = errnoName(errno);
  if (name === 'EOPNOTSUPP' || name === 'ENOTSUPP') return 'kernel-unsupported';
  if (name === 'EPERM' || name === 'ENOMEM') return 'kernel-error';
  return 'invalid-object';
}
