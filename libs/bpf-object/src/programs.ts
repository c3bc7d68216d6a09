import type { Hook, ProgramSchema } from '@l3af/contracts';
import { type ElfObject, isExecutable } from './elf';

/** Section names as libbpf knows them: the name alone, or with `/…` behind it. */
const sectionTypes: Readonly<Record<string, string>> = {
  xdp: 'xdp',
  'xdp.frags': 'xdp',
  tc: 'sched_cls',
  tcx: 'sched_cls',
  netkit: 'sched_cls',
  classifier: 'sched_cls',
  action: 'sched_act',
  socket: 'socket_filter',
  sk_reuseport: 'sk_reuseport',
  kprobe: 'kprobe',
  kretprobe: 'kprobe',
  uprobe: 'kprobe',
  uretprobe: 'kprobe',
  'uprobe.s': 'kprobe',
  'uretprobe.s': 'kprobe',
  'kprobe.multi': 'kprobe',
  'kretprobe.multi': 'kprobe',
  'uprobe.multi': 'kprobe',
  'uretprobe.multi': 'kprobe',
  ksyscall: 'kprobe',
  kretsyscall: 'kprobe',
  usdt: 'kprobe',
  'usdt.s': 'kprobe',
  tracepoint: 'tracepoint',
  tp: 'tracepoint',
  raw_tracepoint: 'raw_tracepoint',
  raw_tp: 'raw_tracepoint',
  'raw_tracepoint.w': 'raw_tracepoint_writable',
  'raw_tp.w': 'raw_tracepoint_writable',
  tp_btf: 'tracing',
  fentry: 'tracing',
  fexit: 'tracing',
  fmod_ret: 'tracing',
  'fentry.s': 'tracing',
  'fexit.s': 'tracing',
  'fmod_ret.s': 'tracing',
  iter: 'tracing',
  'iter.s': 'tracing',
  freplace: 'ext',
  lsm: 'lsm',
  'lsm.s': 'lsm',
  lsm_cgroup: 'lsm',
  syscall: 'syscall',
  perf_event: 'perf_event',
  lwt_in: 'lwt_in',
  lwt_out: 'lwt_out',
  lwt_xmit: 'lwt_xmit',
  lwt_seg6local: 'lwt_seg6local',
  sockops: 'sock_ops',
  sk_skb: 'sk_skb',
  sk_msg: 'sk_msg',
  lirc_mode2: 'lirc_mode2',
  flow_dissector: 'flow_dissector',
  cgroup_skb: 'cgroup_skb',
  'cgroup/skb': 'cgroup_skb',
  'cgroup/sock': 'cgroup_sock',
  'cgroup/sock_create': 'cgroup_sock',
  'cgroup/sock_release': 'cgroup_sock',
  'cgroup/post_bind4': 'cgroup_sock',
  'cgroup/post_bind6': 'cgroup_sock',
  'cgroup/dev': 'cgroup_device',
  'cgroup/sysctl': 'cgroup_sysctl',
  'cgroup/getsockopt': 'cgroup_sockopt',
  'cgroup/setsockopt': 'cgroup_sockopt',
  'cgroup/bind4': 'cgroup_sock_addr',
  'cgroup/bind6': 'cgroup_sock_addr',
  'cgroup/connect4': 'cgroup_sock_addr',
  'cgroup/connect6': 'cgroup_sock_addr',
  'cgroup/sendmsg4': 'cgroup_sock_addr',
  'cgroup/sendmsg6': 'cgroup_sock_addr',
  'cgroup/recvmsg4': 'cgroup_sock_addr',
  'cgroup/recvmsg6': 'cgroup_sock_addr',
  'cgroup/getpeername4': 'cgroup_sock_addr',
  'cgroup/getpeername6': 'cgroup_sock_addr',
  'cgroup/getsockname4': 'cgroup_sock_addr',
  'cgroup/getsockname6': 'cgroup_sock_addr',
  struct_ops: 'struct_ops',
  'struct_ops.s': 'struct_ops',
  sk_lookup: 'sk_lookup',
  netfilter: 'netfilter',
};

/** The program type that a section name says, as libbpf guesses it (a leading `?` marks programs that are not loaded by default); null when it says nothing. */
export function programTypeOf(section: string): string | null {
  const name = section.replace(/^\?/, '');
  const exact = Object.hasOwn(sectionTypes, name) ? sectionTypes[name] : undefined;
  if (exact !== undefined) return exact;
  const slash = name.indexOf('/');
  if (slash < 0) return null;
  const prefix = name.slice(0, slash);
  return Object.hasOwn(sectionTypes, prefix) ? (sectionTypes[prefix] ?? null) : null;
}

const wantsFrags = (section: string): boolean => /^\??xdp\.frags(\/|$)/.test(section);

/** The entry functions of an object: what lies in executable sections other than `.text`, which holds subprograms. */
export function readPrograms(elf: ElfObject): ProgramSchema[] {
  const sections = elf.sections.filter((section) => isExecutable(section) && section.name !== '.text');
  return sections.flatMap((section) =>
    elf.symbols
      .filter((symbol) => symbol.kind === 'function' && symbol.section === section.index && !symbol.local)
      .sort((a, b) => a.offset - b.offset)
      .map((symbol) => ({
        name: symbol.name,
        section: section.name,
        type: programTypeOf(section.name),
        ...(wantsFrags(section.name) && { frags: true }),
      })),
  );
}

/**
 * The hooks that a program can be deployed on. A section that says nothing leaves it to the hook (objects written for
 * L3AFD have such names); a `sched_act` program takes the same context as `sched_cls` and is loaded as one.
 */
export function hooksOf(program: Pick<ProgramSchema, 'type'>): Hook[] {
  switch (program.type) {
    case null:
      return ['xdp', 'tc-ingress', 'tc-egress'];
    case 'xdp':
      return ['xdp'];
    case 'sched_cls':
    case 'sched_act':
      return ['tc-ingress', 'tc-egress'];
    default:
      return [];
  }
}
