import type { DesiredKf, Explanation, Hook } from '@l3af/contracts';
import type { HookTarget } from '@l3af/kernel';
import type { ArtifactStore } from '../artifact/artifact-store';
import type { AppliedChain } from '../chain/plan';
import { byteChanges } from './byte-changes';
import { loadShadow } from './shadow';
import { endOfChain, head, passedBy, type Step, verdictName } from './steps';

export interface ExplainRequest {
  target: HookTarget;
  generation: number;
  applied: AppliedChain;
  artifacts: ArtifactStore;
  packet: Uint8Array;
}

/**
 * Runs a packet through a shadow of the live chain, one KF after the other as the glue would: the live chain, its
 * counters and its maps are not touched. What KFs hand on beside the packet (XDP metadata) is not.
 */
export async function explain(request: ExplainRequest): Promise<Explanation> {
  const { target, applied, generation } = request;
  const steps: Step[] = [];
  let packet = request.packet;
  let context = firstContext(target.hook);
  let verdict = endOfChain(target.hook, undefined);
  let leftAt: string | undefined;
  for (const kf of applied.kfs) {
    if (!kf.enabled) {
      steps.push(passedBy(kf, packet.length));
      continue;
    }
    const run = await runKf(request, kf, { packet, context });
    steps.push(run.step);
    packet = run.packet;
    context = run.context;
    if (!run.step.proceeded) {
      verdict = run.step.verdict ?? verdict;
      leftAt = kf.name;
      break;
    }
    verdict = endOfChain(target.hook, run.step.verdict);
  }
  const { interface: name, hook } = target;
  return {
    interface: name,
    hook,
    revision: applied.revision,
    generation,
    steps,
    verdict,
    ...(leftAt !== undefined && { leftAt }),
    packet: Buffer.from(packet).toString('hex'),
  };
}

interface Running {
  packet: Uint8Array;
  context: Uint8Array | undefined;
}

async function runKf(
  request: ExplainRequest,
  kf: DesiredKf,
  { packet, context }: Running,
): Promise<Running & { step: Step }> {
  const { target, generation } = request;
  const artifact = await request.artifacts.get(kf);
  const { program, notes } = await loadShadow({ target, generation, kf, artifact });
  try {
    const result = program.testRun({ dataIn: packet, ...(context && { ctx: context }) });
    const verdict = verdictName(target.hook, result.verdict);
    const step = {
      ...head(kf),
      verdict,
      proceeded: kf.proceedOn.includes(verdict),
      nanoseconds: result.durationNs,
      changes: byteChanges(packet, result.dataOut),
      lengthBefore: packet.length,
      lengthAfter: result.dataOut.length,
      notes,
    };
    return { step, packet: result.dataOut, context: context && nextContext(result.ctxOut) };
  } finally {
    program.close();
  }
}

/** `struct __sk_buff`: what a KF may set for the next one, as offset and size. */
const skb = {
  bytes: 192,
  handedOn: [
    { name: 'mark', at: 8, bytes: 4 },
    { name: 'priority', at: 32, bytes: 4 },
    { name: 'cb', at: 48, bytes: 20 },
  ],
};

const firstContext = (hook: Hook): Uint8Array | undefined =>
  hook === 'xdp' ? undefined : new Uint8Array(skb.bytes);

/** BPF_PROG_TEST_RUN takes back only some fields of the context that it gives out. */
function nextContext(out: Uint8Array | undefined): Uint8Array {
  const next = new Uint8Array(skb.bytes);
  if (out) for (const { at, bytes } of skb.handedOn) next.set(out.subarray(at, at + bytes), at);
  return next;
}
